"""A tree whose leaves do whatever they can: the real nodes, ticked without robot, pictures and time.

Composites, decorators, common keys, ``set``, ``check`` and scripts are the ones that run. Every other leaf gives any
status that its type allows, and writes any value into its outputs; a time limit is over whenever it likes; an entry
that holds what only the run knows makes an expression either. So a model can do all that a run can, and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

from ..._base import KnotholeError
from ...behaviors.blackboard import UNSET, Cell
from ...behaviors.conditions import Conditions
from ...behaviors.context import Context
from ...behaviors.guard import Guard
from ...behaviors.means.effects import Fact
from ...behaviors.means.skills import DEFAULT_SKILLS
from ...behaviors.node import Wiring
from ...behaviors.step import FAILURE, RUNNING, SUCCESS, Status
from ..builder import BuiltNode, BuiltTree, build
from ..checking import outcomes
from ..spec import Computed, InputSpec, Program, Reference, Template, TreeSpec
from ..values import Scope
from .choosing import Choice, Chooser, Undecidable
from .enforcing import Enforcer, names_of
from .facts import DOUBTFUL
from .rules import Condition, Rule
from .states import EPOCH, LONG, UNKNOWN, States

MOST_ITEMS: Final = 2
"""A list that only the run knows has up to so many elements here."""
_REAL: Final = (
    *("set", "check", "bt.AlwaysSuccess", "bt.AlwaysFailure", "bt.Script", "bt.ScriptCondition"),
    *("bt.SetBlackboard", "bt.UnsetBlackboard"),
)
"""Leaves that are ticked as they are: they need nothing but entries."""
_GIVES: Final = ((outcomes.SUCCESS, SUCCESS), (outcomes.FAILURE, FAILURE), (outcomes.RUNNING, RUNNING))
_ANYTHING: Final = (Fact("hand_empty"),)
"""Effects of a node that runs planned steps."""
_PLACEHOLDERS: Final[Mapping[str, object]] = {"text": "?", "number": 1.0, "int": 1, "list": [], "mapping": {}}


class Model(Enforcer):
    """One tree, built to be explored; it enforces its rules as a run does, and knows which were broken in a tick.

    Args:
        tree: The tree.
        rules: The rules.

    Attributes:
        broken_rules: Rules that were broken in this tick → path of the node that was to be ticked.
        bounded: True when something has more possibilities than are looked at.

    Raises:
        Undecidable: The tree has nodes that cannot be modelled.
    """

    def __init__(self, tree: TreeSpec, rules: Sequence[Rule]) -> None:
        context = Context(now=EPOCH)
        super().__init__(rules, context)
        context.invariants = self
        self.chooser = Chooser()
        self.broken_rules: dict[int, str] = {}
        self.bounded = False
        self._loose: set[int] = set()
        self.free = tuple(entry for entry in tree.inputs if entry.type == "bool")
        try:
            self.tree: BuiltTree = build(tree, context, {e.name: _given(e) for e in tree.inputs if e.default is None})
        except (KnotholeError, TypeError, ValueError) as error:
            raise Undecidable(str(error).partition("\n")[0]) from error
        self._relevant = self._read_by_rules()
        for built in self.tree.nodes:
            self._loosen(built)
        self.states = States(self.tree, self._loose, lambda: dict(self._gave), self._gave_back)

    def starts(self) -> list[tuple[tuple[Choice, ...], Any]]:
        """Return the states in which the tree may begin, and the choices of inputs that lead there."""
        first = self.states.take()
        found = []
        for script in self.chooser.scripts():
            self.states.bring_back(first)
            self.chooser.begin(script)
            for entry in self.free:
                number = self.chooser.choose("", (f"${entry.name} = false", f"${entry.name} = true"))
                self.tree.blackboard.cell(entry.name).value = bool(number)
            found.append((tuple(self.chooser.taken), self.states.take()))
        return found

    def watch(self, node: Any, names: tuple[str, ...], wiring: Wiring, limb: str = "") -> None:
        """Look at a node; one that runs planned steps may be any skill that it allows."""
        names = names or names_of(node)
        super().watch(node, (*names, *_planned(node, wiring)), wiring, limb)

    def tick(self, script: Sequence[int] = ()) -> Status:
        """Tick once with choices; return the status of the root.

        Raises:
            Undecidable: A node raised, which a run would not have done or not so.
        """
        self.chooser.begin(script)
        self.broken_rules = {}
        context = self.tree.context
        context.tick += 1
        try:
            self.tree.tick()
        except KnotholeError as error:
            raise Undecidable(str(error).partition("\n")[0]) from error
        status: Status = self.tree.root.status
        return status

    def breaks(self, rule: Rule, wiring: Wiring) -> None:
        """Take note of every rule that is broken."""
        self.broken_rules.setdefault(self.rules.index(rule), wiring.path)

    def _true(self, condition: Condition) -> tuple[bool | None, str]:
        if isinstance(condition, Computed) and self._is_unknown(self._cells(condition, Scope(self.tree.blackboard))):
            return bool(self.chooser.choose("", _either(condition.expression.source))), ""
        return super()._true(condition)

    def brought(self, effects: Sequence[Fact], wiring: Wiring, done: bool) -> None:
        """Keep what a leaf brought about; a planned step may bring about anything."""
        if effects is _ANYTHING:
            self._gave.update({id(known): None for known in self._facts})
        else:
            super().brought(effects, wiring, done)

    def _effects_of(self, node: Any, wiring: Wiring) -> tuple[Fact, ...]:
        return _ANYTHING if _planned(node, wiring) else super()._effects_of(node, wiring)

    def _held_by(self, port: str, wiring: Wiring) -> object:
        value = super()._held_by(port, wiring)
        return DOUBTFUL if value is UNKNOWN else value

    def _has(self, written: Mapping[str, str], wiring: Wiring, ports: Sequence[Any]) -> bool:
        """Tell whether ports fit; what only the run knows may be anything."""
        known = {name: text for name, text in written.items() if not self._is_open(name, wiring)}
        return super()._has(known, wiring, ports)

    @staticmethod
    def _is_open(name: str, wiring: Wiring) -> bool:
        """Tell whether a port may hold anything."""
        get = wiring.inputs.get(name)
        if get is None:
            return "skills" in wiring.inputs  # a planned step has its own
        try:
            return get() is UNKNOWN
        except KnotholeError:
            return True

    def _gave_back(self, results: dict[int, Status | None]) -> None:
        self._gave = dict(results)

    def _read_by_rules(self) -> set[int]:
        """Return the cells that rules read, by identity."""
        scope = Scope(self.tree.blackboard)
        found = [c for rule in self.rules for c in rule.conditions if isinstance(c, Computed)]
        return {id(cell) for condition in found for cell in self._cells(condition, scope)}

    def _loosen(self, built: BuiltNode) -> None:
        """Let a node do all that it could."""
        node, spec = built.node, built.spec
        if built.kind == "leaf" and not spec.kind.flow and built.type == spec.type:
            if spec.type not in _REAL:
                self._free_leaf(built)
                return
            if spec.type == "check":
                node._cells = None  # so that it remembers nothing
        if not hasattr(node, "context"):
            raise Undecidable(f"{built.path} is a node of py_trees itself")
        self._free_values(built)
        if isinstance(node, Guard):
            self._free_guard(node)
        if any(port.type == "duration" and port.name in node.wiring.inputs for port in type(node).ports):
            self._free_time(node)

    def _free_leaf(self, built: BuiltNode) -> None:
        """Let a leaf give any status of its type, and write anything."""
        node, kind = built.node, built.spec.kind
        self._loose.add(id(node))
        bits = outcomes._LEAVES.get(kind.name, outcomes.ENDS if kind.model == "condition" else outcomes.ALL)
        gives = [status for bit, status in _GIVES if bits & bit]
        words = [f"gives {status.value}" for status in gives]
        outputs = dict(getattr(getattr(node, "wiring", None), "outputs", {}))
        types = {port.name: port.type for port in kind.ports.values()}

        def step() -> Status:
            status = gives[self.chooser.choose(built.path, words)]
            for port, cell in outputs.items():
                self._write(built.path, cell, types.get(port, "any"))
            node.feedback_message = ""
            return status

        nothing: Callable[..., None] = lambda *args: None  # noqa: E731
        free: dict[str, Any] = {"start": nothing, "step": step, "halt": nothing, "pause": nothing, "resume": nothing}
        free |= {"halting": lambda: False, "rest": lambda: True}
        free |= {"initialise": nothing, "update": step, "terminate": nothing}
        if "on_unsure" in built.spec.parts:
            node.__class__ = _doubting(type(node), self.chooser)
        node.__dict__.update(free)

    def _write(self, path: str, cell: Cell, type: str) -> None:
        """Write anything into an output, or nothing."""
        name = f"${cell.name.rpartition('/')[2]}"
        if type == "bool" or cell.type == "bool":
            number = self.chooser.choose(path, (f"leaves {name}", f"writes {name} = false", f"writes {name} = true"))
            if number:
                cell.set(number == 2, path)
        elif (
            cell.value is not UNSET
            or id(cell) not in self._relevant
            or self.chooser.choose(path, (f"leaves {name}", f"writes {name}"))
        ):
            cell.set(UNKNOWN, path)

    def _free_values(self, built: BuiltNode) -> None:
        """Let expressions over what only the run knows be either, and lists have any of some lengths."""
        node, scope = built.node, Scope(self.tree.blackboard, built.node.wiring.scope)
        values = {**built.spec.values, **{_PORTS.get(k, k): v for k, v in built.spec.common.items()}}
        inputs = dict(node.wiring.inputs)
        for name, get in inputs.items():
            value = values.get(name)
            cells = self._cells(value, scope) if value is not None else ()
            if cells:
                inputs[name] = self._freed(built.path, name, get, cells, value)
        node.wiring.inputs = MappingProxyType(inputs)
        if isinstance(node, Conditions):
            node._first = tuple((key, inputs[key]) for key, _ in node._first)
            node._while = inputs.get("while")

    def _freed(
        self, path: str, name: str, get: Callable[[], object], cells: tuple[Cell, ...], value: object
    ) -> Callable[[], object]:
        def read() -> object:
            if not self._is_unknown(cells):
                return get()
            if isinstance(value, Program):
                raise Undecidable(f"{path}: a script reads a value that only the run knows")
            if isinstance(value, Computed) and name not in ("to", "value"):
                return bool(self.chooser.choose(path, _either(value.expression.source)))
            if name == "in":
                self.bounded = True
                count = self.chooser.choose(path, [f"the list has {n} elements" for n in range(MOST_ITEMS + 1)])
                return [UNKNOWN] * count
            return UNKNOWN

        return read

    def _free_time(self, node: Any) -> None:
        """Let a time limit be over at any tick."""
        node._time_over = 0.0
        node.context = _Clock(node)
        tick, chooser = node._t, self.chooser

        def ticked() -> Status:
            if node.status is RUNNING and chooser.choose(node.path, ("goes on", "its time is over")):
                node._time_over += LONG
            return cast(Status, tick())

        node._t = ticked

    def _free_guard(self, guard: Guard) -> None:
        """Let a human who confirms say anything."""
        chooser = self.chooser

        def confirmed() -> bool:
            if not (guard._confirms and guard._alarm):
                return True
            guard._refused = lambda: ""  # type: ignore[method-assign]
            answer = chooser.choose(guard.path, ("waits for a human", "a human says go on", "a human says stop"))
            if answer == 1:
                guard._alarm = ""
            if answer == 2:
                guard._refused = lambda: "a human said stop"  # type: ignore[method-assign]
            return answer == 1

        guard._confirmed = confirmed  # type: ignore[method-assign]
        guard._refused = lambda: ""  # type: ignore[method-assign]

    def _cells(self, value: object, scope: Scope) -> tuple[Cell, ...]:
        """Return the cells that a value reads."""
        return tuple(scope.cell(name, root=root) for name, root in _mentioned(value))

    @staticmethod
    def _is_unknown(cells: Sequence[Cell]) -> bool:
        return any(cell.value is UNKNOWN for cell in cells)


_PORTS: Final = {"repeat": "times", "timeout": "duration", "retry": "attempts"}


class _Clock:
    """The context of one node, with a time of its own: that of the node's ``_time_over``."""

    def __init__(self, node: Any) -> None:
        self._context, self._node = node.context, node

    @property
    def now(self) -> float:
        return float(self._context.now + self._node._time_over)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


def _planned(node: Any, wiring: Wiring) -> tuple[str, ...]:
    """Return the skills that a node may run as planned steps; none for a node that only plans."""
    get = wiring.inputs.get("skills")
    if get is None or not getattr(node, "limb", ""):
        return ()
    try:
        given = get()
    except KnotholeError:
        return DEFAULT_SKILLS
    return tuple(str(name) for name in given) if isinstance(given, list | tuple) else DEFAULT_SKILLS


def _either(source: str) -> tuple[str, str]:
    return f"`{source}` is false", f"`{source}` is true"


def _given(entry: InputSpec) -> object:
    return False if entry.type == "bool" else _PLACEHOLDERS.get(entry.type, UNKNOWN)


def _mentioned(value: object) -> Iterator[tuple[str, bool]]:
    """Yield the entries that a value reads: name, and whether it is one of the root."""
    if isinstance(value, Reference):
        yield value.name, value.root
    elif isinstance(value, Computed):
        for entry in value.expression.references:
            yield entry.name, entry.root
    elif isinstance(value, Template):
        for part in value.parts:
            yield from _mentioned(part)
    elif isinstance(value, Program):
        for name in value.script.reads:
            yield str(name), False
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _mentioned(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _mentioned(each)
    elif hasattr(value, "value"):
        yield from _mentioned(value.value)


def _doubting(cls: type, chooser: Chooser) -> type:
    """Return a class of questions that are unsure whenever they like."""

    def doubt(self: Any) -> str:
        sure = "is sure, or not answered"
        return "unsure" if self.status is RUNNING and chooser.choose(self.path, (sure, "is unsure")) else ""

    def undecided(self: Any) -> bool:
        return self.status is RUNNING and not chooser.choose(self.path, ("is undecided", "is decided"))

    body = {"doubt": property(doubt), "undecided": property(undecided), "look_anew": lambda self: None}
    return type(cls.__name__, (cls,), body)
