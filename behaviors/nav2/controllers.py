"""Nav2's decorators that decide when their child is ticked."""

from __future__ import annotations

import math
from typing import Any, cast

from ..bt.stepwise import CHILD, BTDecorator, Tick, stored
from ..context import Context
from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS
from .places import NO_ROBOT, XY, base_of, distance, given_or_entry, same

TIE = 1e-9
FRAMES = (
    Port("global_frame", "text", "not used: poses are in the world frame", default=""),
    Port("robot_base_frame", "text", "not used: the robot says where its base is", default=""),
)
GOALS = (
    Port("goals", "any", "goals; the entry $goals if left out", default=None),
    Port("goal", "any", "goal; the entry $goal if left out", default=None),
)


class Clocked(BTDecorator):
    """Base of decorators with a clock that stands still under a paused guard."""

    context: Context
    get: Any

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._since = self._paused_at = 0.0

    def _restart(self) -> None:
        self._since = self.context.now

    def _elapsed(self) -> float:
        return self.context.now - self._since + TIE

    def _pause(self) -> None:
        self._paused_at = self.context.now
        super()._pause()

    def _resume(self) -> None:
        self._since += self.context.now - self._paused_at
        super()._resume()


@behavior("nav2.RateController")
class RateController(Clocked):
    """Tick the child at a rate: at once, and then whenever the period is over. A running child is ticked in each tick.

    Ports:
        hz (in, number, default 10.0): The rate, [1/s].
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or its time has not come.
        SUCCESS, FAILURE, SKIPPED: As the child. The period begins again after a success.

    Halt:
        Halts the child.

    Source: ``rate_controller.cpp`` of Nav2.
    """

    flow = "same"
    ports = (Port("hz", "number", "the rate", default=10.0), CHILD)

    def run(self) -> Tick:
        """Tick the child if its time has come."""
        if self.stored is INVALID:
            hz = cast(float, self.get("hz"))
            self._period = 1.0 / hz if hz else math.inf
            self._restart()
            self._first = True
        self.stored = RUNNING
        if not (self._first or stored(self.decorated) is RUNNING or self._elapsed() >= self._period):
            return RUNNING
        self._first = False
        status = yield self.decorated
        if status is SUCCESS:
            self._restart()
        return status


@behavior("nav2.DistanceController")
class DistanceController(BTDecorator):
    """Tick the child at once, and then whenever the robot has gone a distance. A running child is ticked in each tick.

    The distance is measured on the ground, by the pose of the base that the robot gives.

    Ports:
        distance (in, number, default 1.0): The distance, [m].
        global_frame (in, text, default none): Not used: poses are in the world frame.
        robot_base_frame (in, text, default none): Not used: the robot says where its base is.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or the robot has not gone far enough.
        SUCCESS: The child succeeded; the distance begins again.
        FAILURE: The child failed, or there is no robot.
        SKIPPED: The child was skipped.

    Halt:
        Halts the child.

    Source: ``distance_controller.cpp`` of Nav2.
    """

    flow = "same"
    ports = (Port("distance", "number", "the distance", default=1.0), *FRAMES, CHILD)

    def run(self) -> Tick:
        """Tick the child if the robot has gone far enough."""
        here = _base(self)
        if here is None:
            return self.blame(NO_ROBOT)
        if self.stored is INVALID:
            self._start, self._first = here, True
        self.stored = RUNNING
        far = distance(self._start, here) >= cast(float, self.get("distance")) - TIE
        if not (self._first or stored(self.decorated) is RUNNING or far):
            return RUNNING
        self._first = False
        status = yield self.decorated
        if status is SUCCESS:
            self._start = _base(self) or here
        return status


@behavior("nav2.SpeedController")
class SpeedController(Clocked):
    """Tick the child at a rate that grows with the speed of the robot. A running child is ticked in each tick.

    The speed is that of the base since the node looked last, on the ground. A new goal begins the period anew.

    Ports:
        min_rate (in, number, default 0.1): Rate at the smallest speed, [1/s], greater than 0.
        max_rate (in, number, default 1.0): Rate at the greatest speed, [1/s], greater than 0.
        min_speed (in, number, default 0.0): The smallest speed, [m/s].
        max_speed (in, number, default 0.5): The greatest speed, [m/s].
        goals (in, any, default none): Goals; the entry ``$goals`` if left out.
        goal (in, any, default none): Goal; the entry ``$goal`` if left out.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or its time has not come.
        SUCCESS, FAILURE, SKIPPED: As the child.

    Halt:
        Halts the child.

    Source: ``speed_controller.cpp`` of Nav2. There the speed is a smoothed odometry.
    """

    flow = "same"
    ports = (
        Port("min_rate", "number", "rate at the smallest speed", default=0.1),
        Port("max_rate", "number", "rate at the greatest speed", default=1.0),
        Port("min_speed", "number", "the smallest speed", default=0.0),
        Port("max_speed", "number", "the greatest speed", default=0.5),
        *GOALS,
        CHILD,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._seen: tuple[float, tuple[float, float]] | None = None
        self._speed = 0.0
        self._goals: tuple[object, object] = (None, None)

    def run(self) -> Tick:
        """Tick the child if its time has come."""
        goals = (given_or_entry(self, "goals"), given_or_entry(self, "goal"))
        self._look()
        if self.stored is INVALID or not all(same(a, b) for a, b in zip(goals, self._goals, strict=True)):
            low, high = (cast(float, self.get(port)) for port in ("min_rate", "max_rate"))
            if low <= 0.0 or high <= 0.0:
                self.refuse(f"the rates are {low:g} and {high:g}", "write rates greater than 0")
            self._goals = goals
            self._period = 1.0 / high
            self._restart()
            self._first = True
        self.stored = RUNNING
        over = self._elapsed() >= self._period
        if not (self._first or stored(self.decorated) is RUNNING or over):
            return RUNNING
        self._first = False
        if over:
            self._period = 1.0 / self._rate()
            self._restart()
        return (yield self.decorated)

    def _look(self) -> None:
        here, now = _base(self), self.context.now
        if here is not None and self._seen is not None and now > self._seen[0]:
            self._speed = distance(self._seen[1], here) / (now - self._seen[0])
        self._seen = (now, here) if here is not None else None

    def _rate(self) -> float:
        low, high, slow, fast = (
            cast(float, self.get(port)) for port in ("min_rate", "max_rate", "min_speed", "max_speed")
        )
        if fast == slow:
            return high if self._speed > slow else low
        return max(min((self._speed - slow) / (fast - slow) * (high - low) + low, high), low)


@behavior("nav2.SingleTrigger")
class SingleTrigger(BTDecorator):
    """Run the child to its end once; from then on fail until the node is reset by its parent.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SKIPPED: The child is.
        SUCCESS: The child succeeded in this tick.
        FAILURE: The child failed, or it has ended before.

    Halt:
        Halts the child.

    Source: ``single_trigger_node.cpp`` of Nav2.
    """

    flow = "maybe"

    def run(self) -> Tick:
        """Tick the child unless it has ended before."""
        if self.stored is INVALID:
            self._done = False
        self.stored = RUNNING
        if self._done:
            return self.blame(f"{self.decorated.name} was run before")
        status = yield self.decorated
        self._done = status is SUCCESS or status is FAILURE
        return status


def _base(node: BTDecorator) -> XY | None:
    """Return where the base is on the ground, [m], in a way that a replay can tell again."""
    context: Context = node.context
    found = context.outside(node.path, lambda: base_of(context))
    return cast("XY | None", found)
