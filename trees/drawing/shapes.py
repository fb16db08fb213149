"""Lines that every picture of a tree has: outlines by kind, edges, and the symbols of composites."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .layout import LEADING, Box, Line, Point


@dataclass(frozen=True)
class Stroke:
    """A polyline, or a filled polygon."""

    points: tuple[Point, ...]
    filled: bool = False


def outline(box: Box) -> tuple[str, float]:
    """Return ``rect``, ``double`` or ``ellipse`` and the radius of the corners, [px]."""
    if box.flat and box.node.shape == "condition":
        return "rect", min(box.height / 2, 12.0)
    kinds = {
        "condition": ("ellipse", 0.0),
        "decorator": ("rect", 14.0),
        "use": ("double", 3.0),
        "action": ("rect", 3.0),
    }
    return kinds.get(box.node.shape, ("rect", 0.0))


def inset_of(box: Box) -> float:
    """Return how far the inner line of a double box lies inside the outer one, [px]."""
    return 2.5 if box.flat else 4.0


def title_left(box: Box, line: Line) -> float:
    """Return where a line of text begins."""
    return box.x - line.width / 2 if line.x is None else box.x - box.width / 2 + line.x


def symbol_strokes(box: Box) -> list[Stroke]:
    """Return the symbol of a composite, left of its title; a ring when it is reactive.

    An arrow for what goes through its children, a question mark for what chooses among them, two arrows for parallels.
    """
    title = box.lines[0]
    left = title_left(box, title)
    x = left - 16.0
    y = box.y + title.y + title.size * LEADING / 2
    strokes: list[Stroke] = []
    if box.node.flow == "parallel":
        strokes += _arrow(x, y - 4.0) + _arrow(x, y + 4.0)
    elif box.node.flow in ("selector", "if", "switch", "recovery", "round_robin"):
        strokes += _question(x, y)
    else:
        strokes += _arrow(x, y)
    if box.node.reactive:
        right = left + title.width + 15.0
        strokes += _ring(right, y)
    return strokes


def _arrow(x: float, y: float) -> list[Stroke]:
    return [
        Stroke(((x - 8.0, y), (x + 5.0, y))),
        Stroke(((x + 3.0, y - 3.5), (x + 9.0, y), (x + 3.0, y + 3.5)), True),
    ]


def _question(x: float, y: float) -> list[Stroke]:
    bow = [(x + 4.5 * math.cos(a), y - 3.0 + 4.0 * math.sin(a)) for a in (math.radians(d) for d in range(-170, 80, 20))]
    dot = ((x - 1.0, y + 6.0), (x + 1.0, y + 6.0), (x + 1.0, y + 8.0), (x - 1.0, y + 8.0))
    return [Stroke((*bow, (x, y + 1.5), (x, y + 3.5))), Stroke(dot, True)]


def _ring(x: float, y: float) -> list[Stroke]:
    ring = [(x + 5.5 * math.cos(a), y + 5.5 * math.sin(a)) for a in (math.radians(d) for d in range(-60, 241, 20))]
    tip = ring[0]
    return [
        Stroke(tuple(ring)),
        Stroke(((tip[0] - 4.5, tip[1] - 1.0), (tip[0] + 1.5, tip[1] - 3.5), (tip[0] + 1.0, tip[1] + 2.5)), True),
    ]
