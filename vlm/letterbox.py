"""Pad an image to a square for a model that sees squares only, and map its boxes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
GRAY = 127


@dataclass(frozen=True)
class Letterbox:
    """Where an image of ``width`` x ``height`` [px] lies in its square: in the middle, gray around it."""

    width: int
    height: int

    @property
    def side(self) -> int:
        """Edge of the square, [px]."""
        return max(self.width, self.height)

    def pad(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the square, shape (side, side, 3); the image itself when it is square."""
        if self.width == self.height:
            return rgb
        square = np.full((self.side, self.side, 3), GRAY, np.uint8)
        x, y = (self.side - self.width) // 2, (self.side - self.height) // 2
        square[y : y + self.height, x : x + self.width] = rgb
        return square

    def to_image(self, box_xyxy: Box) -> Box:
        """Map a box relative to the square to one relative to the image, clamped to it."""
        x, y = (self.side - self.width) // 2, (self.side - self.height) // 2
        x1, y1, x2, y2 = (value * self.side for value in box_xyxy)

        def clamp(value: float) -> float:
            return min(1.0, max(0.0, value))

        return (
            clamp((x1 - x) / self.width),
            clamp((y1 - y) / self.height),
            clamp((x2 - x) / self.width),
            clamp((y2 - y) / self.height),
        )
