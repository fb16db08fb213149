"""What training never draws, so that pictures of it measure what was learned beyond training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..camera import CameraSpec
from ..look import UNSEEN_TEXTURES
from ..objects import COLORS

Unseen = Literal["textures", "heights", "pairs"]

UNSEEN_RISES: tuple[tuple[float, float], ...] = ((0.31, 0.41), (0.95, 1.07))
"""Bands of a camera's elevation over what it looks at that training leaves out, [rad]."""


@dataclass(frozen=True)
class Split:
    """Which scenes are drawn.

    Attributes:
        pairs: Colors with shapes that are kept out of training; ``sim`` has no list of its own.
        unseen: What each scene shows of what is kept out: a ``textures`` scene has table and floor in a pattern that
            training never draws, a ``heights`` scene is looked at from an elevation in ``UNSEEN_RISES``, a ``pairs``
            scene has at least one object of ``pairs``. What is not named is drawn as in training.
    """

    pairs: frozenset[tuple[str, str]] = frozenset()
    unseen: frozenset[Unseen] = frozenset()

    def colors(self, shape: str) -> tuple[str, ...]:
        """Return the colors that training draws a shape in."""
        return tuple(color for color in COLORS if (color, shape) not in self.pairs)

    def draw_rise(self, rng: np.random.Generator, low: float, high: float) -> float:
        """Draw a camera's elevation, [rad]: between ``low`` and ``high``, or in an unseen band near them."""
        if "heights" in self.unseen:
            near = [band for band in UNSEEN_RISES if band[0] < high + 0.2 and band[1] > low - 0.2]
            band = near[int(rng.integers(len(near)))]
            return float(rng.uniform(*band))
        while True:
            rise = float(rng.uniform(low, high))
            if not any(a <= rise <= b for a, b in UNSEEN_RISES):
                return rise

    def draw_texture(self, rng: np.random.Generator) -> int:
        """Draw one of the textures that training never draws."""
        return int(rng.choice(list(UNSEEN_TEXTURES)))


def rise_of(camera: CameraSpec) -> float:
    """Return a camera's elevation over the point it looks at, [rad]."""
    ray = np.subtract(camera.eye, camera.target)
    return math.asin(float(ray[2] / np.linalg.norm(ray)))
