"""Did anything change between two frames? Judged block by block, so that a small object is not missed."""

from __future__ import annotations

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
    height, width, _ = values.shape
    sums = _sums(_sums(values, block).swapaxes(0, 1), block).swapaxes(0, 1)
    pixels = np.outer(_sums(np.ones(height, np.uint8), block), _sums(np.ones(width, np.uint8), block))
    return np.asarray(sums.max(axis=2) / pixels)


def _sums(values: NDArray[Any], block: int) -> NDArray[Any]:
    """Return the sums of runs of ``block`` along the first axis, the last maybe shorter, shape (ceil(H / block), ...).

    Not a product with a matrix of ones: the threads of the linear algebra library would go on spinning after it.
    """
    whole = len(values) // block * block
    kind = np.uint32 if values.dtype.kind == "u" else np.float64
    sums = values[:whole].reshape(-1, block, *values.shape[1:]).sum(axis=1, dtype=kind)
    if whole == len(values):
        return np.asarray(sums)
    return np.concatenate([sums, values[whole:].sum(axis=0, dtype=kind, keepdims=True)])


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
