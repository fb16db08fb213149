"""Geometry from pixels against real renders. Truth is read here only; the code under test sees pixels and boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.robots.collision import HeightMap
from knothole.robots.contract import CameraFrame, Intrinsics
from knothole.robots.grasp import Fingers, grasps
from knothole.robots.panda import panda
from knothole.robots.pixels import Box, cloud, deproject, project, relative_box, world_to_pixels
from knothole.robots.placing import NoRoomError, container, free_spots, on_top
from knothole.robots.pose import Pose, quat_from_matrix
from knothole.robots.seeing import NotSeenError, Seen, View
from knothole.sim.camera import pinhole
from knothole.sim.objects import ObjectSpec, Quat, Vec3
from knothole.sim.scene import TABLE_CAMERA, SceneSpec
from knothole.sim.world import World

LENS = Intrinsics(325.0, 325.0, 127.5, 127.5, 256, 256)
TRAY_SIZE = (0.30, 0.22, 0.025)
ARM = panda()


class Stage:
    """A world to photograph: one frame, and the true mask of each object."""

    def __init__(self, *objects: ObjectSpec, robot: bool = False, joints: tuple[float, ...] | None = None) -> None:
        with World(SceneSpec("stage", 0, objects, robot=robot), physics=False) as world:
            if joints is not None:
                world.pose_robot(list(joints), 0.08)
            picture = world.render(TABLE_CAMERA)
            self.masks = [picture.mask == body.id for body in world.objects]
        size = (TABLE_CAMERA.width, TABLE_CAMERA.height)
        lens = Intrinsics(*pinhole(TABLE_CAMERA.fov_deg, *size), *size)
        pose = Pose.from_matrix(TABLE_CAMERA.world_from_camera)
        self.frame = CameraFrame("table", "table#1", 0.0, picture.rgb, picture.depth, lens, pose)
        self.view = View(self.frame, ARM if robot else None, np.array(joints) if joints else ARM.home)

    def box(self, index: int, shift: tuple[float, float] = (0.0, 0.0), scale: float = 1.0) -> Box:
        """Return the true box of an object, moved by pixels and scaled about its center."""
        x0, y0, x1, y1 = relative_box(self.frame, self.masks[index])
        cx, cy = (x0 + x1) / 2 + shift[0] / 256, (y0 + y1) / 2 + shift[1] / 256
        w, h = scale * (x1 - x0) / 2, scale * (y1 - y0) / 2
        return (cx - w, cy - h, cx + w, cy + h)

    def find(self, index: int, shift: tuple[float, float] = (0.0, 0.0), scale: float = 1.0) -> Seen:
        return self.view.find(self.box(index, shift, scale))

    def overlap(self, seen: Seen, index: int) -> float:
        """Return how well the found pixels are the object's, 1 for all and no other."""
        return float((seen.mask & self.masks[index]).sum() / (seen.mask | self.masks[index]).sum())


def upright(shape: str, color: str, size: Vec3, x: float, y: float, yaw: float = 0.0, z: float = 0.0) -> ObjectSpec:
    return ObjectSpec(shape, color, size, (x, y, z + size[2] / 2), (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)))


def lying(shape: str, color: str, size: Vec3, x: float, y: float, yaw: float) -> ObjectSpec:
    axis = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    side = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
    a, b, c, d = (float(v) for v in quat_from_matrix(np.stack([side, np.cross(axis, side), axis], axis=1)))
    quat: Quat = (a, b, c, d)
    return ObjectSpec(shape, color, size, (x, y, size[0] / 2), quat)


def cube(color: str, x: float, y: float, yaw: float = 0.0, edge: float = 0.05, z: float = 0.0) -> ObjectSpec:
    return upright("cube", color, (edge, edge, edge), x, y, yaw, z)


@given(st.floats(-50, 300), st.floats(-50, 300), st.floats(0.05, 3.0))
def test_projecting_undoes_deprojecting(u: float, v: float, depth: float) -> None:
    assert np.allclose(project(deproject(np.array([u, v]), depth, LENS), LENS), [u, v], atol=1e-6)


@pytest.mark.parametrize("depth", [0.0, -1.0, math.nan, math.inf])
def test_a_depth_that_is_none_is_refused(depth: float) -> None:
    with pytest.raises(ValueError, match="finite and positive"):
        deproject(np.array([3.0, 4.0]), depth, LENS)


def test_points_behind_the_camera_have_no_image() -> None:
    with pytest.raises(ValueError, match="in front"):
        project(np.array([0.0, 0.0, -1.0]), LENS)


def test_the_cloud_of_a_frame_lies_where_the_renderer_put_it() -> None:
    stage = Stage(cube("red", 0.5, 0.1))
    points = stage.view.points
    table = points[(np.abs(points[..., 2]) < 0.003) & (points[..., 0] > 0.2) & (points[..., 0] < 0.8)]
    assert abs(np.median(table[:, 2])) < 5e-4
    rows, columns = np.nonzero(stage.masks[0])
    back = world_to_pixels(stage.frame, points[rows, columns])
    assert np.allclose(back, np.stack([columns, rows], axis=1), atol=1e-6)


def test_a_camera_without_depth_says_so() -> None:
    frame = CameraFrame("eye", "eye#1", 0.0, np.zeros((4, 4, 3), np.uint8), None, LENS, Pose((0.0, 0.0, 1.0)))
    with pytest.raises(ValueError, match="'eye' measures no depth"):
        cloud(frame)


THINGS = {
    "cube": (cube("red", 0.5, 0.1, 0.4), "box"),
    "can": (upright("can", "green", (0.056, 0.056, 0.09), 0.45, -0.2), "upright"),
    "bottle": (upright("bottle", "blue", (0.055, 0.055, 0.18), 0.6, 0.2), "upright"),
    "ball": (upright("ball", "yellow", (0.06, 0.06, 0.06), 0.4, 0.0), "ball"),
    "lying can": (lying("can", "purple", (0.06, 0.06, 0.10), 0.55, -0.1, 0.9), "lying"),
    "lying bottle": (lying("bottle", "white", (0.05, 0.05, 0.15), 0.45, 0.15, -0.6), "lying"),
}


@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_is_measured_from_the_side_that_is_seen(thing: str) -> None:
    item, form = THINGS[thing]
    seen = Stage(item).find(0)
    assert seen.form == form
    assert math.dist(seen.center[:2], item.xyz[:2]) < 0.007
    assert seen.center[2] == pytest.approx(item.xyz[2], abs=0.003)
    assert min(seen.size[:2]) == pytest.approx(item.size[0], abs=0.004)
    assert seen.support == pytest.approx(0.0, abs=0.002)
    assert seen.residual < 0.004


@pytest.mark.parametrize("yaw", np.linspace(0.0, 1.5, 6))
def test_a_cube_is_seen_at_its_yaw(yaw: float) -> None:
    seen = Stage(cube("red", 0.52, -0.12, float(yaw))).find(0)
    off = (seen.yaw - yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4
    assert abs(off) < math.radians(6)


CROWD = (
    cube("red", 0.50, 0.00, 0.2),
    cube("green", 0.50, 0.095, 0.2),
    upright("can", "red", (0.056, 0.056, 0.09), 0.50, -0.10),
    upright("ball", "yellow", (0.055, 0.055, 0.055), 0.42, 0.01),
)


@pytest.fixture(scope="module")
def crowd() -> Stage:
    return Stage(*CROWD)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("shift", [(0, 0), (7, 0), (-7, 0), (0, 7), (0, -7)])
@pytest.mark.parametrize("index", range(4))
def test_a_poor_box_still_finds_its_object(crowd: Stage, index: int, shift: tuple[float, float], scale: float) -> None:
    assert crowd.overlap(crowd.find(index, shift, scale), index) > 0.8


@pytest.mark.parametrize("color", ["blue", "red"])
def test_a_thing_in_a_tray_is_not_the_tray(color: str) -> None:
    tray = upright("tray", "blue", TRAY_SIZE, 0.5, 0.2, 0.3)
    stage = Stage(tray, cube(color, 0.52, 0.22, 0.1, z=0.006))
    seen = stage.find(1)
    assert math.dist(seen.center[:2], (0.52, 0.22)) < 0.008
    assert max(seen.size[:2]) < 0.07
    if color == "red":
        assert stage.overlap(seen, 1) > 0.9
        assert seen.support == pytest.approx(0.006, abs=0.003)


def test_a_stacked_thing_stands_on_the_lower_one() -> None:
    stage = Stage(cube("red", 0.5, 0.1, 0.2), cube("green", 0.5, 0.1, 0.2, 0.045, z=0.05))
    seen = stage.find(1)
    assert seen.support == pytest.approx(0.05, abs=0.005)
    assert seen.top == pytest.approx(0.095, abs=0.003)


def test_the_arm_is_not_an_obstacle_to_itself() -> None:
    joints = ARM.ik(Pose.facing_down((0.5, 0.0, 0.10), 0.0), ARM.home, np.random.default_rng(0))
    stage = Stage(cube("red", 0.5, 0.25), robot=True, joints=tuple(joints))
    points = stage.view.obstacles()
    assert len(points) > 100
    assert np.abs(points[:, :2] - [0.5, 0.25]).max() < 0.06
    assert stage.overlap(stage.find(0), 0) > 0.9


def test_an_empty_spot_says_what_to_do() -> None:
    stage = Stage(cube("red", 0.5, 0.3))
    with pytest.raises(
        NotSeenError, match=r"nothing rises above the table near the box .*\n.*\n  fix:  ground it again"
    ):
        stage.view.find((0.05, 0.6, 0.12, 0.7))


def others(stage: Stage, seen: Seen | None = None) -> HeightMap:
    return HeightMap.of(stage.view.obstacles(seen))


@pytest.mark.parametrize("thing", THINGS)
def test_the_best_grasp_closes_across_the_middle(thing: str) -> None:
    item, _ = THINGS[thing]
    stage = Stage(item)
    seen = stage.find(0)
    best = grasps(seen, others(stage, seen))[0]
    assert math.dist(best.world_from_tcp.xyz[:2], item.xyz[:2]) < 0.008
    assert best.world_from_tcp.rotation[2, 2] == pytest.approx(-1.0)
    assert best.width < best.opening <= 0.08
    tip = best.world_from_tcp.xyz[2] - Fingers().tip
    assert tip > 0.005
    assert seen.top - best.world_from_tcp.xyz[2] < 0.035
    if thing == "lying bottle":
        axis = np.array([math.cos(-0.6), math.sin(-0.6), 0.0])
        assert abs(best.world_from_tcp.rotation[:, 1] @ axis) < 0.2
    if thing == "cube":
        off = (math.atan2(*best.world_from_tcp.rotation[1::-1, 0]) - 0.4 + math.pi / 4) % (math.pi / 2) - math.pi / 4
        assert abs(off) < math.radians(8)


def test_fingers_keep_clear_of_neighbours() -> None:
    stage = Stage(cube("red", 0.5, 0.0), cube("green", 0.5, 0.07), cube("blue", 0.5, -0.07))
    seen = stage.find(0)
    ranked = grasps(seen, others(stage, seen))
    assert ranked
    for grasp in ranked:
        assert abs(grasp.world_from_tcp.rotation[0, 1]) > 0.8, "fingers must go in along x, where there is room"


def test_a_thing_walled_in_has_no_grasp() -> None:
    ring = [cube("green", 0.5 + 0.062 * dx, 0.062 * dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0)]
    stage = Stage(cube("red", 0.5, 0.0), *ring)
    seen = stage.find(0)
    assert grasps(seen, others(stage, seen)) == []


def test_a_thing_wider_than_the_gripper_has_no_grasp() -> None:
    stage = Stage(upright("bowl", "red", (0.15, 0.15, 0.06), 0.5, 0.0))
    seen = stage.find(0)
    assert grasps(seen, others(stage, seen)) == []


@pytest.fixture(scope="module")
def tray() -> Stage:
    return Stage(
        upright("tray", "blue", TRAY_SIZE, 0.5, 0.2, 1.2),
        upright("can", "red", (0.06, 0.06, 0.09), 0.47, 0.20, z=0.006),
        cube("green", 0.45, -0.2, 0.3),
        cube("yellow", 0.60, -0.1, 0.3, 0.04),
    )


def test_a_tray_is_measured_inside(tray: Stage) -> None:
    found = container(tray.view, tray.box(0))
    assert math.dist(found.center, (0.5, 0.2)) < 0.006
    assert not found.round
    assert max(found.size) == pytest.approx(0.288, abs=0.012)
    assert min(found.size) == pytest.approx(0.208, abs=0.012)
    assert found.floor == pytest.approx(0.006, abs=0.002)
    assert found.rim == pytest.approx(0.025, abs=0.003)
    assert found.holds(np.array([0.5, 0.2]))
    assert not found.holds(np.array([0.5, 0.45]))


def test_spots_are_inside_and_clear_of_what_is_there(tray: Stage) -> None:
    home = container(tray.view, tray.box(0))
    held = grasps(tray.find(2), others(tray))[0]
    spots = free_spots(home, tray.view.obstacles(tray.find(2)), held)
    assert spots[0].clearance > 0.004
    for spot in spots:
        xy = np.array(spot.world_from_tcp.xyz[:2])
        assert home.holds(xy, 0.02)
        assert math.dist(xy, (0.47, 0.20)) > 0.05
        assert spot.world_from_tcp.xyz[2] == pytest.approx(home.floor + held.below)


def test_a_thing_of_the_trays_color_is_still_in_the_way() -> None:
    stage = Stage(
        upright("tray", "blue", TRAY_SIZE, 0.5, 0.2),
        cube("blue", 0.45, 0.2, z=0.006),
        upright("ball", "black", (0.06, 0.06, 0.06), 0.45, -0.2),
    )
    held = grasps(stage.find(2), others(stage))[0]
    home = container(stage.view, stage.box(0))
    for spot in free_spots(home, stage.view.obstacles(stage.find(2)), held):
        assert math.dist(spot.world_from_tcp.xyz[:2], (0.45, 0.2)) > 0.055


def test_a_full_tray_has_no_room() -> None:
    small = upright("tray", "blue", (0.20, 0.15, 0.025), 0.5, 0.2)
    inside = [cube("red", 0.5 + dx, 0.2 + dy, 0.0, 0.05, 0.006) for dx in (-0.06, 0.0, 0.06) for dy in (-0.04, 0.04)]
    stage = Stage(small, cube("green", 0.45, -0.2, 0.0, 0.055), *inside)
    held = grasps(stage.find(1), others(stage))[0]
    with pytest.raises(NoRoomError, match="no free spot"):
        free_spots(container(stage.view, stage.box(0)), stage.view.obstacles(stage.find(1)), held)


@pytest.mark.parametrize(("shape", "size"), [("bowl", (0.16, 0.16, 0.06)), ("plate", (0.2, 0.2, 0.02))])
def test_a_round_container_takes_a_ball_at_its_middle(shape: str, size: Vec3) -> None:
    stage = Stage(upright(shape, "white", size, 0.5, 0.2), upright("ball", "red", (0.05, 0.05, 0.05), 0.45, -0.2))
    home = container(stage.view, stage.box(0))
    assert home.round
    assert math.dist(home.center, (0.5, 0.2)) < 0.012
    assert home.floor < 0.012
    held = grasps(stage.find(1), others(stage))[0]
    spot = free_spots(home, stage.view.obstacles(stage.find(1)), held)[0]
    assert math.dist(spot.world_from_tcp.xyz[:2], (0.5, 0.2)) < size[0] / 2 - 0.03


def test_stacking_aims_at_the_middle_of_the_top(tray: Stage) -> None:
    held = grasps(tray.find(3), others(tray))[0]
    spot = on_top(tray.find(2), held)
    assert math.dist(spot.world_from_tcp.xyz[:2], (0.45, -0.2)) < 0.004
    assert spot.support == pytest.approx(0.05, abs=0.002)
    assert spot.world_from_tcp.xyz[2] == pytest.approx(0.05 + held.below, abs=0.003)
