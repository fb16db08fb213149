"""The grammar of what stands below a type key: nothing, a scalar, a list of nodes, or a mapping of ports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...behaviors.ports import Port
from ..node_types import BT_TEXT, NodeType
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from ..spec import Reference
from .draft import Draft, names_in, unknown_port
from .node_names import NodeNames
from .port_values import ValueReader
from .skill_grammar import SkillNames
from .subtree_grammar import SubtreeReader
from .use_grammar import UseReader

if TYPE_CHECKING:
    from .grammar import Resolver

Read = Callable[[Draft, Pairs], None]


class PortReader:
    """Reads the values of ports of nodes of one file; see ``NodeReader``.

    Args:
        source: The file.
        problems: Collects mistakes.
        values: Reads single values.
        resolve: Finds used trees.
        names: The node types of the file.
        doubtful: Collects the entries that unreadable parts mention.
    """

    def __init__(
        self,
        source: Source,
        problems: list[Problem],
        values: ValueReader,
        resolve: Resolver,
        names: NodeNames,
        doubtful: set[str],
    ) -> None:
        self.source, self.problems, self.values, self.names = source, problems, values, names
        self.doubtful = doubtful
        self._opened: dict[str, Port] = {}
        self._needed: dict[int, list[Port]] = {}
        self.uses = UseReader(source, problems, values, resolve)
        self.skills = SkillNames(source, problems, resolve)
        self.subtrees = SubtreeReader(source, problems, values, resolve, names)
        self._special: dict[str, Read] = {"use": self.uses.read, "bt.SubTree": self.subtrees.read}

    def read(self, draft: Draft, value: Item) -> None:
        """Read what stands below the type key into the draft."""
        kind = draft.type
        if isinstance(value, Pairs):
            self._special.get(kind.name, self._ports)(draft, value)
        elif isinstance(value, Items):
            if kind.listed is not None:
                self._children(draft, kind.listed, value)
            else:
                self._no_list(draft, value)
        elif not value.is_null or self.source.line(value.end_line)[value.end_column - 1 :].lstrip().startswith("#"):
            self._scalar(draft, value)

    def missing(self, draft: Draft) -> None:
        """Report the required ports that are not given; a declared default that is an entry is filled in."""
        kind = draft.type
        if id(kind) not in self._needed:
            ports = kind.ports.values()
            self._needed[id(kind)] = [p for p in ports if p.required or isinstance(p.default, Reference)]
        for port in self._needed[id(kind)]:
            if port.name in draft.given:
                continue
            if port.required:
                self._missing(draft, port)
            elif isinstance(port.default, Reference):
                draft.values[port.name] = port.default

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
            if main.lists:
                self.skills.check(value, main.lists)
            if kind.name == "use":
                self.uses.bare(draft, value)
            elif kind.name == "bt.SubTree":
                self.subtrees.bare(draft, value)
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
        quick = self.values.quick
        for key, item in value:
            port = kind.ports.get(key.text)
            if port is None:
                if kind.open:
                    port = self._opened.setdefault(key.text, Port(key.text, "any", "", "inout", None))
                else:
                    problem = unknown_port(self.source, kind, key)
                    self.problems.append(problem)
                    self.doubtful.update(names_in(item))
                    draft.given.update(problem.guess)
                    continue
            draft.given.add(port.name)
            known = (
                quick(item, port)
                if not port.or_node and kind.dialect not in BT_TEXT and port.direction != "out"
                else None
            )
            if known is not None:
                draft.values[port.name] = known
            else:
                self._port(draft, port, item)
            if port.lists:
                self.skills.check(item, port.lists, value.get("skills"))

    def _is_node_in_place_of_child(self, kind: NodeType, value: Pairs) -> bool:
        """Report ``inverter: {see: …}``, which wants ``child:`` between."""
        if "child" in kind.ports and kind.ports["child"].type == "node":
            inner = [key for key, _ in value if key.text not in kind.ports and key.text in self.names]
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
        kind = draft.type
        label = f"port {port.name!r} of {kind.name!r}"
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
        if port.or_node and self._is_node(port, item):
            draft.parts.append((port.name, item))
            return
        as_bt = kind.dialect in BT_TEXT
        if port.direction == "out" or port.type == "variable":
            looked_at = port.type == "variable" and port.direction != "out"
            bound = self.values.entry(item, label, port.name if as_bt else "", looked_at)
            if bound is not None:
                draft.values[port.name] = bound
            else:
                self.doubtful.update(names_in(item), [item.text] if isinstance(item, Scalar) else [])
            return
        value = self.values.bt_text(item, port, label) if as_bt else self.values.read(item, port, label)
        if value is not None:
            draft.values[port.name] = value
            if not as_bt:
                self.values.keep(item, port, value)

    def _is_node(self, port: Port, item: Item) -> bool:
        """Tell whether what stands at a port that takes a value or a node is one; a word that is both is the value."""
        if isinstance(item, Scalar):
            return item.text in self.names and item.text not in port.choices
        return True

    def _children(self, draft: Draft, port: Port, items: Items) -> None:
        draft.given.add(port.name)
        draft.children.extend(items.items)
        if not items.items:
            self._report(
                items, "K111", f"{draft.type.name!r} has no children", fix="write at least one node, or delete it"
            )

    def _missing(self, draft: Draft, port: Port) -> None:
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

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))
