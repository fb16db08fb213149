"""Where a loop has its time from: a world that is stepped, nothing at all, or the monotonic clock."""

from __future__ import annotations

import time
from typing import Protocol

from ...robots.contract import Robot
from .alarm import Alarm


class Clock(Protocol):
    """What a loop needs of time."""

    stepped: bool
    """True when time passes only in ``wait_until``."""

    def now(self) -> float:
        """Return the time, [s]."""
        ...

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        """Let time pass up to ``until`` [s]; a clock that really waits returns early when the alarm goes off."""
        ...


class SteppedClock:
    """Pure time: it passes when it is asked to, at once. For trees without a robot, and for tests."""

    stepped = True

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the time, [s]."""
        return self._now

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        """Jump to ``until`` [s]."""
        self._now = max(self._now, until)


class WorldClock:
    """The time of a stepped driver: waiting advances its world, physics included."""

    stepped = True

    def __init__(self, robot: Robot) -> None:
        self._robot = robot

    def now(self) -> float:
        """Return the driver's time, [s]."""
        return self._robot.now()

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        """Advance the world to ``until`` [s]."""
        self._robot.advance(until)


class RealClock:
    """The monotonic clock, as a real robot has it. Waiting sleeps, then lets the driver report a lost connection."""

    stepped = False

    def __init__(self, robot: Robot | None = None) -> None:
        self._robot = robot

    def now(self) -> float:
        """Return the time, [s]."""
        return time.monotonic() if self._robot is None else self._robot.now()

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        """Sleep until ``until`` [s], or until the alarm goes off."""
        while (left := until - self.now()) > 0:
            if alarm is None:
                time.sleep(left)
            elif alarm.sleep(left):
                break
        if self._robot is not None:
            self._robot.advance(until)


class ShiftedClock:
    """Another clock, set forward or back: the time of a run that was resumed goes on where it was left.

    Args:
        clock: The clock.
        shift: How far, [s].
    """

    def __init__(self, clock: Clock, shift: float) -> None:
        self._clock, self._shift = clock, shift
        self.stepped = clock.stepped

    def now(self) -> float:
        """Return the time, [s]."""
        return self._clock.now() + self._shift

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        """Let the other clock come to that time."""
        self._clock.wait_until(until - self._shift, alarm)


def clock_of(robot: Robot | None) -> Clock:
    """Return the clock that goes with a robot; without one time is stepped."""
    if robot is None:
        return SteppedClock()
    return WorldClock(robot) if robot.stepped else RealClock(robot)
