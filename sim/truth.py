"""What is true of a world and of one picture of it, computed from geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pybullet as p
from PIL import Image, ImageDraw

from .camera import CameraSpec, Picture, project
from .hand import in_workspace
from .meshes import unit_mesh
from .objects import FLOOR, INNER_RADIUS, SHAPES, TRAY_WALL, ObjectSpec, Quat, Relation, Vec3
from .world import FINGER_JOINTS, World

Array = npt.NDArray[np.float64]

TOUCH = 0.003
"""Fingers closer than this to an object on both sides hold it, [m]."""
REST = 0.010
"""Vertical slack when deciding what stands on what, [m]."""


@dataclass(frozen=True)
class ObjectTruth:
    """One object of a world.

    Attributes:
        spec: What it is.
        xyz: Center, world frame, [m].
        quat_xyzw: Orientation, world frame.
        size: Extent of its axis-aligned bounding box in the world frame, [m].
        relation: Stands on the table, on or in ``support``, or is held.
        support: Index of the supporting object; -1 for table and gripper.
        upright: False when a can, bottle or mug lies on its side.
    """

    spec: ObjectSpec
    xyz: Vec3
    quat_xyzw: Quat
    size: Vec3
    relation: Relation
    support: int
    upright: bool


@dataclass(frozen=True)
class WorldTruth:
    """Everything that is true of a world now."""

    objects: tuple[ObjectTruth, ...]
    gripper_open: bool = True
    hand_in_workspace: bool = False

    def inside(self, index: int, container: int) -> bool:
        """Tell whether object ``index`` rests in ``container``, directly or on things that do."""
        seen = set()
        while index >= 0 and index not in seen:
            seen.add(index)
            thing = self.objects[index]
            if thing.relation in ("in", "on") and thing.support == container:
                return True
            index = thing.support if thing.relation in ("in", "on") else -1
        return False

    def find(self, name: str) -> tuple[int, ...]:
        """Return the indices of objects called ``name``, such as ``blue tray`` or ``cube``."""
        return tuple(k for k, o in enumerate(self.objects) if name in (o.spec.name, o.spec.shape))


@dataclass(frozen=True)
class ViewTruth:
    """How one object appears in one picture.

    Attributes:
        box_xyxy: Tight box of the visible pixels over the image size, each in [0, 1].
        visible_fraction: Visible pixels over those it would cover alone, in [0, 1].
        pixels: Visible pixels.
        depth: Distance of the center along the optical axis, [m].
    """

    box_xyxy: tuple[float, float, float, float]
    visible_fraction: float
    pixels: int
    depth: float


@dataclass(frozen=True)
class FrameTruth:
    """Everything that is true of one picture; ``views[i]`` is about ``world.objects[i]``."""

    world: WorldTruth
    views: tuple[ViewTruth, ...]
    robot_visible: bool
    hand_pixels: int


def rotation(quat_xyzw: Quat) -> Array:
    """Return the rotation matrix (3, 3) of a unit quaternion."""
    return np.array(p.getMatrixFromQuaternion(quat_xyzw)).reshape(3, 3)


def world_truth(world: World) -> WorldTruth:
    """Read poses and contacts of a world and say what stands where."""
    poses = [world.pose(k) for k in range(len(world.objects))]
    specs = [body.spec for body in world.objects]
    boxes = [_bounds(world, k, poses[k]) for k in range(len(specs))]
    held = [_held(world, body.id) for body in world.objects]
    objects = []
    for k, spec in enumerate(specs):
        relation: Relation = "held" if held[k] else "table"
        support = -1
        if not held[k]:
            support, relation = _support(k, specs, poses, boxes)
            if support < 0 and boxes[k][0][2] > REST:
                support, relation = _leans_on(world, k, poses)
        up = rotation(poses[k][1])[2, 2]
        upright = spec.shape not in ("can", "bottle", "mug") or bool((abs(up) if spec.shape == "can" else up) > 0.8)
        low, high = boxes[k]
        size = (float(high[0] - low[0]), float(high[1] - low[1]), float(high[2] - low[2]))
        objects.append(ObjectTruth(spec, poses[k][0], poses[k][1], size, relation, support, upright))
    return WorldTruth(
        tuple(objects),
        gripper_open=world.robot is None or (finger_width(world) > 0.065 and not any(held)),
        hand_in_workspace=world.hand_spec is not None and in_workspace(world.hand_spec.points()),
    )


def finger_width(world: World) -> float:
    """Return the distance between the Panda's fingers, [m]."""
    return float(sum(p.getJointState(world.robot, j, physicsClientId=world.client)[0] for j in FINGER_JOINTS))


def _bounds(world: World, index: int, pose: tuple[Vec3, Quat]) -> tuple[Array, Array]:
    spec = world.objects[index].spec
    if spec.shape not in SHAPES:
        low, high = p.getAABB(world.objects[index].id, physicsClientId=world.client)
        return np.array(low), np.array(high)
    points = unit_mesh(spec.shape).corners.reshape(-1, 3) * np.array(spec.size)
    points = points @ rotation(pose[1]).T + np.array(pose[0])
    return points.min(axis=0), points.max(axis=0)


def _held(world: World, body: int) -> bool:
    if world.robot is None:
        return False
    for joint in FINGER_JOINTS:
        near = p.getClosestPoints(world.robot, body, TOUCH, joint, -1, physicsClientId=world.client)
        if not near:
            return False
    return True


def _support(
    index: int,
    specs: list[ObjectSpec],
    poses: list[tuple[Vec3, Quat]],
    boxes: list[tuple[Array, Array]],
) -> tuple[int, Relation]:
    """Return what object ``index`` rests on: the smallest thing that contains or carries it."""
    center, bottom = np.array(poses[index][0]), float(boxes[index][0][2])
    best: tuple[float, int, Relation] | None = None
    for k, spec in enumerate(specs):
        if k == index or spec.shape not in SHAPES:
            continue
        turn = rotation(poses[k][1])
        local = turn.T @ (center - np.array(poses[k][0]))
        low, high = boxes[k]
        relation: Relation | None = None
        if spec.shape in FLOOR:
            floor = low[2] + FLOOR[spec.shape] * spec.size[2]
            level = floor - REST < bottom < high[2] + REST and center[2] > floor
            if turn[2, 2] > 0.8 and level and _within(spec, local):
                relation = "on" if spec.shape == "plate" else "in"
        elif abs(bottom - high[2]) < REST and np.all(center[:2] > low[:2]) and np.all(center[:2] < high[:2]):
            relation = "on"
        if relation is not None:
            area = float(spec.size[0] * spec.size[1])
            if best is None or area < best[0]:
                best = (area, k, relation)
    return (best[1], best[2]) if best is not None else (-1, "table")


def _leans_on(world: World, index: int, poses: list[tuple[Vec3, Quat]]) -> tuple[int, Relation]:
    """Return what a thing that floats above the table touches from above, such as two lying cans; nearest first."""
    body, height = world.objects[index].id, poses[index][0][2]
    best: tuple[float, int] | None = None
    for k, other in enumerate(world.objects):
        if k == index or poses[k][0][2] >= height:
            continue
        points = p.getClosestPoints(body, other.id, TOUCH, physicsClientId=world.client)
        nearest = min((float(point[8]) for point in points), default=None)
        if nearest is not None and (best is None or nearest < best[0]):
            best = (nearest, k)
    return (best[1], "on") if best is not None else (-1, "table")


def _within(spec: ObjectSpec, local: Array) -> bool:
    if spec.shape == "tray":
        half = [spec.size[axis] * (0.5 - TRAY_WALL[axis]) for axis in (0, 1)]
        return bool(abs(local[0]) <= half[0] and abs(local[1]) <= half[1])
    return bool(np.hypot(local[0], local[1]) <= INNER_RADIUS[spec.shape] * spec.size[0])


def frame_truth(world: World, picture: Picture, camera: CameraSpec) -> FrameTruth:
    """Say what is true of a picture just taken with ``camera``."""
    truth = world_truth(world)
    views = tuple(_view(picture, camera, body.id, truth.objects[k]) for k, body in enumerate(world.objects))
    robot_pixels = int(np.count_nonzero(picture.mask == world.robot)) if world.robot is not None else 0
    hand_pixels = int(np.count_nonzero(picture.mask == world.hand)) if world.hand is not None else 0
    return FrameTruth(truth, views, robot_visible=robot_pixels >= 200, hand_pixels=hand_pixels)


def _view(picture: Picture, camera: CameraSpec, body: int, thing: ObjectTruth) -> ViewTruth:
    height, width = picture.mask.shape
    rows, columns = np.nonzero(picture.mask == body)
    center = project(np.array([thing.xyz]), camera.world_from_camera, camera.intrinsics)[0]
    if not len(rows):
        return ViewTruth((0.0, 0.0, 0.0, 0.0), 0.0, 0, float(center[2]))
    box = (
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )
    alone = max(_silhouette(camera, thing), len(rows))
    return ViewTruth(box, len(rows) / alone, len(rows), float(center[2]))


def _silhouette(camera: CameraSpec, thing: ObjectTruth) -> int:
    """Count the pixels that the object would cover alone."""
    if thing.spec.shape not in SHAPES:
        return 0
    corners = unit_mesh(thing.spec.shape).corners
    points = (corners.reshape(-1, 3) * np.array(thing.spec.size)) @ rotation(thing.quat_xyzw).T + np.array(thing.xyz)
    uvz = project(points, camera.world_from_camera, camera.intrinsics).reshape(-1, 3, 3)
    uvz = uvz[np.all(uvz[:, :, 2] > 0.05, axis=1)]
    a, b, c = uvz[:, 0, :2], uvz[:, 1, :2], uvz[:, 2, :2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    front = uvz[area < 0][:, :, :2]
    if not len(front):
        return 0
    low = np.floor(front.reshape(-1, 2).min(axis=0)).clip(0, [camera.width - 1, camera.height - 1]).astype(int)
    high = np.ceil(front.reshape(-1, 2).max(axis=0)).clip(0, [camera.width, camera.height]).astype(int) + 1
    canvas = Image.new("1", (int(high[0] - low[0]), int(high[1] - low[1])))
    draw = ImageDraw.Draw(canvas)
    for triangle in (front - low).reshape(-1, 6).tolist():
        draw.polygon(triangle, fill=1)
    drawn = np.pad(np.asarray(canvas), 1)
    core = drawn[1:-1, 1:-1] & drawn[:-2, 1:-1] & drawn[2:, 1:-1] & drawn[1:-1, :-2] & drawn[1:-1, 2:]
    # Polygons are drawn with every pixel they touch: half of the rim is too much.
    return int((np.count_nonzero(drawn) + np.count_nonzero(core)) / 2)
