"""Where things can stand: footprints, gaps, and poses at rest found by geometry alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .meshes import unit_mesh
from .objects import FLOOR, TRAY_WALL, ObjectSpec, Quat, Vec3

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """A rectangle on the table, world frame, [m], cut by a largest distance from the robot's base."""

    x: tuple[float, float] = (0.36, 0.64)
    y: tuple[float, float] = (-0.36, 0.36)
    reach: float = 0.70

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:
        """Return a point inside."""
        while True:
            x, y = rng.uniform(*self.x), rng.uniform(*self.y)
            if math.hypot(x, y) <= self.reach:
                return x, y


def yaw_quat(yaw: float) -> Quat:
    """Return the turn by ``yaw`` [rad] about world z."""
    return (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))


def tipped_quat(yaw: float) -> Quat:
    """Return the orientation of a thing that lies on its side, its axis along ``yaw`` [rad]."""
    # Turn about y by 90 degrees, then about z by yaw.
    s, half = math.sqrt(0.5), yaw / 2
    return (-s * math.sin(half), s * math.cos(half), s * math.sin(half), s * math.cos(half))


def yaw_of(quat: Quat) -> float:
    """Return the turn about world z of an upright thing, [rad]."""
    x, y, z, w = quat
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def axis_of(quat: Quat) -> Array:
    """Return the world direction of a thing's own z axis, shape (3,)."""
    x, y, z, w = quat
    return np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])


def footprint(item: ObjectSpec) -> Array:
    """Cover the ground below an object by discs: rows of x, y, radius, [m]."""
    x, y, _ = item.xyz
    sx, sy, sz = item.size
    axis = axis_of(item.quat_xyzw)
    if item.shape == "tray":
        yaw, step = yaw_of(item.quat_xyzw), 0.02
        u, v = (np.append(np.arange(-s / 2 + step / 2, s / 2 - step / 2, step), s / 2 - step / 2) for s in (sx, sy))
        grid = np.stack(np.meshgrid(u, v), -1).reshape(-1, 2)
        turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
        points = grid @ turn.T + np.array([x, y])
        return np.column_stack([points, np.full(len(points), step * 0.7)])
    if item.shape in ("can", "bottle") and abs(axis[2]) < 0.5:
        along = np.linspace(-0.5 * sz + sx / 2, 0.5 * sz - sx / 2, 5)
        points = np.array([x, y]) + along[:, None] * axis[:2]
        return np.column_stack([points, np.full(5, sx / 2 * 1.15)])
    if item.shape == "mug":
        yaw = yaw_of(item.quat_xyzw)
        ear = 0.66 * sx
        return np.array([[x, y, sx / 2], [x + ear * math.cos(yaw), y + ear * math.sin(yaw), 0.22 * sx]])
    radius = sx * (0.71 if item.shape == "cube" else 0.5)
    return np.array([[x, y, radius]])


@dataclass(frozen=True)
class Rect:
    """A rectangle in the horizontal plane, turned by ``yaw`` [rad] about its middle, world frame, [m]."""

    x: tuple[float, float]
    y: tuple[float, float]
    yaw: float = 0.0

    def distance(self, marks: Array) -> Array:
        """Return how far each disc of a footprint is from the rectangle, (N,), [m]; negative where they overlap."""
        dx, dy = marks[:, 0] - (self.x[0] + self.x[1]) / 2, marks[:, 1] - (self.y[0] + self.y[1]) / 2
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        u = np.abs(c * dx + s * dy) - (self.x[1] - self.x[0]) / 2
        v = np.abs(c * dy - s * dx) - (self.y[1] - self.y[0]) / 2
        outside = np.hypot(np.maximum(u, 0), np.maximum(v, 0))
        return np.asarray(outside + np.minimum(np.maximum(u, v), 0) - marks[:, 2])


def bounds(item: ObjectSpec) -> tuple[Array, Array]:
    """Return lower and upper corner of an object's axis-aligned bounding box, world frame, each (3,), [m]."""
    x, y, z, w = item.quat_xyzw
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    points = (unit_mesh(item.shape).corners.reshape(-1, 3) * np.array(item.size)) @ turn.T + np.array(item.xyz)
    return points.min(axis=0), points.max(axis=0)


def gap(a: Array, b: Array) -> float:
    """Return the smallest distance between two footprints, [m]; negative where they overlap."""
    apart = np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
    return float((apart - a[:, None, 2] - b[None, :, 2]).min())


def standing(item: ObjectSpec, x: float, y: float, base: float, yaw: float) -> ObjectSpec:
    """Return the object upright with its foot at height ``base`` [m]."""
    return replace(item, xyz=(x, y, base + item.size[2] / 2), quat_xyzw=yaw_quat(yaw))


def lying(item: ObjectSpec, x: float, y: float, base: float, yaw: float) -> ObjectSpec:
    """Return a can or bottle on its side, its axis along ``yaw``."""
    return replace(item, xyz=(x, y, base + item.size[0] / 2), quat_xyzw=tipped_quat(yaw))


def find_spot(
    item: ObjectSpec,
    placed: Sequence[ObjectSpec],
    region: Region,
    rng: np.random.Generator,
    gaps: Sequence[float] = (0.045, 0.030),
    tipped: bool = False,
    yaw: float | None = None,
    fits: Callable[[Array], bool] | None = None,
    tries: int = 60,
) -> ObjectSpec | None:
    """Put an object somewhere on the table, away from the others.

    Args:
        item: The object.
        placed: What stands on the table already.
        region: Where its center may be.
        rng: Source of chance.
        gaps: Distances to keep, tried in this order, [m].
        tipped: Lay it on its side.
        yaw: Its turn, [rad]; drawn when left out.
        fits: Tells whether a footprint may be there, as well.
        tries: Places to try for each gap.

    Returns:
        The placed object, or None where there is no room.
    """
    taken = np.concatenate([footprint(other) for other in placed]) if placed else None
    for distance in gaps:
        for _ in range(tries):
            x, y = region.draw(rng)
            turn = rng.uniform(-math.pi, math.pi) if yaw is None else yaw
            trial = lying(item, x, y, 0.0, turn) if tipped else standing(item, x, y, 0.0, turn)
            marks = footprint(trial)
            if (fits is None or fits(marks)) and (taken is None or gap(marks, taken) >= distance):
                return trial
    return None


def find_inside(
    item: ObjectSpec,
    container: ObjectSpec,
    inside: Sequence[ObjectSpec],
    rng: np.random.Generator,
    tipped: bool = False,
    distance: float = 0.004,
) -> ObjectSpec | None:
    """Put an object on the floor of a tray, bowl, plate or mug, beside what is inside already; None without room."""
    base = floor_height(container)
    for _ in range(40):
        if container.shape == "tray":
            u = rng.uniform(-0.5, 0.5) * container.size[0]
            v = rng.uniform(-0.5, 0.5) * container.size[1]
        else:
            wide = {"plate": 0.34, "bowl": 0.10, "mug": 0.0}[container.shape] * container.size[0]
            angle, r = rng.uniform(-math.pi, math.pi), wide * math.sqrt(rng.random())
            u, v = r * math.cos(angle), r * math.sin(angle)
        turn = yaw_of(container.quat_xyzw)
        x = container.xyz[0] + u * math.cos(turn) - v * math.sin(turn)
        y = container.xyz[1] + u * math.sin(turn) + v * math.cos(turn)
        spin = rng.uniform(-math.pi, math.pi)
        trial = lying(item, x, y, base, spin) if tipped else standing(item, x, y, base, spin)
        marks = footprint(trial)
        if not _fits(marks, container):
            continue
        if all(gap(marks, footprint(other)) >= distance for other in inside):
            return trial
    return None


def floor_height(container: ObjectSpec) -> float:
    """Return the height of an upright container's inner floor in the world frame, [m]."""
    return container.xyz[2] + container.size[2] * (FLOOR[container.shape] - 0.5)


def _fits(marks: Array, container: ObjectSpec) -> bool:
    dx, dy = marks[:, 0] - container.xyz[0], marks[:, 1] - container.xyz[1]
    if container.shape == "tray":
        turn = yaw_of(container.quat_xyzw)
        u = dx * math.cos(turn) + dy * math.sin(turn)
        v = -dx * math.sin(turn) + dy * math.cos(turn)
        half = [container.size[axis] * (0.5 - TRAY_WALL[axis]) for axis in (0, 1)]
        return bool(np.all(np.abs(u) + marks[:, 2] < half[0]) and np.all(np.abs(v) + marks[:, 2] < half[1]))
    room = {"plate": 0.42, "bowl": 0.36, "mug": 0.42}[container.shape] * container.size[0]
    return bool(np.all(np.hypot(dx, dy) + marks[:, 2] < room))


def shifted(item: ObjectSpec, by: Vec3) -> ObjectSpec:
    """Return the object moved by ``by`` [m]."""
    x, y, z = (a + b for a, b in zip(item.xyz, by, strict=True))
    return replace(item, xyz=(x, y, z))
