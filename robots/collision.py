"""What stands in the way: the table, what a camera saw, the arm itself, and the thing in the hand.

Obstacles are kept as a height map: whatever was seen from above is taken as solid down to the table. For each ball
radius of the arm the map is dilated once, so that a check is one look-up per ball, for thousands of postures at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .kinematics import Arm, Balls
from .pose import Array

CELL = 0.005
_NOTHING = -np.inf


@dataclass(frozen=True)
class Box:
    """An upright obstacle in the world: center [m], full size [m], yaw [rad]."""

    center: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0

    def surface(self, step: float = CELL) -> Array:
        """Return points of the top face, at most ``step`` [m] apart, shape (k, 3), world frame."""
        axes = [np.linspace(-s / 2, s / 2, max(2, math.ceil(s / step) + 1)) for s in self.size[:2]]
        x, y = (grid.ravel() for grid in np.meshgrid(*axes))
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        top = np.full_like(x, self.center[2] + self.size[2] / 2)
        return np.stack([self.center[0] + c * x - s * y, self.center[1] + s * x + c * y, top], axis=1)


@dataclass(frozen=True)
class HeightMap:
    """Highest seen point over each cell of the table.

    Attributes:
        origin: World x and y of the corner of cell (0, 0), [m].
        heights: Shape (nx, ny), [m]; minus infinity where nothing stands.
    """

    origin: tuple[float, float] = (-0.2, -0.9)
    heights: Array = field(default_factory=lambda: np.full((240, 360), _NOTHING))
    _dilated: dict[float, Array] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, points: Array, boxes: Iterable[Box] = (), floor: float = 0.006) -> HeightMap:
        """Build from world points, shape (k, 3), and boxes; points lower than ``floor`` [m] are table."""
        empty = cls()
        every = np.concatenate([np.asarray(points, dtype=float).reshape(-1, 3), *(box.surface() for box in boxes)])
        every = every[np.isfinite(every).all(axis=1) & (every[:, 2] > floor)]
        cells, inside = empty.cells(every[:, :2])
        heights = empty.heights.copy()
        np.maximum.at(heights, (cells[inside, 0], cells[inside, 1]), every[inside, 2])
        return cls(empty.origin, heights)

    def cells(self, xy: Array) -> tuple[NDArrayInt, NDArrayBool]:
        """Return the cell of each point, (..., 2) → (..., 2), and whether it is on the map."""
        cells = np.floor((xy - np.array(self.origin)) / CELL).astype(np.int64)
        return cells, np.all((cells >= 0) & (cells < self.heights.shape), axis=-1)

    def at(self, xy: Array) -> Array:
        """Return the height over each point, (..., 2) → (...), [m]; minus infinity where nothing stands."""
        return self._look(self.heights, xy)

    def _look(self, grid: Array, xy: Array) -> Array:
        cells, inside = self.cells(xy)
        cells = np.where(inside[..., None], cells, 0)
        result: Array = np.where(inside, grid[cells[..., 0], cells[..., 1]], _NOTHING)
        return result

    def lowest_center(self, radius: float, xy: Array) -> Array:
        """Return how low the center of a ball may be without touching, (..., 2) → (...), [m]."""
        grid = self._dilated.get(radius)
        if grid is None:
            grid = self._dilated[radius] = self._dilate(radius)
        return self._look(grid, xy)

    def _dilate(self, radius: float) -> Array:
        if radius <= 0.025:
            return _dilated(self.heights, radius, CELL)
        nx, ny = self.heights.shape  # large balls need no fine cells
        coarse = self.heights.reshape(nx // 2, 2, ny // 2, 2).max(axis=(1, 3))
        return np.repeat(np.repeat(_dilated(coarse, radius, 2 * CELL), 2, axis=0), 2, axis=1)

    def without(self, xy: Sequence[float] | Array, radius: float) -> HeightMap:
        """Return a map on which nothing stands within ``radius`` [m] of a point, such as the thing to be grasped."""
        nx, ny = self.heights.shape
        x = self.origin[0] + (np.arange(nx) + 0.5) * CELL - xy[0]
        y = self.origin[1] + (np.arange(ny) + 0.5) * CELL - xy[1]
        near = x[:, None] ** 2 + y[None, :] ** 2 < radius**2
        return HeightMap(self.origin, np.where(near, _NOTHING, self.heights))


def _dilated(heights: Array, radius: float, cell: float) -> Array:
    """Return how low the center of a ball may be over each cell, both of shape (nx, ny), [m]."""
    result = np.full_like(heights, _NOTHING)
    used = np.argwhere(heights > _NOTHING)
    if not len(used):
        return result
    reach = math.ceil(radius / cell)
    (x0, y0), (x1, y1) = used.min(axis=0), used.max(axis=0) + 1
    block = heights[x0:x1, y0:y1]
    nx, ny = result.shape
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            away = cell * math.hypot(dx, dy)
            a, b = max(x0 + dx, 0), min(x1 + dx, nx)
            c, d = max(y0 + dy, 0), min(y1 + dy, ny)
            if away > radius + cell / 2 or a >= b or c >= d:
                continue
            lift = math.sqrt(max(0.0, radius * radius - away * away))
            view = result[a:b, c:d]
            np.maximum(view, block[a - x0 - dx : b - x0 - dx, c - y0 - dy : d - y0 - dy] + lift, out=view)
    return result


NDArrayInt = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
NDArrayBool = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Scene:
    """An arm among obstacles.

    Attributes:
        arm: The arm whose postures are checked.
        seen: Obstacles on the table.
        margin: Distance kept from them, [m].
        held: Balls of the held thing in the tcp frame (``links`` is ignored), or None.
        allowed: Overlap that is accepted for each ball of arm and held thing, shape (m,), [m], or None.
    """

    arm: Arm
    seen: HeightMap = field(default_factory=HeightMap)
    margin: float = 0.008
    held: Balls | None = None
    allowed: Array | None = None

    def carrying(self, radius: float, below: float, above: float = 0.0) -> Scene:
        """Return a scene whose hand holds an upright thing of ``radius`` from ``above`` to ``below`` the tcp, [m]."""
        radius = max(0.01, 0.005 * math.ceil(radius / 0.005))
        low = max(0.0, below - radius)
        count = max(1, math.ceil((low + above) / radius))
        rows = [(self.arm.n, (0.0, 0.0, float(z)), radius) for z in np.linspace(-above, low, count + 1)]
        return replace(self, held=Balls.of(rows), allowed=None)

    def overlap(self, q: Array) -> Array:
        """Return how far each ball (arm, then held thing) intrudes on table or obstacles, (k, n) → (k, m), [m]."""
        frames = self.arm.links(q)
        centers, radius = self.arm.balls_at(q, frames), self.arm.balls.radius
        exempt = self.arm.balls.links < 1  # base and first link stand where they stand
        if self.held is not None:
            tcp = frames[:, -1] @ self.arm.last_from_tcp
            held = np.einsum("kij,mj->kmi", tcp[:, :3, :3], self.held.xyz) + tcp[:, None, :3, 3]
            centers = np.concatenate([centers, held], axis=1)
            radius = np.concatenate([radius, self.held.radius])
            exempt = np.concatenate([exempt, np.zeros(len(self.held.radius), dtype=bool)])
        floor = np.broadcast_to(radius, centers.shape[:2]).copy()
        for size in np.unique(radius):
            same = radius == size
            floor[:, same] = np.maximum(
                floor[:, same], self.seen.lowest_center(float(size) + self.margin, centers[:, same, :2])
            )
        overlap = floor - centers[:, :, 2]
        overlap[:, exempt] = _NOTHING
        return overlap if self.allowed is None else overlap - self.allowed

    def free_many(self, q: Array) -> NDArrayBool:
        """Tell of each posture whether it is free of collisions, shape (k, n) → (k,)."""
        q = np.atleast_2d(q)
        clear: NDArrayBool = self.overlap(q).max(axis=1) <= 0.0
        clear[clear] = ~self_hits(self.arm, q[clear])
        return clear

    def free(self, q: Array) -> bool:
        """Tell whether one posture, shape (n,), is free of collisions."""
        return bool(self.free_many(q)[0])

    def free_path(self, path: Array, step: float = 0.04) -> bool:
        """Tell whether straight joint motion through waypoints (k, n) stays free, checked every ``step`` [rad]."""
        return bool(self.free_many(densify(path, step)).all())

    def forgiving(self, q: Array, slack: float = 0.004) -> Scene:
        """Return a scene that accepts the overlaps at posture ``q``, so that a motion can start from a touch."""
        base = replace(self, allowed=None)
        overlap = base.overlap(np.atleast_2d(q))[0]
        return replace(self, allowed=np.where(overlap > 0, overlap + slack, 0.0))

    def blocker(self, q: Array) -> str:
        """Say in words what a posture collides with, empty when it is free."""
        overlap = self.overlap(np.atleast_2d(q))[0]
        k = int(overlap.argmax())
        if overlap[k] > 0:
            count = len(self.arm.balls.radius)
            link = int(self.arm.balls.links[k]) if k < count else -2
            part = "the held object" if link == -2 else "the hand" if link >= self.arm.n - 1 else f"link {link + 1}"
            return f"{part} would be {overlap[k] * 1000:.0f} mm inside the table or something seen on it"
        return "the arm would touch itself" if self_hits(self.arm, np.atleast_2d(q))[0] else ""


def densify(path: Array, step: float) -> Array:
    """Return the path with waypoints at most ``step`` [rad] apart in every joint, shape (k, n)."""
    path = np.atleast_2d(path)
    parts = [path[:1]]
    for a, b in itertools.pairwise(path):
        count = max(1, math.ceil(float(np.abs(b - a).max()) / step))
        parts.append(a + (b - a) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(parts)


def self_hits(arm: Arm, q: Array, slack: float = 0.02) -> NDArrayBool:
    """Tell of each posture, shape (k, n), whether hand or wrist touch base, shoulder or upper arm."""
    links = np.minimum(arm.balls.links, arm.n - 1)
    outer, inner = np.flatnonzero(links >= arm.n - 2), np.flatnonzero(links <= arm.n - 5)
    if not len(q) or not len(outer) or not len(inner):
        return np.zeros(len(q), dtype=bool)
    centers = arm.balls_at(q)
    apart = centers[:, outer, None, :] - centers[:, None, inner, :]
    reach = np.maximum(0.0, arm.balls.radius[outer, None] + arm.balls.radius[None, inner] - slack)
    hits: NDArrayBool = (np.einsum("kabi,kabi->kab", apart, apart) < reach**2).any(axis=(1, 2))
    return hits
