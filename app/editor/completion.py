"""What can be written where the cursor is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...behaviors.node import NODES
from ...behaviors.ports import COMMON_KEYS, HOOK_KEYS, VALUE_TYPES, Port
from ...trees.colors import COLORS
from ...trees.editing.roles import Kind, below
from ...trees.language.node_names import NodeNames
from ...trees.language.tree_header import FORMS, HEADER
from ...trees.node_types import COMMON_PORTS, NodeType
from ...trees.reading.document import Scalar
from ...trees.spec import TreeSpec
from ..authoring.schema import COMMON_ABOUT, HEADER_ABOUT, default_text, markdown, port_line
from .cursor import Cursor, Frame, Spot, cursor_at, spot_of
from .workspace import Analysis

_ENTRY_BEFORE: Final = re.compile(r"\$(?:\{\s*)?@?([A-Za-z_0-9]*)$")
_WORD_BEFORE: Final = re.compile(r"[A-Za-z_0-9]*$")
_WORD_AFTER: Final = re.compile(r"[A-Za-z_0-9]*")
_MENTIONED: Final = re.compile(r"\$(?:\{\s*)?@?([A-Za-z_][A-Za-z0-9_]*)")
_FIELDS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("inputs",): ("type", "default", "choices", "min", "max", "about"),
    ("outputs",): ("type", "about"),
    ("nodes",): ("id", "kind", "about", "ports", "metadata", "open"),
    ("include",): ("path", "ros_pkg"),
    ("xml",): ("form",),
}
_PORT_FIELDS: Final = ("direction", "type", "default", "about")
_WORDS: Final = {
    "dialect": ("bt",),
    "knothole": ("1",),
    "form": FORMS,
    "type": (*VALUE_TYPES, *(f"list[{each}]" for each in VALUE_TYPES)),
    "kind": ("action", "condition", "control", "decorator", "subtree"),
    "direction": ("in", "out", "inout"),
}
_LOAD_TIME: Final = {
    "for": ("item", "in", "do"),
    "if": ("is", "then", "else"),
}


@dataclass(frozen=True)
class Suggestion:
    """One thing that can be written.

    Attributes:
        label: What the list shows.
        kind: ``node``, ``port``, ``key``, ``value``, ``entry`` or ``tree``.
        insert: What is written instead of what was typed; a snippet with ``$1`` and ``${1:word}`` where ``snippet``.
        start: Index of the text from where it is replaced, up to the cursor.
        detail: A few words.
        about: A page, in Markdown.
        snippet: Whether ``insert`` is a snippet.
        rank: Position in the list; those of one rank are sorted by their label.
    """

    label: str
    kind: str
    insert: str
    start: int
    detail: str = ""
    about: str = ""
    snippet: bool = False
    rank: int = 1


def complete(text: str, index: int, analysis: Analysis | None) -> list[Suggestion]:
    """Return what can be written at an index of a text.

    Args:
        text: The text as it stands, broken or not.
        index: Where the cursor is.
        analysis: What the checker made of it last.
    """
    cursor = cursor_at(text, index)
    if cursor.part == "none":
        return []
    found = list(_Completion(text, index, cursor, analysis).suggestions())
    return sorted(found, key=lambda each: (each.rank, each.label))


class _Completion:
    def __init__(self, text: str, index: int, cursor: Cursor, analysis: Analysis | None) -> None:
        self.text, self.index, self.cursor, self.analysis = text, index, cursor, analysis
        self.spot: Spot = spot_of(cursor.frames)
        self.names = analysis.loader.names() if analysis is not None else NodeNames()
        self.word = index - len(cursor.typed)

    def suggestions(self) -> Iterator[Suggestion]:
        entry = _ENTRY_BEFORE.search(self.cursor.typed)
        if entry is not None and self.cursor.part != "key":
            yield from self.entries(self.index - len(entry[1]), "")
        elif self.cursor.part == "text":
            yield from self.script_names()
        elif self.cursor.part == "key":
            yield from self.keys()
        elif self.cursor.part == "value":
            yield from self.values()

    def keys(self) -> Iterator[Suggestion]:
        kind, inner = self.spot.role.kind, self.cursor.inner
        if inner is not None and not inner.mapping:
            if kind is Kind.NODES:
                yield from self.nodes()
            elif self.entry_wanted(inner):
                yield from self.entries(self.word, "$")
            return
        taken = self.taken()
        if kind is Kind.DOCUMENT:
            yield from self.words([key for key in HEADER if key not in taken], HEADER_ABOUT, colon=True)
        elif kind is Kind.NODE:
            typed = [key for key in taken if key not in COMMON_KEYS]
            if not typed:
                yield from self.nodes()
            keys = [key for key in COMMON_KEYS if key not in taken]
            about = {**{name: port.about for name, port in COMMON_PORTS.items()}, **COMMON_ABOUT}
            yield from self.words(keys, about, colon=True, rank=1 if typed else 2)
        elif kind is Kind.PORTS and self.spot.type in _LOAD_TIME:
            yield from self.words([key for key in _LOAD_TIME[self.spot.type] if key not in taken], {}, colon=True)
        elif kind is Kind.PORTS:
            yield from self.ports(taken)
        elif self.spot.type in ("use", "bt.SubTree") and kind is Kind.DATA:
            yield from self.of_used_tree(taken)
        else:
            yield from self.words([key for key in self.fields() if key not in taken], {}, colon=True)

    def taken(self) -> set[str]:
        """Return the keys of the mapping in hand; those below the cursor count as well."""
        inner = self.cursor.inner
        if inner is None or not inner.mapping:
            return set()
        found = set(inner.keys)
        if not inner.flow:
            for line in re.split("\r\n|[\n\r]", self.text[self.index :])[1:]:
                indent = len(line) - len(line.lstrip(" "))
                if line.strip() and indent < inner.column:
                    break
                key = re.match(r"\s*([A-Za-z_.][\w.]*)[ \t]*:(?:\s|$)", line)
                if key is not None and indent == inner.column:
                    found.add(key[1])
        return found

    def nodes(self) -> Iterator[Suggestion]:
        """Suggest nodes with the ports that they need."""
        for name in sorted({*NODES, *self.names.declared}):
            kind = self.names.find(name)
            if kind is None:
                continue
            insert = node_snippet(kind, self.cursor.inner)
            rank = 0 if not kind.dialect or kind.dialect == "stub" else 1
            yield Suggestion(name, "node", insert, self.word, kind.kind, markdown(kind), "$" in insert, rank)
        for name, insert in (
            ("for", "for:\n  item: ${1:name}\n  in: [$2]\n  do:\n    - $0"),
            ("if", "if:\n  is: $1\n  then:\n    - $0"),
        ):
            yield Suggestion(name, "node", insert, self.word, "when the file is loaded", "", True, 2)

    def ports(self, taken: set[str]) -> Iterator[Suggestion]:
        kind = self.names.find(self.spot.type)
        for port in kind.ports.values() if kind is not None else ():
            if port.name not in taken:
                insert = f"{port.name}: "
                if port.direction == "out" or port.type == "variable":
                    insert += f"\\$${{1:{port.name}}}"
                elif not (self.cursor.inner and self.cursor.inner.flow) and port.type == "nodes":
                    insert = f"{port.name}:\n  - $1"
                yield Suggestion(
                    port.name,
                    "port",
                    insert,
                    self.word,
                    port.form,
                    port_line(port),
                    "$" in insert,
                    0 if port.required else 1,
                )

    def of_used_tree(self, taken: set[str]) -> Iterator[Suggestion]:
        """Suggest the inputs or outputs of the tree that a ``use`` names."""
        outer = self.cursor.frames[-2].keys if len(self.cursor.frames) > 1 else {}
        tree = self.analysis.loader.named(outer["tree"]) if self.analysis is not None and outer.get("tree") else None
        if tree is None:
            return
        declared = tree.inputs if self.spot.keys[-1] == "inputs" else tree.outputs
        for each in declared:
            if each.name not in taken:
                out = self.spot.keys[-1] == "outputs"
                insert = f"{each.name}: \\$${{1:{each.name}}}" if out else f"{each.name}: "
                yield Suggestion(each.name, "port", insert, self.word, str(each.type), each.about, out)

    def fields(self) -> tuple[str, ...]:
        keys = self.spot.keys
        if keys[:1] == ("nodes",) and len(keys) == 4:
            return _PORT_FIELDS
        depth = 1 if keys[:1] in (("include",), ("xml",)) else 2
        return _FIELDS.get(keys[:1], ()) if len(keys) == depth else ()

    def values(self) -> Iterator[Suggestion]:
        frame = self.cursor.inner
        if frame is None or not frame.mapping:
            return
        key = Scalar(frame.key, "plain", 1, 1, 1, 1)
        role = below(self.spot.role, key, key)
        if role.kind is Kind.NODE:
            yield from self.bare_nodes()
        elif frame.key in ("main",) and self.spot.role.kind is Kind.DOCUMENT:
            yield from self.trees()
        elif self.spot.role.kind is Kind.NODE:
            port = COMMON_PORTS.get(frame.key)
            kind = self.names.find(frame.key) if port is None else None
            yield from self.port_values(kind, port or (kind.main if kind is not None else None))
        elif self.spot.role.kind is Kind.PORTS:
            kind = self.names.find(self.spot.type)
            yield from self.port_values(kind, kind.ports.get(frame.key) if kind is not None else None)
        elif self.spot.type == "use" and self.spot.keys[-1] in ("inputs", "outputs"):
            yield from self.entries(self.word, "$")
        elif frame.key in _WORDS and (self.spot.role.kind is Kind.DOCUMENT or self.fields()):
            yield from self.words(_WORDS[frame.key], {})

    def port_values(self, kind: NodeType | None, port: Port | None) -> Iterator[Suggestion]:
        if port is None:
            return
        if kind is not None and (kind.name, port.name) in (("use", "tree"), ("bt.SubTree", "ID")):
            yield from self.trees()
            return
        words = port.choices or (("true", "false") if port.type == "bool" else ())
        if port.type == "color":
            words = tuple(COLORS)
        default = default_text(port)
        for word in words:
            yield Suggestion(
                word, "value", word, self.word, "default" if word == default else "", rank=0 if word == default else 1
            )
        if port.type == "script":
            yield from self.script_names()
        elif port.type not in ("node", "nodes") and not self.cursor.typed:
            yield from self.entries(self.word, "$")
        if port.or_node:
            yield from (each for each in self.bare_nodes() if each.label not in words)

    def entry_wanted(self, inner: Frame) -> bool:
        return inner.flow and self.cursor.typed.startswith("$")

    def bare_nodes(self) -> Iterator[Suggestion]:
        """Suggest nodes behind a colon: alone, or on the next line with the ports that they need."""
        frame = self.cursor.inner
        for each in self.nodes():
            bare = ":" not in each.insert
            indent = " " * ((frame.column if frame else 0) + 2)
            insert = each.insert if bare else "\n" + indent + each.insert.replace("\n", "\n" + indent)
            if bare or not (frame and frame.flow):
                yield Suggestion(
                    each.label, each.kind, insert, each.start, each.detail, each.about, each.snippet, each.rank
                )

    def trees(self) -> Iterator[Suggestion]:
        if self.analysis is None:
            return
        for name in self.analysis.loader.tree_names():
            plain = re.fullmatch(r"[\w-]+", name) or self.cursor.quote
            yield Suggestion(name, "tree", name if plain else f'"{name}"', self.word, "tree")

    def entries(self, start: int, dollar: str) -> Iterator[Suggestion]:
        """Suggest the entries that the tree mentions."""
        before = self.text[:start].endswith("{")
        known = self.known_entries()
        for name in sorted(known):
            close = "}" if before and not self.text[self.index :].startswith("}") else ""
            yield Suggestion(dollar + name, "entry", dollar + name + close, start, known[name])

    def script_names(self) -> Iterator[Suggestion]:
        found = _WORD_BEFORE.search(self.cursor.typed)
        in_script = self.spot.type.startswith("bt.") or "script" in self.spot.keys
        frame = self.cursor.inner
        kind = self.names.find(self.spot.type or (frame.key if frame else ""))
        port = kind.ports.get(frame.key) if kind is not None and frame is not None else None
        if found is not None and in_script and (port is None or port.type == "script"):
            yield from self.entries(self.index - len(found[0]), "")

    def known_entries(self) -> dict[str, str]:
        """Return the entries of the document in hand with their types; what is typed at the moment is none."""
        around = _document(self.text, self.index)
        text = self.text[around[0] : self.index] + "\n" + self.text[self.index : around[1]]
        typed = _ENTRY_BEFORE.search(self.text[around[0] : self.index])
        now = typed[1] + _WORD_AFTER.match(self.text[self.index :])[0] if typed else ""  # type: ignore[index]
        counts: dict[str, int] = {}
        for found in _MENTIONED.finditer(text):
            counts[found[1]] = counts.get(found[1], 0) + 1
        if typed and typed[1] in counts and not (now != typed[1] and counts.get(now)):
            counts[typed[1]] -= 1
        known = {name: "" for name, count in counts.items() if count} | _declared(text)
        tree = self.tree()
        if tree is not None:
            known |= dict.fromkeys(tree.params, "")
            known |= {each.name: str(each.type) for each in tree.outputs}
            known |= {each.name: str(each.type) for each in tree.inputs}
        return known

    def tree(self) -> TreeSpec | None:
        trees = self.analysis.trees if self.analysis is not None else ()
        return trees[self.cursor.document] if self.cursor.document < len(trees) else None

    def words(
        self, words: Iterable[str], about: Mapping[str, str], colon: bool = False, rank: int = 1
    ) -> Iterator[Suggestion]:
        for word in words:
            insert = word
            if colon:
                block = word in ("root", "inputs", "outputs", "nodes", "constants", *HOOK_KEYS)
                flow = self.cursor.inner is not None and self.cursor.inner.flow
                insert = f"{word}:\n  " if block and not flow else f"{word}: "
            yield Suggestion(word, "key" if colon else "value", insert, self.word, "", about.get(word, ""), rank=rank)


def node_snippet(kind: NodeType, frame: Frame | None) -> str:
    """Return a node with the ports that it needs, to be filled in."""
    required = [port for port in kind.ports.values() if port.required]
    flow = frame is not None and frame.flow
    if kind.listed is not None and required in ([], [kind.listed]):
        return f"{kind.name}: [$1]" if flow else f"{kind.name}:\n  - $1"
    if kind.main is not None and required == [kind.main]:
        return f"{kind.name}: {_blank(kind.main, 1)}"
    if not required:
        return kind.name
    parts = [(port, f"{port.name}: {_blank(port, number)}") for number, port in enumerate(required, 1)]
    if not any(port.type in ("node", "nodes") for port, _ in parts):
        return f"{kind.name}: {{{', '.join(part for _, part in parts)}}}"
    lines = [
        f"  {part}" if port.type != "nodes" else f"  {port.name}:\n    - ${number}"
        for number, (port, part) in enumerate(parts, 1)
    ]
    return f"{kind.name}: {{{', '.join(part for _, part in parts)}}}" if flow else "\n".join([f"{kind.name}:", *lines])


def _blank(port: Port, number: int) -> str:
    if port.choices:
        return f"${{{number}|{','.join(port.choices)}|}}"
    if port.direction == "out" or port.type == "variable":
        return f"\\$${{{number}:{port.name}}}"
    if port.type == "text" or port.type == "expression":
        return f'"${number}"'
    return f"${number}"


def _declared(text: str) -> dict[str, str]:
    """Return the inputs, outputs and parameters of a document that may be broken, with their types."""
    found: dict[str, str] = {}
    for section in re.finditer(r"^(?:inputs|outputs|params):(.*(?:\n(?:[ \t].*)?)*)", text, re.MULTILINE):
        indents = [len(indent) for indent in re.findall(r"^([ ]+)\S", section[1], re.MULTILINE)]
        begin = rf"^[ ]{{{min(indents)}}}" if indents else r"[{,][ ]*"
        for entry in re.finditer(
            begin + r"([A-Za-z_]\w*):(?:[^\n]*?\btype:[ ]*([\w\[\]]+))?", section[1], re.MULTILINE
        ):
            found[entry[1]] = entry[2] or ""
    return found


def _document(text: str, index: int) -> tuple[int, int]:
    """Return where the document around an index begins and ends."""
    marks = [found.start() for found in re.finditer(r"^---(?=\s|$)", text, re.MULTILINE)]
    return max((mark for mark in marks if mark < index), default=0), min(
        (mark for mark in marks if mark >= index), default=len(text)
    )
