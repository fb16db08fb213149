"""The catalogue of household objects: shapes, colors, sizes, masses.

Every shape is one unit mesh whose body fills [-0.5, 0.5] on each axis; an object's ``size`` [m] scales it. The body
frame is the center of that box, z along the object's own axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

COLORS: dict[str, tuple[float, float, float]] = {
    "red": (0.83, 0.08, 0.08),
    "green": (0.09, 0.58, 0.15),
    "blue": (0.08, 0.20, 0.82),
    "yellow": (0.93, 0.83, 0.08),
    "orange": (0.97, 0.46, 0.05),
    "purple": (0.48, 0.11, 0.62),
    "white": (0.94, 0.94, 0.93),
    "black": (0.07, 0.07, 0.08),
}
LOOSE_SHAPES = ("cube", "can", "bottle", "ball")
CONTAINER_SHAPES = ("mug", "bowl", "plate", "tray")
SHAPES = LOOSE_SHAPES + CONTAINER_SHAPES
CARRIERS = ("tray", "bowl", "plate")
"""Containers wide enough to put things in or on."""

Relation = Literal["table", "on", "in", "held"]
Vec3 = tuple[float, float, float]
Quat = tuple[float, float, float, float]

TRAY_WALL = (0.02, 0.026)
"""Wall thickness of a tray as a fraction of its outer x and y size."""

FLOOR: dict[str, float] = {"tray": 0.24, "bowl": 0.09, "plate": 0.35, "mug": 0.08}
"""Height of a container's inner floor above its foot, as a fraction of its height."""

INNER_RADIUS: dict[str, float] = {"bowl": 0.43, "plate": 0.46, "mug": 0.43}
"""Radius within which a thing's center counts as inside, as a fraction of the diameter."""

_DENSITY: dict[str, float] = {"cube": 600.0, "can": 700.0, "bottle": 550.0, "ball": 500.0}
_CONTAINER_MASS: dict[str, float] = {"mug": 0.30, "bowl": 0.35, "plate": 0.40, "tray": 0.90}
_FILL: dict[str, float] = {"cube": 1.0, "can": 0.785, "bottle": 0.60, "ball": 0.5236}


@dataclass(frozen=True)
class ObjectSpec:
    """One object of a scene.

    Attributes:
        shape: One of ``SHAPES``.
        color: One of ``COLORS``.
        size: Extent of the body in its own frame, (x, y, z), [m].
        xyz: Center in the world frame, [m].
        quat_xyzw: Orientation in the world frame, unit norm.
        rgb: Painted color, each in [0, 1]; the pure color when left out.
    """

    shape: str
    color: str
    size: Vec3
    xyz: Vec3 = (0.0, 0.0, 0.0)
    quat_xyzw: Quat = (0.0, 0.0, 0.0, 1.0)
    rgb: Vec3 | None = None

    @property
    def name(self) -> str:
        """Color and shape, as in ``red cube``."""
        return f"{self.color} {self.shape}"

    @property
    def loose(self) -> bool:
        """True for the shapes a gripper can pick from above."""
        return self.shape in LOOSE_SHAPES

    @property
    def paint(self) -> Vec3:
        """The color to paint with."""
        return COLORS[self.color] if self.rgb is None else self.rgb

    @property
    def mass(self) -> float:
        """Mass, [kg]."""
        if self.shape in _CONTAINER_MASS:
            return _CONTAINER_MASS[self.shape]
        volume = float(np.prod(self.size)) * _FILL[self.shape]
        return round(_DENSITY[self.shape] * volume, 4)


def random_size(shape: str, rng: np.random.Generator) -> Vec3:
    """Draw a size, [m]; every loose shape is narrower than the Panda's 80 mm opening."""
    if shape == "cube":
        edge = rng.uniform(0.042, 0.058)
        return (edge, edge, edge)
    if shape == "can":
        return _round_size(2 * rng.uniform(0.024, 0.032), rng.uniform(0.070, 0.110))
    if shape == "bottle":
        return _round_size(2 * rng.uniform(0.022, 0.030), rng.uniform(0.120, 0.180))
    if shape == "ball":
        diameter = 2 * rng.uniform(0.024, 0.034)
        return (diameter, diameter, diameter)
    if shape == "mug":
        return _round_size(rng.uniform(0.074, 0.088), rng.uniform(0.080, 0.100))
    if shape == "bowl":
        return _round_size(rng.uniform(0.130, 0.165), rng.uniform(0.050, 0.070))
    if shape == "plate":
        return _round_size(rng.uniform(0.165, 0.215), rng.uniform(0.018, 0.023))
    if shape == "tray":
        return (rng.uniform(0.20, 0.30), rng.uniform(0.15, 0.22), 0.025)
    raise ValueError(f"unknown shape {shape!r}; known are {', '.join(SHAPES)}")


def _round_size(diameter: float, height: float) -> Vec3:
    return (diameter, diameter, height)


def tray_size(inner_x: float, inner_y: float) -> Vec3:
    """Return the outer size of a tray with the given inner length and width, [m]."""
    return (inner_x / (1 - 2 * TRAY_WALL[0]), inner_y / (1 - 2 * TRAY_WALL[1]), 0.025)
