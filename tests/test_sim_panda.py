from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import knothole
from knothole.robots.contract import DriverOptions, Robot, RobotError, Trajectory
from knothole.robots.pose import Array, Pose
from knothole.sim.draw import load_scene
from knothole.sim.goals import Referee
from knothole.sim.layout import standing
from knothole.sim.objects import LOOSE_SHAPES, ObjectSpec, random_size, tray_size
from knothole.sim.panda import PandaSim, panda_driver
from knothole.sim.scene import Goal, SceneSpec
from knothole.sim.truth import world_truth
from knothole.sim.world import World

TRAY = standing(ObjectSpec("tray", "blue", tray_size(0.32, 0.23)), 0.5, 0.25, 0.0, 0.0)


def eased(start: Array, goal: Array, seconds: float) -> Trajectory:
    times = np.linspace(0.0, seconds, 80)
    u = (times / seconds)[:, None]
    return Trajectory(times, start + (goal - start) * u**3 * (10 - 15 * u + 6 * u * u))


def move(robot: PandaSim, xyz: tuple[float, float, float], yaw: float, seconds: float) -> None:
    q = robot.state().q
    goal = robot.arm.ik(Pose.facing_down(xyz, yaw), q, np.random.default_rng(0))
    motion = robot.follow(eased(q, goal, seconds))
    while motion.status == "running":
        robot.advance(robot.now() + 0.05)
    assert motion.status == "done", motion.reason


def grip(robot: PandaSim, width: float) -> None:
    motion = robot.move_gripper(width)
    while motion.status == "running":
        robot.advance(robot.now() + 0.05)
    assert motion.status == "done"


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shape", LOOSE_SHAPES)
def test_friction_alone_lifts_carries_and_lays_down(shape: str, seed: int) -> None:
    rng = np.random.default_rng([seed, *shape.encode()])
    item = ObjectSpec(shape, "red", random_size(shape, rng))
    x, y, yaw = rng.uniform(0.4, 0.6), rng.uniform(-0.3, 0.0), rng.uniform(-0.7, 0.7)
    with World(SceneSpec("grasp", 0, (standing(item, x, y, 0.0, yaw), TRAY))) as world:
        robot, referee = PandaSim(world), Referee(world)
        (cx, cy, cz), _ = world.pose(0)
        height = max(cz, item.size[2] - 0.028)
        move(robot, (cx, cy, height + 0.12), yaw, 1.5)
        move(robot, (cx, cy, height), yaw, 0.8)
        grip(robot, 0.0)
        assert robot.state().holding
        move(robot, (cx, cy, height + 0.2), yaw, 0.8)
        assert world_truth(world).objects[0].relation == "held"
        assert not world_truth(world).gripper_open
        assert world.pose(0)[0][2] > cz + 0.17
        move(robot, (0.5, 0.25, height + 0.2), yaw, 1.5)
        move(robot, (0.5, 0.25, height + 0.02), yaw, 0.8)
        grip(robot, 0.08)
        assert not robot.state().holding
        move(robot, (0.5, 0.25, height + 0.15), yaw, 0.8)
        assert referee.verdict(Goal("everything_in_tray")).reached


@pytest.fixture(scope="module")
def world() -> World:
    return World(load_scene("tidy_table", 1))


@pytest.fixture(scope="module")
def robot(world: World) -> PandaSim:
    return PandaSim(world)


def test_the_driver_keeps_the_contract(world: World, robot: PandaSim) -> None:
    assert isinstance(robot, Robot)
    assert panda_driver(DriverOptions(world=world)).name == "panda"


def test_no_public_attribute_leads_to_the_truth(robot: PandaSim) -> None:
    """A leaf sees the driver; what is true of the world is for those who judge a run."""
    robot.capture("table")
    public = [getattr(robot, name) for name in dir(robot) if not name.startswith("_")]
    assert not [thing for thing in public if isinstance(thing, World)]


def test_no_behavior_knows_of_a_simulated_world() -> None:
    folder = Path(knothole.__file__).parent / "behaviors"
    sources = {file.name: file.read_text(encoding="utf-8") for file in folder.rglob("*.py")}
    assert "pick.py" in sources
    pattern = re.compile(r"\._?world\b|^\s*(from|import)\s+\S*\bsim\b|^\s*from\s+\.\.\s+import\s.*\bsim\b", re.M)
    assert [name for name, text in sources.items() if pattern.search(text)] == []


def test_a_world_without_physics_is_refused() -> None:
    with World(load_scene("tidy_table", 1), physics=False) as world, pytest.raises(RobotError, match="with physics"):
        PandaSim(world)
    with pytest.raises(RobotError, match="give a scene with --scene"):
        panda_driver(DriverOptions())


def test_time_advances_in_physics_steps_only(robot: PandaSim) -> None:
    before = robot.now()
    robot.advance(before + 0.05)
    assert robot.now() == pytest.approx(before + 0.05)
    assert robot.state().stamp == robot.now()


def test_the_tcp_is_where_kinematics_say(robot: PandaSim) -> None:
    state = robot.state()
    assert state.world_from_tcp.distance(robot.arm.fk(state.q))[0] < 1e-9


def test_a_trajectory_is_followed_closely_and_ends_at_rest(robot: PandaSim) -> None:
    start = robot.state().q
    goal = start + np.array([0.5, 0.2, -0.3, 0.3, 0.2, 0.3, -0.5])
    path = eased(start, goal, 1.0)
    motion, began, worst = robot.follow(path), robot.now(), 0.0
    while motion.status == "running":
        robot.advance(robot.now() + 1 / 60)
        worst = max(worst, float(np.abs(robot.state().q - path.at(robot.now() - began)).max()))
    assert motion.status == "done"
    assert worst < 0.03
    assert robot.state().q == pytest.approx(goal, abs=0.01)


def test_stop_halts_a_trajectory_and_holds(robot: PandaSim) -> None:
    start = robot.state().q
    motion = robot.follow(eased(start, start + np.array([-0.6, 0, 0, 0, 0, 0, 0]), 1.5))
    robot.advance(robot.now() + 0.7)
    robot.stop()
    assert motion.status == "stopped"
    robot.advance(robot.now() + 0.3)
    held = robot.state().q
    robot.advance(robot.now() + 1.0)
    assert np.abs(robot.state().dq).max() < 0.01
    assert robot.state().q == pytest.approx(held, abs=0.003)


def test_a_trajectory_that_begins_elsewhere_fails(robot: PandaSim) -> None:
    q = robot.state().q
    motion = robot.follow(Trajectory(np.array([0.0, 1.0]), np.stack([q + 0.5, q])))
    assert (motion.status, motion.reason) == (
        "failed",
        "the trajectory begins 29 deg from the present posture",
    )


def test_servo_keeps_to_the_limits(robot: PandaSim) -> None:
    robot.servo(robot.arm.upper + 1.0)
    for _ in range(20):
        robot.advance(robot.now() + 0.05)
        assert np.all(np.abs(robot.state().dq) < robot.arm.velocity)
    robot.stop()
    robot.servo(robot.arm.home)
    robot.advance(robot.now() + 4.0)
    assert robot.state().q == pytest.approx(robot.arm.home, abs=0.01)
    assert robot.arm.within(robot.state().q, 0.01)


@pytest.mark.parametrize("camera", ["table", "wrist"])
def test_pictures_have_color_depth_lens_and_pose(robot: PandaSim, camera: str) -> None:
    frame = robot.capture(camera)
    assert frame.rgb.shape == (256, 256, 3)
    assert frame.depth is not None
    assert frame.depth.shape == (256, 256)
    assert frame.depth.min() >= 0.0
    assert robot.capture(camera) is frame
    robot.advance(robot.now() + 0.05)
    assert robot.capture(camera).id != frame.id


def test_the_wrist_camera_sees_the_table_at_the_right_height(robot: PandaSim) -> None:
    frame = robot.capture("wrist")
    assert frame.depth is not None
    lens = frame.intrinsics
    heights = []
    for v in range(60, 160, 20):
        for u in range(20, 240, 20):
            z = float(frame.depth[v, u])
            if z > 0:
                point = np.array([(u - lens.cx) / lens.fx * z, (v - lens.cy) / lens.fy * z, z])
                heights.append(frame.world_from_camera.apply(point)[2])
    assert np.median(heights) == pytest.approx(0.0, abs=0.01)


def test_an_unknown_camera_is_named(robot: PandaSim) -> None:
    with pytest.raises(RobotError, match="the panda has no camera 'front'"):
        robot.capture("front")


def test_fingers_open_and_close(robot: PandaSim) -> None:
    grip(robot, 0.0)
    state = robot.state()
    assert state.gripper_width < 0.002
    assert not state.holding
    grip(robot, 0.08)
    assert robot.state().gripper_width == pytest.approx(0.08, abs=0.002)


def test_a_grip_ends_although_what_is_held_trembles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finger joints never rest when a tall thing quivers between them; their opening does."""
    with World(load_scene("tidy_table", 1)) as world:
        robot = PandaSim(world)
        grip(robot, 0.05)
        drive, steps = world.drive_fingers, iter(range(10**6))

        def tremble(width: float, force: float, speed: float) -> None:
            drive(width + (2e-4 if next(steps) % 2 else -2e-4), force, speed)

        monkeypatch.setattr(world, "drive_fingers", tremble)
        motion = robot.move_gripper(0.03)
        robot.advance(robot.now() + 3.0)
        assert motion.status == "done"
        assert not robot.state().gripper_moving
