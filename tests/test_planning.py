from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pybullet as p
import pybullet_data
import pytest

from knothole.robots.collision import Box, HeightMap, Scene, densify
from knothole.robots.contract import UnreachableError
from knothole.robots.panda import panda
from knothole.robots.planning import line, plan
from knothole.robots.pose import Array, Pose
from knothole.robots.trajectory import timed

ARM = panda()
WALL = Box((0.5, 0.0, 0.15), (0.2, 0.04, 0.30))
NOTHING = np.empty((0, 3))


def down(x: float, y: float, z: float, yaw: float = 0.0) -> Array:
    return ARM.ik(Pose.facing_down((x, y, z), yaw), ARM.home, np.random.default_rng(0))


def walled() -> Scene:
    return Scene(ARM, HeightMap.of(NOTHING, [WALL]))


def test_home_is_free_and_the_table_is_not() -> None:
    scene = Scene(ARM)
    assert scene.free(ARM.home)
    assert not scene.blocker(ARM.home)
    low = down(0.5, 0.0, -0.02)
    assert not scene.free(low)
    assert "inside the table" in scene.blocker(low)


def test_the_hand_may_stand_over_the_whole_workspace() -> None:
    scene, rng = Scene(ARM), np.random.default_rng(1)
    for _ in range(40):
        assert scene.free(
            down(rng.uniform(0.3, 0.7), rng.uniform(-0.4, 0.4), rng.uniform(0.02, 0.3), rng.uniform(-1.5, 1.5))
        )


@pytest.fixture(scope="module")
def bullet() -> Iterator[tuple[int, int, int]]:
    client = p.connect(p.DIRECT)
    robot = p.loadURDF(
        f"{pybullet_data.getDataPath()}/franka_panda/panda.urdf", useFixedBase=True, physicsClientId=client
    )
    for finger in (9, 10):
        p.resetJointState(robot, finger, 0.04, physicsClientId=client)
    shape = p.createCollisionShape(p.GEOM_BOX, halfExtents=[v / 2 for v in WALL.size], physicsClientId=client)
    wall = p.createMultiBody(0, shape, -1, WALL.center, physicsClientId=client)
    yield client, robot, wall
    p.disconnect(client)


def test_what_the_scene_calls_free_is_free_in_pybullet(bullet: tuple[int, int, int]) -> None:
    client, robot, wall = bullet
    rng, scene = np.random.default_rng(2), walled()
    free = touched = 0
    for _ in range(120):
        x, y, z, yaw = rng.uniform([0.3, -0.3, 0.02, -1.5], [0.7, 0.3, 0.4, 1.5])
        q = np.clip(down(x, y, z, yaw) + rng.normal(0.0, 0.05, 7), ARM.lower, ARM.upper)
        for joint in range(7):
            p.resetJointState(robot, joint, q[joint], physicsClientId=client)
        p.performCollisionDetection(physicsClientId=client)
        hit = bool(p.getClosestPoints(robot, wall, 0.0, physicsClientId=client))
        touched += hit
        if scene.free(q):
            free += 1
            assert not hit
    assert free > 25
    assert touched > 10


def test_a_path_around_a_wall_is_free_and_repeatable() -> None:
    scene, start, goal = walled(), down(0.5, -0.25, 0.1), down(0.5, 0.25, 0.1)
    assert not scene.free_path(np.stack([start, goal]))
    path = plan(scene, start, goal, np.random.default_rng(3))
    assert np.array_equal(path[0], start)
    assert np.array_equal(path[-1], goal)
    assert scene.free_path(path, 0.01)
    assert np.array_equal(path, plan(scene, start, goal, np.random.default_rng(3)))


def test_a_clear_way_is_a_straight_one() -> None:
    path = plan(Scene(ARM), down(0.5, -0.25, 0.1), down(0.5, 0.25, 0.1), np.random.default_rng(0))
    assert len(path) == 2


def test_a_goal_inside_an_obstacle_is_refused_with_the_reason() -> None:
    with pytest.raises(UnreachableError, match="mm inside the table or something seen on it"):
        plan(walled(), ARM.home, down(0.5, 0.0, 0.1), np.random.default_rng(0))


def test_a_goal_beyond_the_limits_names_the_joint() -> None:
    goal = ARM.home.copy()
    goal[3] = 0.5
    with pytest.raises(UnreachableError, match="panda_joint4"):
        plan(Scene(ARM), ARM.home, goal, np.random.default_rng(0))


def test_a_start_that_touches_something_may_leave_it() -> None:
    beside = Box((0.5, 0.055, 0.03), (0.05, 0.02, 0.06))
    scene, start = Scene(ARM, HeightMap.of(NOTHING, [beside])), down(0.5, 0.0, 0.02)
    assert not scene.free(start)
    path = plan(scene, start, down(0.5, 0.0, 0.25), np.random.default_rng(0))
    assert scene.free(path[-1])


def test_a_held_thing_keeps_its_distance_too() -> None:
    post = Box((0.5, 0.0, 0.05), (0.04, 0.04, 0.10))
    empty = Scene(ARM, HeightMap.of(NOTHING, [post]))
    above = down(0.5, 0.0, 0.15)
    assert empty.free(above)
    assert not empty.carrying(0.03, below=0.08).free(above)


def test_the_thing_to_be_grasped_can_be_taken_off_the_map() -> None:
    seen = HeightMap.of(NOTHING, [WALL])
    assert seen.at(np.array([0.5, 0.0])) == pytest.approx(0.30)
    assert seen.without((0.5, 0.0), 0.15).at(np.array([0.5, 0.0])) == -np.inf


def test_a_line_of_the_tool_is_straight() -> None:
    start, target = down(0.5, -0.2, 0.15), Pose.facing_down((0.5, -0.2, 0.03), 0.0)
    path = line(ARM, start, target)
    poses = [ARM.fk(q) for q in densify(path, 0.01)]
    assert max(np.hypot(pose.xyz[0] - 0.5, pose.xyz[1] + 0.2) for pose in poses) < 1e-3
    assert max(abs(pose.rotation[2, 2] + 1) for pose in poses) < 1e-4
    shift, turn = poses[-1].distance(target)
    assert shift < 5e-4
    assert turn < 2e-3


def test_a_line_out_of_reach_is_refused() -> None:
    with pytest.raises(UnreachableError):
        line(ARM, down(0.6, 0.0, 0.2), Pose.facing_down((1.2, 0.0, 0.2), 0.0))


def test_a_line_into_an_obstacle_is_refused() -> None:
    with pytest.raises(UnreachableError, match="collides"):
        line(ARM, down(0.5, -0.25, 0.1), Pose.facing_down((0.5, 0.2, 0.1), 0.0), scene=walled())


@pytest.mark.parametrize("corners", [0, 1, 4])
def test_timing_keeps_the_limits_and_starts_and_ends_at_rest(corners: int) -> None:
    rng = np.random.default_rng(corners)
    path = np.stack([ARM.home, *(ARM.home + rng.uniform(-0.5, 0.5, (corners + 1, 7)))])
    moved = timed(ARM, path, speed=0.5, acceleration=0.4)
    assert np.all(np.diff(moved.times) > 0)
    assert np.allclose(moved.q[0], path[0])
    assert np.allclose(moved.q[-1], path[-1])
    speed = np.diff(moved.q, axis=0) / np.diff(moved.times)[:, None]
    change = np.diff(speed, axis=0) / np.diff(moved.times)[1:, None]
    assert np.all(np.abs(speed) <= 0.5 * ARM.velocity * 1.02)
    assert np.all(np.abs(change) <= 0.4 * ARM.acceleration * 1.6)
    assert np.abs(speed[[0, -1]]).max() < 0.05
    away = np.abs(moved.q[:, None] - densify(path, 0.01)[None]).max(axis=2).min(axis=1)
    assert away.max() < 0.05


def test_a_motion_to_the_same_place_takes_no_time_to_speak_of() -> None:
    still = timed(ARM, np.stack([ARM.home, ARM.home]))
    assert still.duration < 0.1
    assert np.array_equal(still.at(9.0), ARM.home)


def test_shares_outside_zero_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="shares"):
        timed(ARM, np.stack([ARM.home, ARM.home + 0.1]), speed=1.5)
