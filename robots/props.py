"""Simple things for a robot without physics: cuboids, cylinders and spheres, and pictures of them by ray casting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from .._base import near_misses
from .contract import CameraFrame, Intrinsics
from .errors import RobotError
from .pose import Array, Pose

PAINT: dict[str, tuple[float, float, float]] = {
    "red": (0.83, 0.08, 0.08),
    "green": (0.09, 0.58, 0.15),
    "blue": (0.08, 0.20, 0.82),
    "yellow": (0.93, 0.83, 0.08),
    "orange": (0.97, 0.46, 0.05),
    "purple": (0.48, 0.11, 0.62),
    "white": (0.94, 0.94, 0.93),
    "black": (0.07, 0.07, 0.08),
}
_TABLE, _VOID = (0.62, 0.50, 0.38), (0.55, 0.56, 0.58)
_LOOSE = {"cuboid", "cube", "cylinder", "can", "bottle", "ball"}
_FIXED = {"mug", "plate", "bowl", "tray"}
_LIGHT = np.array([0.35, 0.2, 0.92])


@dataclass(frozen=True)
class Part:
    """A convex primitive of a prop: ``box``, ``cylinder`` (along z) or ``ball``, with its full size [m]."""

    kind: Literal["box", "cylinder", "ball"]
    size: tuple[float, float, float]
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0


@dataclass(frozen=True)
class Prop:
    """A thing on the table.

    Attributes:
        name: Such as ``red cube``.
        shape: ``cuboid``, ``cube``, ``cylinder``, ``can``, ``bottle`` or ``ball``, which can be picked; ``mug``,
            ``plate``, ``bowl`` or ``tray``, which stay.
        color: A color name, or gray when unknown.
        size: Extent in its own frame, [m].
        pose: ``world_from_prop``, the origin at the center.
    """

    name: str
    shape: str
    color: str
    size: tuple[float, float, float]
    pose: Pose

    @property
    def loose(self) -> bool:
        """Whether fingers can take it away."""
        return self.shape in _LOOSE

    @property
    def xyz(self) -> tuple[float, float, float]:
        """Center in the world, [m]."""
        return self.pose.xyz

    def at(self, pose: Pose) -> Prop:
        """Return the same thing elsewhere."""
        return replace(self, pose=pose)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Primitives that make it up, in its own frame."""
        x, y, z = self.size
        if self.shape in ("cuboid", "cube"):
            return (Part("box", self.size),)
        if self.shape == "ball":
            return (Part("ball", self.size),)
        if self.shape in ("cylinder", "can", "bottle", "mug", "plate"):
            return (Part("cylinder", self.size),)
        floor, wall = 0.24 * z, 0.005
        if self.shape == "tray":
            return (
                Part("box", (x, y, floor), (0.0, 0.0, (floor - z) / 2)),
                Part("box", (wall, y, z), ((x - wall) / 2, 0.0, 0.0)),
                Part("box", (wall, y, z), ((wall - x) / 2, 0.0, 0.0)),
                Part("box", (x, wall, z), (0.0, (y - wall) / 2, 0.0)),
                Part("box", (x, wall, z), (0.0, (wall - y) / 2, 0.0)),
            )
        floor, ring = 0.12 * z, 16
        radius, chord = x / 2 - wall / 2, 2 * math.tan(math.pi / ring) * x / 2
        sides = tuple(
            Part("box", (wall, chord, z), (radius * math.cos(a), radius * math.sin(a), 0.0), a)
            for a in (2 * math.pi * k / ring for k in range(ring))
        )
        return (Part("cylinder", (x, y, floor), (0.0, 0.0, (floor - z) / 2)), *sides)

    @property
    def lowest(self) -> float:
        """Height of its lowest point, [m]."""
        return self.pose.xyz[2] - self.reach((0.0, 0.0, 1.0))

    def reach(self, direction: Sequence[float]) -> float:
        """How far it extends from its center along a world direction, [m]."""
        local = self.pose.rotation.T @ np.asarray(direction, dtype=float)
        half = np.array(self.size) / 2
        if self.shape == "ball":
            return float(half[0])
        if self.shape in ("cuboid", "cube", "tray"):
            return float(np.abs(local) @ half)
        return float(half[0] * np.hypot(local[0], local[1]) + half[2] * abs(local[2]))


def prop_of(row: Mapping[str, object], place: str = "props") -> Prop:
    """Read one prop from plain settings: ``shape``, ``size``, ``xyz``, and ``name``, ``color``, ``yaw``, ``quat_xyzw``.

    ``xyz`` with two numbers stands on the table.

    Raises:
        RobotError: A key or value is not understood.
    """
    allowed = {"name", "shape", "color", "size", "xyz", "yaw", "quat_xyzw"}
    unknown = sorted(set(row) - allowed)
    if unknown:
        raise RobotError(_complaint(place, f"unknown key {unknown[0]!r}", unknown[0], allowed))
    shape = str(row.get("shape", "cube"))
    if shape not in _LOOSE | _FIXED:
        raise RobotError(_complaint(place, f"unknown shape {shape!r}", shape, _LOOSE | _FIXED))
    size = _numbers(row.get("size", (0.05, 0.05, 0.05)), (3,), f"{place}: size")
    xyz = _numbers(row.get("xyz", (0.5, 0.0)), (2, 3), f"{place}: xyz")
    if min(size) <= 0:
        raise RobotError(f"{place}: size must be positive [m], not {size}\n  fix:  give three positive numbers")
    if "quat_xyzw" in row:
        quat = _numbers(row["quat_xyzw"], (4,), f"{place}: quat_xyzw")
    else:
        half = _numbers((row.get("yaw", 0.0),), (1,), f"{place}: yaw")[0] / 2
        quat = (0.0, 0.0, math.sin(half), math.cos(half))
    color = str(row.get("color", "white"))
    prop = Prop(
        name=str(row.get("name") or f"{color} {shape}"),
        shape=shape,
        color=color,
        size=(size[0], size[1], size[2]),
        pose=Pose((xyz[0], xyz[1], 0.0), (quat[0], quat[1], quat[2], quat[3])),
    )
    z = xyz[2] if len(xyz) == 3 else -prop.lowest
    return prop.at(Pose((xyz[0], xyz[1], z), prop.pose.quat_xyzw))


def _complaint(place: str, what: str, name: str, known: Iterable[str]) -> str:
    near = near_misses(name, known)
    hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
    return f"{place}: {what}{hint}\n  fix:  use one of {', '.join(sorted(known))}"


def _numbers(value: object, counts: tuple[int, ...], what: str) -> tuple[float, ...]:
    listed = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if len(listed) in counts and all(isinstance(v, (int, float)) and math.isfinite(v) for v in listed):
        return tuple(float(v) for v in listed)
    many = " or ".join(str(c) for c in counts)
    raise RobotError(f"{what} must be {many} finite numbers, not {value!r}\n  fix:  write it as a list of numbers")


def cast(prop: Prop, origin: Array, rays: Array) -> tuple[Array, Array]:
    """Return where rays first enter a prop.

    Args:
        prop: The thing.
        origin: World points, shape (3,) or (k, 3), [m].
        rays: World directions, shape (k, 3).

    Returns:
        Distance in units of the direction, shape (k,), infinity where the ray misses or starts behind; and outward
        normals in the world, shape (k, 3).
    """
    best = np.full(len(rays), np.inf)
    normals = np.zeros((len(rays), 3))
    for part in prop.parts:
        c, s = math.cos(part.yaw), math.sin(part.yaw)
        turn = prop.pose.rotation @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        start = (origin - prop.pose.apply(np.array(part.offset))) @ turn
        t, normal = _cast_part(part, np.broadcast_to(start, rays.shape), rays @ turn)
        nearer = t < best
        best[nearer] = t[nearer]
        normals[nearer] = normal[nearer] @ turn.T
    return best, normals


def _cast_part(part: Part, start: Array, rays: Array) -> tuple[Array, Array]:
    half = np.array(part.size) / 2
    normal = np.zeros_like(rays)
    if part.kind == "ball":
        a, b, c = (rays**2).sum(1), (rays * start).sum(1), (start**2).sum(1) - half[0] ** 2
        root = b * b - a * c
        t = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0.0))) / a, np.inf)
        t = np.where(t > 0, t, np.inf)
        hit = np.isfinite(t)
        normal[hit] = (start[hit] + t[hit, None] * rays[hit]) / half[0]
        return t, normal
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (-half - start) / rays, (half - start) / rays
    near, far = np.minimum(one, two), np.maximum(one, two)
    inside = np.abs(start) <= half
    near = np.where(rays == 0, np.where(inside, -np.inf, np.inf), near)
    far = np.where(rays == 0, np.where(inside, np.inf, -np.inf), far)
    if part.kind == "cylinder":
        a = (rays[:, :2] ** 2).sum(1)
        b, c = (rays[:, :2] * start[:, :2]).sum(1), (start[:, :2] ** 2).sum(1) - half[0] ** 2
        root = b * b - a * c
        safe = np.where(a > 1e-12, a, 1.0)
        wide = np.sqrt(np.maximum(root, 0.0)) / safe
        upright = np.where(c <= 0, -np.inf, np.inf)
        enter = np.where(a > 1e-12, np.where(root > 0, -b / safe - wide, np.inf), upright)
        leave = np.where(a > 1e-12, np.where(root > 0, -b / safe + wide, -np.inf), -upright)
        near = np.stack([enter, np.full_like(enter, -np.inf), near[:, 2]], axis=1)
        far = np.stack([leave, np.full_like(leave, np.inf), far[:, 2]], axis=1)
    t, side = near.max(axis=1), near.argmax(axis=1)
    t = np.where((t <= far.min(axis=1)) & (t > 0), t, np.inf)
    hit = np.flatnonzero(np.isfinite(t))
    if part.kind == "cylinder":
        at = start[hit] + t[hit, None] * rays[hit]
        round_ = side[hit] == 0
        normal[hit[round_], :2] = at[round_, :2] / half[0]
        normal[hit[~round_], 2] = -np.sign(rays[hit[~round_], 2])
    else:
        normal[hit, side[hit]] = -np.sign(rays[hit, side[hit]])
    return t, normal


def photograph(
    props: Iterable[Prop], camera: str, frame_id: str, stamp: float, lens: Intrinsics, world_from_camera: Pose
) -> CameraFrame:
    """Return a picture of table and props with exact depth; the arm is not in it."""
    rows, columns = np.mgrid[0 : lens.height, 0 : lens.width]
    rays = np.stack([(columns - lens.cx) / lens.fx, (rows - lens.cy) / lens.fy, np.ones(rows.shape)], axis=-1)
    world = rays @ world_from_camera.rotation.T
    eye = world_from_camera.position
    with np.errstate(divide="ignore"):
        depth = np.where(world[..., 2] < -1e-9, -eye[2] / np.minimum(world[..., 2], -1e-9), np.inf)
    at = eye + np.where(np.isfinite(depth), depth, 0.0)[..., None] * world
    on_table = np.isfinite(depth) & (np.abs(at[..., 0] - 0.45) < 0.75) & (np.abs(at[..., 1]) < 0.85)
    depth = np.where(on_table, depth, np.inf)
    color = np.where(on_table[..., None], np.array(_TABLE), np.array(_VOID))
    camera_from_world = world_from_camera.inverse()
    for prop in props:
        window = _window(camera_from_world.apply(prop.pose.position), 0.5 * math.hypot(*prop.size), lens)
        if window is None:
            continue
        part = world[window].reshape(-1, 3)
        t, normals = cast(prop, eye, part)
        here = t < depth[window].ravel()
        if here.any():
            shade = 0.62 + 0.38 * np.clip(normals[here] @ _LIGHT, 0.0, 1.0)
            painted, deep = color[window].reshape(-1, 3), depth[window].ravel()
            painted[here] = np.array(PAINT.get(prop.color, (0.5, 0.5, 0.5))) * shade[:, None]
            deep[here] = t[here]
            color[window], depth[window] = painted.reshape(color[window].shape), deep.reshape(depth[window].shape)
    return CameraFrame(
        camera=camera,
        id=frame_id,
        stamp=stamp,
        rgb=np.round(color * 255).astype(np.uint8),
        depth=np.where(np.isfinite(depth), depth, 0.0).astype(np.float32),
        intrinsics=lens,
        world_from_camera=world_from_camera,
    )


def _window(center: Array, radius: float, lens: Intrinsics) -> tuple[slice, slice] | None:
    """Return rows and columns that a ball around a thing can cover, None when it is out of view."""
    x, y, z = center
    if z + radius < 0.02:
        return None
    near = z - radius
    if near < 0.02:
        return slice(0, lens.height), slice(0, lens.width)
    u, v = lens.fx * x / z + lens.cx, lens.fy * y / z + lens.cy
    wide = lens.fx * radius / near * (1.0 + abs(x) / z) + 2
    tall = lens.fy * radius / near * (1.0 + abs(y) / z) + 2
    rows = slice(max(0, int(v - tall)), min(lens.height, int(v + tall) + 1))
    columns = slice(max(0, int(u - wide)), min(lens.width, int(u + wide) + 1))
    return (rows, columns) if rows.stop > rows.start and columns.stop > columns.start else None
