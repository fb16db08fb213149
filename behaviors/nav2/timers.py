"""Nav2's conditions that look at the clock, and the one that looks at the distance gone."""

from __future__ import annotations

from typing import cast

from ..node import Leaf, Wiring, behavior
from ..ports import Port
from ..step import INVALID, Status
from .controllers import FRAMES, TIE
from .places import NO_ROBOT, XY, base_of, distance, given, length, poses_of, same, xy_of


@behavior("nav2.TimeExpired")
class TimeExpired(Leaf):
    """Succeed whenever a time has passed, within one execution of the parent.

    Ports:
        seconds (in, number, default 1.0): The time, [s].

    Status:
        SUCCESS: It has passed; it begins again.
        FAILURE: It has not, or this is the first tick since the parent reset the node.

    Halt:
        Nothing to halt.

    Source: ``time_expired_condition.cpp`` of Nav2.
    """

    ports = (Port("seconds", "number", "the time", default=1.0),)

    def step(self) -> Status:
        """Look at the clock."""
        now = self.context.now
        if self.status is INVALID:
            self._period, self._since = cast(float, self.get("seconds")), now
            return self.fail("the time begins")
        left = self._period - (now - self._since)
        if left > TIE:
            return self.fail(f"{left:.3g} s are left")
        self._since = now
        return self.succeed()


@behavior("nav2.PathExpiringTimer")
class PathExpiringTimer(Leaf):
    """Succeed whenever a path has stayed the same for a time.

    Ports:
        seconds (in, number, default 1.0): The time, [s]; read in the first tick of the run.
        path (in, any, default none): The path.

    Status:
        SUCCESS: The path is as old as that; the time begins again.
        FAILURE: It is younger, or this is the first tick of the run.

    Halt:
        Nothing to halt.

    Source: ``path_expiring_timer_condition.cpp`` of Nav2.
    """

    ports = (Port("seconds", "number", "the time", default=1.0), Port("path", "any", "the path", default=None))

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._first = True
        self._path: object = None

    def step(self) -> Status:
        """Compare the path and look at the clock."""
        now, path = self.context.now, given(self, "path")
        if self._first:
            self._first = False
            self._period, self._path, self._since = cast(float, self.get("seconds")), path, now
            return self.fail("the time begins")
        if not same(path, self._path):
            self._path, self._since = path, now
        left = self._period - (now - self._since)
        if left > TIE:
            return self.fail(f"the path expires in {left:.3g} s")
        self._since = now
        return self.succeed("the path has expired")


@behavior("nav2.DistanceTraveled")
class DistanceTraveled(Leaf):
    """Succeed whenever the robot has gone a distance, within one execution of the parent.

    The distance is measured on the ground, by the pose of the base that the robot gives.

    Ports:
        distance (in, number, default 1.0): The distance, [m].
        global_frame (in, text, default none): Not used: poses are in the world frame.
        robot_base_frame (in, text, default none): Not used: the robot says where its base is.

    Status:
        SUCCESS: The robot has gone as far; the distance begins again.
        FAILURE: It has not, this is the first tick since the parent reset the node, or there is no robot.

    Halt:
        Nothing to halt.

    Source: ``distance_traveled_condition.cpp`` of Nav2.
    """

    ports = (Port("distance", "number", "the distance", default=1.0), *FRAMES)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._start: XY = (0.0, 0.0)

    def step(self) -> Status:
        """Compare where the robot is."""
        here = base_of(self.context)
        if here is None:
            return self.fail(NO_ROBOT)
        if self.status is INVALID:
            self._start = here
            return self.fail("the distance begins")
        gone, wanted = distance(self._start, here), cast(float, self.get("distance"))
        if gone < wanted - TIE:
            return self.fail(f"the robot has gone {gone:.3g} m of {wanted:g} m")
        self._start = here
        return self.succeed()


@behavior("nav2.IsGoalNearby")
class IsGoalNearby(Leaf):
    """Tell whether little is left of a path, from the pose in it that is closest to the robot.

    Ports:
        path (in, any, default none): The planned path, a list of poses.
        proximity_threshold (in, number, default 1.0): Less than this must be left, [m].
        max_robot_pose_search_dist (in, number, default -1.0): How far along the path the closest pose is looked for,
            from the one found before, [m]; negative for the whole path.
        global_frame (in, text, default none): Not used: poses are in the world frame.
        robot_base_frame (in, text, default none): Not used: the robot says where its base is.

    Status:
        SUCCESS: Less is left.
        FAILURE: More is left, the path is empty, or there is no robot.

    Halt:
        Nothing to halt.

    Source: ``is_goal_nearby_condition.cpp`` of Nav2.
    """

    ports = (
        Port("path", "any", "the planned path", default=None),
        Port("proximity_threshold", "number", "less than this must be left", default=1.0),
        Port("max_robot_pose_search_dist", "number", "how far along the path the pose is looked for", default=-1.0),
        *FRAMES,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._path: list[object] = []
        self._at = 0

    def step(self) -> Status:
        """Find the closest pose and measure from there."""
        path = poses_of(given(self, "path"))
        if not path:
            return self.fail("the path is empty")
        reach = cast(float, self.get("max_robot_pose_search_dist"))
        if reach < 0.0 or not same(path, self._path):
            self._path, self._at = path, 0
        here = base_of(self.context)
        if here is None:
            return self.fail(NO_ROBOT)
        places = [xy_of(pose) for pose in path]
        end = len(places) if reach < 0.0 else _reached(places, self._at, reach)
        self._at = min(range(self._at, max(end, self._at + 1)), key=lambda at: distance(places[at], here))
        left = length(path, self._at)
        wanted = cast(float, self.get("proximity_threshold"))
        return self.succeed() if left < wanted else self.fail(f"{left:.3g} m are left, more than {wanted:g} m")


def _reached(places: list[XY], first: int, reach: float) -> int:
    """Return the index behind the last place that is not further along the path than ``reach`` [m]."""
    gone = 0.0
    for at in range(first, len(places) - 1):
        gone += distance(places[at], places[at + 1])
        if gone > reach:
            return at + 1
    return len(places)
