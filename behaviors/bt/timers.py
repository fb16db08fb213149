"""BehaviorTree.CPP's nodes that look at the clock. Time is that of the run and stands still under a paused guard."""

from __future__ import annotations

from typing import Any, cast

from ..context import Context
from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, RUNNING, SUCCESS, Status
from .stepwise import CHILD, BTDecorator, StatefulLeaf, Tick, reset, stored

_TIE = 1e-9


class Timer(BTDecorator):
    """Base of Timeout and Delay: a time that begins with an execution."""

    context: Context
    get: Any

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._paused_at = 0.0
        self.forget()

    def forget(self) -> None:
        """Stop the timer."""
        self._until: float | None = None
        self._started = False

    def _start(self, port: str) -> None:
        self._started = True
        self._until = self.context.now + cast(int, self.get(port)) / 1000

    def _over(self) -> bool:
        return self._until is not None and self.context.now >= self._until - _TIE

    def _pause(self) -> None:
        self._paused_at = self.context.now
        super()._pause()

    def _resume(self) -> None:
        if self._until is not None:
            self._until += self.context.now - self._paused_at
        super()._resume()


@behavior("bt.Timeout")
class Timeout(Timer):
    """Halt the child and fail when it takes too long.

    A child that is not RUNNING when the time is over is not bound by it any more in this execution.

    Ports:
        msec (in, int): Longest time from the first tick, [ms]; 0 sets no limit.
        child (in, node): The node that must end in time.

    Status:
        RUNNING, SUCCESS, SKIPPED: As the child.
        FAILURE: The child failed, or it was still running when the time was over.

    Halt:
        Halts the child and stops the clock.

    Source: ``timeout_node.cpp`` of 4.10.0. There a thread halts the child between two ticks, here the next tick does.
    """

    flow = "timeout"
    ports = (Port("msec", "int", "longest time from the first tick, in milliseconds", minimum=0), CHILD)

    def run(self) -> Tick:
        """Look at the clock and tick the child."""
        child = self.decorated
        if not self._started:
            self.stored = RUNNING
            self._start("msec")
            self._limit = cast(int, self.get("msec"))
            if not self._limit:
                self._until = None
        elif self._over():
            self._until = None
            if stored(child) is RUNNING:
                doing = f" ({child.feedback_message})" if child.feedback_message else ""
                reset(child)
                self._started = False
                return self.blame(f"not done within {self._limit} ms{doing}")
        status = yield child
        if status is SUCCESS or status is FAILURE:
            self.forget()
        return status


@behavior("bt.Delay")
class Delay(Timer):
    """Let a time pass, then tick the child.

    Ports:
        delay_msec (in, int): How long from the first tick, [ms].
        child (in, node): The node to run afterwards.

    Status:
        RUNNING: The time is not over, or the child is.
        SUCCESS, FAILURE: The child ended so; the next execution waits again.
        SKIPPED: The child was skipped; it is ticked without another delay next time.

    Halt:
        Halts the child and stops the clock.

    Source: ``delay_node.cpp`` of 4.10.0.
    """

    flow = "same"
    ports = (Port("delay_msec", "int", "how long to wait, in milliseconds", minimum=0), CHILD)

    def run(self) -> Tick:
        """Look at the clock, and tick the child when the time is over."""
        if not self._started:
            self.stored = RUNNING
            self._start("delay_msec")
        if self._until is not None and not self._over():
            self.feedback_message = f"{self._until - self.context.now:.1f} s left"
            return RUNNING
        self._until = None
        status = yield self.decorated
        if status is SUCCESS or status is FAILURE:
            self.forget()
        return status


@behavior("bt.Sleep")
class Sleep(StatefulLeaf):
    """Let a time pass.

    Ports:
        msec (in, int, main): How long, [ms].

    Status:
        RUNNING: The time is not over.
        SUCCESS: It is over.

    Halt:
        Stops the clock; nothing moves.

    Source: ``sleep_node.cpp`` of 4.10.0.
    """

    replays = "ticked"
    recovers = "state"
    ports = (Port("msec", "int", "how long, in milliseconds", main=True, minimum=0),)

    def start(self) -> None:
        """Look at the clock."""
        self._until = self.context.now + cast(int, self.get("msec")) / 1000
        self._paused_at = self.context.now

    def step(self) -> Status:
        """Compare the clock."""
        left = self._until - self.context.now
        return self.succeed() if left <= _TIE else self.running(f"{left:.1f} s left")

    def pause(self) -> None:
        """Stop the clock."""
        self._paused_at = self.context.now

    def resume(self) -> None:
        """Let the clock go on."""
        self._until += self.context.now - self._paused_at
