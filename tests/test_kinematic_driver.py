from __future__ import annotations

import numpy as np
import pytest

from knothole.robots.collision import HeightMap
from knothole.robots.contract import DRIVERS, DriverOptions, RobotError
from knothole.robots.grasp import Grasp, grasps
from knothole.robots.handling import plan_pick, plan_place, plan_reach
from knothole.robots.kinematic import KinematicRobot
from knothole.robots.placing import container, free_spots, on_top
from knothole.robots.pose import Pose
from knothole.robots.props import Prop, cast, prop_of
from knothole.robots.seeing import Seen, View
from knothole.tests.contracts.robots import finish

TRAY = {"name": "tray", "shape": "tray", "color": "blue", "size": [0.28, 0.2, 0.025], "xyz": [0.5, -0.25], "yaw": 1.57}
CUBE = {"name": "cube", "shape": "cube", "color": "red", "size": [0.05, 0.05, 0.05], "xyz": [0.45, 0.1], "yaw": 0.3}
CAN = {"name": "can", "shape": "can", "color": "green", "size": [0.056, 0.056, 0.09], "xyz": [0.58, 0.22]}
BALL = {"name": "ball", "shape": "ball", "color": "yellow", "size": [0.055, 0.055, 0.055], "xyz": [0.4, 0.28]}
LYING = {
    "name": "bottle",
    "shape": "bottle",
    "color": "white",
    "size": [0.05, 0.05, 0.15],
    "xyz": [0.5, 0.1],
    "quat_xyzw": [0.0, 0.7071, 0.0, 0.7071],
}


def open_with(*rows: dict[str, object], pixels: int = 128) -> KinematicRobot:
    robot = DRIVERS.get("kinematic")(DriverOptions(settings={"props": list(rows), "pixels": pixels}))
    assert isinstance(robot, KinematicRobot)
    return robot


def prop(robot: KinematicRobot, name: str) -> Prop:
    return next(prop for prop in robot.props if prop.name == name)


def look(robot: KinematicRobot) -> View:
    return View(robot.capture("table"), robot.arm, robot.state().q)


def see(robot: KinematicRobot, view: View, name: str) -> Seen:
    """Find a prop by the true place of its middle, as a model would by its box."""
    at = np.array(prop(robot, name).xyz[:2])
    near = min(view.things, key=lambda seen: float(np.linalg.norm(np.array(seen.center[:2]) - at)))
    return view.find(near.box_xyxy)


def pick(robot: KinematicRobot, name: str, seed: int = 0) -> Grasp:
    view = look(robot)
    seen = see(robot, view, name)
    around = HeightMap.of(view.obstacles(seen))
    ranked, rng = grasps(seen, around), np.random.default_rng(seed)
    chosen = plan_pick(robot.arm, around, HeightMap.of(view.obstacles()), robot.state().q, ranked, rng)
    assert finish(robot, robot.move_gripper(chosen.grasp.opening)).status == "done"
    for path in (chosen.reach, chosen.descend):
        assert finish(robot, robot.follow(path)).status == "done"
    assert finish(robot, robot.move_gripper(0.0)).status == "done"
    assert finish(robot, robot.follow(chosen.lift)).status == "done"
    return chosen.grasp


@pytest.mark.parametrize("row", [CUBE, CAN, BALL, LYING])
def test_a_thing_is_picked_and_put_into_the_tray(row: dict[str, object]) -> None:
    robot = open_with(TRAY, row)
    name = str(row["name"])
    before = prop(robot, name).xyz[2]
    held = pick(robot, name)
    state = robot.state()
    assert robot.held == name
    assert state.holding
    assert state.gripper_width == pytest.approx(held.width, abs=0.008)
    assert prop(robot, name).xyz[2] == pytest.approx(before + 0.15, abs=0.01)

    view = look(robot)
    home = container(view, see(robot, view, "tray").box_xyxy)
    carried = see(robot, view, name)
    points = view.obstacles(carried)
    chosen = plan_place(
        robot.arm, HeightMap.of(points), state.q, held, free_spots(home, points, held), np.random.default_rng(0)
    )
    for path in (chosen.carry, chosen.lower):
        assert finish(robot, robot.follow(path)).status == "done"
    assert finish(robot, robot.move_gripper(0.08)).status == "done"
    assert finish(robot, robot.follow(chosen.retreat)).status == "done"
    thing, tray = prop(robot, name), prop(robot, "tray")
    assert not robot.state().holding
    assert np.abs((tray.pose.inverse() @ thing.pose).position[:2]).max() < 0.13
    assert thing.lowest == pytest.approx(0.006, abs=1e-6)


def test_a_thing_put_on_another_rests_on_it() -> None:
    robot = open_with(CUBE, BALL)
    view = look(robot)
    below = see(robot, view, "cube")
    held = pick(robot, "ball")
    spot = on_top(below, held)
    seen = HeightMap.of(np.empty((0, 3)))
    chosen = plan_place(robot.arm, seen, robot.state().q, held, [spot], np.random.default_rng(0))
    for path in (chosen.carry, chosen.lower):
        finish(robot, robot.follow(path))
    finish(robot, robot.move_gripper(0.08))
    assert prop(robot, "ball").lowest == pytest.approx(0.05, abs=1e-6)


def test_a_dropped_thing_falls_straight_down() -> None:
    robot = open_with(CAN)
    pick(robot, "can")
    high = prop(robot, "can").xyz
    finish(robot, robot.move_gripper(0.08))
    assert robot.held == ""
    assert prop(robot, "can").xyz == pytest.approx((high[0], high[1], 0.045), abs=1e-6)


def test_fingers_that_close_on_nothing_hold_nothing() -> None:
    robot = open_with(CUBE)
    assert finish(robot, robot.move_gripper(0.0)).status == "done"
    assert robot.state().gripper_width == pytest.approx(0.0)
    assert not robot.state().holding


def test_a_tray_blocks_the_fingers_but_stays() -> None:
    mug = {"name": "mug", "shape": "mug", "color": "red", "size": [0.06, 0.06, 0.08], "xyz": [0.5, 0.0]}
    robot = open_with(mug)
    q = robot.arm.ik(Pose.facing_down((0.5, 0.0, 0.05), 0.0), robot.arm.home, np.random.default_rng(0))
    robot.servo(q)
    robot.advance(robot.now() + 3.0)
    assert finish(robot, robot.move_gripper(0.0)).status == "done"
    assert robot.state().gripper_width == pytest.approx(0.06, abs=1e-3)
    assert robot.held == ""


def test_a_setpoint_is_reached_no_faster_than_the_limits_allow() -> None:
    robot = open_with()
    goal = robot.arm.home.copy()
    goal[0] += 1.0
    robot.servo(goal)
    robot.advance(0.1)
    assert robot.state().q[0] - robot.arm.home[0] == pytest.approx(0.1 * robot.arm.velocity[0])
    assert robot.state().dq[0] == pytest.approx(robot.arm.velocity[0])
    robot.advance(1.0)
    assert np.allclose(robot.state().q, goal)
    assert np.all(robot.state().dq == 0)


def test_pictures_show_what_is_there() -> None:
    robot = open_with(CUBE, TRAY, pixels=256)
    view = look(robot)
    seen = see(robot, view, "cube")
    assert seen.form == "box"
    assert np.allclose(seen.center, prop(robot, "cube").xyz, atol=0.004)
    rows, columns = np.nonzero(seen.mask)
    red, green, blue = np.median(view.frame.rgb[rows, columns], axis=0)
    assert red > 3 * max(green, blue)


def test_the_wrist_looks_where_the_hand_points() -> None:
    robot = open_with(CUBE)
    q = robot.arm.ik(Pose.facing_down((0.45, 0.1, 0.25), 0.0), robot.arm.home, np.random.default_rng(0))
    robot.servo(q)
    robot.advance(3.0)
    frame = robot.capture("wrist")
    assert frame.depth is not None
    assert (frame.rgb[..., 0].astype(int) - frame.rgb[..., 1] > 80).sum() > 200
    assert frame.depth.min() == pytest.approx(0.275, abs=0.05)


def test_a_disturbance_moves_a_prop_and_frees_it_from_the_hand() -> None:
    robot = open_with(CUBE)
    pick(robot, "cube")
    robot.put("cube", Pose((0.5, -0.2, 0.025)))
    assert robot.held == ""
    assert not robot.state().holding
    assert prop(robot, "cube").xyz == (0.5, -0.2, 0.025)


def test_a_reach_goes_where_it_is_told() -> None:
    robot, target = open_with(CUBE), Pose.facing_down((0.5, -0.3, 0.3), 0.5)
    seen = HeightMap.of(look(robot).obstacles())
    path = plan_reach(robot.arm, seen, robot.state().q, target, np.random.default_rng(0))
    assert finish(robot, robot.follow(path)).status == "done"
    assert robot.state().world_from_tcp.distance(target)[0] < 1e-3


def test_the_same_run_ends_the_same() -> None:
    ends = []
    for _ in range(2):
        robot = open_with(TRAY, CUBE, CAN)
        pick(robot, "cube", 3)
        ends.append(
            (robot.now(), robot.state().q.tobytes(), prop(robot, "cube").pose, robot.capture("table").rgb.tobytes())
        )
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"shape": "cub"}, "did you mean:  cube"),
        ({"shap": "cube"}, "did you mean:  shape"),
        ({"size": [0.05, 0.05]}, "size must be 3 finite numbers"),
        ({"size": [0.05, 0.05, -1]}, "must be positive"),
        ({"xyz": "here"}, "xyz must be 2 or 3 finite numbers"),
        ({"yaw": "left"}, "yaw must be 1 finite numbers"),
    ],
)
def test_a_bad_prop_is_explained(row: dict[str, object], what: str) -> None:
    with pytest.raises(RobotError, match=what):
        prop_of(row, "props[0]")


@pytest.mark.parametrize("settings", [{"props": "cube"}, {"props": [1]}, {"pixels": 4}, {"props": [CUBE, CUBE]}])
def test_bad_settings_are_explained(settings: dict[str, object]) -> None:
    with pytest.raises(RobotError, match="fix:"):
        DRIVERS.get("kinematic")(DriverOptions(settings=settings))


@pytest.mark.parametrize("shape", ["cube", "can", "ball", "bowl", "tray"])
def test_a_ray_from_above_meets_the_surface(shape: str) -> None:
    height = 0.1 if shape == "ball" else 0.06
    thing = prop_of({"shape": shape, "size": [0.1, 0.1, height], "xyz": [0.5, 0.0], "yaw": 0.4})
    above = thing.pose.apply(np.array([[0.047, 0.0, 0.0], [0.0, 0.0, 0.0]])) + np.array([0.0, 0.0, 1.0])
    t, normals = cast(thing, above, np.tile([0.0, 0.0, -1.0], (2, 1)))
    assert np.all(np.isfinite(t))
    assert np.all(normals[:, 2] > 0.1)
    heights = above[:, 2] - t
    hollow = {"tray": 0.24 * 0.06, "bowl": 0.12 * 0.06}
    assert heights[1] == pytest.approx(hollow.get(shape, height), abs=1e-9)
    assert heights[0] == pytest.approx(0.06, abs=0.04)
    miss, _ = cast(thing, above + np.array([0.2, 0.0, 0.0]), np.tile([0.0, 0.0, -1.0], (2, 1)))
    assert np.all(np.isinf(miss))
