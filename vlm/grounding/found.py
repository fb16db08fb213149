"""One written box or point, made sound: relative to the image, corners in order, inside it, with an area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..letterbox import Box

Point = tuple[float, float]
POINT_SIDE = 0.02
"""Edge of the box around a bare point, relative to the image."""


class UnreadableError(ValueError):
    """The text has no usable box or point and does not say that there is none."""


@dataclass(frozen=True)
class FoundBox:
    """One box or point as written: relative to the image the model saw, its label, the characters it stands in.

    Attributes:
        box_xyxy: The box; for a bare point a small one around it.
        label: What the model calls it, empty where it does not say.
        start: First character of it in the text.
        stop: Character after its last one.
        point_uv: The point, where one was written.
    """

    box_xyxy: Box
    label: str
    start: int
    stop: int
    point_uv: Point | None = None


@dataclass(frozen=True)
class Span:
    """Characters of an answer, and the label that goes with them."""

    label: str
    start: int
    stop: int


def box_at(corners: Sequence[float], span: Span) -> FoundBox | None:
    """Return a box with ordered corners inside the image; None when nothing of it is left.

    Args:
        corners: Two opposite corners, x1, y1, x2, y2, relative to the image; they may lie outside it.
        span: Where it stands.
    """
    (x1, x2), (y1, y2) = (sorted((_clamp(corners[i]), _clamp(corners[i + 2]))) for i in (0, 1))
    if x2 <= x1 or y2 <= y1:
        return None
    return FoundBox((x1, y1, x2, y2), span.label, span.start, span.stop)


def point_at(u: float, v: float, span: Span) -> FoundBox:
    """Return a point, clamped to the image, with a small box around it that lies inside the image."""
    u, v = _clamp(u), _clamp(v)
    half = POINT_SIDE / 2
    left, top = (min(max(value - half, 0.0), 1.0 - POINT_SIDE) for value in (u, v))
    box = (left, top, left + POINT_SIDE, top + POINT_SIDE)
    return FoundBox(box, span.label, span.start, span.stop, (u, v))


def scaled(values: Sequence[float], scale: Sequence[float]) -> list[float]:
    """Return values divided by the scales in turn: x by the first, y by the second, x by the first, and so on."""
    return [value / scale[i % len(scale)] for i, value in enumerate(values)]


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))
