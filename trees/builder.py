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
from ..behaviors.growing import LABEL, Grown
from ..behaviors.hooks import Hooks
from ..behaviors.node import Leaf, NodeFault, Wiring
from ..behaviors.ports import CONDITION_KEYS, HOOK_KEYS
from ..behaviors.step import INVALID, RUNNING, Stalled
from ..behaviors.stub import STUBS
from ..behaviors.unsure import Unsure
from .limits import limited
from .port_wiring import cells, common, constant, ports_of, readers
from .reading.reader import gc_paused
from .recursion import deep_recursion
from .spec import Computed, InputSpec, NodeSpec, Reference, TreeSpec
from .subtree import SUBTREE, remap
from .values import Getter, Scope, moves, typed

Factory = Callable[[Wiring], Any]
"""Makes a node from its wiring; each registered node class is one."""

_SHALLOW = 100
"""Levels for which the stack suffices wherever the tick is called."""


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
    overrides: Mapping[str, Factory] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    """Path of a node that uses a tree → the scope of that tree on the blackboard; its path, but after a change."""
    deep: bool = field(init=False)
    """True when ticking it needs more of the stack than Python allows by default."""

    def __post_init__(self) -> None:
        levels = [0] * len(self.nodes)
        for built in self.nodes:
            levels[built.index] = levels[built.parent] + 1 if built.parent >= 0 else 1
        self.deep = max(levels, default=0) > _SHALLOW

    def tick(self) -> None:
        """Tick the root once, the fast way. The caller moves ``context.now`` and ``context.tick``."""
        if self.context.halting:
            self.rest()
        if self.deep:
            with deep_recursion():
                self.root._t()
        else:
            self.root._t()

    def rest(self) -> None:
        """Ask each leaf that is halting whether it has come to rest, once.

        Raises:
            NodeFault: A leaf raised.
        """
        for leaf in tuple(self.context.halting):
            leaf.rest()

    def halt(self) -> list[NodeFault]:
        """Halt whatever runs, everywhere, also when a node raises in its halt.

        Returns:
            What nodes raised while they were halted, in order.
        """
        faults: list[NodeFault] = []
        with deep_recursion():
            for built in self.nodes * 2:  # a parent whose child raised is still RUNNING after the first round
                if built.node.status is not RUNNING:
                    continue
                try:
                    built.node._x(INVALID)
                except NodeFault as fault:
                    faults.append(fault)
                except Stalled as stall:
                    faults.append(NodeFault(f"{built.path}: {stall}", built.path, built.place))
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


@dataclass(frozen=True)
class Reuse:
    """What a tree that is built again takes from the tree that ran before.

    Attributes:
        nodes: Path → existing node that stands there, with everything below it.
        scopes: Path of a node that uses a tree → scope of that tree and the inputs to evaluate at each start, where
            both stay.
        overrides: Path → factory, as for ``build``.
    """

    nodes: Mapping[str, Any] = field(default_factory=dict)
    scopes: Mapping[str, tuple[str, list[tuple[Cell, Getter]]]] = field(default_factory=dict)
    overrides: Mapping[str, Factory] = field(default_factory=dict)


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
    if context.invariants is not None:
        context.invariants.begin(board)
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
    _write_all(builder.writes)
    return BuiltTree(tree, root, nodes, board, context, values, dict(overrides or {}), builder.scopes)


def rebuild(old: BuiltTree, tree: TreeSpec, reuse: Reuse) -> BuiltTree:
    """Build an edited tree on the blackboard and in the context of the one that runs.

    Entries keep their values. Written are inputs that are new, and params that are new or edited. Nothing is written,
    and no name gets another meaning, when this raises.

    Raises:
        KnotholeError: A new input has no default, or a node refuses what it was given.
    """
    scope = Scope(old.blackboard)
    declared = {entry.name for entry in tree.inputs}
    given = {name: value for name, value in old.inputs.items() if name in declared}
    values = _inputs(tree, given, tree.params)
    builder = _Builder(old.context, dict(reuse.overrides), reuse)
    with old.blackboard.undo_names(), deep_recursion(), gc_paused():
        root = builder.node(tree.root, scope, "", -1)
    nodes = tuple(cast("list[BuiltNode]", builder.nodes))
    for built in nodes:
        built.node.path, built.node.place, built.node.index = built.path, built.place, built.index
    for name, value in tree.params.items():
        if name not in old.spec.params or old.spec.params[name] != value:
            scope.cell(name).set(value, "params")
    for entry in tree.inputs:
        cell = scope.cell(entry.name, entry.type)
        if entry.name not in given:
            cell.set(values[entry.name], "input")
    _write_all(builder.writes)
    return BuiltTree(tree, root, nodes, old.blackboard, old.context, values, reuse.overrides, builder.scopes)


def _write_all(writes: Iterable[tuple[Cell, object]]) -> None:
    for cell, value in writes:
        cell.set(value, "params")


def _inputs(tree: TreeSpec, given: Mapping[str, object], params: Mapping[str, object]) -> dict[str, object]:
    known = {entry.name: entry for entry in tree.inputs}
    for name in given:
        if name not in known:
            raise UnknownNameError("input", name, known, f"give only inputs that {tree.name} declares")
    values: dict[str, object] = {}
    for name, entry in known.items():
        if name in given:
            values[name] = _of_input(entry, constant(given[name]), f"input {name}")()
        elif name in params:
            values[name] = _of_input(entry, constant(params[name]), f"parameter {name}")()
        elif entry.default is not None:
            values[name] = entry.default.value
        else:
            raise KnotholeError(f"{tree.name} needs the input {name!r}\n  fix:  give it with --set {name}=VALUE")
    return values


def _of_input(entry: InputSpec, get: Getter, label: str) -> Getter:
    """Return a getter whose value is one of an input: its type, its range, its choices."""
    return limited(typed(get, entry.type, label), entry.port, label)


class _Builder:
    def __init__(
        self,
        context: Context,
        overrides: dict[str, Factory],
        reuse: Reuse | None = None,
    ) -> None:
        self.context = context
        self.overrides = overrides
        self.again, self.reuse = reuse is not None, reuse or Reuse()
        self.scopes: dict[str, str] = {}
        self.writes: list[tuple[Cell, object]] = []
        self.nodes: list[BuiltNode | None] = []

    def node(self, spec: NodeSpec, scope: Scope, prefix: str, parent: int) -> Any:
        """Build a node, its common keys around it, and everything below."""
        path = prefix + spec.path
        wrappers: list[tuple[int, str, Factory, tuple[str, ...]]] = []
        for label, cls, keys in _WRAPPERS:
            given = tuple(key for key in keys if key in spec.common or key in spec.hooks)
            if given:
                wrappers.append((self._reserve(), label or given[0], cls, given))
        if path not in self.overrides:
            wrappers += [(self._reserve(), key, Unsure, (key,)) for key in _beside(spec)]
            if grows(spec):
                wrappers.append((self._reserve(), LABEL, Grown, ("plan",) if spec.children else ()))
        chain = [parent, *(w[0] for w in wrappers)]
        node = self._bare(spec, scope, prefix, chain[-1])
        for (index, label, cls, given), above in reversed(list(zip(wrappers, chain, strict=False))):
            nodes = {**spec.parts, **spec.hooks, **({"plan": spec.children[0]} if cls is Grown and given else {})}
            place = (spec.common.get(given[0]) or nodes[given[0]]).place if given and cls is not Grown else spec.place
            own = f"{path}#{label}"
            parts = {key: self.node(nodes[key], scope, prefix, index) for key in given if key in nodes}
            wiring = Wiring(
                f"{label} {spec.name}",
                own,
                place,
                {
                    _PORTS.get(key, key): common(key, spec.common[key], scope, own)
                    for key in given
                    if key in spec.common
                },
                children=[node],
                parts=parts,
                context=self.context,
                options={f"shown.{key}": scope.shown(spec.common[key]) for key in given if key in spec.common},
                board=scope.board,
                scope=scope.name,
            )
            node = self.reuse.nodes[own] if own in self.reuse.nodes else cls(wiring)
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
        options |= {f"cells.{p}": scope.cells(value) for p, value in spec.values.items() if isinstance(value, Computed)}
        options |= {f"fields.{p}": v.accessors for p, v in spec.values.items() if isinstance(v, Reference)}
        if factory is None:
            beside = _beside(spec)
            parts = {n: self.node(part, scope, prefix, index) for n, part in spec.parts.items() if n not in beside}
            if not grows(spec):
                children = [self.node(child, scope, prefix, index) for child in spec.children]
            if spec.uses is not None:
                child, options["inputs"] = self._subtree(spec, spec.uses, scope, path, index)
                children.append(child)
        kind = str(getattr(cls, "kind", "leaf"))
        if path in self.reuse.nodes:
            node = self.reuse.nodes[path]
            self.nodes[index] = BuiltNode(index, path, spec.type, spec.name, kind, spec.place, parent, node, spec)
            return node
        ports = ports_of(spec)
        wiring = Wiring(
            spec.name,
            path,
            spec.place,
            readers(spec, ports, scope, path),
            cells(spec, ports, scope),
            children,
            parts,
            self.context,
            options,
            scope.board,
            scope.name,
            frozenset(name for name, value in spec.values.items() if moves(value)),
        )
        node = cast(Factory, factory or cls)(wiring)
        if self.context.invariants is not None:
            names = (spec.type,) if spec.uses is None else (spec.type, spec.uses.name)
            self.context.invariants.watch(node, names, wiring, spec.kind.limb)
        self.nodes[index] = BuiltNode(index, path, spec.type, spec.name, kind, spec.place, parent, node, spec)
        return node

    def _subtree(
        self, spec: NodeSpec, tree: TreeSpec, outer: Scope, path: str, index: int
    ) -> tuple[Any, list[tuple[Cell, Getter]]]:
        """Build a used tree in a scope of its own; return its root and the inputs to evaluate at each start."""
        computed: list[tuple[Cell, Getter]] = []
        if path in self.reuse.scopes:
            name, computed = self.reuse.scopes[path]
            self.scopes[path] = name
            return self.node(tree.root, Scope(outer.board, name), f"{path}/", index), computed
        inner = Scope(outer.board, self._new_scope(outer.board, path))
        for name, value in tree.params.items():
            self.writes.append((inner.own(name), value))
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
                    computed.append((inner.cell(entry.name, entry.type), constant(entry.default.value)))
            elif entry.name in outputs or not isinstance(value, Reference) or value.accessors:
                get = _of_input(entry, outer.getter(value), f"input {entry.name}")
                computed.append((inner.cell(entry.name, entry.type), get))
        return self.node(tree.root, inner, f"{path}/", index), computed

    def _new_scope(self, board: Blackboard, path: str) -> str:
        """Return the path, with a number where a tree that is still there, or was before a change, has that scope."""
        name, count = path, 1
        while self.again and board.has_scope(name):
            count += 1
            name = f"{path}~{count}"
        self.scopes[path] = name
        return name


def use_values(spec: NodeSpec, port: str) -> dict[str, Any]:
    """Return the ``inputs`` or ``outputs`` of a ``use`` node: name → value."""
    return {key.partition(".")[2]: value for key, value in spec.values.items() if key.startswith(f"{port}.")}


def class_of(spec: NodeSpec) -> type:
    """Return the class that a node is built from; nodes and subtrees that are only declared have a stub."""
    kind = spec.kind
    if kind.cls is not None and (spec.type != SUBTREE or spec.uses is not None or kind.mocked):
        return kind.cls
    return STUBS["subtree" if kind.cls is not None else kind.model]


def grows(spec: NodeSpec) -> bool:
    """Tell whether a node is a leaf that lets a tree grow below it; what grew are its children."""
    return bool(getattr(class_of(spec), "grows", False))


def _beside(spec: NodeSpec) -> tuple[str, ...]:
    """Return the ports of a leaf that hold a node: it stands beside the leaf, in a wrapper around both."""
    return tuple(spec.parts) if spec.parts and issubclass(class_of(spec), Leaf) else ()


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
