"""What is true of a world and of one picture of it, computed from geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pybullet as p
from PIL import Image, ImageDraw

from .camera import CameraSpec, Picture, project
from .furniture import Setting
from .hand import in_workspace
from .meshes import unit_mesh
from .objects import FLOOR, INNER_RADIUS, SHAPES, TRAY_WALL, ObjectSpec, Quat, Relation, Vec3
from .world import FINGER_JOINTS, World

Array = npt.NDArray[np.float64]

TOUCH = 0.003
"""Fingers closer than this to an object on both sides hold it, [m]."""
REST = 0.010
"""Vertical slack when deciding what stands on what, [m]."""
CONTACT = 0.002
"""Objects closer than this touch, [m]."""


@dataclass(frozen=True)
class ObjectTruth:
    """One object of a world.

    Attributes:
        spec: What it is.
        xyz: Center, world frame, [m].
        quat_xyzw: Orientation, world frame.
        size: Extent of its axis-aligned bounding box in the world frame, [m].
        relation: Stands on the table (or worktop, or board of a shelf), on or in ``support``, or is held.
        support: Index of the supporting object; -1 for table and gripper.
        upright: False when a can, bottle or mug lies on its side.
        touching: Indices of the objects within 2 mm, what carries it and what it carries among them, sorted.
    """

    spec: ObjectSpec
    xyz: Vec3
    quat_xyzw: Quat
    size: Vec3
    relation: Relation
    support: int
    upright: bool
    touching: tuple[int, ...] = ()


@dataclass(frozen=True)
class WorldTruth:
    """Everything that is true of a world now.

    Attributes:
        objects: The objects, in the order of the world.
        gripper_open: Whether the gripper is open and holds nothing.
        hand_in_workspace: Whether any part of the hand is in the workspace.
        setting: What the objects stand on.
        door_open: State of the cupboard door; None where there is none.
        person_outside: Whether there is a person, or a hand with its arm, wholly outside of the workspace.
    """

    objects: tuple[ObjectTruth, ...]
    gripper_open: bool = True
    hand_in_workspace: bool = False
    setting: Setting = "table"
    door_open: bool | None = None
    person_outside: bool = False

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
    """Everything that is true of one picture; ``views[i]`` is about ``world.objects[i]``.

    Attributes:
        world: What is true of the world.
        views: How each object appears.
        robot_visible: Whether the robot covers 200 pixels or more.
        hand_pixels: Visible pixels of the hand and its arm.
        person_pixels: Visible pixels of a person beside or behind the workspace.
        door_pixels: Visible pixels of the cupboard door and of what it shows when it is open.
    """

    world: WorldTruth
    views: tuple[ViewTruth, ...]
    robot_visible: bool
    hand_pixels: int
    person_pixels: int = 0
    door_pixels: int = 0


def rotation(quat_xyzw: Quat) -> Array:
    """Return the rotation matrix (3, 3) of a unit quaternion."""
    return np.array(p.getMatrixFromQuaternion(quat_xyzw)).reshape(3, 3)


def world_truth(world: World) -> WorldTruth:
    """Read poses and contacts of a world and say what stands where."""
    poses = [world.pose(k) for k in range(len(world.objects))]
    specs = [body.spec for body in world.objects]
    boxes = [_bounds(world, k, poses[k]) for k in range(len(specs))]
    held = [_held(world, body.id) for body in world.objects]
    touching = _touching(world, boxes)
    furniture = world.spec.furniture
    levels = (0.0,) if furniture is None else tuple(level.z for level in furniture.levels)
    objects = []
    for k, spec in enumerate(specs):
        relation: Relation = "held" if held[k] else "table"
        support = -1
        if not held[k]:
            support, relation = _support(k, specs, poses, boxes)
            if support < 0 and _floats(float(boxes[k][0][2]), levels):
                support, relation = _leans_on(world, k, poses)
        up = rotation(poses[k][1])[2, 2]
        upright = spec.shape not in ("can", "bottle", "mug") or bool((abs(up) if spec.shape == "can" else up) > 0.8)
        low, high = boxes[k]
        size = (float(high[0] - low[0]), float(high[1] - low[1]), float(high[2] - low[2]))
        objects.append(ObjectTruth(spec, poses[k][0], poses[k][1], size, relation, support, upright, touching[k]))
    hand, person = world.hand_spec, world.person_spec
    reaches_in = hand is not None and in_workspace(hand.points())
    person_in = person is not None and in_workspace(person.points())
    return WorldTruth(
        tuple(objects),
        gripper_open=world.robot is None or (finger_width(world) > 0.065 and not any(held)),
        hand_in_workspace=reaches_in,
        setting=world.spec.setting,
        door_open=None if furniture is None else furniture.door_open,
        person_outside=(hand is not None and not reaches_in) or (person is not None and not person_in),
    )


def _floats(bottom: float, levels: tuple[float, ...]) -> bool:
    """Tell whether a foot at height ``bottom`` [m] is clearly above the highest level below it."""
    below = [z for z in levels if z <= bottom + REST]
    return bool(below) and bottom - max(below) > REST


def _touching(world: World, boxes: list[tuple[Array, Array]]) -> list[tuple[int, ...]]:
    """Return for each object the indices of those within ``CONTACT``."""
    found: list[set[int]] = [set() for _ in boxes]
    for k, (low, high) in enumerate(boxes):
        for j in range(k):
            if np.any(boxes[j][0] > high + CONTACT) or np.any(boxes[j][1] < low - CONTACT):
                continue
            a, b = world.objects[k].id, world.objects[j].id
            if p.getClosestPoints(a, b, CONTACT, physicsClientId=world.client):
                found[k].add(j)
                found[j].add(k)
    return [tuple(sorted(others)) for others in found]


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
    robot = () if world.robot is None else (world.robot,)
    hand = () if world.hand is None else (world.hand,)
    return FrameTruth(
        truth,
        views,
        robot_visible=_pixels(picture, robot) >= 200,
        hand_pixels=_pixels(picture, hand),
        person_pixels=_pixels(picture, world.person),
        door_pixels=_pixels(picture, world.surroundings.door_ids),
    )


def _pixels(picture: Picture, bodies: tuple[int, ...]) -> int:
    return sum(int(np.count_nonzero(picture.mask == body)) for body in bodies)


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
