"""Where to put a held thing down: the emptiest spot of a container, or the top of another thing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .._base import KnotholeError
from .grasp import Grasp
from .pixels import Box
from .pose import Array, Pose
from .seeing import Seen, View
from .solids import smallest_rectangle, turn

_CELL, _STEP = 0.005, 0.007
_PALM = (0.07, 0.21)  # the Franka hand seen from above, along the tcp's x and y


class NoRoomError(KnotholeError):
    """No free spot of a container takes the held thing."""


@dataclass(frozen=True)
class Container:
    """A tray, bowl, plate or top face that things can be put on.

    Attributes:
        center: World x and y, [m].
        size: Inner extent along its own x and y axes, [m].
        yaw: Direction of its x axis, [rad].
        round: True for a bowl or plate.
        floor: Height of what things come to stand on, [m].
        rim: Height of its wall, [m].
        skin: Seen points of a sloping wall, world frame, shape (k, 3), [m]; they don't stand in the way.
    """

    center: tuple[float, float]
    size: tuple[float, float]
    yaw: float
    round: bool
    floor: float
    rim: float
    skin: Array = field(default_factory=lambda: np.empty((0, 3)), repr=False)

    def local(self, xy: Array) -> Array:
        """Express world points in the container's axes, shape (..., 2) → (..., 2), [m]."""
        result: Array = (np.asarray(xy, dtype=float) - np.array(self.center)) @ turn(self.yaw)
        return result

    def world(self, local: Array) -> Array:
        """Express points of the container's axes in the world, shape (..., 2) → (..., 2), [m]."""
        result: Array = np.asarray(local, dtype=float) @ turn(self.yaw).T + np.array(self.center)
        return result

    def holds(self, xy: Array, margin: float = 0.0) -> Array:
        """Tell which world points, shape (..., 2), are inside by at least ``margin`` [m]."""
        local, half = self.local(xy), np.array(self.size) / 2 - margin
        if self.round:
            inside: Array = np.hypot(local[..., 0], local[..., 1]) <= half.min()
        else:
            inside = np.all(np.abs(local) <= half, axis=-1)
        return inside


@dataclass(frozen=True)
class Spot:
    """A place for a held thing.

    Attributes:
        world_from_tcp: Pose of the hand when the thing just touches down.
        clearance: Room around the thing, [m]; 0 when it touches something.
        support: Height it will stand on, [m].
    """

    world_from_tcp: Pose
    clearance: float
    support: float


def container(view: View, box_xyxy: Box) -> Container:
    """Return the container that a box, relative to the image, is about.

    Raises:
        NotSeenError: Nothing above the table is near the box.
    """
    return container_of(view.find(box_xyxy), view)


def container_of(seen: Seen, view: View) -> Container:
    """Return the container that seen points are, with its floor and rim; a plain thing gives its top face."""
    points = seen.points
    center, size, yaw = smallest_rectangle(points[:, :2])
    local = (points[:, :2] - center) @ turn(yaw)
    reach = np.abs(local) / np.maximum(size / 2, 1e-6)
    edge = reach.max(axis=1)
    corner = (reach.min(axis=1) > 0.8).sum() / max(1, len(points))
    is_round = bool(abs(size[0] - size[1]) < 0.2 * size.max() and corner < 0.01)
    if is_round:
        edge = np.hypot(reach[:, 0], reach[:, 1])
    outer = points[edge > 0.8, 2]
    rim = float(np.percentile(outer, 92)) if len(outer) else seen.top
    every = view.points[view.matter] - np.array([0.0, 0.0, view.plane])
    where = np.abs((every[:, :2] - center) @ turn(yaw)) / np.maximum(size / 2, 1e-6)
    inner = every[where.max(axis=1) < 0.75, 2]
    hollow = inner[inner < rim - 0.005]
    if len(hollow) >= max(6, 0.05 * len(inner)):
        floor, wall = float(np.percentile(hollow, 25)), 0.008
        if is_round and rim - floor > 0.012:
            wall = 0.14 * float(size.max())  # bowls and plates slope; the flat part is smaller
    else:
        floor, wall = seen.top, 0.0
    inside = np.maximum(size - 2 * wall, 0.01)
    return Container(
        center=(float(center[0]), float(center[1])),
        size=(float(inside[0]), float(inside[1])),
        yaw=yaw,
        round=is_round,
        floor=floor,
        rim=max(rim, floor),
        # a thing of the same color may have been taken for the container: what rises above the rim is not its own
        skin=points[points[:, 2] < rim + 0.004] if is_round and floor < rim else np.empty((0, 3)),
    )


def free_spots(
    home: Container,
    points: Array,
    held: Grasp,
    away_from: tuple[float, float] = (1.2, 0.0),
    prefer_yaw: float = 0.0,
    finger_room: float = 0.023,
    limit: int = 12,
) -> list[Spot]:
    """Return spots for a held thing in or on a container, best first.

    Spots far from the camera and near a wall come first among those with room enough, so that what is put down hides
    neither the container nor the room left in it.

    Args:
        home: The container.
        points: Seen points of everything, world frame, shape (k, 3), [m].
        held: The grasp the thing is held with.
        away_from: World x and y of the camera, [m].
        prefer_yaw: Yaw of the hand that costs no turning, [rad].
        finger_room: What one opening finger takes beside the thing, [m].
        limit: How many spots to return.

    Raises:
        NoRoomError: The thing fits nowhere, even touching its neighbours.
    """
    points = _foreign(points, home.skin)
    thing = np.array(held.extent)
    fingers = np.array([min(thing[0], 0.024), held.width + 2 * finger_room])
    tips = home.floor + held.below - 0.014
    half = np.array(home.size) / 2
    axes = [np.linspace(-h, h, 2 * round(h / _STEP) + 1) if h > _STEP else np.zeros(1) for h in half]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    low, high = _blocked(home, points, home.floor + 0.010), _blocked(home, points, max(tips, home.rim + 0.004))
    tall = _blocked(home, points, home.floor + held.below + 0.03, 0.10)
    yaws = _yaws(home, prefer_yaw)
    rows: list[tuple[float, float, Array, float]] = []
    toward = np.array(away_from) - np.array(home.center)
    toward = toward @ turn(home.yaw) / max(1e-9, float(np.linalg.norm(toward)))
    aside = np.array([-toward[1], toward[0]])
    for yaw in yaws:
        clear = _room(home, grid, low, thing, yaw - home.yaw, disc=held.round)
        beside = _room(home, grid, high, fingers, yaw - home.yaw, walls=home.rim > tips)
        palm = _room(home, grid, tall, np.array(_PALM), yaw - home.yaw, walls=False)
        clear = np.minimum(np.minimum(clear, beside), palm)
        score = np.minimum(clear, 0.008) - 0.02 * (grid @ toward) + 0.015 * np.abs(grid @ aside)
        score -= np.where(clear < 0.0, 10.0 * -clear + 0.05, 0.0) + 0.001 * abs(yaw - prefer_yaw)
        if not home.round and not held.round:
            score -= 0.006 * abs(np.sin(2.0 * (yaw - home.yaw)))  # along the walls packs best
        for k in np.argsort(-score, kind="stable")[: 8 * limit]:
            rows.append((float(score[k]), float(clear[k]), grid[k], yaw))
    rows.sort(key=lambda row: -row[0])
    spots: list[Spot] = []
    taken: list[tuple[Array, float]] = []
    for _, clear_here, at, yaw in rows:
        if len(spots) == limit:
            break
        same = any(abs(yaw - angle) < 0.5 and math.dist(at, other) < 0.018 for other, angle in taken)
        if clear_here < -0.006 or same:
            continue
        taken.append((at, yaw))
        x, y = home.world(at)
        pose = Pose.facing_down((float(x), float(y), home.floor + held.below), yaw)
        spots.append(Spot(pose, max(0.0, clear_here), home.floor))
    if not spots:
        a, b = (100 * v for v in held.extent)
        raise NoRoomError(
            f"the {100 * home.size[0]:.0f} x {100 * home.size[1]:.0f} cm inside have no free spot for a thing of "
            f"{a:.0f} x {b:.0f} cm\n"
            f"  why:  other things stand in the way\n"
            f"  fix:  put it somewhere else, or empty the container first"
        )
    return spots


def _yaws(home: Container, prefer: float) -> list[float]:
    """Yaws of the hand to try: the container's axes first, then between, each within a quarter turn of the best."""
    steps = np.pi / 8 * np.arange(8)
    return [float(prefer + (home.yaw + s - prefer + np.pi / 2) % np.pi - np.pi / 2) for s in steps]


def _foreign(points: Array, skin: Array, cell: float = 0.006) -> Array:
    """Drop points that are the container's own, shape (k, 3) → (j, 3)."""
    if not len(skin) or not len(points):
        return points
    offset = np.array([1, 4096, 4096 * 4096], dtype=np.int64)
    mine = np.unique(np.round(skin / cell).astype(np.int64) @ offset)
    return points[~np.isin(np.round(points / cell).astype(np.int64) @ offset, mine)]


def _blocked(home: Container, points: Array, above: float, around: float = 0.005) -> Array:
    """Points in the container's axes that are higher than ``above`` [m], shape (k, 2), thinned to a grid."""
    if not len(points):
        return np.empty((0, 2))
    local = home.local(points[:, :2])
    near = np.all(np.abs(local) < np.array(home.size) / 2 + around, axis=1) & (points[:, 2] > above)
    if not near.any():
        return np.empty((0, 2))
    return np.unique(np.round(local[near] / _CELL).astype(np.int64), axis=0) * _CELL


def _room(
    home: Container, grid: Array, blocked: Array, extent: Array, yaw: float, walls: bool = True, disc: bool = False
) -> Array:
    """Room around a rectangle of ``extent``, or a disc of it, at each grid point, [m]; negative where it overlaps."""
    limit = np.full(len(grid), 0.05)
    rotation = turn(yaw)
    half = np.array(home.size) / 2
    if not walls:
        wall = limit
    elif home.round:
        reach = 0.5 * float(extent.max() if disc else 0.9 * np.hypot(*extent))
        wall = half.min() - reach - np.hypot(grid[:, 0], grid[:, 1])
    else:
        spread = np.full(2, extent.max() / 2) if disc else np.abs(rotation) @ (extent / 2)
        wall = (half - spread - np.abs(grid)).min(axis=1)
    if not len(blocked):
        near: Array = np.minimum(wall, limit)
        return near
    if disc:
        gaps = np.linalg.norm(blocked[None] - grid[:, None], axis=-1).min(axis=1) - extent.max() / 2
        beside: Array = np.minimum(np.minimum(wall, limit), gaps - _CELL / 2)
        return beside
    apart = np.abs((blocked[None] - grid[:, None]) @ rotation) - extent / 2
    outside = np.linalg.norm(np.maximum(apart, 0.0), axis=-1) + np.minimum(apart.max(axis=-1), 0.0)
    room: Array = np.minimum(np.minimum(wall, limit), outside.min(axis=1) - _CELL / 2)
    return room


def on_top(seen: Seen, held: Grasp, prefer_yaw: float = 0.0) -> Spot:
    """Return the spot that centers a held thing on top of another one, for stacking."""
    yaw = prefer_yaw
    if seen.form == "box":
        quarter = np.pi / 2
        yaw = float(prefer_yaw + (seen.yaw - prefer_yaw + quarter / 2) % quarter - quarter / 2)
    x, y, _ = seen.center
    return Spot(Pose.facing_down((x, y, seen.top + held.below), yaw), 0.0, seen.top)
