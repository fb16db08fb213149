"""The guard: a condition that pauses what it guards, without ever restarting or halting it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, cast

import py_trees

from .human import Asked
from .inner import Composite
from .node import Leaf, Wiring, behavior
from .ports import Port
from .step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault

_TIE = 1e-9
WHEN_CLEAR, AFTER_CONFIRM = "when_clear", "after_confirm"
GO_ON, STOP = "go on", "stop"
"""What a human who confirms can answer."""


@behavior("guard")
class Guard(Composite, py_trees.composites.Composite):  # type: ignore[misc]
    """Run the child only while a check succeeds; else pause it.

    The check is ticked first in every tick. While it succeeds (or is skipped) the child is ticked. Otherwise the child
    is paused: the robot is stopped once and holds, the child is neither ticked nor halted, its timeouts and waits stand
    still. When the check succeeds again the child goes on where it was; with ``resume: after_confirm`` only once a
    human has confirmed it, if the check failed meanwhile.

    The questions of the check go out before all others, and each leaf in it can have limits of its own (``budget``,
    ``rate``, ``deadline``). ``clear_of: hand, person, stop_word`` is the usual check in one line. The arm
    is at rest one tick and ``Capabilities.braking_time`` after the answer that stopped it.

    Ports:
        check (in, node): The condition, such as a ``see``.
        child (in, node): What it guards.
        give_up_after (in, duration, default never): Longest pause, [s].
        resume (in, text, default when_clear): When the child goes on after a check that failed: ``when_clear``, as soon
            as the check succeeds, or ``after_confirm``, when a human then says go on.

    Status:
        RUNNING: The child is, or it is paused.
        SUCCESS: The child succeeded.
        FAILURE: The child failed; a pause lasted as long as ``give_up_after``; a human who was asked to confirm said
            stop, has gone, or there is none. The child is halted.

    Halt:
        Halts the check and the child.
    """

    kind: ClassVar[Literal["composite", "decorator"]] = "decorator"
    flow = "guard"
    ports = (
        Port("check", "node", "the condition, ticked first in every tick"),
        Port("child", "node", "what it guards"),
        Port("give_up_after", "duration", "longest pause; never gives up if left out", default=None, minimum=0.0),
        Port(
            "resume",
            "text",
            "what ends a pause: the check alone, or a human who confirms it",
            default=WHEN_CLEAR,
            choices=(WHEN_CLEAR, AFTER_CONFIRM),
        ),
    )

    def __init__(self, wiring: Wiring) -> None:
        (child,) = wiring.children
        super().__init__(wiring.name, [wiring.parts["check"], child])
        self._wire(wiring)
        self.paused = False
        self._since = 0.0
        self._outer_pause = 0.0
        self._alarm = ""
        self._asked: Asked | None = None

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
        self._forget()
        inputs = self.wiring.inputs
        self._patience = cast("float | None", self.get("give_up_after") if "give_up_after" in inputs else None)
        self._confirms = "resume" in inputs and self.get("resume") == AFTER_CONFIRM

    def _t(self) -> Status:
        old = self._begin()
        self.check._t()
        if self._holds() or not self._confirmed():
            return self._hold(old)
        self._go_on()
        self.guarded._t()
        return self._settle(old)

    def _ticks(self) -> Iterator[Any]:
        old = self._begin()
        yield from self.check.tick()
        if self._holds() or not self._confirmed():
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
        holds = status is not SUCCESS and not (status is INVALID and self.check.skipped)
        if holds and status is FAILURE:
            self._alarm = self.check.feedback_message or f"{self.check.name} failed"
        if holds and not (self._confirms and self.paused and self._alarm and getattr(self.check, "only_said", False)):
            self._withdraw()
            return True
        return False

    def _confirmed(self) -> bool:
        """Tell whether the child may go on, as far as a human has to say so."""
        if not (self._confirms and self._alarm):
            return True
        if not self.paused:
            return False  # a human said stop in this very tick
        if self._asked is None:
            self._asked = Asked(cast(Leaf, self), f"The robot stands still ({self._alarm}). Go on?", (GO_ON, STOP))
        if self._asked.answer != GO_ON:
            return False
        self.context.stop_sign.take_down()
        self._forget()
        return True

    def _refused(self) -> str:
        """Say why the child will never go on; empty while it may."""
        if self._asked is None:
            return ""
        said = self._asked.answer
        if self._asked.late:  # there was nobody, or whoever was there has gone
            why = self._asked.over if self._asked.stopped else "nobody is there to confirm that it may go on"
            return f"{why} after: {self._alarm}"
        return f"the human said stop after: {self._alarm}" if said == STOP else ""

    def _withdraw(self) -> None:
        if self._asked is not None:
            self._asked.withdraw()
            self._asked = None

    def _forget(self) -> None:
        self._withdraw()
        self._alarm = ""

    def _hold(self, old: Status) -> Status:
        now = self.context.now
        why = self.check.feedback_message or f"{self.check.name} does not succeed"
        if self._asked is not None:
            why = f"asked the human whether to go on after: {self._alarm}"
        refused = self._refused()
        if refused:
            self.feedback_message = refused
            self._x(FAILURE)
            return FAILURE
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
        self._alarm = ""
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
        self._withdraw()
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
