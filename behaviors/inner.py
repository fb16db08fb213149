"""What composites and decorators share: their wiring, their ports, and children that can be ticked recursively."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import py_trees

from .context import Context
from .node import Wiring
from .ports import Port
from .step import FAILURE, INVALID, RUNNING, Status, Steps, adopt, own_copy, raise_fault


class Inner(Steps):
    """Mixin of every node with children. ``wiring.children`` are its children, in order."""

    kind: ClassVar[Literal["composite", "decorator"]]
    ports: ClassVar[tuple[Port, ...]] = ()
    flow: ClassVar[str] = "any"
    """How control passes its children: a key of ``flow.FLOWS``."""
    reactive: ClassVar[bool] = False
    """True when it looks at earlier children again in each tick."""
    open_ports: ClassVar[bool] = False
    """True when the author may give ports that are not declared."""
    name: str
    feedback_message: str
    wiring: Wiring
    context: Context

    def _wire(self, wiring: Wiring) -> None:
        self._unlogged()
        self.wiring = wiring
        self.context = wiring.context
        self.path = wiring.path
        self.place = wiring.place

    def get(self, port: str) -> object:
        """Return the present value of an input port, converted to its declared type."""
        try:
            return self.wiring.inputs[port]()
        except Exception as error:
            raise_fault(self, error)

    def initialise(self) -> None:
        """Start an execution (py_trees' hook)."""
        self.feedback_message = ""

    def terminate(self, new_status: Status) -> None:
        """End an execution (py_trees' hook); a FAILURE keeps the reason of the child that decided it."""
        if new_status is FAILURE:
            self.feedback_message = self._reason()
        elif new_status is INVALID:
            self.feedback_message = ""

    def _reason(self) -> str:
        raise NotImplementedError


class Composite(Inner):
    """Mixin before a py_trees composite."""

    kind: ClassVar[Literal["composite", "decorator"]] = "composite"
    current_child: Any
    _plain: bool = False
    """True when nothing happens at the start and at a successful end of an execution but what stands here."""

    def _unlogged(self) -> None:
        super()._unlogged()
        self._plain = type(self)._plain
        self._lights: list[Any] | None = None

    def add_child(self, child: Any) -> Any:
        """Append a child."""
        return super().add_child(adopt(child))  # type: ignore[misc]

    def insert_child(self, child: Any, index: int) -> Any:
        """Insert a child."""
        return super().insert_child(adopt(child), index)  # type: ignore[misc]

    def prepend_child(self, child: Any) -> Any:
        """Put a child before all others."""
        return super().prepend_child(adopt(child))  # type: ignore[misc]

    def _reason(self) -> str:
        child = self.current_child
        if child is None or child.status is not FAILURE:
            child = next((c for c in reversed(self.children) if c.status is FAILURE), None)
        if child is None:
            return self.feedback_message or "it has no child that could succeed"
        return child.feedback_message or f"{child.name} failed"

    def __init_subclass__(cls, **options: Any) -> None:
        if "_t" not in cls.__dict__:
            cls._t = own_copy(cls._t)  # type: ignore[method-assign]
        super().__init_subclass__(**options)
        cls._plain = all(getattr(cls, name) is getattr(Composite, name) for name in _ENDS)

    def _reset(self) -> None:
        """Make every child INVALID. A child that is only a status is reset here, without a call."""
        children = self.children
        if self._lights == children:
            for child in children:
                if child.status is RUNNING:
                    child._x(INVALID)
                else:
                    child.status = INVALID
        else:
            for child in children:
                if child.status is not INVALID:
                    child._x(INVALID)
            if self._lights is None:
                self._lights = list(children) if all(child._light for child in children) else []
        if self._resets is not None:
            self._resets.extend(children)

    def _leave_after(self, child: Any) -> None:
        """Make every child after ``child`` INVALID; what runs is halted."""
        children = self.children
        if child is not children[-1]:
            for later in children[children.index(child) + 1 :]:
                if later.status is not INVALID:
                    later._x(INVALID)

    def _all_skipped(self) -> bool:
        for child in self.children:
            if not child.skipped or child.status is not INVALID:
                return False
        return bool(self.children)

    def _x(self, new: Status) -> None:
        if new is INVALID:
            self.current_child = None
            self._reset()
            if self._plain:
                self.feedback_message = ""
                self.status = INVALID
                if self._log is not None:
                    self._log(self)
                return
        elif self._all_skipped():
            self._skip()
            return
        self._ends(new)

    def _ends(self, new: Status) -> None:
        self.terminate(new)
        self.status = new
        if self._log is not None and (new is not self._noted or self.feedback_message != self._said):
            self._log(self)


_ENDS = ("initialise", "terminate", "_ends", "_x")


class Decorator(Inner, py_trees.decorators.Decorator):  # type: ignore[misc]
    """Base of nodes with exactly one child. Write ``decide``, which turns the child's status into the node's."""

    kind = "decorator"
    ports: ClassVar[tuple[Port, ...]] = (Port("child", "node", "the node it decorates"),)
    decorated: Any

    def __init__(self, wiring: Wiring) -> None:
        (child,) = wiring.children
        super().__init__(wiring.name, adopt(child))
        self._wire(wiring)

    def decide(self, status: Status) -> Status:
        """Return the status that follows from the child's SUCCESS, FAILURE or RUNNING; set ``feedback_message``."""
        if status is not INVALID:
            self.feedback_message = self.decorated.feedback_message
        return status

    def update(self) -> Status:
        """Decide after the child was ticked (py_trees' hook); a skipped child makes the decorator skipped."""
        status: Status = self.decorated.status
        if status is INVALID:
            self.skipped = True
            return INVALID
        return self.decide(status)

    def terminate(self, new_status: Status) -> None:
        """End an execution (py_trees' hook)."""
        if new_status is INVALID:
            self.feedback_message = ""

    def _t(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self.skipped = False
            self.initialise()
        self.decorated._t()
        new = self.update()
        if new is RUNNING is old:
            return RUNNING
        return self._settle(old, new)

    def _settle(self, old: Status, new: Status) -> Status:
        if new is RUNNING:
            return self._runs(old)
        if new is INVALID:
            return self._skip()
        self._x(new)
        return new

    def _x(self, new: Status) -> None:
        self.terminate(new)
        child = self.decorated
        if new is INVALID:
            child._x(INVALID)
        if child.status is RUNNING:
            child._x(INVALID)
        self.status = new
        if self._log is not None and (new is not self._noted or self.feedback_message != self._said):
            self._log(self)
