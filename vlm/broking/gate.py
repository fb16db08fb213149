"""The gate: does a picture show anything that a model has not judged? Only then it is worth a call.

A picture is compared with all that a model has been shown, block by block, so that a small object is not missed. What
the robot hides with its own body is no news while it is hidden. When it comes into view again it is compared with what
was there before; it is news if that differs, or if the model's last picture did not show it and there is something to
see in it, not just plain ground.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .change import BLOCK, THRESHOLD, block_means, difference

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]
News = Literal["", "changed", "revealed"]

STRUCTURE = 6.0
"""Standard deviation of brightness in a block from which on there is something to see in it, in [0, 255]."""
_FEWEST = 0.25
"""Share of a block that must come into view before it is looked at: less hid no object from the model."""
_KEPT = 64
_V = TypeVar("_V")


@dataclass(frozen=True, eq=False)
class Shown:
    """What a model has been shown of one camera's view.

    Attributes:
        rgb: For each pixel what the model saw there last, shape (H, W, 3), uint8.
        known: Pixels that it has seen at all, shape (H, W).
        hidden: Pixels that the robot hid in the last picture it was shown, shape (H, W).
    """

    rgb: Pixels
    known: Mask
    hidden: Mask


class Gate:
    """Compare pictures with what was shown. Watches with the same history share one comparison.

    Args:
        block: Edge of a block, [px].
        threshold: Mean difference of a block that is a change, in [0, 255]; see ``change.changed``.
    """

    def __init__(self, block: int = BLOCK, threshold: float = THRESHOLD) -> None:
        self.block, self.threshold = block, threshold
        self._shown: OrderedDict[Hashable, tuple[Shown | None, Shown]] = OrderedDict()
        self._news: OrderedDict[Hashable, tuple[Shown, News]] = OrderedDict()

    def show(self, before: Shown | None, frame_id: str, rgb: Pixels, hidden: Mask) -> Shown:
        """Return what a model has been shown once it has judged a picture.

        Args:
            before: What it had been shown until then, None for nothing.
            frame_id: Names the picture.
            rgb: Its pixels, shape (H, W, 3).
            hidden: Where the robot is in it, shape (H, W).
        """
        key = (id(before), frame_id)
        made = self._shown.get(key)
        if made is None:
            made = _keep(self._shown, key, (before, _after(before, rgb, hidden)))
        return made[1]

    def news(self, shown: Shown, frame_id: str, rgb: Pixels, hidden: Mask, roi: Box | None = None) -> News:
        """Tell whether a picture shows anything that the model has not been shown.

        Args:
            shown: What it has been shown.
            frame_id: Names the picture.
            rgb: Its pixels, shape (H, W, 3).
            hidden: Where the robot is in it, shape (H, W).
            roi: The part of the image that matters, relative to it, (x1, y1, x2, y2); None for all of it.

        Returns:
            ``changed``, ``revealed`` where something only came into view from behind the robot, or empty.
        """
        key = (id(shown), frame_id, roi)
        made = self._news.get(key)
        if made is None:
            made = _keep(self._news, key, (shown, self._compare(shown, rgb, hidden, roi)))
        return made[1]

    def _compare(self, shown: Shown, rgb: Pixels, hidden: Mask, roi: Box | None) -> News:
        if shown.rgb.shape != rgb.shape:
            return "changed"
        seen = ~hidden
        if roi is not None:
            rows, columns = _part(roi, rgb.shape[0], rgb.shape[1])
            rgb, seen = rgb[rows, columns], seen[rows, columns]
            shown = Shown(shown.rgb[rows, columns], shown.known[rows, columns], shown.hidden[rows, columns])
        changed = difference(shown.rgb, rgb)
        compared = seen & shown.known
        if not compared.all():
            changed = changed * compared.view(np.uint8)[..., None]
        if block_means(changed, self.block).max(initial=0.0) >= self.threshold:
            return "changed"
        revealed = seen & (shown.hidden | ~shown.known)
        return "revealed" if revealed.any() and self._anything_in(rgb, revealed) else ""

    def _anything_in(self, rgb: Pixels, part: Mask) -> bool:
        """Tell whether some block of a part of the picture is more than plain ground."""
        rows, columns = _around(part, self.block)
        rgb, weight = rgb[rows, columns], part[rows, columns].astype(np.float32)
        gray = (rgb[..., 0].astype(np.float32) + rgb[..., 1] + rgb[..., 2]) / 3
        share = block_means(weight[..., None], self.block)
        safe = np.maximum(share, 1e-9)
        seen = gray * weight
        mean = block_means(seen[..., None], self.block) / safe
        spread = block_means((seen * gray)[..., None], self.block) / safe - mean * mean
        enough = share >= _FEWEST
        return bool((spread[enough] >= STRUCTURE**2).any())


def _after(before: Shown | None, rgb: Pixels, hidden: Mask) -> Shown:
    if before is None or before.rgb.shape != rgb.shape:
        return Shown(rgb, ~hidden, hidden)
    if not hidden.any():
        return Shown(rgb, ~hidden, hidden)
    return Shown(np.where(hidden[..., None], before.rgb, rgb), before.known | ~hidden, hidden)


def _part(roi: Box, height: int, width: int) -> tuple[slice, slice]:
    """Return rows and columns of a box, at least one of each."""
    x1, y1, x2, y2 = roi
    top, left = min(height - 1, max(0, int(y1 * height))), min(width - 1, max(0, int(x1 * width)))
    bottom, right = max(top + 1, min(height, round(y2 * height))), max(left + 1, min(width, round(x2 * width)))
    return slice(top, bottom), slice(left, right)


def _around(part: Mask, block: int) -> tuple[slice, slice]:
    """Return rows and columns of the blocks that have a pixel of a part, which has one."""
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    return (
        slice(rows[0] // block * block, (rows[-1] // block + 1) * block),
        slice(columns[0] // block * block, (columns[-1] // block + 1) * block),
    )


def grown(box: Box, share: float = 0.5, least: float = 0.04) -> Box:
    """Return a box with a margin around it, within the image.

    Args:
        box: Relative to the image.
        share: Margin on each side, as a share of the box's own width and height.
        least: The smallest margin, relative to the image.
    """
    x1, y1, x2, y2 = box
    dx, dy = max(least, share * (x2 - x1)), max(least, share * (y2 - y1))
    return (max(0.0, x1 - dx), max(0.0, y1 - dy), min(1.0, x2 + dx), min(1.0, y2 + dy))


def _keep(kept: OrderedDict[Hashable, _V], key: Hashable, value: _V) -> _V:
    """Remember a value; what it is about is kept with it, so that no other object gets its ``id``."""
    kept[key] = value
    if len(kept) > _KEPT:
        kept.popitem(last=False)
    return value
