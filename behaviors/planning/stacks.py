"""Tell apart what stands on one another, where the depth of a picture shows it as one thing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from ...robots.pixels import Box, Mask
from ...robots.seeing import NotSeenError, Seen, View
from ...vlm.questions import Answer
from ..means.grounded import FEW, SAME
from ..means.known import overlap

_MINE = 0.4
"""A surface that has this share of the pixels above the table in a box may be what the box is about."""
_MORE = 1.5
"""What hangs together with a surface and has more than this times its pixels is no part of the stack, but below it."""
_FITS = 0.15
"""A surface that agrees so well with a box may be what it is about, where a better one belongs to another box."""
_INSIDE = 0.85
"""A box that lies by this share in another one is about a part of its thing, such as a lid."""
_STEP, _SHARE = 0.006, 0.08
"""The upper one is higher in the middle by so much [m], and by this share of the height of both."""


@dataclass(frozen=True, eq=False)
class Part:
    """One of several things that were measured as one.

    Attributes:
        box: The model's box.
        mask: Its pixels, shape (H, W).
    """

    box: Box
    mask: Mask


def rivals(answer: Answer, view: View) -> list[Part]:
    """Return what those boxes are about that fit a surface less well than another box does: the next best, if any.

    A box that is too large for a thing on a plate is measured as the plate.

    Args:
        answer: Boxes of everything in the picture of ``view``.
        view: The picture.
    """
    found: list[tuple[Seen, Box]] = []
    for region in answer.regions:
        if region.mask is None:
            with suppress(NotSeenError):
                found.append((view.find(region.box_xyxy), region.box_xyxy))
    taken: list[tuple[Seen, Box]] = []
    parts: list[Part] = []
    for seen, box in sorted(found, key=lambda each: -each[0].match):
        owner = next(
            (by for one, by in taken if (one.mask & seen.mask).sum() > SAME * (one.mask | seen.mask).sum()), None
        )
        if owner is None:
            taken.append((seen, box))
        elif overlap(owner, box) < SAME:
            with suppress(NotSeenError):
                other = view.find(box, but=np.logical_or.reduce([one.mask for one, _ in taken]))
                if other.match >= _FITS:
                    taken.append((other, box))
                    parts.append(Part(box, other.mask))
    return parts


def stacked(answer: Answer, measured: Sequence[Seen], view: View) -> list[Part]:
    """Return the parts of those measured things that two or more boxes are about, one standing on the other.

    Args:
        answer: Boxes of everything in the picture of ``view``.
        measured: What was measured for them, each surface once.
        view: The picture.
    """
    parts: list[Part] = []
    for seen in measured:
        boxes: list[tuple[float, Box]] = []
        whole = seen.mask | _surface(seen.mask, view)
        for box in (region.box_xyxy for region in answer.regions):
            inside = _pixels(box, seen.mask)
            mine = (seen.mask & inside).sum()
            if mine >= FEW and mine >= _MINE * (view.matter & inside).sum():
                boxes.append((float(np.median(view.points[whole & inside][:, 2])), box))
        if len(boxes) >= 2:
            boxes = [each for each in boxes if _is_for(each[1], seen.mask, view)]
        boxes.sort(key=lambda each: -each[0])
        if len(boxes) >= 2:
            parts += _split(boxes, whole, view)
    return parts


def _split(boxes: Sequence[tuple[float, Box]], whole: Mask, view: View) -> list[Part]:
    """Give each box, from the highest on, its pixels; of what two boxes share each gets half."""
    step = max(_STEP, _SHARE * float(np.ptp(view.points[whole][:, 2])))
    kept: list[tuple[float, Box]] = []
    for middle, box in boxes:
        if all(above - middle > step and _two(other, box) for above, other in kept):
            kept.append((middle, box))
    rest = whole.copy()
    parts: list[Part] = []
    for (_, box), (_, lower) in zip(kept, [*kept[1:], kept[-1]], strict=True):
        x0, y0, x1, y1 = box
        if lower is not box and lower[1] < y1 < lower[3]:
            y1 = (max(lower[1], y0) + y1) / 2
        mine = rest & _pixels((x0, y0, x1, y1), whole)
        if mine.sum() >= FEW:
            parts.append(Part(box, mine))
            rest &= ~mine
    return parts if len(parts) >= 2 else []


def _is_for(box: Box, mask: Mask, view: View) -> bool:
    """Tell whether a box alone is measured as these pixels, rather than as something that they hide in part."""
    try:
        alone = view.find(box).mask
    except NotSeenError:
        return False
    return bool((alone & mask).sum() > SAME * (alone | mask).sum())


def _surface(mask: Mask, view: View) -> Mask:
    """Return all that hangs together with some pixels, whatever its color, where that is not much more."""
    labels = view.layers[1][0]
    names = labels[mask & (labels >= 0)]
    if not len(names):
        return mask
    found: Mask = labels == np.bincount(names).argmax()
    return found if found.sum() <= _MORE * mask.sum() else mask


def apart(answer: Answer, parts: Sequence[Part]) -> Answer:
    """Return an answer whose boxes about such things have the pixels of what they are about."""
    if not parts:
        return answer
    regions = []
    for region in answer.regions:
        best = max(parts, key=lambda part: overlap(part.box, region.box_xyxy))
        same = overlap(best.box, region.box_xyxy) >= SAME and region.mask is None
        regions.append(replace(region, mask=best.mask) if same else region)
    return replace(answer, regions=tuple(regions))


def _two(upper: Box, lower: Box) -> bool:
    """Tell whether two boxes are about two things, rather than about one and a part of it."""
    wide = min(upper[2], lower[2]) - max(upper[0], lower[0])
    high = min(upper[3], lower[3]) - max(upper[1], lower[1])
    area = (upper[2] - upper[0]) * (upper[3] - upper[1])
    return overlap(upper, lower) < SAME and max(wide, 0.0) * max(high, 0.0) < _INSIDE * area


def _pixels(box: Box, like: Mask) -> Mask:
    """Return the pixels of a box."""
    height, width = like.shape
    made = np.zeros_like(like)
    rows = slice(max(0, int(box[1] * height)), int(np.ceil(box[3] * height)))
    columns = slice(max(0, int(box[0] * width)), int(np.ceil(box[2] * width)))
    made[rows, columns] = True
    return made
