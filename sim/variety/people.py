"""People and hands of training pictures, and boxes that hide things."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..camera import CameraSpec, project
from ..furniture import SHELF_BACK, WALL_X, Furniture
from ..hand import SKINS, SLEEVES, HandSpec, in_workspace, random_hand
from ..layout import Rect, bounds, footprint
from ..objects import ObjectSpec, Vec3
from ..person import PersonSpec
from ..screen import PAINTS, ScreenSpec, hiding

Array = npt.NDArray[np.float64]

_CENTER = np.array([0.5, 0.0])
_CLEAR = 0.06
"""How far outside of the workspace every part of a person is, [m]."""


def draw_person(
    rng: np.random.Generator, cameras: Sequence[CameraSpec], furniture: Furniture | None, robot: bool
) -> PersonSpec | None:
    """Draw somebody outside of the workspace whom a camera sees and who hides nothing; None without luck."""
    for _ in range(80):
        spec = _person_at_table(rng, robot) if furniture is None else _person_beside(rng, furniture)
        if spec is None or spec.elbow(1) is None or spec.elbow(-1) is None:
            continue
        points = spec.points()
        if in_workspace(points, _CLEAR) or not _stands_free(points, furniture):
            continue
        if any(_in_the_way(points, camera) for camera in cameras):
            continue
        if any(_seen(points, camera) >= 4 for camera in cameras):
            return spec
    return None


def _person_at_table(rng: np.random.Generator, robot: bool) -> PersonSpec | None:
    """Draw somebody at an edge of the table, forearms on it."""
    side = int(rng.integers(3)) if robot else int(rng.integers(4))
    if side < 2:
        sign = 1.0 if side == 0 else -1.0
        x, y = (
            float(rng.uniform(-0.25, 0.15) if robot else rng.uniform(-0.1, 1.1)),
            sign * float(rng.uniform(0.93, 1.05)),
        )
        aim = np.array([float(rng.uniform(-0.05, 0.2)), 0.0]) if robot else np.array([x, 0.0])
    elif side == 2:
        x, y = float(rng.uniform(-0.52, -0.42)), float(rng.uniform(-0.45, 0.45))
        aim = np.array([0.2, y if not robot else math.copysign(0.35, y)])
    else:
        x, y = float(rng.uniform(1.28, 1.40)), float(rng.uniform(-0.45, 0.45))
        aim = np.array([0.5, y])
    yaw = float(math.atan2(aim[1] - y, aim[0] - x) + rng.uniform(-0.25, 0.25))
    hips = (x, y, float(rng.uniform(-0.28, -0.16) if rng.random() < 0.5 else rng.uniform(0.0, 0.12)))
    return _with_arms(rng, hips, yaw, float(rng.uniform(0.05, 0.75)), 0.04)


def _person_beside(rng: np.random.Generator, furniture: Furniture) -> PersonSpec | None:
    """Draw somebody before a counter, to one side, or beside a shelf."""
    sign = float(rng.choice([-1.0, 1.0]))
    if furniture.setting == "counter":
        hips = (float(rng.uniform(0.93, 1.02)), sign * float(rng.uniform(0.62, 0.80)), float(rng.uniform(-0.02, 0.10)))
        yaw = math.pi + sign * float(rng.uniform(-0.5, 0.3))
        return _with_arms(rng, hips, yaw, float(rng.uniform(0.1, 0.5)), 0.04)
    hips = (float(rng.uniform(0.52, 0.75)), sign * float(rng.uniform(0.66, 0.78)), float(rng.uniform(-0.25, 0.05)))
    return _with_arms(rng, hips, float(rng.uniform(-0.9, 0.9)) - sign * 1.2, float(rng.uniform(0.0, 0.15)), None)


def _with_arms(rng: np.random.Generator, hips: Vec3, yaw: float, lean: float, rest: float | None) -> PersonSpec | None:
    """Return a person whose wrists lie at height ``rest`` [m] before the body; with None the arms hang."""
    looks = (
        int(rng.integers(len(SKINS))),
        int(rng.integers(len(SLEEVES))),
        int(rng.integers(4)),
        bool(rng.random() < 0.4),
    )
    bare = PersonSpec(hips, yaw, lean, hips, hips, *looks)
    wrists = []
    for side in (1, -1):
        shoulder = bare.shoulder(side)
        if rest is None:
            wrist = shoulder + np.array([0.05 * math.cos(yaw), 0.05 * math.sin(yaw), -0.50])
        else:
            far = float(rng.uniform(0.22, 0.46))
            turn = yaw + side * float(rng.uniform(-0.45, 0.2))
            wrist = np.array(
                [shoulder[0] + far * math.cos(turn), shoulder[1] + far * math.sin(turn), rest + rng.uniform(0, 0.02)]
            )
        wrists.append((float(wrist[0]), float(wrist[1]), float(wrist[2])))
    return PersonSpec(hips, yaw, lean, wrists[0], wrists[1], *looks)


def _stands_free(points: Array, furniture: Furniture | None) -> bool:
    """Tell whether no arm sinks into the table and nobody stands in furniture."""
    if furniture is None:
        over = (points[:, 0] > -0.3) & (points[:, 0] < 1.2) & (np.abs(points[:, 1]) < 0.85)
        return bool(np.all(points[over, 2] > 0.03))
    if furniture.setting == "counter":
        over = points[:, 0] < 0.80
        away = all(
            not np.any(_inside(points, rect.x, rect.y, 0.05)) for level in furniture.levels for rect in level.taken
        )
        return bool(np.all(points[over, 2] > 0.03) and points[:, 0].min() > WALL_X + 0.05 and away)
    wide = furniture.levels[0].area.y[1] + 0.12
    return bool(np.all(np.abs(points[:, 1]) > wide) and points[:, 0].min() > SHELF_BACK + 0.10)


def _inside(points: Array, x: tuple[float, float], y: tuple[float, float], margin: float) -> npt.NDArray[np.bool_]:
    inside_x = (points[:, 0] > x[0] - margin) & (points[:, 0] < x[1] + margin)
    return np.asarray(inside_x & (points[:, 1] > y[0] - margin) & (points[:, 1] < y[1] + margin))


def _seen(points: Array, camera: CameraSpec) -> int:
    uvz = project(points, camera.world_from_camera, camera.intrinsics)
    u, v, z = uvz.T
    return int(np.count_nonzero((z > 0.3) & (u > 6) & (u < camera.width - 6) & (v > 6) & (v < camera.height - 6)))


def _in_the_way(points: Array, camera: CameraSpec) -> bool:
    """Tell whether somebody is so near to a camera, or between it and the middle, that things would be hidden."""
    uvz = project(points, camera.world_from_camera, camera.intrinsics)
    far = float(np.linalg.norm(np.subtract(camera.eye, camera.target)))
    u, v, z = uvz.T
    wide, high = camera.width, camera.height
    shown = (u > -0.2 * wide) & (u < 1.2 * wide) & (v > -0.2 * high) & (v < 1.2 * high)
    close = np.linalg.norm(points - np.array(camera.eye), axis=1) < 0.45
    between = (z < far) & (np.abs(u - wide / 2) < 0.33 * wide) & (np.abs(v - high / 2) < 0.33 * high)
    return bool(np.any(close) or np.any(shown & between & (z > 0)))


def draw_hand(rng: np.random.Generator, furniture: Furniture | None) -> HandSpec | None:
    """Draw a hand, in half of all cases inside the workspace; None where it would go through furniture."""
    inside = bool(rng.random() < 0.5)
    if furniture is None:
        return random_hand(rng, inside=inside)
    if furniture.setting == "shelf":
        return _hand_in_shelf(rng, furniture)
    for _ in range(20):
        spec = random_hand(rng, inside=inside)
        points = spec.points()
        clear = all(not np.any(_inside(points, r.x, r.y, 0.05)) for r in furniture.levels[0].taken)
        if clear and points[:, 0].min() > WALL_X + 0.06:
            return spec
    return None


def _hand_in_shelf(rng: np.random.Generator, furniture: Furniture) -> HandSpec:
    """Draw a hand that reaches in from the front, over a board in the workspace."""
    levels = [level for level in furniture.levels if 0.0 <= level.z + level.room / 2 < 0.40]
    level = levels[int(rng.integers(len(levels)))]
    y = level.area.y[1] - 0.10
    return HandSpec(
        (
            float(rng.uniform(0.55, 0.64)),
            float(rng.uniform(-y, y)),
            level.z + float(rng.uniform(0.4, 0.6)) * level.room,
        ),
        math.pi + float(rng.uniform(-0.2, 0.2)),
        float(rng.uniform(0.02, 0.15)),
        float(rng.uniform(0.05, 0.6)),
        int(rng.integers(len(SKINS))),
        int(rng.integers(len(SLEEVES))),
    )


def draw_screen(
    rng: np.random.Generator, objects: Sequence[ObjectSpec], camera: CameraSpec, furniture: Furniture | None
) -> ScreenSpec | None:
    """Draw a box before one object, as the camera sees it; None where there is no room for it."""
    ground = [o for o in objects if bounds(o)[0][2] < 0.004]
    if not ground:
        return None
    item = ground[int(rng.integers(len(ground)))]
    low, high = (tuple(float(v) for v in corner) for corner in bounds(item))
    spec = hiding(
        camera.eye,
        (low[0], low[1], low[2]),
        (high[0], high[1], high[2]),
        gap=float(rng.uniform(0.02, 0.06)),
        paint=int(rng.integers(len(PAINTS))),
    )
    # A lower one hides a part.
    tall = spec.size[2] * float(rng.uniform(0.55, 1.0))
    spec = replace(spec, xyz=(*spec.xyz[:2], tall / 2 + 0.001), size=(*spec.size[:2], tall))
    place = spec.place
    if any(np.any(place.distance(footprint(o)) < 0.005) for o in objects):
        return None
    taken = () if furniture is None else furniture.levels[0].taken
    return None if any(np.any(rect.distance(_edge(place)) < 0.0) for rect in taken) else spec


def _edge(place: Rect) -> Array:
    """Return points along the long axis of a box's footprint as discs: rows of x, y, radius, [m]."""
    (x0, x1), (y0, y1) = place.x, place.y
    along = np.linspace(-0.5, 0.5, 5) * (y1 - y0 - (x1 - x0))
    x, y = (x0 + x1) / 2 - along * math.sin(place.yaw), (y0 + y1) / 2 + along * math.cos(place.yaw)
    return np.column_stack([x, y, np.full(5, 0.75 * (x1 - x0))])
