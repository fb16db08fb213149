"""What all nodes share, the base class of leaves, and the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, TypeVar

import py_trees
from py_trees.common import Status

from .._base import Place, Registry
from .blackboard import Blackboard, Cell
from .context import Context
from .ports import COMMON_KEYS, Port
from .step import FAILURE, FAULTS, INVALID, RUNNING, SUCCESS, NodeFault, Steps, own_copy, raise_fault

_UNSAID: Final = "\0"

__all__ = [
    "FAILURE",
    "INVALID",
    "NODES",
    "RUNNING",
    "SUCCESS",
    "Leaf",
    "NodeFault",
    "Wiring",
    "behavior",
]


@dataclass
class Wiring:
    """What the builder gives to a node.

    Attributes:
        name: Display name (the author's ``name`` or the type key).
        path: Unique path from the root, such as ``tidy/sequence[1]/pick``.
        place: Where the node stands in its file.
        inputs: Port → function that returns its present value, converted to the port's type. Ports with a default are
            there even when the author gave none.
        outputs: Port → cell, only for ports the author bound; also the entries that ``variable`` ports name.
        children: Built child nodes: of composites in order, of decorators one.
        parts: Node-typed ports other than children, such as ``check`` of a guard.
        context: Services of the run.
        options: Further build-time data of special nodes (names they bind, compiled expressions).
        board: The blackboard of the run.
        scope: What the names of entries here begin with on that blackboard, empty for the root tree.
        moving: Input ports whose value may differ from one reading to the next.
    """

    name: str
    path: str = ""
    place: Place | None = None
    inputs: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    outputs: Mapping[str, Cell] = field(default_factory=dict)
    children: Sequence[py_trees.behaviour.Behaviour] = ()
    parts: Mapping[str, py_trees.behaviour.Behaviour] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    options: Mapping[str, object] = field(default_factory=dict)
    board: Blackboard = field(default_factory=Blackboard)
    scope: str = ""
    moving: frozenset[str] = frozenset()


class Leaf(Steps, py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """Base of every leaf: declare ``ports``, write ``step`` and, where something is started, ``start`` and ``halt``.

    A leaf reads its ports, does one small step, returns a status, and never waits. One that cannot come to rest within
    its ``halt`` (a walking robot finishes its step) writes ``halting`` too.
    """

    kind: ClassVar[Literal["leaf"]] = "leaf"
    ports: ClassVar[tuple[Port, ...]] = ()
    open_ports: ClassVar[bool] = False
    """True when the author may give ports that are not declared."""
    visual: ClassVar[bool] = False
    """True when it asks a question about a frame."""
    asks: ClassVar[bool] = False
    """True when it asks a model something that needs no frame; ``visual`` says it for the others."""
    hears: ClassVar[bool] = False
    """True when it asks what was said: the run gives it ears."""
    skills: ClassVar[frozenset[str]] = frozenset()
    """What it needs of ``Capabilities.skills``, such as ``{"arm", "gripper"}``."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Facts that must hold when it starts as a step of a plan, such as ``"clear(object)"``: ``means/effects.py``."""
    effects: ClassVar[tuple[str, ...]] = ()
    """Facts that hold after SUCCESS."""
    rehearses: ClassVar[bool] = True
    """False when what comes of it is up to a human, so that trying it in a copy of the world says nothing."""
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of input ports of which exactly one must be given."""
    limb: ClassVar[str] = ""
    """The part of the robot it commands; two leaves commanding one limb must not run at once."""
    recovers: ClassVar[Literal["no", "anew", "state"]] = "no"
    """What becomes of it when it was RUNNING in a run that another process resumes: ``no`` (the run cannot be resumed),
    ``anew`` (it starts again), or ``state`` (its attributes are kept, and it goes on without a ``start``)."""
    why_not: ClassVar[str] = "its class does not say how: `recovers` is no"
    """Why ``recovers`` is ``no``, for whoever wants to resume."""
    replays: ClassVar[Literal["recorded", "ticked", "answers"]] = "recorded"
    """What a replay of a recorded run does with it: give what it said then (``recorded``), tick it again since it needs
    nothing but ports, entries and time (``ticked``), or tick it again on the answers that came then (``answers``). Each
    class says it for itself; a subclass that does not is ``recorded``."""

    @classmethod
    def mistake_in_plan(cls, args: Mapping[str, object]) -> str:
        """Say what is wrong with the arguments of a planned step though each fits its port; empty for nothing.

        A plan with a mistake goes back to the model; what a leaf refuses by a fault ends the run.

        Args:
            args: Port → value, as the model wrote it; what is left out has its default.
        """
        return ""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring.name)
        self._unlogged()
        self.wiring = wiring
        self.context = wiring.context
        self.path = wiring.path
        self.place = wiring.place
        self._queued = False
        if wiring.context.invariants is not None:
            wiring.context.invariants.watch(self, (), wiring)

    def __init_subclass__(cls, **options: Any) -> None:
        # Methods chosen once per class save look-ups and calls in each tick (benchmarks/ticks.py).
        hooked = any(getattr(cls, name) is not getattr(Leaf, name) for name in ("initialise", "update", "terminate"))
        plain = Leaf._t_startless if cls.start is Leaf.start else Leaf._t
        cls._t = own_copy(Leaf._t_hooked if hooked else plain)  # type: ignore[method-assign]
        cls._x = Leaf._x_hooked if hooked or cls.tick is not Leaf.tick else Leaf._x  # type: ignore[method-assign]
        if cls.limb or cls.halting is not Leaf.halting:
            cls._at_once, cls._t = cls._t, own_copy(Leaf._t_queued)  # type: ignore[method-assign]
            cls._x = Leaf._x_queued  # type: ignore[method-assign]
            cls._ticks = Leaf._ticks_queued  # type: ignore[method-assign,assignment]
        super().__init_subclass__(**options)
        cls._light = cls._x is Leaf._x

    def start(self) -> None:
        """Called before the first ``step`` of an execution."""

    def step(self) -> Status:
        """Do one small step and return SUCCESS, FAILURE (through ``fail``) or RUNNING (through ``running``)."""
        raise TypeError(f"{type(self).__name__} must define step()")

    def halt(self) -> None:
        """Called when the leaf is left while RUNNING because someone above decided so. Leave the robot still."""

    def halting(self) -> bool:
        """Called after ``halt`` and then once a tick, for as long as it returns True: not at rest yet.

        Meanwhile the leaf is INVALID, marked as halting. It does not start again, nor does another leaf with the same
        ``limb``: they are RUNNING and wait. The loop gives it ``halt_timeout`` before it calls that a fault.
        """
        return False

    def pause(self) -> None:
        """Called once when a guard pauses the leaf while RUNNING, just before the robot is stopped."""

    def resume(self) -> None:
        """Called once when the guard lets it go on; the next ``step`` follows in the same tick."""

    def get(self, port: str) -> object:
        """Return the present value of an input port, converted to its declared type."""
        return self.wiring.inputs[port]()

    def put(self, port: str, value: object) -> None:
        """Write an output port; nothing happens when the author did not bind it."""
        cell = self.wiring.outputs.get(port)
        if cell is not None:
            cell.set(value, self.path)

    def fail(self, reason: str) -> Status:
        """Return FAILURE and say why, in words for the author of the tree."""
        self.feedback_message = reason
        return FAILURE

    def running(self, doing: str = "") -> Status:
        """Return RUNNING and say what is going on."""
        self.feedback_message = doing
        return RUNNING

    def succeed(self, note: str = "") -> Status:
        """Return SUCCESS with an optional note."""
        self.feedback_message = note
        return SUCCESS

    def skip(self, note: str = "") -> Status:
        """Return SKIPPED: there is nothing to do here, and the parent passes over the leaf."""
        self.feedback_message = note
        self.skipped = True
        if self._noted is INVALID:
            self._said = _UNSAID  # else nothing would seem to have changed
        return INVALID

    def _t(self) -> Status:
        try:
            if self.status is not RUNNING:
                self.skipped = False
                self.feedback_message = ""
                self.start()
            status = self.step()
            if status is not SUCCESS and status is not RUNNING:
                self._check(status)
        except BaseException as error:
            self._broke(error)
        self.status = status
        if self._log is not None and (status is not self._noted or self.feedback_message != self._said):
            self._log(self)
        return status

    def _t_startless(self) -> Status:
        """Tick a leaf that has no ``start``: the same, without the call."""
        if self.status is not RUNNING:
            self.skipped = False
            self.feedback_message = ""
        try:
            status = self.step()
            if status is not SUCCESS and status is not RUNNING:
                self._check(status)
        except BaseException as error:
            self._broke(error)
        self.status = status
        if self._log is not None and (status is not self._noted or self.feedback_message != self._said):
            self._log(self)
        return status

    def _t_hooked(self) -> Status:
        """Tick a leaf that overrides py_trees' own hooks."""
        if self.status is not RUNNING:
            self.skipped = False
            self.initialise()
        status: Status = self.update()
        if status is not RUNNING:
            self.terminate(status)
        self.status = status
        if self._log is not None:
            self._log(self)
        return status

    def _x(self, new: Status) -> None:
        old = self.status
        if new is old:
            return
        self.status = new
        try:
            if old is RUNNING and new is INVALID and not self.skipped:
                self.halt()
        except FAULTS as error:
            raise_fault(self, error)
        finally:
            if self._log is not None:
                self._log(self)

    def _x_hooked(self, new: Status) -> None:
        """Stop a leaf that overrides py_trees' own hooks."""
        old = self.status
        try:
            self.terminate(new)
        except FAULTS as error:
            raise_fault(self, error)
        finally:
            self.status = new
            if new is not old and self._log is not None:
                self._log(self)

    def _at_once(self) -> Status:
        """Tick without looking who else moves; set where ``_t`` looks."""
        raise NotImplementedError

    def _t_queued(self) -> Status:
        """Tick a leaf that starts only when nobody who moves its limb is still coming to rest."""
        if self._queued or (self.context.halting and self.status is not RUNNING):
            other = self._ahead()
            if other is not None:
                self._queued = True
                self.skipped = False
                self.status = RUNNING
                self.feedback_message = "halting" if other.path == self.path else f"waits until {other.path} is at rest"
                if self._log is not None:
                    self._log(self)
                return RUNNING
            self._queued = False
            self.status = INVALID
        return self._at_once()

    def _ticks_queued(self) -> Iterator[Leaf]:
        self._t()
        yield self

    def _x_queued(self, new: Status) -> None:
        """Stop a leaf that may have to come to rest."""
        old, started = self.status, not self._queued
        self._queued = False
        try:
            if started:
                self.terminate(new)
                if old is RUNNING and new is INVALID and not self.skipped and self.halting():
                    self.context.halting[self] = self.context.now
        except FAULTS as error:
            raise_fault(self, error)
        finally:
            self.status = new
            if new is not old and self._log is not None:
                self._log(self)

    def _ahead(self) -> Leaf | None:
        """Return the leaf that has to come to rest before this one may start."""
        for other in self.context.halting:
            if other.path == self.path or (self.limb and other.limb == self.limb):
                return other
        return None

    def rest(self) -> bool:
        """Ask a leaf that is halting whether it has come to rest; called once a tick by who ticks the tree.

        Raises:
            NodeFault: ``halting`` raised. The leaf counts as at rest.
        """
        try:
            resting = not self.halting()
        except FAULTS as error:
            self.context.halting.pop(self, None)
            raise_fault(self, error)
        if resting:
            self.context.halting.pop(self, None)
            if self._log is not None:
                self._log(self)
        return resting

    def _check(self, status: object) -> None:
        if status is FAILURE:
            self.feedback_message = self.feedback_message or f"{self.name} failed"
        elif status is not INVALID or not self.skipped:
            shown = "nothing" if status is None else repr(status)
            raise TypeError(f"step() of {type(self).__name__} returned {shown}, which is no status")

    def _broke(self, error: BaseException) -> None:
        """Leave the leaf RUNNING, so that it is halted, and raise; Ctrl-C is no fault."""
        self.status = RUNNING
        if not isinstance(error, FAULTS):
            raise error
        self.feedback_message = f"fault: {error}"
        if self._log is not None:
            self._log(self)
        raise_fault(self, error)

    def _pause(self) -> None:
        if self._queued:
            return
        try:
            self.pause()
        except FAULTS as error:
            raise_fault(self, error)

    def _resume(self) -> None:
        if self._queued:
            return
        try:
            self.resume()
        except FAULTS as error:
            raise_fault(self, error)

    def initialise(self) -> None:
        """Start an execution (py_trees' hook)."""
        self.feedback_message = ""
        try:
            self.start()
        except BaseException as error:
            self._broke(error)

    def update(self) -> Status:
        """Do one step (py_trees' hook)."""
        try:
            status = self.step()
            if status is not SUCCESS and status is not RUNNING:
                self._check(status)
        except BaseException as error:
            self._broke(error)
        return status

    def terminate(self, new_status: Status) -> None:
        """Halt when left while RUNNING (py_trees' hook)."""
        if new_status is INVALID and self.status is RUNNING and not self.skipped:
            self.halt()


N = TypeVar("N", bound=type)


def _by_dotted_path(name: str) -> type | None:
    """Look a class of py_trees up; see ``pt/adapter.py``."""
    if "." not in name:
        return None
    from .pt.adapter import find

    return find(name)


NODES: Registry[type] = Registry(
    "node",
    "behaviors",
    "knothole.behaviors",
    "correct the name, or list what exists with `knothole nodes`",
    deep=True,
    elsewhere=_by_dotted_path,
)


def behavior(name: str) -> Callable[[N], N]:
    """Register a node class under the type key that authors write."""

    def keep(cls: N) -> N:
        ports: tuple[Port, ...] = getattr(cls, "ports", ())
        names = [port.name for port in ports]
        taken = sorted({*names} & {*COMMON_KEYS} - {"name"})  # ``set`` names an entry
        if taken and "." not in name:
            raise ValueError(f"port {taken[0]!r} of {cls.__name__} bears the name of a common key")
        if len(set(names)) != len(names):
            raise TypeError(f"{cls.__name__} declares a port twice: {sorted(names)}")
        if sum(port.main for port in ports) > 1:
            raise TypeError(f"{cls.__name__} declares two main ports")
        NODES.register(name)(cls)
        return cls

    return keep
