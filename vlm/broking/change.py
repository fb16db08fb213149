"""Did anything change between two frames? Judged block by block, so that a small object is not missed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""Edge of a block, [px]."""
THRESHOLD = 6.0
"""Mean difference from which on a block has changed, in [0, 255]."""


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the absolute difference of two frames of one shape, uint8."""
    return np.asarray(np.maximum(a, b) - np.minimum(a, b), np.uint8)


def block_means(values: NDArray[Any], block: int = BLOCK) -> NDArray[np.float64]:
    """Return the mean of each block, of the largest channel.

    Args:
        values: Shape (H, W, C).
        block: Edge of a block, [px]; blocks at the right and lower border may be smaller.

    Returns:
        Shape (ceil(H / block), ceil(W / block)).
    """
    height, width, channels = values.shape
    rows, lefts = _rows(height, block), np.arange(0, width, block)
    by_row = (rows @ values.reshape(height, -1).astype(np.float32)).reshape(-1, width, channels)
    sums = np.add.reduceat(by_row, lefts, axis=1, dtype=np.float64)
    means: NDArray[np.float64] = sums / np.diff(np.append(lefts, width))[None, :, None]
    return np.asarray(means.max(axis=2))


@lru_cache(maxsize=8)
def _rows(height: int, block: int) -> NDArray[np.float32]:
    """Return the matrix that takes the mean over the rows of each block, shape (ceil(height / block), height)."""
    of = np.arange(height) // block
    member = of[None, :] == np.arange(of[-1] + 1)[:, None]
    return np.asarray(member / member.sum(axis=1, keepdims=True), np.float32)


def block_change(a: NDArray[np.uint8], b: NDArray[np.uint8], block: int = BLOCK) -> NDArray[np.float64]:
    """Return how much each block of the image changed.

    Args:
        a: Shape (H, W, 3), uint8.
        b: The same shape.
        block: Edge of a block, [px], >= 1; blocks at the right and lower border may be smaller.

    Returns:
        Mean absolute difference over the pixels of a block, the largest of the three channels, in [0, 255];
        shape (ceil(H / block), ceil(W / block)).

    Raises:
        ValueError: The shapes differ or ``block`` is not positive.
    """
    if a.shape != b.shape:
        raise ValueError(f"frames of different shapes {a.shape} and {b.shape}")
    if block < 1:
        raise ValueError(f"block is {block} px, must be >= 1")
    return block_means(difference(a, b), block)


def changed(a: NDArray[np.uint8], b: NDArray[np.uint8], block: int = BLOCK, threshold: float = THRESHOLD) -> bool:
    """Tell whether some block of the image changed by ``threshold`` or more, in [0, 255].

    The default lies above the noise of a usual camera (standard deviation 3 gives about 4) and below what an object of
    8 by 8 pixels with a contrast of 100 leaves in the worst case, split over four blocks (6.25). Frames of different
    shapes have changed.
    """
    return a.shape != b.shape or bool(block_change(a, b, block).max(initial=0.0) >= threshold)
