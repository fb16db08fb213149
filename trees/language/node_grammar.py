"""The grammar of nodes: a bare name, or a mapping with one type key and common keys beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..._base import near_misses
from ...behaviors.node import NODES
from ...behaviors.ports import COMMON_KEYS, Port
from ..node_types import COMMON_PORTS, TWO_WAY, NodeType, node_type
from ..problems import Problem
from ..recursion import MAX_LEVELS
from ..spec import NodeSpec, Value
from .document import Item, Items, Pairs, Scalar, Source
from .port_values import ValueReader
from .use_grammar import Draft, UseReader, names_in, unknown_port

if TYPE_CHECKING:
    from .grammar import Resolver


class NodeReader:
    """Reads nodes of one file; see ``TreeReader``."""

    def __init__(self, source: Source, problems: list[Problem], values: ValueReader, resolve: Resolver) -> None:
        self.source, self.problems, self.values = source, problems, values
        self.uses = UseReader(source, problems, values, resolve)
        self._too_deep = False
        self._guesses: dict[str, tuple[str, ...]] = {}
        self.doubtful: set[str] = set()
        """Entries that unreadable parts mention: they may be set there."""

    def root(self, key: Scalar, item: Item, tree: str) -> NodeSpec | None:
        """Read the root node of a tree."""
        if isinstance(item, Scalar) and item.is_null:
            self._report(key, "K115", "'root' has no node", fix="write a node below it")
            return None
        return self._node(item, f"{tree}/{_peek(item)}", 1)

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
            return self._finish(draft, path, level, {}) if draft is not None else None
        return self._mapping(item, path, level)

    def _mapping(self, item: Pairs, path: str, level: int) -> NodeSpec | None:
        chosen = self._type_key(item)
        common = {
            key.text: (key, value)
            for key, value in item
            if _is_common(key, value) and (chosen is None or key is not chosen[0])
        }
        if chosen is None:
            return None
        key, value = chosen
        kind = self._known(key)
        others = [(k, v) for k, v in item if k is not key and k.text not in common]
        for _, other in others:
            self.doubtful.update(names_in(other))
        if kind is None:
            self.doubtful.update(names_in(value))
            self._read_common(common)
            return None
        draft = Draft(key, kind, given={k.text for k, _ in others})
        self._value(draft, value)
        return self._finish(draft, path, level, common)

    def _type_key(self, item: Pairs) -> tuple[Scalar, Item] | None:
        """Find the one type key among the common keys; report none and several."""
        candidates = [(key, value) for key, value in item if not _is_common(key, value)]
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
        first = next(((k, v) for k, v in candidates if k.text in NODES), candidates[0])
        for key, _ in candidates:
            if key is not first[0]:
                self._surplus(first[0], key)
        return first

    def _surplus(self, first: Scalar, key: Scalar) -> None:
        kind = node_type(first.text)
        if kind is not None and key.text in kind.ports:
            self._report(
                key,
                "K109",
                f"{key.text!r} is a port of {first.text!r} and stands beside it",
                why="beside a type key stand only the common keys",
                fix=f"indent it two more spaces, below `{first.text}:`",
            )
        elif key.text in NODES:
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

    def _known(self, key: Scalar) -> NodeType | None:
        kind = node_type(key.text)
        if kind is None:
            if key.text in COMMON_KEYS:
                self._report(key, "K109", f"{key.text!r} is a common key, not a node", fix="write it beside a node")
            elif any(mark in key.text for mark in " ${"):
                self._report(
                    key, "K109", "a node is expected here, this is text", fix="write a type key, such as `say: TEXT`"
                )
            else:
                self._report(
                    key,
                    "K101",
                    f"unknown node {key.text!r}",
                    why="no node, decorator or subtree has this name",
                    guess=self._near_nodes(key.text),
                    fix=NODES.fix,
                )
        return kind

    def _near_nodes(self, name: str) -> tuple[str, ...]:
        """Guess a node; a file with hundreds of unknown names gets no more guesses, which would take minutes."""
        if name not in self._guesses and len(self._guesses) < 300:
            self._guesses[name] = near_misses(name, NODES)
        return self._guesses.get(name, ())

    # the value after the type key ----------------------------------------------------------------------------------
    def _value(self, draft: Draft, value: Item) -> None:
        kind = draft.type
        if isinstance(value, Pairs):
            if kind.name == "use":
                self.uses.read(draft, value)
            else:
                self._ports(draft, value)
        elif isinstance(value, Items):
            if kind.listed is not None:
                self._children(draft, kind.listed, value)
            else:
                self._no_list(draft, value)
        elif not value.is_null or self.source.line(value.end_line)[value.end_column - 1 :].lstrip().startswith("#"):
            self._scalar(draft, value)

    def _no_list(self, draft: Draft, value: Items) -> None:
        kind = draft.type
        child = any(port.name == "child" for port in kind.single)
        fix = (
            "give it `child:` with one node; a `sequence` holds several"
            if child
            else "write its ports as `port: value`"
        )
        self.doubtful.update(names_in(value))
        self._report(value, "K110", f"{kind.name!r} takes no list", why="lists are for composites", fix=fix)
        draft.given |= {port.name for port in kind.ports.values()}

    def _scalar(self, draft: Draft, value: Scalar) -> None:
        kind = draft.type
        main = kind.main
        if value.is_null and (main is None or not main.required):
            return
        if main is not None:
            draft.given.add(main.name)
            self._port(draft, main, value)
            if kind.name == "use":
                self.uses.bare(draft, value)
            return
        self._report(
            value,
            "K110",
            f"{kind.name!r} takes no bare value",
            why="it has no main port",
            fix=f"write its ports as `port: value`; see them with `knothole nodes {kind.name}`"
            if kind.ports
            else "delete the value; it has no ports",
        )

    def _ports(self, draft: Draft, value: Pairs) -> None:
        kind = draft.type
        if self._is_node_in_place_of_child(kind, value):
            draft.given.add("child")
            self.doubtful.update(names_in(value))
            return
        for key, item in value:
            port = kind.ports.get(key.text)
            if port is None:
                problem = unknown_port(self.source, kind, key)
                self.problems.append(problem)
                self.doubtful.update(names_in(item))
                draft.given.update(problem.guess)
                continue
            draft.given.add(port.name)
            self._port(draft, port, item)

    def _is_node_in_place_of_child(self, kind: NodeType, value: Pairs) -> bool:
        """Report ``inverter: {see: …}``, which wants ``child:`` between."""
        if kind.name in NODES and any(port.name == "child" for port in kind.single):
            inner = [key for key, _ in value if key.text not in kind.ports and key.text in NODES]
            if len(inner) == 1 and all(key.text not in kind.ports for key, _ in value):
                self._report(
                    inner[0],
                    "K111",
                    f"the node below {kind.name!r} needs the key 'child'",
                    fix=f"write `{kind.name}:` and below it `child:` and below it `{inner[0].text}`",
                )
                return True
        return False

    def _port(self, draft: Draft, port: Port, item: Item) -> None:
        label = f"port {port.name!r} of {draft.type.name!r}"
        if port.type == "node":
            if port.name == "child":
                draft.children.append(item)
            else:
                draft.parts.append((port.name, item))
            return
        if port.type == "nodes":
            if isinstance(item, Items):
                self._children(draft, port, item)
            else:
                self._report(item, "K110", f"{label} takes a list of nodes", fix="begin each node with '-'")
            return
        if port.direction == "out" or port.type == "variable":
            bound = self.values.entry(item, label)
            if bound is not None:
                draft.values[port.name] = bound
            else:
                self.doubtful.update(names_in(item), [item.text] if isinstance(item, Scalar) else [])
            return
        value = self.values.read(item, port, label)
        if value is not None:
            draft.values[port.name] = value

    def _children(self, draft: Draft, port: Port, items: Items) -> None:
        draft.given.add(port.name)
        draft.children.extend(items.items)
        if not items.items:
            self._report(
                items, "K111", f"{draft.type.name!r} has no children", fix="write at least one node, or delete it"
            )

    # putting it together -------------------------------------------------------------------------------------------
    def _finish(self, draft: Draft, path: str, level: int, common: dict[str, tuple[Scalar, Item]]) -> NodeSpec | None:
        kind = draft.type
        for port in kind.ports.values():
            if port.required and port.name not in draft.given:
                self._missing_port(draft, port)
        texts, values = self._read_common(common)
        kids = [item for _, item in draft.parts] + draft.children
        paths = _paths(path, kids)
        below = [self._node(item, p, level + 1) for item, p in zip(kids, paths, strict=True)]
        count = len(draft.parts)
        parts = {name: node for (name, _), node in zip(draft.parts, below, strict=False) if node is not None}
        return NodeSpec(
            kind.name,
            kind,
            self.source.place(draft.key),
            path,
            texts.get("name", kind.name),
            texts.get("about", ""),
            MappingProxyType(draft.values),
            tuple(node for node in below[count:] if node is not None),
            MappingProxyType(parts),
            MappingProxyType(values),
            draft.uses,
        )

    def _missing_port(self, draft: Draft, port: Port) -> None:
        kind = draft.type
        if port.type == "nodes":
            self._report(
                draft.key, "K111", f"{kind.name!r} has no children", fix="write its nodes below it, each with '-'"
            )
            return
        fix = (
            f"write `{kind.name}: VALUE`" if port.main and len(kind.ports) == 1 else f"write `{port.name}: …` below it"
        )
        self._report(
            draft.key, "K104", f"{kind.name!r} needs the port {port.name!r}", why=f"{port.name}: {port.about}", fix=fix
        )

    def _read_common(self, common: dict[str, tuple[Scalar, Item]]) -> tuple[dict[str, str], dict[str, Value]]:
        texts: dict[str, str] = {}
        values: dict[str, Value] = {}
        for name, (_, item) in common.items():
            label = f"key {name!r}"
            if name in ("name", "about"):
                text = self.values.text(item, label)
                if text is not None:
                    texts[name] = text
            elif name in COMMON_PORTS:
                value = self.values.read(item, COMMON_PORTS[name], label)
                if value is not None:
                    values[name] = value
        return texts, values

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


def _is_common(key: Scalar, value: Item) -> bool:
    if key.text not in COMMON_KEYS:
        return False
    return not (key.text in TWO_WAY and isinstance(value, Pairs) and value.get("child") is not None)


def _peek(item: Item) -> str:
    """Return the type key of a node that is not read yet."""
    if isinstance(item, Scalar):
        return item.text
    if isinstance(item, Pairs):
        return next((key.text for key, value in item if not _is_common(key, value)), "node")
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
