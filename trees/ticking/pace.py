"""When the next tick comes: absolute deadlines on a clock, what wakes the loop before, what is left out after."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...vlm.broker import Broker
from ..changing.checkpoint import Checkpoint
from .alarm import Alarm
from .clock import Clock, ShiftedClock, SteppedClock
from .timing import Overrun, Stopwatch

_TIE = 1e-9
_WARN_EVERY = 1.0


class Pace:
    """The deadlines of one run.

    Args:
        clock: Time.
        period: Between two deadlines, [s].
        overrun: What happens to deadlines that passed while a tick was going on, on a real clock.
        warn: Called with a sentence about them.

    Attributes:
        clock: Time; of a run that was resumed it goes on where that was left.
        began: When the run began, also the one that was resumed, [s].
        since: When this part of the run began, [s].
        steps: How many deadlines have passed.
        stopwatch: How punctual the run is; None on a stepped clock.
    """

    def __init__(self, clock: Clock, period: float, overrun: Overrun, warn: Callable[[str], None]) -> None:
        self.clock, self.period, self.overrun = clock, period, overrun
        self.began = self.since = 0.0
        self.steps = 0
        self.stopwatch: Stopwatch | None = None
        self._warn = warn
        self._alarm: Alarm | None = None
        self._early = False
        self._unsaid, self._warned = 0, float("-inf")

    def begin(self, resume: Checkpoint | None) -> float:
        """Start, or go on from a checkpoint; return how far the clock was shifted for that, [s]."""
        shift = 0.0
        if resume is None:
            self.began = self.since = self.clock.now()
        else:
            if isinstance(self.clock, SteppedClock):
                self.clock = SteppedClock(resume.now)
            else:
                shift = resume.now - self.clock.now()
                self.clock = ShiftedClock(self.clock, shift)
            self.began, self.since, self.steps = resume.began, resume.now, resume.steps
        if not self.clock.stepped:
            self._alarm, self.stopwatch = Alarm(), Stopwatch(self.period)
        return shift

    @property
    def due(self) -> float:
        """The next deadline, [s]."""
        return self.began + (self.steps + 1) * self.period

    def is_over(self, max_time: float | None) -> bool:
        """Tell whether the next deadline is beyond a time limit, [s], counted from ``since``."""
        return max_time is not None and self.due - self.since > max_time + _TIE

    def wake(self) -> None:
        """End the wait that goes on now, or the next one, on a real clock; from any thread and from signal handlers."""
        if self._alarm is not None:
            self._alarm.ring()

    def wait(self, stopped: Callable[[], bool], broker: Broker | None) -> None:
        """Let time pass to the next deadline, or, once between two of them, until something wakes the loop.

        Args:
            stopped: True when the run shall end; a real clock returns at once then.
            broker: An answer that arrives there wakes the loop.
        """
        alarm, stopwatch = self._alarm, self.stopwatch
        if alarm is None or stopwatch is None:
            self.steps += 1
            self.clock.wait_until(self.began + self.steps * self.period)
            return
        self._leave_out(stopwatch)
        due = self.due
        if self._early:
            broker = None
        alarm.watch(broker.descriptor if broker is not None else None)
        while True:
            self.clock.wait_until(due, alarm)
            if stopped():
                return
            late = self.clock.now() - due
            if late >= -_TIE:
                self.steps += 1
                self._early = False
                stopwatch.began(late)
                return
            if not self._early and (alarm.rung() or (broker is not None and broker.arrived())):
                self._early = True
                stopwatch.woken += 1
                return

    def put_off(self, seconds: float) -> None:
        """Leave out a time in which the run stood still, up to now, [s]: no tick was missed, its time limit waits."""
        self.since += seconds
        late = self.clock.now() - self.due
        if late > 0:
            self.steps += math.ceil(late / self.period - _TIE)
        if self.stopwatch is not None:
            self.stopwatch.excused += seconds

    def _leave_out(self, stopwatch: Stopwatch) -> None:
        """Deal with deadlines that passed while a tick was going on."""
        late = self.clock.now() - self.due
        if late <= self.period:
            return
        if self.overrun == "catch_up":
            stopwatch.overruns += 1
            return
        missed = int(late / self.period)
        stopwatch.overruns += missed
        self.steps += missed
        self._unsaid += missed
        if self.overrun == "warn" and self.clock.now() >= self._warned + _WARN_EVERY:
            self._warn(f"a tick took too long: {self._unsaid} ticks were left out")
            self._unsaid, self._warned = 0, self.clock.now()

    def close(self) -> None:
        """Release what waiting needs. Idempotent."""
        if self._alarm is not None:
            self._alarm.close()
