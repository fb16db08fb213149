"""Did anything change between two frames? Judged block by block, so that a small object is not missed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def block_change(a: NDArray[np.uint8], b: NDArray[np.uint8], block: int = 16) -> NDArray[np.float64]:
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
    difference = np.abs(a.astype(np.int16) - b.astype(np.int16)).astype(np.float64)
    rows, columns = np.arange(0, a.shape[0], block), np.arange(0, a.shape[1], block)
    sums = np.add.reduceat(np.add.reduceat(difference, rows, axis=0), columns, axis=1)
    heights = np.diff(np.append(rows, a.shape[0]))
    widths = np.diff(np.append(columns, a.shape[1]))
    means: NDArray[np.float64] = sums / (heights[:, None, None] * widths[None, :, None])
    return np.asarray(means.max(axis=2))


def changed(a: NDArray[np.uint8], b: NDArray[np.uint8], block: int = 16, threshold: float = 6.0) -> bool:
    """Tell whether some block of the image changed by ``threshold`` or more, in [0, 255].

    The default lies above the noise of a usual camera (standard deviation 3 gives about 4) and below what an object of
    8 by 8 pixels with a contrast of 100 leaves in the worst case, split over four blocks (6.25). Frames of different
    shapes have changed.
    """
    return a.shape != b.shape or bool(block_change(a, b, block).max(initial=0.0) >= threshold)
