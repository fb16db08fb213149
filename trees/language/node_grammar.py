"""The grammar of nodes: a bare name, or a mapping with one type key and common keys beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ..._base import Place, near_misses
from ...behaviors.node import NODES
from ...behaviors.ports import COMMON_KEYS
from ...behaviors.pt.adapter import mistake_in
from ..node_types import TWO_WAY, NodeType
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from ..recursion import MAX_LEVELS
from ..spec import NodeSpec
from .common_grammar import Common, CommonReader, Keys, is_common
from .draft import Draft, names_in
from .node_names import NodeNames
from .port_grammar import PortReader
from .port_values import ValueReader

if TYPE_CHECKING:
    from .grammar import Resolver

_NO_KEYS: Keys = {}


class NodeReader:
    """Reads nodes of one file; see ``TreeReader``."""

    def __init__(
        self, source: Source, problems: list[Problem], values: ValueReader, resolve: Resolver, names: NodeNames
    ) -> None:
        self.source, self.problems, self.names = source, problems, names
        self.doubtful: set[str] = set()
        """Entries that unreadable parts mention: they may be set there."""
        self.common = CommonReader(source, problems, values)
        self.ports = PortReader(source, problems, values, resolve, names, self.doubtful)
        self._too_deep = False

    def root(self, key: Scalar, item: Item, tree: str) -> NodeSpec | None:
        """Read the root node of a tree."""
        if isinstance(item, Scalar) and item.is_null:
            self._report(key, "K115", "'root' has no node", fix="write a node below it")
            return None
        return self._node(item, f"{tree.replace('/', '_')}/{_peek(item)}", 1)

    def _node(self, item: Item, path: str, level: int) -> NodeSpec | None:
        if level > MAX_LEVELS:
            if not self._too_deep:
                self._report(
                    item,
                    "K123",
                    f"nodes are nested deeper than {MAX_LEVELS} levels",
                    fix="move parts of the tree to subtrees with `use:`",
                )
            self._too_deep = True
            return None
        if isinstance(item, Items):
            self._report(
                item,
                "K110",
                "a list stands where one node is expected",
                fix="put the list below a composite, such as `sequence:`",
            )
            return None
        if isinstance(item, Scalar):
            if item.is_null:
                self._report(item, "K109", "a node is missing here", fix="write one, or delete the '-' or the key")
                return None
            if item.style == "plain" and item.text.startswith("*"):
                return None  # an alias without its anchor, which the reader has reported
            kind = self._known(item)
            draft = Draft(item, kind) if kind is not None else None
            return self._finish(draft, path, level, _NO_KEYS) if draft is not None else None
        return self._mapping(item, path, level)

    def _mapping(self, item: Pairs, path: str, level: int) -> NodeSpec | None:
        chosen = self._type_key(item)
        if chosen is None:
            return None
        key, value = chosen
        if len(item.pairs) == 1:
            common = _NO_KEYS
        else:
            common = {k.text: (k, v) for k, v in item if k is not key and is_common(k, v)}
        kind = self._known(key, value)
        others = [(k, v) for k, v in item if k is not key and k.text not in common]
        for _, other in others:
            self.doubtful.update(names_in(other))
        if kind is None:
            self.doubtful.update(names_in(value))
            self._unfinished(path, level, common, value)
            return None
        draft = Draft(key, kind, given={k.text for k, _ in others})
        self.ports.read(draft, value)
        return self._finish(draft, path, level, common)

    def _type_key(self, item: Pairs) -> tuple[Scalar, Item] | None:
        """Find the one type key among the common keys; report none and several."""
        candidates = [(key, value) for key, value in item if not is_common(key, value)]
        if len(candidates) == 1:
            return candidates[0]
        if not candidates:
            keys = [key.text for key, _ in item]
            two_way = next((key for key in keys if key in TWO_WAY), "")
            self._report(
                item.pairs[0][0] if item.pairs else item,
                "K109",
                "this node has no type",
                why="only common keys stand here" if keys else "the mapping is empty",
                fix=f"put `{two_way}` beside a node, or give it a `child`"
                if two_way
                else "write a type key such as `see:`",
            )
            return None
        first = next(((k, v) for k, v in candidates if k.text in self.names), candidates[0])
        for key, _ in candidates:
            if key is not first[0]:
                self._surplus(first[0], key)
        return first

    def _surplus(self, first: Scalar, key: Scalar) -> None:
        kind = self.names.find(first.text)
        if kind is not None and key.text in kind.ports:
            self._report(
                key,
                "K109",
                f"{key.text!r} is a port of {first.text!r} and stands beside it",
                why="beside a type key stand only the common keys",
                fix=f"indent it two more spaces, below `{first.text}:`",
            )
        elif key.text in self.names:
            self._report(
                key,
                "K109",
                f"a second type key {key.text!r} beside {first.text!r}",
                why="a node has exactly one",
                fix="begin each node of a list with its own '-'",
            )
        else:
            self._report(
                key,
                "K103",
                f"unknown key {key.text!r} beside {first.text!r}",
                why=f"beside a type key stand only {', '.join(COMMON_KEYS)}",
                guess=near_misses(key.text, (*COMMON_KEYS, *(kind.ports if kind else ()))),
                fix="correct the key; ports stand below the type key, indented",
            )

    def _known(self, key: Scalar, value: Item | None = None) -> NodeType | None:
        kind = self.names.find(key.text)
        if kind is None:
            if key.text in COMMON_KEYS:
                self._report(key, "K109", f"{key.text!r} is a common key, not a node", fix="write it beside a node")
            elif any(mark in key.text for mark in " ${"):
                self._report(
                    key, "K109", "a node is expected here, this is text", fix="write a type key, such as `say: TEXT`"
                )
            else:
                self._unknown(key, value)
        return kind

    def _unknown(self, key: Scalar, value: Item | None) -> None:
        """Report a name that no node has; of a dotted path say where it ends."""
        why, fix = "no node, decorator or subtree has this name", NODES.fix
        guess = self.names.near(key.text, value)
        error = mistake_in(key.text)
        if error is not None:
            why, fix, guess = error.why, error.hint, error.near or guess
        self._report(key, "K101", f"unknown node {key.text!r}", why=why, guess=guess, fix=fix)

    def _finish(self, draft: Draft, path: str, level: int, keys: Keys) -> NodeSpec | None:
        kind = draft.type
        self.ports.missing(draft)
        texts, values, hooks, meta = self.common.read(keys) if keys else _NOTHING
        parts: dict[str, NodeSpec] = {}
        children: list[NodeSpec] = []
        if draft.parts or draft.children:
            kids = [item for _, item in draft.parts] + draft.children
            below = [self._node(item, p, level + 1) for item, p in zip(kids, _paths(path, kids), strict=True)]
            count = len(draft.parts)
            parts = {name: node for (name, _), node in zip(draft.parts, below, strict=False) if node is not None}
            children = [node for node in below[count:] if node is not None]
        return NodeSpec(
            kind.name,
            kind,
            Place(self.source.file, draft.key.line, draft.key.column),
            path,
            texts.get("name", kind.name),
            texts.get("about", ""),
            MappingProxyType(draft.values),
            tuple(children),
            MappingProxyType(parts) if parts else _EMPTY,
            MappingProxyType(values) if values else _EMPTY,
            draft.uses,
            MappingProxyType(self._hooks(path, level, hooks)) if hooks else _EMPTY,
            MappingProxyType(meta) if meta else _EMPTY,
        )

    def _hooks(self, path: str, level: int, hooks: Iterable[tuple[str, Item]]) -> dict[str, NodeSpec]:
        """Read the nodes of hooks; the path of one is that of its wrapper and its type key."""
        read = ((key, self._node(item, f"{path}#{key}/{_peek(item)}", level + 1)) for key, item in hooks)
        return {key: node for key, node in read if node is not None}

    def _unfinished(self, path: str, level: int, keys: Keys, value: Item | None = None) -> None:
        """Read what stands beside and below an unknown type key, for its mistakes."""
        self._hooks(path, level, self.common.read(keys).hooks)
        for child in _nodes_below(value):
            self._node(child, f"{path}/{_peek(child)}", level + 1)

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_NOTHING = Common({}, {}, [], {})


def _nodes_below(value: Item | None) -> Sequence[Item]:
    """Return what must be nodes below a type key that nobody knows: a list, ``children``, ``child``."""
    if isinstance(value, Items):
        return value.items
    if not isinstance(value, Pairs):
        return ()
    child, children = value.get("child"), value.get("children")
    return (*([child] if child is not None else []), *(children.items if isinstance(children, Items) else ()))


def _peek(item: Item) -> str:
    """Return the type key of a node that is not read yet."""
    if isinstance(item, Scalar):
        return item.text
    if isinstance(item, Pairs):
        return next((key.text for key, value in item if not is_common(key, value)), "node")
    return "node"


def _paths(parent: str, kids: Iterable[Item]) -> list[str]:
    types = [_peek(kid) for kid in kids]
    counts = Counter(types)
    seen: dict[str, int] = {}
    paths: list[str] = []
    for type in types:
        seen[type] = seen.get(type, 0) + 1
        paths.append(f"{parent}/{type}" + (f"[{seen[type]}]" if counts[type] > 1 else ""))
    return paths
