"""Where the entries of a tree are mentioned: in ports, texts, expressions and scripts, to the column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ...behaviors.ports import CONDITION_KEYS, Port
from ...trees.editing.roles import DOCUMENT, Kind, Role, below, element
from ...trees.formulas.operators import ExpressionError
from ...trees.formulas.scripts import Script
from ...trees.language.common_grammar import is_common
from ...trees.language.constants import text_of
from ...trees.language.interpolation import whole_entry
from ...trees.language.node_names import NodeNames
from ...trees.node_types import BT_TEXT, COMMON_PORTS, NodeType
from ...trees.reading.document import Documents, Item, Items, Pairs, Scalar
from .text import Text

_ENTRY: Final = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{\s*)?(@?)([A-Za-z_][A-Za-z0-9_]*)")
_WORD: Final = re.compile(r"(?<![\w.$@])(@?)([A-Za-z_][A-Za-z0-9_]*)")
_LITERAL: Final = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
_ESCAPE: Final = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)", re.DOTALL)
_WORDS_ONLY: Final = ("name", "about", "meta")
_ANY: Final = Port("value", "any", "")


@dataclass(frozen=True)
class Mention:
    """One mention of an entry.

    Attributes:
        name: Entry name.
        root: True for ``$@name``.
        start: Index where the name begins, without its dollar; of ``$=`` the index behind the dollar.
        end: Index behind it.
        writes: Whether a value is bound or declared there.
        type: Port type of what is written, empty for none.
        same: True for ``$=``, which means the name of its port.
        where: What mentions it, for people.
    """

    name: str
    root: bool
    start: int
    end: int
    writes: bool
    type: str = ""
    same: bool = False
    where: str = ""


def mentions(documents: Documents, number: int, names: NodeNames, text: Text) -> list[Mention]:
    """Return the mentions of all entries of one document, in the order of the text."""
    finder = _Finder(documents, names, text)
    return sorted(finder.document(documents.roots[number]), key=lambda mention: mention.start)


def used_names(documents: Documents, tree: str, name: str, text: Text) -> Iterator[tuple[int, int]]:
    """Yield where ``use`` nodes of a file give a tree the input, or bind the output, ``name``."""
    for item, _, type in _walk(documents):
        if type == "use" and isinstance(item, Pairs):
            given = item.get("tree")
            if not isinstance(given, Scalar) or given.text != tree:
                continue
            for port in ("inputs", "outputs"):
                entries = item.get(port)
                for key, _ in entries.pairs if isinstance(entries, Pairs) else ():
                    if key.text == name:
                        start = text.index_of(key.line, key.column) + (key.style == "quoted")
                        yield start, start + len(name)


def _walk(documents: Documents) -> Iterator[tuple[Item, Role, str]]:
    """Yield all items of a file once, each with its role and the type key that it stands below."""
    waiting: list[tuple[Item, Role, str]] = [(root, DOCUMENT, "") for root in documents.roots]
    while waiting:
        item, role, type = waiting.pop()
        yield item, role, type
        if isinstance(item, Items):
            if not documents.anchors.get(id(item), "").startswith("*"):
                waiting.extend((each, element(role), "") for each in item.items)
        elif isinstance(item, Pairs) and not documents.anchors.get(id(item), "").startswith("*"):
            for key, value in item:
                inner = below(role, key, value)
                waiting.append((value, inner, key.text if inner.kind is Kind.PORTS else ""))


class _Finder:
    def __init__(self, documents: Documents, names: NodeNames, text: Text) -> None:
        self.documents, self.names, self.text = documents, names, text

    def document(self, root: Item) -> Iterator[Mention]:
        if not isinstance(root, Pairs):
            return
        waiting: list[tuple[Item, Role]] = []
        for key, value in root:
            if key.text in ("inputs", "outputs", "params") and isinstance(value, Pairs):
                for name, fields in value:
                    yield self.declared(name, fields, key.text)
            elif key.text == "root":
                waiting.append((value, below(DOCUMENT, key, value)))
        while waiting:
            item, role = waiting.pop()
            if isinstance(item, Scalar) or self.documents.anchors.get(id(item), "").startswith("*"):
                continue
            if isinstance(item, Items):
                waiting.extend((each, element(role)) for each in item.items)
            else:
                yield from self.node(item, role, waiting)

    def declared(self, key: Scalar, fields: Item, section: str) -> Mention:
        type = fields.get("type") if isinstance(fields, Pairs) else None
        start = self.text.index_of(key.line, key.column) + (key.style == "quoted")
        written = type.text if isinstance(type, Scalar) else ""
        where = {"inputs": "input", "outputs": "output", "params": "parameter"}[section]
        return Mention(key.text, False, start, start + len(key.text), section != "outputs", written, where=where)

    def node(self, item: Pairs, role: Role, waiting: list[tuple[Item, Role]]) -> Iterator[Mention]:
        for key, value in item:
            inner = below(role, key, value)
            if inner.kind in (Kind.NODE, Kind.NODES):
                waiting.append((value, inner))
            elif is_common(key, value):
                yield from self.common(key.text, value)
            elif key.text in ("for", "if") and isinstance(value, Pairs):
                for name, each in value:
                    if below(inner, name, each).kind in (Kind.NODE, Kind.NODES):
                        waiting.append((each, below(inner, name, each)))
            elif inner.kind is Kind.PORTS:
                yield from self.ports(key.text, value, inner, waiting)

    def common(self, key: str, value: Item) -> Iterator[Mention]:
        if key in _WORDS_ONLY:
            return
        script = value.get("script") if isinstance(value, Pairs) and key in CONDITION_KEYS else None
        if isinstance(script, Scalar):
            yield from self.script(script, key)
        elif key in COMMON_PORTS:
            yield from self.value(value, COMMON_PORTS[key], key)

    def ports(self, type: str, value: Item, role: Role, waiting: list[tuple[Item, Role]]) -> Iterator[Mention]:
        kind = self.names.find(type)
        if isinstance(value, Scalar):
            main = kind.main if kind is not None else None
            yield from self.port(kind, main or _ANY, value, type)
            return
        for key, each in value if isinstance(value, Pairs) else ():
            inner = below(role, key, each)
            if inner.kind in (Kind.NODE, Kind.NODES):
                waiting.append((each, inner))
            elif type == "use" and key.text == "outputs" and isinstance(each, Pairs):
                for _, bound in each:
                    yield from self.value(bound, Port("output", "any", "", "out"), "use")
            else:
                known = kind.ports.get(key.text) if kind is not None else None
                port = known or Port(key.text if key.text not in COMMON_PORTS else "value", "any", "", "inout")
                yield from self.port(kind, port, each, type, key.text)

    def port(self, kind: NodeType | None, port: Port, value: Item, type: str, name: str = "") -> Iterator[Mention]:
        as_bt = kind is None or kind.dialect in BT_TEXT
        if as_bt and isinstance(value, Scalar) and port.type not in ("script", "expression"):
            written = text_of(value)
            if written == "$=" and name:
                start = self.raw(value)[1].find("$=") + self.raw(value)[0] + 1
                yield Mention(name, False, start, start + 1, port.direction != "in", port.type, True, type)
                return
            if whole_entry(written) is None:
                return
        yield from self.value(value, port, type)

    def value(self, value: Item, port: Port, where: str) -> Iterator[Mention]:
        """Yield the mentions in the value of a port."""
        if isinstance(value, Scalar):
            if port.type == "script":
                yield from self.script(value, where)
                return
            start, raw = self.raw(value)
            if port.type == "expression":
                raw = _hide_literals(raw, value.style)
            writes = port.direction != "in" or port.type == "variable"
            for found in _ENTRY.finditer(raw):
                begin = start + found.start(2)
                kind = port.type if writes else ""
                yield Mention(found[2], bool(found[1]), begin, start + found.end(2), writes, kind, where=where)
        elif isinstance(value, Items):
            for each in value.items:
                yield from self.value(each, port, where)
        elif not self.documents.anchors.get(id(value), "").startswith("*"):
            for _, each in value:
                yield from self.value(each, port, where)

    def script(self, value: Scalar, where: str) -> Iterator[Mention]:
        try:
            script = Script(text_of(value))
        except ExpressionError:
            return
        start, raw = self.raw(value)
        raw, at = _hide_literals(raw, value.style), 0
        for name in script.names():
            wanted = ("@" if name.root else "") + name.name
            found = next((word for word in _WORD.finditer(raw, at) if word[0] == wanted), None)
            if found is None:
                return
            at = found.end()
            writes = name.name in script.writes and re.match(r"\s*(?::=|[-+*/]?=(?!=))", raw[at:]) is not None
            kind = "any" if writes else ""
            yield Mention(name.name, name.root, start + found.start(2), start + at, writes, kind, where=where)

    def raw(self, value: Scalar) -> tuple[int, str]:
        """Return where a scalar begins and its text as written, with all that is not its text blanked out."""
        start = self.text.index_of(value.line, value.column)
        raw = self.text.text[start : self.text.index_of(value.end_line, value.end_column)]
        raw = re.sub(r"\A&\S+", lambda found: " " * len(found[0]), raw)
        if value.style == "block":
            head = re.match(r"[^\r\n]*", raw)
            return start, " " * head.end() + raw[head.end() :] if head else raw
        if raw.lstrip().startswith('"'):
            raw = _ESCAPE.sub(lambda found: " " * len(found[0]), raw)
        return start, raw


def _hide_literals(raw: str, style: str) -> str:
    """Blank out the texts in quotes inside an expression or script; the quotes of YAML itself are none."""
    inner, shift = raw, 0
    if style == "quoted":
        shift = len(raw) - len(raw.lstrip()) + 1
        inner = raw[shift : len(raw.rstrip()) - 1]
        if raw.lstrip().startswith("'"):
            inner = inner.replace("''", "' ")
    hidden = _LITERAL.sub(lambda found: " " * len(found[0]), inner)
    return raw[:shift] + hidden + raw[shift + len(inner) :]
