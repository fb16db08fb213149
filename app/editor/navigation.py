"""What the cursor stands on: explain it, go to it, list its mentions, rename it; and the outline of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..._base import KnotholeError
from ...behaviors.ports import COMMON_KEYS
from ...trees.editing.roles import DOCUMENT, Kind, Role, below, element
from ...trees.language.common_grammar import is_common
from ...trees.node_types import COMMON_PORTS, NodeType
from ...trees.reading.document import Documents, Item, Items, Pairs, Scalar
from ...trees.spec import TreeSpec
from ..authoring.schema import COMMON_ABOUT, HEADER_ABOUT, markdown, port_line
from .mentions import Mention, mentions, used_names
from .text import Text
from .workspace import Analysis, Workspace

_ENTRY_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Span:
    """A part of a file, from index to index of its text."""

    path: str
    text: Text
    start: int
    end: int


@dataclass(frozen=True)
class Page:
    """What is said of the thing at the cursor, in Markdown, and where that thing stands."""

    words: str
    start: int
    end: int


@dataclass(frozen=True)
class Symbol:
    """A part of the outline: a tree or a node."""

    name: str
    detail: str
    start: int
    end: int
    head: tuple[int, int]
    kind: str
    below: list[Symbol] = field(default_factory=list)


@dataclass(frozen=True)
class _Thing:
    """What the cursor stands on: a key or scalar with its role and the type key of the node that it is in."""

    item: Scalar
    is_key: bool
    role: Role
    type: str
    key: str
    document: int
    keys: tuple[str, ...]
    value: Item


def explain(analysis: Analysis, index: int) -> Page | None:
    """Return a page on what stands at an index, None where there is nothing to say."""
    mention = mention_at(analysis, index)
    if mention is not None:
        return Page(_of_entry(analysis, mention), mention.start - (not _is_declared(mention)), mention.end)
    thing = _thing_at(analysis, index)
    if thing is None:
        return None
    words = _of_key(analysis, thing) if thing.is_key else _of_value(analysis, thing)
    start, end = _range(analysis, thing.item)
    return Page(words, start, end) if words else None


def definition(workspace: Workspace, analysis: Analysis, path: str, index: int) -> Span | None:
    """Return where the thing at an index is defined: a tree, a declared node, or the first writer of an entry."""
    mention = mention_at(analysis, index)
    if mention is not None:
        found = _of_same(analysis, mention, index)
        first = next((each for each in found if each.writes), found[0])
        return Span(path, analysis.text, first.start, first.end)
    thing = _thing_at(analysis, index)
    if thing is None:
        return None
    if not thing.is_key and _names_tree(thing):
        tree = analysis.loader.named(thing.item.text)
        return _tree_span(workspace, tree) if tree is not None else None
    if (thing.is_key or thing.role.kind is Kind.NODE) and thing.item.text in analysis.loader.names().declared:
        return _declaration(workspace, analysis, thing.item.text, path)
    return None


def references(analysis: Analysis, path: str, index: int) -> list[Span]:
    """Return all mentions of the entry, or all uses of the tree, that stands at an index."""
    mention = mention_at(analysis, index)
    if mention is not None:
        return [Span(path, analysis.text, each.start, each.end) for each in _of_same(analysis, mention, index)]
    thing = _thing_at(analysis, index)
    if thing is None or not (_names_tree(thing) or (thing.role.kind is Kind.DOCUMENT and thing.key == "tree")):
        return []
    assert analysis.documents is not None
    same = [each for each in _things(analysis.documents) if not each.is_key and each.item.text == thing.item.text]
    named = [each for each in same if _names_tree(each) or (each.role.kind is Kind.DOCUMENT and each.key == "tree")]
    return [Span(path, analysis.text, *_range(analysis, each.item)) for each in named]


def rename(analysis: Analysis, index: int, name: str) -> list[tuple[int, int, str]]:
    """Return the edits (start, end, new text) that give the entry at an index another name in its tree.

    Inputs and outputs are renamed in the ``use`` nodes of the same file as well; other files are left alone.

    Raises:
        KnotholeError: There is no entry, the name is none, or the tree has an entry of that name.
    """
    mention = mention_at(analysis, index)
    if mention is None:
        raise KnotholeError("only an entry of the blackboard can be renamed, such as $cup")
    name = name.removeprefix("$").removeprefix("@")
    if not _ENTRY_NAME.match(name):
        raise KnotholeError(f"{name!r} is no name of an entry: use letters, digits and _")
    number = _document_at(analysis, index)
    everything = _all(analysis, number)
    if any(each.name == name and each.root == mention.root for each in everything) and name != mention.name:
        raise KnotholeError(f"this tree has an entry ${name} already")
    same = [each for each in everything if each.name == mention.name and each.root == mention.root]
    edits = [(each.start, each.end, name) for each in same]
    tree = _tree_name(analysis, number)
    if tree and any(_is_declared(each) for each in same):
        assert analysis.documents is not None
        used = used_names(analysis.documents, tree, mention.name, analysis.text)
        edits += [(start, end, name) for start, end in used]
    return sorted(set(edits))


def mention_at(analysis: Analysis, index: int) -> Mention | None:
    """Return the mention of an entry that stands at an index; its dollar belongs to it."""
    for each in _all(analysis, _document_at(analysis, index)):
        before = analysis.text.text[: each.start]
        begin = each.start - (0 if _is_declared(each) else 2 if before.endswith(("${", "$@")) else 1)
        if begin <= index <= each.end:
            return each
    return None


def outline(analysis: Analysis) -> list[Symbol]:
    """Return the trees of a file, each with its nodes."""
    found: list[Symbol] = []
    for root in analysis.documents.roots if analysis.documents is not None else ():
        if not isinstance(root, Pairs):
            continue
        name = root.get("tree")
        at = name if isinstance(name, Scalar) else root
        head = _range(analysis, at) if isinstance(at, Scalar) else (_start(analysis, root), _start(analysis, root))
        symbol = Symbol(
            name.text if isinstance(name, Scalar) and name.text else "tree",
            "tree",
            _start(analysis, root),
            _end(analysis, root),
            head,
            "tree",
        )
        for key, value in root:
            if key.text == "root":
                symbol.below.extend(_nodes(analysis, value, below(DOCUMENT, key, value)))
        found.append(symbol)
    return found


def _things(documents: Documents) -> Iterator[_Thing]:
    """Yield all keys and scalars of a file."""
    waiting: list[tuple[Item, Role, str, int, tuple[str, ...]]] = [
        (root, DOCUMENT, "", number, ()) for number, root in enumerate(documents.roots)
    ]
    while waiting:
        item, role, type, number, keys = waiting.pop()
        if documents.anchors.get(id(item), "").startswith("*"):
            continue
        if isinstance(item, Scalar):
            yield _Thing(item, False, role, type, "", number, keys, item)
        elif isinstance(item, Items):
            waiting.extend((each, element(role), "", number, keys) for each in item.items)
        else:
            for key, value in item:
                yield _Thing(key, True, role, type, key.text, number, keys, value)
                inner = below(role, key, value)
                own = key.text if role.kind is Kind.NODE and not is_common(key, value) else ""
                if not isinstance(value, Scalar):
                    waiting.append((value, inner, own or type, number, (*keys, key.text)))
                elif inner.kind is Kind.NODE:
                    yield _Thing(value, False, inner, "", key.text, number, keys, value)
                else:
                    yield _Thing(value, False, role, own or type, key.text, number, keys, value)


def _thing_at(analysis: Analysis, index: int) -> _Thing | None:
    assert analysis.documents is not None
    for thing in _things(analysis.documents):
        start, end = _range(analysis, thing.item)
        if start <= index <= end and start < end:
            return thing
    return None


def _range(analysis: Analysis, item: Scalar) -> tuple[int, int]:
    start = analysis.text.index_of(item.line, item.column)
    end = analysis.text.index_of(item.end_line, item.end_column)
    return start, max(start, end - (end - start - len(analysis.text.text[start:end].rstrip())))


def _document_at(analysis: Analysis, index: int) -> int:
    """Return the number of the document that an index stands in."""
    assert analysis.documents is not None
    starts = [_start(analysis, root) for root in analysis.documents.roots]
    return max((number for number, start in enumerate(starts) if start <= index), default=0)


def _start(analysis: Analysis, item: Item) -> int:
    return analysis.text.index_of(item.line, item.column)


def _end(analysis: Analysis, item: Item) -> int:
    """Return the index behind the last scalar of an item."""
    last = item
    while not isinstance(last, Scalar):
        inner = last.items if isinstance(last, Items) else [each for pair in last.pairs for each in pair]
        if not inner:
            return _start(analysis, last) + 2
        last = inner[-1] if not isinstance(inner[-1], Scalar) or inner[-1].text or len(inner) < 2 else inner[-2]
    return max(_range(analysis, last)[1], _start(analysis, item))


def _all(analysis: Analysis, number: int) -> list[Mention]:
    assert analysis.documents is not None
    return mentions(analysis.documents, number, analysis.loader.names(), analysis.text)


def _of_same(analysis: Analysis, mention: Mention, index: int) -> list[Mention]:
    found = _all(analysis, _document_at(analysis, index))
    return [each for each in found if each.name == mention.name and each.root == mention.root]


def _is_declared(mention: Mention) -> bool:
    return mention.where in ("input", "output", "parameter")


def _tree_name(analysis: Analysis, number: int) -> str:
    assert analysis.documents is not None
    root = analysis.documents.roots[number]
    name = root.get("tree") if isinstance(root, Pairs) else None
    return name.text if isinstance(name, Scalar) else ""


def _names_tree(thing: _Thing) -> bool:
    """Tell whether a scalar names a tree that is used."""
    if thing.role.kind is Kind.DOCUMENT:
        return thing.key == "main"
    if thing.role.kind is Kind.NODE:
        return thing.key in ("use", "bt.SubTree") and thing.type == thing.key
    return thing.role.kind is Kind.PORTS and (thing.type, thing.key) in (("use", "tree"), ("bt.SubTree", "ID"))


def _tree_span(workspace: Workspace, tree: TreeSpec) -> Span:
    text = workspace.text_of(tree.file)
    named = re.search(rf"^tree:[ \t]+[\"']?({re.escape(tree.name)})[\"']?[ \t]*(?:#.*)?\r?$", text.text, re.MULTILINE)
    start, end = named.span(1) if named is not None else (text.index_of(tree.root.place.line, 1),) * 2
    return Span(tree.file, text, start, end)


def _declaration(workspace: Workspace, analysis: Analysis, name: str, path: str) -> Span | None:
    """Return where a node is declared: in this file, else in one that it includes."""
    assert analysis.documents is not None
    for thing in _things(analysis.documents):
        if thing.is_key and thing.role.kind is Kind.DECLARATIONS and thing.item.text == name:
            return Span(path, analysis.text, *_range(analysis, thing.item))
    for file in sorted(analysis.loader.files()):
        text = workspace.text_of(file)
        word = re.escape(name)
        found = re.search(rf"^[ ]+[\"']?({word})[\"']?:|\bID=\"({word})\"", text.text, re.MULTILINE)
        if found is not None and re.search(r"^nodes:|<TreeNodesModel", text.text, re.MULTILINE):
            return Span(file, text, *found.span(1 if found[1] else 2))
    return None


def _of_entry(analysis: Analysis, mention: Mention) -> str:
    same = _of_same(analysis, mention, mention.start)
    types = [each.type for each in same if each.writes and each.type not in ("", "any")]
    lines = [f"**${'@' if mention.root else ''}{mention.name}**" + (f": {types[0]}" if types else "")]
    lines += _listed(analysis, "set by", [each for each in same if each.writes])
    lines += _listed(analysis, "read by", [each for each in same if not each.writes and each.where != "output"])
    return "\n\n".join(lines)


def _listed(analysis: Analysis, what: str, found: Sequence[Mention]) -> list[str]:
    places = dict.fromkeys(f"{each.where} (line {analysis.text.position(each.start).line + 1})" for each in found)
    return [f"{what} {', '.join(places)}"] if places else []


def _of_key(analysis: Analysis, thing: _Thing) -> str:
    name, kind = thing.item.text, thing.role.kind
    if kind is Kind.DOCUMENT:
        return HEADER_ABOUT.get(name, "")
    if kind is Kind.NODE:
        if name in COMMON_KEYS and is_common(thing.item, thing.value):
            port = COMMON_PORTS.get(name)
            return port.about if port is not None else COMMON_ABOUT[name]
        return _of_node(analysis.loader.names().find(name))
    if kind is Kind.PORTS:
        found = analysis.loader.names().find(thing.type)
        port = found.ports.get(name) if found is not None else None
        return f"**{name}**: {port_line(port)}" if port is not None else ""
    return ""


def _of_value(analysis: Analysis, thing: _Thing) -> str:
    if thing.role.kind is Kind.NODE and thing.type == "":
        return _of_node(analysis.loader.names().find(thing.item.text))
    if not _names_tree(thing):
        return ""
    tree = analysis.loader.named(thing.item.text)
    if tree is None:
        return ""
    rows = [f"- `{each.name}`: {each.type}. {each.about}" for each in tree.inputs]
    gives = [f"- `{each.name}`: {each.type}. {each.about}" for each in tree.outputs]
    parts = [f"**{tree.name}** ({tree.file})", tree.about]
    parts += ["inputs", "\n".join(rows)] if rows else []
    parts += ["outputs", "\n".join(gives)] if gives else []
    return "\n\n".join(part for part in parts if part)


def _of_node(kind: NodeType | None) -> str:
    if kind is None:
        return ""
    what = f"{kind.model}, declared" if kind.model else kind.kind
    return f"**{kind.name}** ({what})\n\n{markdown(kind)}".rstrip()


def _nodes(analysis: Analysis, item: Item, role: Role) -> list[Symbol]:
    """Return the outline of a node, or of the nodes of a list."""
    if isinstance(item, Items):
        return [symbol for each in item.items for symbol in _nodes(analysis, each, element(role))]
    if isinstance(item, Scalar):
        start, end = _range(analysis, item)
        return [Symbol(item.text, "", start, end, (start, end), "node")] if item.text else []
    type = next((key for key, value in item if not is_common(key, value)), None)
    if type is None:
        return []
    name = item.get("name")
    words = name.text if isinstance(name, Scalar) and name.text else type.text
    start = _start(analysis, item)
    head = _range(analysis, type)
    symbol = Symbol(
        words, type.text if words != type.text else "", start, max(_end(analysis, item), head[1]), head, "node"
    )
    for key, value in item:
        inner = below(role, key, value)
        if inner.kind in (Kind.NODE, Kind.NODES):
            symbol.below.extend(_nodes(analysis, value, inner))
        elif inner.kind is Kind.PORTS and isinstance(value, Pairs):
            for port, each in value:
                deep = below(inner, port, each)
                if deep.kind in (Kind.NODE, Kind.NODES):
                    symbol.below.extend(_nodes(analysis, each, deep))
    return [symbol]
