"""Nav2's conditions about values: error codes, poses, bounds, the battery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

from ..node import Leaf, behavior
from ..ports import Port
from ..step import Status
from .places import NO_ROBOT, base_of, distance, entry, given, given_or_entry, xy_of

_CODES = (
    Port("error_code", "int", "the present error code", default=None),
    Port("error_codes_to_check", "list[int]", "the error codes to look for", default=None),
)


@behavior("nav2.AreErrorCodesPresent")
class AreErrorCodesPresent(Leaf):
    """Tell whether an error code is one of several.

    Ports:
        error_code (in, int, default none): The present error code.
        error_codes_to_check (in, list[int], default none): The error codes to look for, such as ``101;107;119``.

    Status:
        SUCCESS: It is one of them.
        FAILURE: It is not, or there is none.

    Halt:
        Nothing to halt.

    Source: ``are_error_codes_present_condition.hpp`` of Nav2.
    """

    ports = _CODES
    codes: ClassVar[frozenset[int] | None] = None
    """The error codes to look for, where the port is not asked."""

    def step(self) -> Status:
        """Look for the code."""
        code = given(self, "error_code")
        wanted = self.codes
        if wanted is None:
            wanted = frozenset(cast("list[int]", given(self, "error_codes_to_check") or ()))
        if code in wanted:
            return self.succeed(f"the error code is {code}")
        return self.fail("there is no error code" if code is None else f"the error code {code} is none of these")


@behavior("nav2.WouldAControllerRecoveryHelp")
class WouldAControllerRecoveryHelp(AreErrorCodesPresent):
    """Tell whether an error code of the controller is one after which a recovery may help: 100, 104, 105, 106.

    Ports:
        error_code (in, int, default none): The present error code.
        error_codes_to_check (in, list[int], default none): Not used.

    Status:
        SUCCESS: It is.
        FAILURE: It is not, or there is none.

    Halt:
        Nothing to halt.

    Source: ``would_a_controller_recovery_help_condition.cpp`` and ``FollowPath.action`` of Nav2.
    """

    codes = frozenset((100, 104, 105, 106))


@behavior("nav2.WouldAPlannerRecoveryHelp")
class WouldAPlannerRecoveryHelp(AreErrorCodesPresent):
    """Tell whether an error code of the planner is one after which a recovery may help: 200, 207, 208, 300, 307, 308.

    Ports:
        error_code (in, int, default none): The present error code.
        error_codes_to_check (in, list[int], default none): Not used.

    Status:
        SUCCESS: It is.
        FAILURE: It is not, or there is none.

    Halt:
        Nothing to halt.

    Source: ``would_a_planner_recovery_help_condition.cpp`` and the two ``ComputePath….action`` of Nav2.
    """

    codes = frozenset((200, 207, 208, 300, 307, 308))


@behavior("nav2.WouldARouteRecoveryHelp")
class WouldARouteRecoveryHelp(AreErrorCodesPresent):
    """Tell whether an error code of the route server is one after which a recovery may help: 400, 404, 405.

    Ports:
        error_code (in, int, default none): The present error code.
        error_codes_to_check (in, list[int], default none): Not used.

    Status:
        SUCCESS: It is.
        FAILURE: It is not, or there is none.

    Halt:
        Nothing to halt.

    Source: ``would_a_route_recovery_help_condition.cpp`` and the two ``…Route.action`` of Nav2.
    """

    codes = frozenset((400, 404, 405))


@behavior("nav2.WouldASmootherRecoveryHelp")
class WouldASmootherRecoveryHelp(AreErrorCodesPresent):
    """Tell whether an error code of the smoother is one after which a recovery may help: 500, 502, 503, 504.

    Ports:
        error_code (in, int, default none): The present error code.
        error_codes_to_check (in, list[int], default none): Not used.

    Status:
        SUCCESS: It is.
        FAILURE: It is not, or there is none.

    Halt:
        Nothing to halt.

    Source: ``would_a_smoother_recovery_help_condition.cpp`` and ``SmoothPath.action`` of Nav2.
    """

    codes = frozenset((500, 502, 503, 504))


@behavior("nav2.InitialPoseReceived")
class InitialPoseReceived(Leaf):
    """Tell whether the robot was told where it is.

    Ports:
        initial_pose_received (in, bool, default none): Whether it was; the entry ``$initial_pose_received`` if left
            out.

    Status:
        SUCCESS: It was.
        FAILURE: It was not.

    Halt:
        Nothing to halt.

    Source: ``initial_pose_received_condition.cpp`` of Nav2.
    """

    ports = (Port("initial_pose_received", "bool", "whether it was; else the entry of that name", default=None),)

    def step(self) -> Status:
        """Look at the port or the entry."""
        told = given_or_entry(self, "initial_pose_received")
        return self.succeed() if told is True else self.fail("no initial pose was received")


@behavior("nav2.ArePosesNear")
class ArePosesNear(Leaf):
    """Tell whether two poses are near each other, on the ground.

    Ports:
        ref_pose (in, any): One pose, in the world frame.
        target_pose (in, any): The other pose, in the world frame.
        global_frame (in, text, default none): Not used: poses are in the world frame.
        tolerance (in, number, default 0.5): How far apart they may be, [m].

    Status:
        SUCCESS: They are.
        FAILURE: They are not.

    Halt:
        Nothing to halt.

    Source: ``are_poses_near_condition.cpp`` of Nav2.
    """

    ports = (
        Port("ref_pose", "any", "one pose"),
        Port("target_pose", "any", "the other pose"),
        Port("global_frame", "text", "not used: poses are in the world frame", default=""),
        Port("tolerance", "number", "how far apart they may be", default=0.5),
    )

    def step(self) -> Status:
        """Measure the distance."""
        apart = distance(xy_of(self.get("ref_pose")), xy_of(self.get("target_pose")))
        allowed = cast(float, self.get("tolerance"))
        return self.succeed() if apart <= allowed else self.fail(f"they are {apart:.3g} m apart, {allowed:g} m may be")


@behavior("nav2.GoalReached")
class GoalReached(Leaf):
    """Tell whether the robot is at its goal, on the ground: within the entry ``$goal_reached_tol``, or 0.25 m.

    Ports:
        goal (in, any): The goal, in the world frame.
        robot_base_frame (in, text, default none): Not used: the robot says where its base is.

    Status:
        SUCCESS: It is.
        FAILURE: It is not, or there is no robot.

    Halt:
        Nothing to halt.

    Source: ``goal_reached_condition.cpp`` of Nav2. There the tolerance is a parameter of the ROS node.
    """

    ports = (
        Port("goal", "any", "the goal"),
        Port("robot_base_frame", "text", "not used: the robot says where its base is", default=""),
    )

    def step(self) -> Status:
        """Measure the distance."""
        here = base_of(self.context)
        if here is None:
            return self.fail(NO_ROBOT)
        told = entry(self, "goal_reached_tol")
        allowed = float(told) if isinstance(told, int | float) else 0.25
        apart = distance(here, xy_of(self.get("goal")))
        return (
            self.succeed() if apart <= allowed else self.fail(f"the goal is {apart:.3g} m away, {allowed:g} m may be")
        )


@behavior("nav2.IsWithinPathTrackingBounds")
class IsWithinPathTrackingBounds(Leaf):
    """Tell whether the robot follows its path closely enough.

    Ports:
        max_error_left (in, number, default 0.5): Greatest error to the left, [m].
        max_error_right (in, number, default 0.5): Greatest error to the right, [m].
        max_error_heading (in, number, default 3.14): Greatest error of the heading, [rad].
        tracking_feedback (in, any, default none): A message with ``position_tracking_error`` [m], positive to the left,
            and ``heading_tracking_error`` [rad].

    Status:
        SUCCESS: It does, or there is no feedback yet.
        FAILURE: It does not.

    Halt:
        Nothing to halt.

    Source: ``is_within_path_tracking_bounds_condition.cpp`` of Nav2.
    """

    ports = (
        Port("max_error_left", "number", "greatest error to the left", default=0.5),
        Port("max_error_right", "number", "greatest error to the right", default=0.5),
        Port("max_error_heading", "number", "greatest error of the heading", default=3.14),
        Port("tracking_feedback", "any", "how far the robot is off", default=None),
    )

    def step(self) -> Status:
        """Compare the errors."""
        feedback = given(self, "tracking_feedback")
        if feedback is None:
            return self.succeed("there is no feedback yet")
        aside, turned = (_number(feedback, f"{what}_tracking_error") for what in ("position", "heading"))
        side = "left" if aside >= 0.0 else "right"
        if abs(aside) > abs(cast(float, self.get(f"max_error_{side}"))):
            return self.fail(f"the robot is {abs(aside):.3g} m to the {side} of its path")
        if abs(turned) > abs(cast(float, self.get("max_error_heading"))):
            return self.fail(f"the robot is turned {turned:.3g} rad off its path")
        return self.succeed()


_TOPIC = Port("battery_topic", "text", "the entry with the state of the battery", default="/battery_status")


@behavior("nav2.IsBatteryLow")
class IsBatteryLow(Leaf):
    """Tell whether the battery is low.

    Instead of the topic there is the blackboard entry with its name (without the slash at its beginning): a message
    with ``percentage`` (0 to 1) and ``voltage`` [V].

    Ports:
        min_battery (in, number, default 0.0): The least that is not low, as a percentage (0 to 1) or voltage [V].
        battery_topic (in, text, default /battery_status): The entry with the state of the battery.
        is_voltage (in, bool, default false): Whether the voltage is compared.

    Status:
        SUCCESS: It is low.
        FAILURE: It is not, or nothing is known of it.

    Halt:
        Nothing to halt.

    Source: ``is_battery_low_condition.cpp`` of Nav2.
    """

    ports = (
        Port("min_battery", "number", "the least that is not low", default=0.0),
        _TOPIC,
        Port("is_voltage", "bool", "whether the voltage is compared", default=False),
    )

    def step(self) -> Status:
        """Look at the entry."""
        battery = entry(self, str(self.get("battery_topic")))
        if battery is None:
            return self.fail("nothing is known of the battery")
        has = _number(battery, "voltage" if self.get("is_voltage") else "percentage")
        least = cast(float, self.get("min_battery"))
        return self.succeed(f"{has:g} is low") if has <= least else self.fail(f"{has:g} is above {least:g}")


@behavior("nav2.IsBatteryCharging")
class IsBatteryCharging(Leaf):
    """Tell whether the battery is being charged.

    Instead of the topic there is the blackboard entry with its name (without the slash at its beginning): a message
    with ``power_supply_status``, which is 1 while it is charged.

    Ports:
        battery_topic (in, text, default /battery_status): The entry with the state of the battery.

    Status:
        SUCCESS: It is.
        FAILURE: It is not, or nothing is known of it.

    Halt:
        Nothing to halt.

    Source: ``is_battery_charging_condition.cpp`` of Nav2.
    """

    ports = (_TOPIC,)

    def step(self) -> Status:
        """Look at the entry."""
        battery = entry(self, str(self.get("battery_topic")))
        if battery is None:
            return self.fail("nothing is known of the battery")
        return self.succeed() if _number(battery, "power_supply_status") == 1 else self.fail("it is not being charged")


def _number(message: object, name: str) -> float:
    """Return a number of a message.

    Raises:
        TypeError: The message has no such number.
    """
    value = message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
    if not isinstance(value, int | float):
        raise TypeError(f"{message!r:.80} has no number {name!r}")
    return float(value)
