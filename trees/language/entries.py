"""The blackboard entries of one tree: who writes them, who reads them, and of which type they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..._base import Place
from ..expressions import Expression
from ..operators import ExpressionError
from ..spec import Computed, NodeSpec, Reference, Template, TreeSpec, Value
from .typing_rules import accepts


@dataclass(frozen=True)
class Read:
    """One mention of an entry that is read."""

    name: str
    place: Place
    root: bool
    width: int


@dataclass(frozen=True)
class Write:
    """One output that is bound to an entry.

    Attributes:
        type: Port type of what is written, ``any`` when unknown.
        follows: The entry that the type comes from, for the element of a loop and for copies.
        loop: True for the element of a loop.
    """

    name: str
    place: Place
    root: bool
    type: str = "any"
    follows: str = ""
    loop: bool = False


def reads_of(value: Value) -> Iterator[Read]:
    """Yield the entries that a value reads."""
    if isinstance(value, Reference):
        yield Read(value.name, value.place, value.root, len(str(value)))
    elif isinstance(value, Template):
        for part in value.parts:
            if isinstance(part, Reference):
                yield Read(part.name, part.place, part.root, max(1, len(str(part))))
    elif isinstance(value, Computed):
        for entry in value.expression.references:
            yield Read(entry.name, value.place, entry.root, max(1, len(value.expression.source)))


def writes_of(node: NodeSpec) -> Iterator[Write]:
    """Yield the entries that a node itself writes."""
    kind = node.kind
    for name, value in node.values.items():
        if not isinstance(value, Reference):
            continue
        if name.startswith("outputs."):
            outputs = node.uses.outputs if node.uses is not None else ()
            type = next((each.type for each in outputs if each.name == name[8:]), "any")
            yield Write(value.name, value.place, value.root, str(type))
            continue
        port = kind.ports.get(name) if kind is not None else None
        if port is None or (port.direction == "in" and port.type != "variable"):
            continue
        if port.type == "variable":
            source = node.values.get("in") if name == "item" else None
            follows = source.name if isinstance(source, Reference) and not source.accessors else ""
            yield Write(value.name, value.place, value.root, "int" if name == "index" else "any", follows, True)
        else:
            yield Write(value.name, value.place, value.root, _written_type(node, port.type))


def _written_type(node: NodeSpec, declared: str) -> str:
    """Return the type of what ``set`` writes, from its expression."""
    value = node.values.get("to")
    if declared == "any" and isinstance(value, Computed):
        found = value.expression.type
        return "any" if found == "none" else found
    return declared


class Entries:
    """All entries of a tree.

    Attributes:
        names: Inputs first, then outputs of nodes, in the order of the file.
        writes: Entry → its writers among the nodes.
    """

    def __init__(self, tree: TreeSpec) -> None:
        self.tree = tree
        self.writes: dict[str, list[Write]] = {each.name: [] for each in tree.inputs}
        for node in tree.walk():
            for write in writes_of(node):
                self.writes.setdefault(write.name, []).append(write)
        self.names = tuple(self.writes)

    def settle(self, conflict: Callable[[Write, str], None]) -> dict[str, str]:
        """Return entry → type; a writer of another type than the first one is reported to ``conflict``."""
        types: dict[str, str] = {each.name: each.type for each in self.tree.inputs}
        for name, writes in self.writes.items():
            for write in writes:
                has = types.get(name, "any")
                type = self._type_of(write, types)
                if has == "any":
                    types[name] = type
                elif not accepts(has, type):
                    conflict(Write(name, write.place, write.root, type), has)
        return types

    def _type_of(self, write: Write, types: dict[str, str]) -> str:
        if not write.follows:
            return write.type
        return "object" if self._known(write.follows, types) == "objects" else write.type

    def _known(self, name: str, types: dict[str, str]) -> str:
        if name in types:
            return types[name]
        return next((each.type for each in self.writes.get(name, ()) if each.type != "any"), "any")


def expression_mistakes(node: NodeSpec, types: dict[str, str]) -> Iterator[tuple[Computed, str, str]]:
    """Yield expressions whose operators cannot fit the types of the entries, what is wrong with them, and the fix."""
    for name, value in (*node.values.items(), *node.common.items()):
        if not isinstance(value, Computed):
            continue
        try:
            found = Expression(value.expression.source, types).type
        except ExpressionError as error:
            yield value, str(error), "compute with values of one type"
            continue
        if name in node.common and found not in ("bool", "any"):
            yield value, f"key {name!r} takes a condition, this is a {found}", "compare it, such as `$count > 0`"
