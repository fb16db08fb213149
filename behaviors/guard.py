"""The guard: a condition that pauses what it guards, without ever restarting or halting it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, cast

import py_trees

from .inner import Composite
from .node import Wiring, behavior
from .ports import Port
from .step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault

_TIE = 1e-9


@behavior("guard")
class Guard(Composite, py_trees.composites.Composite):  # type: ignore[misc]
    """Run the child only while a check succeeds; else pause it.

    The check is ticked first in every tick. While it succeeds (or is skipped) the child is ticked. Otherwise the child
    is paused: the robot is stopped once and holds, the child is neither ticked nor halted, its timeouts and waits stand
    still. When the check succeeds again the child goes on where it was.

    Ports:
        check (in, node): The condition, such as a ``see``.
        child (in, node): What it guards.
        give_up_after (in, duration, default never): Longest pause, [s].

    Status:
        RUNNING: The child is, or it is paused.
        SUCCESS: The child succeeded.
        FAILURE: The child failed, or a pause lasted as long as ``give_up_after``; the child is then halted.

    Halt:
        Halts the check and the child.
    """

    kind: ClassVar[Literal["composite", "decorator"]] = "decorator"
    flow = "guard"
    ports = (
        Port("check", "node", "the condition, ticked first in every tick"),
        Port("child", "node", "what it guards"),
        Port("give_up_after", "duration", "longest pause; never gives up if left out", default=None, minimum=0.0),
    )

    def __init__(self, wiring: Wiring) -> None:
        (child,) = wiring.children
        super().__init__(wiring.name, [wiring.parts["check"], child])
        self._wire(wiring)
        self.paused = False
        self._since = 0.0
        self._outer_pause = 0.0

    @property
    def check(self) -> Any:
        """The condition."""
        return self.children[0]

    @property
    def guarded(self) -> Any:
        """What it guards."""
        return self.children[1]

    def initialise(self) -> None:
        """Start unpaused (py_trees' hook)."""
        self.feedback_message = ""
        self.paused = False
        value = self.get("give_up_after") if "give_up_after" in self.wiring.inputs else None
        self._patience = cast("float | None", value)

    def _t(self) -> Status:
        old = self._begin()
        self.check._t()
        if self._holds():
            return self._hold(old)
        self._go_on()
        self.guarded._t()
        return self._settle(old)

    def _ticks(self) -> Iterator[Any]:
        old = self._begin()
        yield from self.check.tick()
        if self._holds():
            self._hold(old)
        else:
            self._go_on()
            yield from self.guarded.tick()
            self._settle(old)
        yield self

    def _begin(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self.skipped = False
            self._reset()
            self.initialise()
        return old

    def _holds(self) -> bool:
        status = self.check.status
        self.current_child = self.check
        return status is not SUCCESS and not (status is INVALID and self.check.skipped)

    def _hold(self, old: Status) -> Status:
        now = self.context.now
        why = self.check.feedback_message or f"{self.check.name} does not succeed"
        if not self.paused:
            self.paused = True
            self._since = now
            self._pause_child()
        elif self._patience is not None and now - self._since >= self._patience - _TIE:
            self.feedback_message = f"gave up after a pause of {self._patience:g} s: {why}"
            self._x(FAILURE)
            return FAILURE
        self.feedback_message = f"paused: {why}"
        self.status = RUNNING
        if self._log is not None:
            self._log(self)
        return RUNNING

    def _go_on(self) -> None:
        self.current_child = self.guarded
        if self.paused:
            self.paused = False
            self.feedback_message = ""
            if self._log is not None and self.status is RUNNING:
                self._log(self)
            if self.guarded.status is RUNNING:
                self.guarded._resume()

    def _pause_child(self) -> None:
        try:
            if self.guarded.status is RUNNING:
                self.guarded._pause()
        finally:
            robot = self.context.robot
            if robot is not None:
                try:
                    robot.stop()
                except Exception as error:
                    raise_fault(self, error)

    def _settle(self, old: Status) -> Status:
        status: Status = self.guarded.status
        if status is RUNNING:
            return self._runs(old)
        if status is INVALID:
            return self._skip()
        self._x(status)
        return status

    def terminate(self, new_status: Status) -> None:
        """End an execution (py_trees' hook)."""
        if new_status is FAILURE and self.guarded.status is FAILURE:
            self.feedback_message = self.guarded.feedback_message or f"{self.guarded.name} failed"
        elif new_status is not FAILURE:
            self.feedback_message = ""

    def _x(self, new: Status) -> None:
        for child in self.children:
            if child.status is RUNNING:
                child._x(INVALID)
        if new is INVALID:
            self.current_child = None
            self._reset()
        self.paused = False
        self._ends(new)

    def _pause(self) -> None:
        """Pause from above: a pause of its own goes on, and its clock stands still as well."""
        self._outer_pause = self.context.now
        if self.check.status is RUNNING:
            self.check._pause()
        if not self.paused and self.guarded.status is RUNNING:
            self.guarded._pause()

    def _resume(self) -> None:
        if self.paused:
            self._since += self.context.now - self._outer_pause
        if self.check.status is RUNNING:
            self.check._resume()
        if not self.paused and self.guarded.status is RUNNING:
            self.guarded._resume()
