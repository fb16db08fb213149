"""From a checked tree to nodes that can be ticked. Names are resolved here, once; ticking looks nothing up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from .._base import KnotholeError, Place, UnknownNameError
from ..behaviors.blackboard import Blackboard, Cell
from ..behaviors.conditions import Conditions
from ..behaviors.context import Context
from ..behaviors.decorators import Repeat, Retry, Timeout
from ..behaviors.hooks import Hooks
from ..behaviors.node import NodeFault, Wiring
from ..behaviors.ports import CONDITION_KEYS, HOOK_KEYS, Port
from ..behaviors.step import INVALID, RUNNING
from ..behaviors.stub import STUBS
from .formulas.operators import truth
from .formulas.scripts import as_condition
from .node_types import BT_TEXT
from .reading.reader import gc_paused
from .recursion import deep_recursion
from .spec import Computed, Literal, NodeSpec, Program, Reference, TreeSpec, Value
from .subtree import SUBTREE, remap
from .values import Getter, Scope, from_bt, moves, typed

Factory = Callable[[Wiring], Any]
"""Makes a node from its wiring; each registered node class is one."""

_NODE_TYPES = ("node", "nodes")


@dataclass(frozen=True)
class BuiltNode:
    """One node of a tree that can be ticked.

    Attributes:
        index: Position in the order in which nodes are written, wrappers of common keys before what they wrap.
        path: Unique path; a wrapper has ``#`` and its key at the end, such as ``tidy/sequence[1]/pick#retry``.
        type: Type key, or the common key of a wrapper.
        name: Display name.
        kind: ``composite``, ``decorator`` or ``leaf``.
        place: Where it stands in its file.
        parent: Index of the parent, -1 for the root.
        node: The py_trees node.
        spec: What it was built from; wrappers share the spec of what they wrap.
    """

    index: int
    path: str
    type: str
    name: str
    kind: str
    place: Place
    parent: int
    node: Any
    spec: NodeSpec


@dataclass
class BuiltTree:
    """A tree that can be ticked: its root, all nodes in order, its blackboard and the context they share."""

    spec: TreeSpec
    root: Any
    nodes: tuple[BuiltNode, ...]
    blackboard: Blackboard
    context: Context
    inputs: Mapping[str, object] = field(default_factory=dict)

    def tick(self) -> None:
        """Tick the root once, the fast way. The caller moves ``context.now`` and ``context.tick``."""
        self.root._t()

    def halt(self) -> list[NodeFault]:
        """Halt whatever runs, everywhere, also when a node raises in its halt.

        Returns:
            What nodes raised while they were halted, in order.
        """
        faults: list[NodeFault] = []
        for built in self.nodes * 2:  # a parent whose child raised is still RUNNING after the first round
            if built.node.status is not RUNNING:
                continue
            try:
                built.node._x(INVALID)
            except NodeFault as fault:
                faults.append(fault)
        return faults

    def outputs(self) -> dict[str, object]:
        """Return the tree's outputs that were written."""
        names = [output.name for output in self.spec.outputs]
        return {name: self.blackboard[name] for name in names if name in self.blackboard}

    def __getitem__(self, path: str) -> BuiltNode:
        for built in self.nodes:
            if built.path == path:
                return built
        raise UnknownNameError("node path", path, [b.path for b in self.nodes], "use a path of `knothole draw`")


def build(
    tree: TreeSpec,
    context: Context,
    inputs: Mapping[str, object] | None = None,
    overrides: Mapping[str, Factory] | None = None,
    params: Mapping[str, object] | None = None,
) -> BuiltTree:
    """Build a checked tree.

    Args:
        tree: What ``load`` returned.
        context: Services of the run.
        inputs: Values of the tree's inputs, converted already; the others take that of the parameter of their name, or
            their default.
        overrides: Node path → factory used instead of the registered one (tests, replay). Its node may be any py_trees
            node; what stands below the replaced node is not built.
        params: Entries that are set before the first tick, over those of the tree itself.

    Raises:
        UnknownNameError: An input or an overridden path does not exist.
        KnotholeError: An input has neither a value nor a default.
    """
    board = Blackboard()
    scope = Scope(board)
    entries = {**tree.params, **(params or {})}
    values = _inputs(tree, inputs or {}, entries)
    builder = _Builder(context, dict(overrides or {}))
    for name, value in entries.items():
        scope.cell(name).set(value, "params")
    for entry in tree.inputs:
        scope.cell(entry.name, entry.type).set(values[entry.name], "input")
    with deep_recursion(), gc_paused():
        root = builder.node(tree.root, scope, "", -1)
    if builder.overrides:
        paths = [node.path for node in builder.nodes if node is not None]
        raise UnknownNameError("node path", min(builder.overrides), paths, "use a path of this tree")
    nodes = tuple(cast("list[BuiltNode]", builder.nodes))
    for built in nodes:
        built.node.path, built.node.place, built.node.index = built.path, built.place, built.index
    return BuiltTree(tree, root, nodes, board, context, values)


def _inputs(tree: TreeSpec, given: Mapping[str, object], params: Mapping[str, object]) -> dict[str, object]:
    known = {entry.name: entry for entry in tree.inputs}
    for name in given:
        if name not in known:
            raise UnknownNameError("input", name, known, f"give only inputs that {tree.name} declares")
    values: dict[str, object] = {}
    for name, entry in known.items():
        if name in given:
            values[name] = typed(_constant(given[name]), entry.type, f"input {name}")()
        elif name in params:
            values[name] = typed(_constant(params[name]), entry.type, f"parameter {name}")()
        elif entry.default is not None:
            values[name] = entry.default.value
        else:
            raise KnotholeError(f"{tree.name} needs the input {name!r}\n  fix:  give it with --set {name}=VALUE")
    return values


class _Builder:
    def __init__(self, context: Context, overrides: dict[str, Factory]) -> None:
        self.context = context
        self.overrides = overrides
        self.nodes: list[BuiltNode | None] = []

    def node(self, spec: NodeSpec, scope: Scope, prefix: str, parent: int) -> Any:
        """Build a node, its common keys around it, and everything below."""
        path = prefix + spec.path
        wrappers: list[tuple[int, str, Factory, tuple[str, ...]]] = []
        for label, cls, keys in _WRAPPERS:
            given = tuple(key for key in keys if key in spec.common or key in spec.hooks)
            if given:
                wrappers.append((self._reserve(), label or given[0], cls, given))
        chain = [parent, *(w[0] for w in wrappers)]
        node = self._bare(spec, scope, prefix, chain[-1])
        for (index, label, cls, given), above in reversed(list(zip(wrappers, chain, strict=False))):
            place = (spec.common.get(given[0]) or spec.hooks[given[0]]).place
            own = f"{path}#{label}"
            wiring = Wiring(
                f"{label} {spec.name}",
                own,
                place,
                {_PORTS.get(key, key): _common(spec.common[key], scope, own) for key in given if key in spec.common},
                children=[node],
                parts={key: self.node(spec.hooks[key], scope, prefix, index) for key in given if key in spec.hooks},
                context=self.context,
                options={f"shown.{key}": scope.shown(spec.common[key]) for key in given if key in spec.common},
                board=scope.board,
                scope=scope.name,
            )
            node = cls(wiring)
            self.nodes[index] = BuiltNode(index, own, label, wiring.name, "decorator", place, above, node, spec)
        return node

    def _reserve(self) -> int:
        self.nodes.append(None)
        return len(self.nodes) - 1

    def _bare(self, spec: NodeSpec, scope: Scope, prefix: str, parent: int) -> Any:
        index = self._reserve()
        path = prefix + spec.path
        cls = class_of(spec)
        factory = self.overrides.pop(path, None)
        parts: dict[str, Any] = {}
        children: list[Any] = []
        options: dict[str, object] = {
            f"shown.{port}": scope.shown(value) for port, value in spec.values.items() if isinstance(value, Computed)
        }
        options |= {f"fields.{p}": v.accessors for p, v in spec.values.items() if isinstance(v, Reference)}
        if factory is None:
            parts = {name: self.node(part, scope, prefix, index) for name, part in spec.parts.items()}
            children = [self.node(child, scope, prefix, index) for child in spec.children]
            if spec.uses is not None:
                child, options["inputs"] = self._subtree(spec, spec.uses, scope, path, index)
                children.append(child)
        ports = _ports_of(spec)
        wiring = Wiring(
            spec.name,
            path,
            spec.place,
            _readers(spec, ports, scope, path),
            _cells(spec, ports, scope),
            children,
            parts,
            self.context,
            options,
            scope.board,
            scope.name,
            frozenset(name for name, value in spec.values.items() if moves(value)),
        )
        node = cast(Factory, factory or cls)(wiring)
        kind = str(getattr(cls, "kind", "leaf"))
        self.nodes[index] = BuiltNode(index, path, spec.type, spec.name, kind, spec.place, parent, node, spec)
        return node

    def _subtree(
        self, spec: NodeSpec, tree: TreeSpec, outer: Scope, path: str, index: int
    ) -> tuple[Any, list[tuple[Cell, Getter]]]:
        """Build a used tree in a scope of its own; return its root and the inputs to evaluate at each start."""
        inner = Scope(outer.board, path)
        computed: list[tuple[Cell, Getter]] = []
        for name, value in tree.params.items():
            inner.own(name).set(value, "params")
        if spec.type == SUBTREE:
            computed = remap(spec, tree, outer, inner)
            return self.node(tree.root, inner, f"{path}/", index), computed
        inputs, outputs = use_values(spec, "inputs"), use_values(spec, "outputs")
        for name, value in (*outputs.items(), *((n, v) for n, v in inputs.items() if n not in outputs)):
            if isinstance(value, Reference) and not value.accessors:
                outer.board.alias(inner.full_name(name), outer.cell(value.name, root=value.root))
        for entry in tree.inputs:
            value = inputs.get(entry.name)
            if value is None:
                if entry.default is not None:
                    computed.append((inner.cell(entry.name, entry.type), _constant(entry.default.value)))
            elif entry.name in outputs or not isinstance(value, Reference) or value.accessors:
                get = typed(outer.getter(value), entry.type, f"input {entry.name}")
                computed.append((inner.cell(entry.name, entry.type), get))
        return self.node(tree.root, inner, f"{path}/", index), computed


def use_values(spec: NodeSpec, port: str) -> dict[str, Any]:
    """Return the ``inputs`` or ``outputs`` of a ``use`` node: name → value."""
    return {key.partition(".")[2]: value for key, value in spec.values.items() if key.startswith(f"{port}.")}


def class_of(spec: NodeSpec) -> type:
    """Return the class that a node is built from; nodes and subtrees that are only declared have a stub."""
    kind = spec.kind
    if kind.cls is not None and (spec.type != SUBTREE or spec.uses is not None or kind.mocked):
        return kind.cls
    return STUBS["subtree" if kind.cls is not None else kind.model]


def _ports_of(spec: NodeSpec) -> list[Port]:
    """Return the ports of a node, with those that are not declared but given."""
    ports = spec.kind.ports
    more = spec.values.keys() - ports.keys() if spec.kind.open else ()
    return [*ports.values(), *(Port(name, "any", "", "inout", None) for name in sorted(more))]


def _readers(spec: NodeSpec, ports: Iterable[Port], scope: Scope, path: str) -> dict[str, Getter]:
    readers: dict[str, Getter] = {}
    convert = from_bt if spec.kind.dialect in BT_TEXT else typed
    for port in ports:
        if port.direction == "out" or port.type in _NODE_TYPES or (spec.uses is not None and port.type == "mapping"):
            continue
        value = spec.values.get(port.name)
        if isinstance(value, Reference) and convert is from_bt:
            scope.cell(value.name, root=value.root).declared = True
        if isinstance(value, Literal) and not moves(value):
            readers[port.name] = _constant(value.value)  # it has the type of the port already
        elif isinstance(value, Program):
            readers[port.name] = scope.script(value, path)
        elif value is not None:
            readers[port.name] = convert(scope.getter(value), port.type, port.name)
        elif not port.required:
            readers[port.name] = _constant(port.default)
    return readers


def _cells(spec: NodeSpec, ports: Iterable[Port], scope: Scope) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for port in ports:
        value = spec.values.get(port.name)
        named = port.type == "variable"
        if isinstance(value, Reference) and (named or (port.direction != "in" and not value.accessors)):
            cell = scope.cell(value.name, "any" if named else port.type, value.root)
            cell.declared = cell.declared or spec.kind.dialect in BT_TEXT
            cells[port.name] = cell
    return cells


_WRAPPERS: tuple[tuple[str, Factory, tuple[str, ...]], ...] = (
    ("hooks", Hooks, HOOK_KEYS),
    ("", Conditions, CONDITION_KEYS),
    ("repeat", Repeat, ("repeat",)),
    ("timeout", Timeout, ("timeout",)),
    ("retry", Retry, ("retry",)),
)
"""Wrappers of common keys, outermost first: label (empty for the first key), node, its keys."""
_PORTS = {"repeat": "times", "timeout": "duration", "retry": "attempts"}
"""Common key → the port of its wrapper, where they differ."""


def _common(value: Value, scope: Scope, path: str) -> Getter:
    """Return the function that gives the value of a common key; conditions are true or false."""
    if isinstance(value, Program):
        run = scope.script(value, path)
        return lambda: as_condition(run())
    get = scope.getter(value)
    return (lambda: truth(get())) if isinstance(value, Computed) else get


def _constant(value: object) -> Getter:
    return lambda: value
