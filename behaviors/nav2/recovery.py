"""Nav2's control nodes that try something else after a failure, and the one that pauses."""

from __future__ import annotations

from typing import Any, Final, cast

from ..bt.stepwise import CHILDREN, Control, Tick, reset
from ..bt.values import named_cell
from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS
from .places import entry, given


@behavior("nav2.RecoveryNode")
class RecoveryNode(Control):
    """Run the first child; when it fails run the second to recover, and try the first again.

    All of this goes on within one tick as long as no child is RUNNING.

    Ports:
        number_of_retries (in, int, default 1): How often it recovers.
        children (in, nodes): What to run, and how to recover.

    Status:
        RUNNING: One of the children is.
        SUCCESS: The first child succeeded.
        FAILURE: The first child failed once more than it may, or the second one failed or was skipped. Skipped, the
            count of recoveries is kept for the next execution.
        SKIPPED: The first child was skipped.

    Halt:
        Halts the running child and forgets the count.

    Source: ``recovery_node.cpp`` of Nav2.
    """

    flow = "recovery"
    least = most = 2
    ports = (Port("number_of_retries", "int", "how often it recovers", default=1), CHILDREN)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Go back to the first child and forget the count."""
        self._at = self._count = 0

    def _end(self) -> None:
        self.forget()
        self.reset_children()
        self.stored = INVALID

    def run(self) -> Tick:
        """Tick the present child, and the other one as long as none is RUNNING."""
        retries = cast(int, self.get("number_of_retries"))
        self.stored = RUNNING
        task, recovery = self.children
        why = ""
        while self._count <= retries:
            status = yield (recovery if self._at else task)
            if status is RUNNING:
                return RUNNING
            if self._at == 0:
                if status is not FAILURE:
                    self._end()
                    return status
                why = task.feedback_message or f"{task.name} failed"
                if self._count >= retries:
                    break
                reset(task)
                self._at = 1
            elif status is SUCCESS:
                reset(recovery)
                self._count += 1
                self._at = 0
            elif status is INVALID:
                self._at = 0
                reset(recovery)
                return self.blame(f"{why or task.name + ' failed'} (and the recovery was skipped)")
            else:
                break
        times = "1 recovery" if self._count == 1 else f"{self._count} recoveries"
        tried = f" (after {times})" if self._count and not self._at else ""
        failed = f"{self._why}{tried}" if self._why else "it may not even be tried"
        self._end()
        return self.blame(failed)


@behavior("nav2.RoundRobin")
class RoundRobin(Control):
    """Run one child after the other, beginning behind the one that succeeded last.

    As in the original, without ``wrap_around`` the round ends behind the last child with a failure, even when that
    child succeeded.

    Ports:
        wrap_around (in, bool, default false): Go on with the first child behind the last one.
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The present child is.
        SUCCESS: A child succeeded; the next execution begins with the child behind it.
        FAILURE: All children failed one after the other, or the last one has ended and there is no wrapping around;
            the next execution begins with the first child.
        SKIPPED: All children were skipped in one tick.

    Halt:
        Halts the running child and goes back to the first one.

    Source: ``round_robin_node.cpp`` of Nav2.
    """

    flow = "round_robin"
    ports = (Port("wrap_around", "bool", "go on with the first child behind the last one", default=False), CHILDREN)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Go back to the first child."""
        self._at = self._failures = 0

    def run(self) -> Tick:
        """Tick children until one succeeds or is RUNNING."""
        self.stored = RUNNING
        children = self.children
        count = len(children)
        wraps = cast(bool, self.get("wrap_around"))
        skips = 0
        while self._failures + skips < count:
            status = yield children[self._at]
            if status is RUNNING:
                return RUNNING
            self._at += 1
            ends = self._at == count and not wraps
            if self._at == count and wraps:
                self._at = 0
            if status is SUCCESS and not ends:
                self._failures = 0
                self.reset_children()
                return SUCCESS
            self._failures += status is FAILURE
            skips += status is INVALID
            if ends:
                if status is not FAILURE:
                    how = "succeeded" if status is SUCCESS else "was skipped"
                    self._why = f"{children[-1].name}, the last child, {how}, but wrap_around is false"
                break
        self.forget()
        self.reset_children()
        self.stored = INVALID
        return INVALID if skips == count else FAILURE


_CHILD: Final = {"resumed": 0, "paused": 1, "on_pause": 2, "on_resume": 3}
_NEXT: Final = {
    "pause_requested": "on_pause",
    "on_pause": "paused",
    "resume_requested": "on_resume",
    "on_resume": "resumed",
}


@behavior("nav2.PauseResumeController")
class PauseResumeController(Control):
    """Run the first child; on request halt it, and run others until it may go on from its beginning.

    Instead of the two ROS services there are two blackboard entries with their names: ``true`` in one of them is a
    request, which the node takes by writing ``false``.

    Ports:
        pause_service_name (in, text, default none): The entry that requests a pause.
        resume_service_name (in, text, default none): The entry that requests to go on; heeded while paused only.
        children (in, nodes): What to run, and (optional) what to run while paused, once at each pause, and once before
            going on.

    Status:
        RUNNING: The present child is, or it is one of the optional ones and has ended, or there is none.
        SUCCESS: The first child succeeded or was skipped.
        FAILURE: The present child failed.

    Halt:
        Halts the running child; the next execution is not paused.

    Source: ``pause_resume_controller.cpp`` of Nav2.
    """

    flow = "any"
    least, most = 1, 4
    ports = (
        Port("pause_service_name", "text", "the entry that requests a pause", default=None),
        Port("resume_service_name", "text", "the entry that requests to go on", default=None),
        CHILDREN,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Be neither paused nor about to be."""
        self._state = "resumed"

    def run(self) -> Tick:
        """Take requests and tick the child of the present state."""
        if self.stored is INVALID:
            self.forget()
        self.stored = RUNNING
        if self._requested("pause_service_name") and self._state != "paused":
            self._state = "pause_requested"
        if self._requested("resume_service_name") and self._state == "paused":
            self._state = "resume_requested"
        if self._state.endswith("_requested"):
            self.reset_children()
            self._go_on()
        number = _CHILD[self._state]
        if number >= len(self.children):
            self._go_on()
            return RUNNING
        status = yield self.children[number]
        if status is RUNNING or status is FAILURE:
            return status
        if self._state == "resumed":
            return SUCCESS
        self._go_on()
        return RUNNING

    def _go_on(self) -> None:
        self._state = _NEXT.get(self._state, self._state)

    def _requested(self, port: str) -> bool:
        name: Any = given(self, port)
        if not name or entry(self, str(name)) is not True:
            return False
        named_cell(self.wiring, str(name).lstrip("/")).set(False, self.path)
        return True
