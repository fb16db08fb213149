"""Put mocks into a checked tree: the result is a tree like any other, with other nodes at the mocked places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..._base import near_misses
from ...behaviors.ports import Port
from ..language.interpolation import whole_entry
from ..problems import Problem, TreeError, in_order
from ..reading.document import Item, Pairs, Scalar
from ..reading.reader import read_file
from ..recursion import deep_recursion
from ..spec import Literal, NodeSpec, Reference, TreeSpec, Value
from .forms import Forms
from .mock import Mock
from .mocked import DOES, WRITES, MockedNode, MockedParent
from .profile import PROFILE_FILE, scan_profile
from .sites import Site, sites
from .things import read_things

_UNREAD: Final = ("node", "nodes", "expression", "script", "variable")
"""Types of ports that a mocked node does not read: a script may write."""


def apply_mocks(tree: TreeSpec, *layers: Sequence[Mock]) -> TreeSpec:
    """Return a tree in which the nodes that mocks pick are replaced.

    Of several mocks that pick a node the later layer wins, and in a layer the more specific one: an exact path, then
    fewer ``**``, then fewer ``*``, then more words, then more numbers, then a name, then a type.

    Args:
        tree: What ``load`` returned.
        layers: Mocks of a profile each, such as those of a test file and those of one of its cases.

    Raises:
        TreeError: A mock picks nothing, two in a layer are equally specific, or one does not fit its node; all of
            that is in the error.
    """
    if not any(layers):
        return tree
    all_sites = sites(tree)
    problems: list[Problem] = []
    changer = _Changer(_choose(all_sites, layers, problems), problems)
    with deep_recursion():
        mocked = replace(tree, root=changer.node(tree.root, ""))
    if problems:
        raise TreeError(in_order(problems))
    return mocked


def apply_profile(tree: TreeSpec, path: str | Path) -> TreeSpec:
    """Return a tree with the mocks of a profile, as ``apply_mocks`` does.

    Raises:
        TreeError: The profile cannot be read or has mistakes, by itself or for this tree; all of them are in the error.
    """
    mocks, problems = scan_profile(read_file(path, PROFILE_FILE))
    try:
        tree = apply_mocks(tree, mocks)
    except TreeError as error:
        problems += error.problems
    if problems:
        raise TreeError(in_order(problems))
    return tree


def _choose(
    all_sites: Sequence[Site], layers: Sequence[Sequence[Mock]], problems: list[Problem]
) -> dict[str, tuple[Mock, Site]]:
    chosen: dict[str, tuple[Mock, Site]] = {}
    for layer in layers:
        here: dict[str, tuple[Mock, Site]] = {}
        told: set[int] = set()
        for mock in layer:
            picked = mock.selector.among(all_sites)
            if mock.selector.kind != "stub":  # every stub may have got its leaf by now
                problems.extend(_pointless(mock, picked, all_sites))
            for site in picked:
                other = here.get(site.path)
                if other is not None and other[0].selector.rank == mock.selector.rank:
                    if id(mock) not in told:
                        problems.append(_tie(mock, other[0], site))
                        told.add(id(mock))
                elif other is None or other[0].selector.rank < mock.selector.rank:
                    here[site.path] = mock, site
        chosen.update(here)
    return chosen


def _nothing(mock: Mock, all_sites: Sequence[Site]) -> Problem:
    return mock.source.problem(
        mock.at,
        "K234",
        f"{mock.selector.text!r} is no node of this tree",
        why="paths are those of `knothole draw`, beginning with the name of the tree"
        if mock.selector.kind in ("path", "word")
        else "it picks nothing",
        guess=mock.selector.near(all_sites),
        fix="give a path, a path with * or **, type:NODE, name:TEXT, or is:stub",
    )


def _has_children(spec: NodeSpec) -> bool:
    return bool(spec.children or spec.parts or spec.uses is not None)


def _pointless(mock: Mock, picked: Sequence[Site], all_sites: Sequence[Site]) -> Iterator[Problem]:
    """Yield what makes a mock mean nothing: no node, or no children to run."""
    if not picked:
        yield _nothing(mock, all_sites)
    elif mock.children and not any(_has_children(site.spec) for site in picked):
        yield mock.source.problem(
            mock.at,
            "K238",
            f"{picked[0].path!r} has no children to run",
            fix="delete `children: run`, or mock another node",
        )


def _tie(mock: Mock, other: Mock, site: Site) -> Problem:
    return mock.source.problem(
        mock.at,
        "K235",
        f"{mock.selector.text!r} and {other.selector.text!r} both pick {site.path!r}",
        why=f"the other stands in line {other.at.line}, and neither is more specific",
        fix="give that node a mock of its own, by its path",
    )


class _Changer:
    def __init__(self, chosen: Mapping[str, tuple[Mock, Site]], problems: list[Problem]) -> None:
        self.chosen, self.problems = chosen, problems

    def node(self, spec: NodeSpec, prefix: str) -> NodeSpec:
        """Return a node with all mocks in and below it."""
        path = prefix + spec.path
        mock = self.chosen[path][0] if path in self.chosen else None
        uses = spec.uses
        if uses is not None:
            uses = replace(uses, root=self.node(uses.root, f"{path}/"))
        changed = replace(
            spec,
            hooks=self.each(spec.hooks, prefix),
            parts=self.each(spec.parts, prefix),
            children=tuple(self.node(child, prefix) for child in spec.children),
            uses=uses,
        )
        if mock is None:
            return changed
        return self.mocked(changed if mock.children else replace(changed, children=(), parts={}), mock)

    def each(self, nodes: Mapping[str, NodeSpec], prefix: str) -> dict[str, NodeSpec]:
        return {key: self.node(node, prefix) for key, node in nodes.items()}

    def mocked(self, spec: NodeSpec, mock: Mock) -> NodeSpec:
        """Return a node that does what a mock says."""
        runs = mock.children and _has_children(spec)
        ports = _out_ports(spec)
        values: dict[str, Value] = {name: value for name, value in spec.values.items() if name not in ports}
        kept = {name: port for name, port in spec.kind.ports.items() if port.type not in _UNREAD}
        if spec.uses is not None and not runs:
            kept = {}
        written = _Writes(mock, spec, ports, self.problems)
        for key, item in mock.writes:
            written.add(key, item)
        given = {name: value for name, value in spec.values.items() if name in ports}
        kind = replace(
            spec.kind,
            ports={**kept, **ports, **written.ports, DOES: Port(DOES, "any", "what it does instead")},
            visual=False,
            asks=False,
            skills=frozenset(),
            limb="",
            open=False,
            cls=MockedParent if runs else MockedNode,
        )
        does = Literal(mock, mock.source.place(mock.at))
        return replace(
            spec,
            kind=kind,
            values={**values, **_bound(given), **written.values, DOES: does},
            uses=spec.uses if runs else None,
        )


def _out_ports(spec: NodeSpec) -> dict[str, Port]:
    """Return what a node may write: its output ports, the undeclared ones of an open node, the outputs of a ``use``."""
    ports = {name: port for name, port in spec.kind.ports.items() if port.direction != "in"}
    if spec.kind.open:
        for name, value in spec.values.items():
            if name not in spec.kind.ports and isinstance(value, Reference):
                ports[name] = Port(name, "any", "not declared", direction="inout", default=None)
    for output in spec.uses.outputs if spec.uses is not None else ():
        ports[output.name] = Port(output.name, output.type, output.about, direction="out", default=None)
    for name in spec.values:
        if name.startswith("remap."):
            ports[name[6:]] = Port(name[6:], "any", "remapped", direction="inout", default=None)
    return ports


def _bound(given: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in given.items() if isinstance(value, Reference)}


class _Writes:
    """What one mocked node writes: extra ports and values of its spec."""

    def __init__(self, mock: Mock, spec: NodeSpec, ports: Mapping[str, Port], problems: list[Problem]) -> None:
        self.mock, self.spec, self.known = mock, spec, ports
        self.forms = Forms(mock.source, problems)
        self.ports: dict[str, Port] = {}
        self.values: dict[str, Value] = {}
        for name in ports:
            bound = spec.values.get(f"outputs.{name}", spec.values.get(f"remap.{name}"))
            if isinstance(bound, Reference):
                self.values[name] = bound

    def add(self, key: Scalar, item: Item) -> None:
        entry = whole_entry(key.text)
        if entry is not None and not entry.accessors:
            target, type = key.text, "any"
            self.ports[target] = Port(target, "any", "an entry that is mocked", direction="out", default=None)
            self.values[target] = Reference(entry.name, self.forms.source.place(key), (), entry.root)
        elif key.text in self.known:
            target, type = key.text, self.known[key.text].type
        else:
            self._no_port(key)
            return
        value = self._value(item, type, f"port {target!r}" if entry is None else f"entry {target}")
        if value is not None:
            name = f"{WRITES}{target}"
            self.ports[name] = Port(name, type if type in _PLAIN else "any", "what is written")
            self.values[name] = value

    def _value(self, item: Item, type: str, label: str) -> Value | None:
        if isinstance(item, Pairs) and [key.text for key, _ in item] == ["expression"]:
            return self.forms.values.expression(item.pairs[0][1], label)
        if type in ("object", "objects", "list[object]") and not isinstance(item, Scalar):
            return read_things(self.forms, item, type, label)
        return self.forms.values.read(item, Port("value", _CONSTANT.get(type, type), ""), label)

    def _no_port(self, key: Scalar) -> None:
        ins = key.text in self.spec.kind.ports
        self.forms.report(
            key,
            "K237",
            f"{self.spec.type!r} {'only reads' if ins else 'has no output port'} {key.text!r}",
            why=f"it writes {', '.join(self.known)}" if self.known else "it writes nothing",
            guess=near_misses(key.text, self.known),
            fix=f"correct the name, or write an entry: ${key.text}",
        )


_PLAIN: Final = ("text", "number", "int", "bool", "duration", "length", "angle")
_CONSTANT: Final[Mapping[str, str]] = {"image": "any"}
"""Types without constants that a mock may write all the same."""
