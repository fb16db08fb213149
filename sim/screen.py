"""A large box that stands between a camera and an object and hides it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pybullet as p

from .layout import Rect
from .objects import Vec3

PAINTS: tuple[Vec3, ...] = (
    (0.70, 0.55, 0.38),
    (0.62, 0.47, 0.32),
    (0.58, 0.60, 0.62),
    (0.30, 0.33, 0.38),
    (0.86, 0.84, 0.78),
)
_TALLEST = 0.42


@dataclass(frozen=True)
class ScreenSpec:
    """A box that hides things.

    Attributes:
        xyz: Its center in the world frame, [m].
        size: Depth along the line of sight, width and height, [m].
        yaw: Turn about world z, [rad].
        paint: Index into ``PAINTS``.
    """

    xyz: Vec3
    size: Vec3
    yaw: float = 0.0
    paint: int = 0

    @property
    def place(self) -> Rect:
        """Where it stands."""
        (x, y, _), (deep, wide, _) = self.xyz, self.size
        return Rect((x - deep / 2, x + deep / 2), (y - wide / 2, y + wide / 2), self.yaw)


def hiding(
    eye: Vec3, low: Vec3, high: Vec3, gap: float, base: float = 0.0, width: float = 0.0, paint: int = 0
) -> ScreenSpec:
    """Return a box that stands in the line of sight to a thing and hides all of it, as far as 0.42 m of height do.

    Args:
        eye: Optical center of the camera, world frame, [m].
        low: Lower corner of the bounding box of the thing, [m].
        high: Upper corner, [m].
        gap: Clear distance between thing and box, [m].
        base: Height of the surface they stand on, [m].
        width: Width to have at least, [m].
        paint: Index into ``PAINTS``.
    """
    mid = (np.array(low) + np.array(high)) / 2
    sight = np.array(eye)[:2] - mid[:2]
    far = float(np.linalg.norm(sight))
    unit = sight / far
    half = (np.array(high) - np.array(low))[:2] / 2
    reach = float(abs(unit[0]) * half[0] + abs(unit[1]) * half[1])
    thick = 0.08
    center = reach + gap + thick / 2
    # The line from the eye over the far upper edge of the thing must meet the box below its own upper edge.
    slope = (eye[2] - high[2]) / (far + reach)
    tall = min(_TALLEST, high[2] - base + slope * (center + reach + thick / 2) + 0.02)
    across = float(abs(unit[1]) * half[0] + abs(unit[0]) * half[1])
    wide = max(width, 2 * across + 0.06)
    x, y = mid[:2] + center * unit
    yaw = math.atan2(float(unit[1]), float(unit[0]))
    return ScreenSpec((float(x), float(y), base + tall / 2 + 0.001), (thick, wide, tall), yaw, paint)


def screen_body(client: int, spec: ScreenSpec, physics: bool) -> int:
    """Create the box in a PyBullet client and return its body id."""
    half = [v / 2 for v in spec.size]
    visual = p.createVisualShape(
        p.GEOM_BOX, halfExtents=half, rgbaColor=[*PAINTS[spec.paint], 1], physicsClientId=client
    )
    shape = p.createCollisionShape(p.GEOM_BOX, halfExtents=half, physicsClientId=client) if physics else -1
    turn = [0.0, 0.0, math.sin(spec.yaw / 2), math.cos(spec.yaw / 2)]
    return int(p.createMultiBody(0, shape, visual, list(spec.xyz), turn, physicsClientId=client))
