"""The blackboard entries of one tree: who writes them, who reads them, and what is said of their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ..._base import Place
from ...behaviors.ports import CONDITION_KEYS, element_type
from ..spec import Computed, Literal, NodeSpec, Program, Reference, Template, TreeSpec, Value

SUBTREE: Final = "bt.SubTree"
"""The node whose values ``remap.NAME`` make two entries one."""
AUTOREMAP: Final = "_autoremap"
_TYPED_KEYS: Final = {"retry": "int", "repeat": "int", "timeout": "duration"}


class Read(NamedTuple):
    """One mention of an entry that is read.

    Attributes:
        name: Entry name.
        place: Where the value stands that mentions it.
        root: True for the root blackboard.
        sure: False for a port of which nobody knows whether it is read: nothing is said if the entry is not set.
        inner: Place of the read in the subtree that does it, for names that are remapped.
    """

    name: str
    place: Place
    root: bool = False
    sure: bool = True
    inner: Place | None = None


class Write(NamedTuple):
    """One output that is bound to an entry.

    Attributes:
        type: Port type of what is written, ``any`` when unknown.
        follows: The entry that the type comes from, for elements of lists and for copies.
        element: True where the type is that of an element of what it follows.
        loop: True for the element of a loop, which need not be read.
        sure: False where the node may succeed without writing it.
        inner: Place of the write in the subtree that does it.
        makes: False where the entry must exist already: ``=`` in a script.
        guessed: True for a port that may well be read only, and for a subtree that is not at hand.
    """

    name: str
    place: Place
    root: bool = False
    type: str = "any"
    follows: str = ""
    element: bool = False
    loop: bool = False
    sure: bool = True
    inner: Place | None = None
    makes: bool = True
    guessed: bool = False


class Wanted(NamedTuple):
    """A reader that takes one type only.

    Attributes:
        name: Entry name.
        type: What it takes; types with ``|`` between them where it takes several.
        reader: How messages call it.
        place: Where.
        strict: False for text in the manner of BehaviorTree.CPP, which is converted when it is read.
        inner: Place in the subtree that reads it.
    """

    name: str
    type: str
    reader: str
    place: Place
    strict: bool = True
    inner: Place | None = None


class Border(NamedTuple):
    """What a tree that is used as ``bt.SubTree`` does to names of its own, seen from outside.

    Attributes:
        needs: Name → first read on a way that does not set it before.
        reads: Name → first read.
        sets: Name → first writer.
        must: Names that are set whenever it succeeds.
        types: Name → type, where it has one, and the place it comes from.
        wants: Readers that take one type only, of names without a type of their own.
        copies: Entries that get the type of another one: (from, to, as its element).
        params: Names that are set before the first tick.
    """

    needs: Mapping[str, Place]
    reads: Mapping[str, Place]
    sets: Mapping[str, Place]
    must: frozenset[str]
    types: Mapping[str, tuple[str, Place]]
    wants: tuple[Wanted, ...]
    copies: tuple[tuple[str, str, bool], ...]
    params: frozenset[str]

    @property
    def names(self) -> set[str]:
        """All names that it mentions."""
        return {*self.reads, *self.sets}


Borders = Mapping[int, Border]
"""``id(tree)`` → its border."""


def reads_of(value: Value) -> Iterator[Read]:
    """Yield the entries that a value reads."""
    if isinstance(value, Reference):
        yield Read(value.name, value.place, value.root)
    elif isinstance(value, Template):
        for part in value.parts:
            if isinstance(part, Reference):
                yield Read(part.name, part.place, part.root)
    elif isinstance(value, Computed):
        for entry in value.expression.references:
            yield Read(entry.name, value.place, entry.root)
    elif isinstance(value, Program):
        script = value.script
        for name in script.reads:
            yield Read(name.removeprefix("@"), value.place, name.startswith("@"))
        for name in script.uses:
            if name not in script.reads:  # it reads what it has set itself
                yield Read(name.removeprefix("@"), value.place, name.startswith("@"), False)


def assigned_in(value: Value) -> Iterator[Write]:
    """Yield the entries that a script assigns."""
    if isinstance(value, Program):
        sure, makes = set(value.script.sure_writes), value.script.makes
        for name in value.script.writes:
            plain, root = name.removeprefix("@"), name.startswith("@")
            yield Write(plain, value.place, root, sure=name in sure, makes=name in makes)


class Mentions(NamedTuple):
    """What one node itself does to entries, its common keys apart."""

    reads: Sequence[Read]
    writes: Sequence[Write]
    wanted: Sequence[Wanted]


NOTHING: Final = Mentions((), (), ())


def mentions_of(node: NodeSpec, borders: Borders) -> Mentions:
    """Return the entries that the type of a node and its ports read and write."""
    values = node.values
    for value in values.values():
        if type(value) is not Literal or type(value.value) is tuple:
            break
    else:
        return NOTHING if node.uses is None or node.type != SUBTREE else _remapped(node, borders)
    if node.type == SUBTREE:
        return _remapped(node, borders)
    reads: list[Read] = []
    writes: list[Write] = []
    wanted: list[Wanted] = []
    for name, value in values.items():
        if type(value) is not Literal:
            _port(node, name, value, reads, writes, wanted)
        elif type(value.value) is tuple:
            reads.extend(_named(node, name, value))
    return Mentions(reads, writes, wanted)


def _port(
    node: NodeSpec, name: str, value: Value, reads: list[Read], writes: list[Write], wanted: list[Wanted]
) -> None:
    kind = node.kind
    if name.startswith("outputs."):
        if isinstance(value, Reference):
            outputs = node.uses.outputs if node.uses is not None else ()
            type = next((each.type for each in outputs if each.name == name[8:]), "any")
            writes.append(Write(value.name, value.place, value.root, type))
        return
    port = kind.ports.get(name)
    if port is not None and port.type == "variable" and port.direction != "out":
        if isinstance(value, Reference):
            reads.append(Read(value.name, value.place, value.root, port.direction == "in"))
        return
    if port is not None and port.type == "variable":
        if isinstance(value, Reference):
            source = node.values.get("in")
            follows = source.name if isinstance(source, Reference) and not source.accessors else ""
            if name == "index":
                writes.append(Write(value.name, value.place, value.root, "int", loop=True))
            else:
                writes.append(Write(value.name, value.place, value.root, "any", follows, bool(follows), True))
        return
    if port is not None and port.direction == "out":
        if isinstance(value, Reference):
            writes.append(_output(node, value, port.type))
        return
    unknown = port is None and kind.open
    unsure = unknown or (port is not None and port.direction == "inout" and bool(kind.dialect))
    optional = unsure or (port is not None and port.direction == "inout" and not port.required)
    reads.extend(read._replace(sure=False) if optional else read for read in reads_of(value))
    writes.extend(assigned_in(value))
    if not isinstance(value, Reference):
        return
    if unknown or (port is not None and port.direction == "inout"):
        type = "any" if port is None else port.type
        writes.append(Write(value.name, value.place, value.root, type, guessed=unsure))
    if value.accessors or value.root:
        return
    if name.startswith("inputs.") and node.uses is not None:
        declared = next((each.type for each in node.uses.inputs if each.name == name[7:]), "any")
        if declared != "any":
            reader = f"input {name[7:]!r} of {node.uses.name!r}"
            wanted.append(Wanted(value.name, declared, reader, value.place))
    elif port is not None and port.direction == "in" and port.type not in ("expression", "script"):
        type = "|".join(port.takes) if port.type == "any" else port.type
        if type:
            wanted.append(Wanted(value.name, type, f"port {name!r} of {node.type!r}", value.place, not kind.dialect))


def _named(node: NodeSpec, name: str, value: Literal) -> Iterator[Read]:
    """Yield the entries that are named in a list of mappings, such as the comparisons of py_trees."""
    port = node.kind.ports.get(name)
    if port is None or not port.names or not isinstance(value.value, tuple):
        return
    for each in value.value:
        entry = str(each.get(port.names, "")) if isinstance(each, Mapping) else ""
        if entry:
            plain = entry.removeprefix("/").partition(".")[0]
            yield Read(plain, value.place, entry.startswith("/"), False)


def _output(node: NodeSpec, target: Reference, declared: str) -> Write:
    """Return the write of an out port; ``set`` and its like write what their one value is."""
    value = node.values.get("to") or node.values.get("value")
    if declared != "any" or value is None:
        return Write(target.name, target.place, target.root, declared)
    if isinstance(value, Computed):
        references = value.expression.references
        if len(references) == 1 and value.expression.source.strip() == str(references[0]):
            entry = references[0]
            if not entry.accessors and not entry.root:
                return Write(target.name, target.place, target.root, follows=entry.name)
        found = value.expression.type
        return Write(target.name, target.place, target.root, "any" if found == "none" else found)
    if isinstance(value, Reference) and not value.accessors and not value.root:
        return Write(target.name, target.place, target.root, follows=value.name)
    return Write(target.name, target.place, target.root)


def mappings_of(node: NodeSpec, border: Border) -> Iterator[tuple[str, Reference]]:
    """Yield the names of a subtree that are other names of entries here, and which."""
    given = set()
    for key, value in node.values.items():
        if key.startswith("remap."):
            given.add(key[6:])
            if isinstance(value, Reference):
                yield key[6:], value
    auto = node.values.get(AUTOREMAP)
    if isinstance(auto, Literal) and auto.value is True:
        for name in sorted(border.names):
            if name not in given and not name.startswith("_"):
                yield name, Reference(name, node.place)


def _remapped(node: NodeSpec, borders: Borders) -> Mentions:
    """Return what a subtree does to the entries here through its remaps."""
    border = borders.get(id(node.uses)) if node.uses is not None else None
    if border is None:
        return _unknown_subtree(node)
    reads: list[Read] = []
    writes: list[Write] = []
    wanted: list[Wanted] = []
    inner = dict(mappings_of(node, border))
    for name, value in inner.items():
        entry, place, root = value.name, value.place, value.root
        if name in border.needs:
            reads.append(Read(entry, place, root, True, border.needs[name]))
        elif name in border.reads or name not in border.names:
            reads.append(Read(entry, place, root, False, border.reads.get(name)))
        if name in border.sets:
            type, where = border.types.get(name, ("any", border.sets[name]))
            writes.append(
                Write(entry, place, root, type, sure=name in border.must, inner=where if type != "any" else None)
            )
    for source, target, element in border.copies:
        if source in inner and target in inner and not inner[source].root and not inner[target].root:
            writes.append(
                Write(inner[target].name, inner[target].place, follows=inner[source].name, element=element, sure=False)
            )
    for want in border.wants:
        value = inner.get(want.name)  # type: ignore[assignment]
        if value is not None and not value.root:
            reader = f"{want.name!r} of the subtree {node.uses.name!r}" if node.uses is not None else want.reader
            wanted.append(Wanted(value.name, want.type, reader, value.place, want.strict, want.inner or want.place))
    return Mentions(reads, writes, wanted)


def _unknown_subtree(node: NodeSpec) -> Mentions:
    """A subtree that is not at hand may read and write all that it is given."""
    given = [v for k, v in node.values.items() if k.startswith("remap.") and isinstance(v, Reference)]
    return Mentions(
        [Read(value.name, value.place, value.root, False) for value in given],
        [Write(value.name, value.place, value.root, guessed=True) for value in given],
        (),
    )


class Condition(NamedTuple):
    """One common key that reads entries, or assigns them."""

    key: str
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]


def conditions_of(node: NodeSpec) -> list[Condition]:
    """Return what the common keys of a node read and assign, in the order they are looked at."""
    found: list[Condition] = []
    common = node.common
    for key in (*CONDITION_KEYS, "repeat", "timeout", "retry"):
        value = common.get(key)
        if value is not None and type(value) is not Literal:
            found.append(Condition(key, tuple(reads_of(value)), tuple(assigned_in(value))))
    return found


def wanted_by_keys(node: NodeSpec) -> Iterator[Wanted]:
    """Yield what the common keys of a node take."""
    for key, type in _TYPED_KEYS.items():
        value = node.common.get(key)
        if isinstance(value, Reference) and not value.accessors and not value.root:
            yield Wanted(value.name, type, f"key {key!r}", value.place)


def element_of(type: str) -> str:
    """Return the type of an element of a list; ``any`` where it is not known."""
    return element_type(type) or "any"


def starts_with(tree: TreeSpec) -> list[str]:
    """Return the entries that are set before the first tick."""
    return [*(each.name for each in tree.inputs), *(name for name in tree.params)]
