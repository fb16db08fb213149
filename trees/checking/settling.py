"""The types of entries: from their writers, along copies and elements of lists, to a fixed point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..._base import Place
from .entries import Write, element_of
from .typing_rules import accepts


@dataclass(frozen=True)
class Conflict:
    """A writer of another type than an earlier one.

    Attributes:
        write: The later writer, with the type it writes.
        has: The type that the entry has.
        origin: Where it has it from.
    """

    write: Write
    has: str
    origin: Place


@dataclass
class Settled:
    """Entry → type and the place it comes from; entries of which nothing is known are left out."""

    types: dict[str, str] = field(default_factory=dict)
    origins: dict[str, Place] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


def settle(declared: Mapping[str, tuple[str, Place]], writes: Sequence[Write]) -> Settled:
    """Return the types of all entries.

    An entry has the type that is declared, else that of its first writer in the file whose type is known. Types pass
    along copies (``set: {name: $b, to: "$a"}``, a subtree that copies) and to the elements of loops.

    Args:
        declared: Entry → type and place, of inputs.
        writes: All writers in the order of the file.
    """
    settled = Settled()
    for name, (type, place) in declared.items():
        if type != "any":
            settled.types[name], settled.origins[name] = type, place
    for write in writes:
        if write.type != "any":
            settled.types.setdefault(write.name, write.type)
    if any(write.follows for write in writes):
        _propagate(settled.types, writes)
    first: dict[str, Place] = settled.origins
    for write in writes:
        type = _type_of(write, settled.types)
        if type == "any" or write.root:
            continue
        if write.name not in first:
            first[write.name] = write.inner or write.place
            settled.types[write.name] = type
        elif not accepts(settled.types[write.name], type):
            found = write._replace(type=type)
            settled.conflicts.append(Conflict(found, settled.types[write.name], first[write.name]))
    return settled


def _type_of(write: Write, types: Mapping[str, str]) -> str:
    if not write.follows:
        return write.type
    source = types.get(write.follows, "any")
    return element_of(source) if write.element else source


def _propagate(types: dict[str, str], writes: Sequence[Write]) -> None:
    """Pass types along the graph of copies, sources first; around a circle until nothing changes."""
    import networkx  # takes a tenth of a second, and few trees copy entries

    graph = networkx.DiGraph()
    for write in writes:
        if write.follows and not write.root:
            graph.add_edge(write.follows, write.name)
    into: dict[str, list[Write]] = {}
    for write in writes:
        if write.follows and not write.root:
            into.setdefault(write.name, []).append(write)
    circles = networkx.condensation(graph)
    for number in networkx.topological_sort(circles):
        members = circles.nodes[number]["members"]
        changed = True
        while changed:
            changed = False
            for name in sorted(members):
                if name in types:
                    continue
                found = next((t for w in into.get(name, ()) if (t := _type_of(w, types)) != "any"), "any")
                if found != "any":
                    types[name] = found
                    changed = True
