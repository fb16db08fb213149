"""What every robot driver must do. Authors of drivers run it over their own.

```python
from knothole.tests.contracts.robots import RobotContract

class TestMine(RobotContract):
    @classmethod
    def open(cls):
        return open_mine(DriverOptions("192.168.1.5"))
```
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import pytest

from knothole.robots.contract import AT_REST, Motion, Robot, RobotError, Trajectory
from knothole.robots.pose import Array
from knothole.robots.trajectory import timed

SKILLS = frozenset({"arm", "gripper", "base", "footsteps", "servo"})


def spend(robot: Robot, seconds: float) -> None:
    """Let time pass for a driver: its own where it is stepped, everybody's otherwise."""
    robot.advance(robot.now() + seconds)
    if not robot.stepped:
        threading.Event().wait(seconds)
    robot.advance(robot.now())


def finish(robot: Robot, motion: Motion, limit: float = 30.0) -> Motion:
    """Let time pass until a motion has ended."""
    end = robot.now() + limit
    while motion.status == "running" and robot.now() < end:
        spend(robot, 0.05)
    return motion


def nearby(robot: Robot, step: float = 0.12) -> Array:
    """Return a posture close to the present one, inside the limits."""
    q = robot.state().q
    middle = (robot.arm.lower + robot.arm.upper) / 2
    goal: Array = q + step * np.where(q < middle, 1.0, -1.0)
    return goal


def towards(robot: Robot, goal: Array, speed: float = 0.2) -> Trajectory:
    """Return a straight trajectory from the present posture."""
    return timed(robot.arm, np.stack([robot.state().q, goal]), speed, 0.2)


class RobotContract(ABC):
    """Inherit, define ``open``, and name the class ``Test…``."""

    @classmethod
    @abstractmethod
    def open(cls) -> Robot:
        """Return a fresh driver at rest."""

    @pytest.fixture
    def robot(self) -> Iterator[Robot]:
        robot = self.open()
        try:
            yield robot
        finally:
            robot.close()

    def test_it_says_what_it_has(self, robot: Robot) -> None:
        assert isinstance(robot, Robot)
        able = robot.capabilities
        assert able.depth <= set(able.cameras)
        assert able.skills <= SKILLS
        assert "gripper" not in able.skills or able.gripper_max_width > 0

    def test_state_is_consistent_with_its_arm(self, robot: Robot) -> None:
        state = robot.state()
        assert state.q.shape == state.dq.shape == (robot.arm.n,)
        assert robot.arm.within(state.q, 0.01)
        shift, turn = robot.arm.fk(state.q).distance(state.world_from_tcp)
        assert shift < 1e-3
        assert turn < 1e-2
        assert -0.001 <= state.gripper_width <= robot.capabilities.gripper_max_width + 0.005
        assert state.stamp <= robot.now() + 1e-6

    def test_changing_a_returned_state_changes_nothing(self, robot: Robot) -> None:
        before = robot.state().q.copy()
        robot.state().q[:] = 0.0
        assert np.allclose(robot.state().q, before, atol=1e-3)

    def test_time_moves_only_forwards(self, robot: Robot) -> None:
        start = robot.now()
        spend(robot, 0.1)
        later = robot.now()
        assert later == pytest.approx(start + 0.1, abs=0.005) if robot.stepped else later > start
        robot.advance(start)
        assert robot.now() >= later

    def test_a_trajectory_ends_where_it_says(self, robot: Robot) -> None:
        goal = nearby(robot)
        motion = robot.follow(towards(robot, goal))
        assert motion.status == "running"
        assert finish(robot, motion).status == "done", motion.reason
        assert np.abs(robot.state().q - goal).max() < 0.035

    def test_a_trajectory_from_elsewhere_fails_without_moving(self, robot: Robot) -> None:
        here = robot.state().q
        goal = nearby(robot, 0.4)
        motion = robot.follow(Trajectory(np.array([0.0, 3.0]), np.stack([goal, here])))
        assert finish(robot, motion).status == "failed"
        assert "begins" in motion.reason
        assert np.abs(robot.state().q - here).max() < 0.02

    def test_a_trajectory_beyond_the_limits_fails_without_moving(self, robot: Robot) -> None:
        here = robot.state().q
        goal = here.copy()
        goal[0] = robot.arm.upper[0] + 0.2
        motion = robot.follow(Trajectory(np.array([0.0, 9.0]), np.stack([here, goal])))
        assert finish(robot, motion).status == "failed"
        assert "limit" in motion.reason
        assert np.abs(robot.state().q - here).max() < 0.02

    def test_a_new_trajectory_stops_the_one_before(self, robot: Robot) -> None:
        first = robot.follow(towards(robot, nearby(robot, 0.3)))
        spend(robot, 0.1)
        second = robot.follow(towards(robot, robot.state().q))
        assert first.status == "stopped"
        assert first.reason
        robot.stop()
        assert second.status in ("stopped", "done")

    def test_a_setpoint_is_reached_and_a_wrong_one_refused(self, robot: Robot) -> None:
        goal = nearby(robot, 0.05)
        robot.servo(goal)
        end = robot.now() + 20
        while np.abs(robot.state().q - goal).max() > 0.02 and robot.now() < end:
            spend(robot, 0.05)
        assert np.abs(robot.state().q - goal).max() <= 0.02
        with pytest.raises(ValueError, match="finite joint angles"):
            robot.servo(np.zeros(robot.arm.n + 1))
        with pytest.raises(ValueError, match="finite joint angles"):
            robot.servo(np.full(robot.arm.n, np.nan))

    def test_stop_halts_the_arm_any_number_of_times(self, robot: Robot) -> None:
        robot.stop()
        motion = robot.follow(towards(robot, nearby(robot, 0.4), 0.1))
        spend(robot, 0.4)
        robot.stop()
        robot.stop()
        assert motion.status == "stopped"
        assert motion.reason
        spend(robot, 1.0)
        rest = robot.state().q
        spend(robot, 0.5)
        assert np.abs(robot.state().q - rest).max() < 0.01

    def test_it_brakes_within_the_time_it_declares(self, robot: Robot) -> None:
        braking = robot.capabilities.braking_time
        if braking is None:
            pytest.skip("this driver does not say how long it brakes")
        assert 0.0 <= braking <= 0.3
        robot.follow(towards(robot, nearby(robot, 0.5), 0.5))
        spend(robot, 0.6)
        robot.stop()
        spend(robot, braking)
        assert np.abs(robot.state().dq).max() <= AT_REST

    def test_fingers_open_and_close(self, robot: Robot) -> None:
        if "gripper" not in robot.capabilities.skills:
            pytest.skip("this driver has no gripper")
        for width in (0.03, robot.capabilities.gripper_max_width):
            motion = robot.move_gripper(width)
            assert finish(robot, motion).status == "done", motion.reason
            state = robot.state()
            assert state.gripper_width == pytest.approx(width, abs=0.004)
            assert not state.gripper_moving
            assert not state.holding

    def test_pictures_are_complete_and_one_instant_gives_one_picture(self, robot: Robot) -> None:
        for camera in robot.capabilities.cameras:
            frame = robot.capture(camera)
            lens = frame.intrinsics
            assert frame.rgb.shape == (lens.height, lens.width, 3)
            assert frame.rgb.dtype == np.uint8
            assert frame.camera == camera
            if camera in robot.capabilities.depth:
                assert frame.depth is not None
                assert frame.depth.shape == (lens.height, lens.width)
                assert np.all(np.isfinite(frame.depth) & (frame.depth >= 0))
            if robot.stepped:
                assert robot.capture(camera).id == frame.id
                spend(robot, 0.1)
                assert robot.capture(camera).id != frame.id

    def test_an_unknown_camera_is_an_error_that_helps(self, robot: Robot) -> None:
        with pytest.raises(RobotError, match="fix:"):
            robot.capture("kitchen")

    def test_closing_twice_is_fine(self, robot: Robot) -> None:
        robot.close()
        robot.close()
        robot.stop()

    def test_a_stepped_robot_repeats_itself(self) -> None:
        ends = []
        for _ in range(2):
            robot = self.open()
            if not robot.stepped:
                robot.close()
                pytest.skip("real time is not repeatable")
            finish(robot, robot.follow(towards(robot, nearby(robot))))
            ends.append((robot.now(), robot.state().q.tobytes()))
            robot.close()
        assert ends[0] == ends[1]
