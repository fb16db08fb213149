"""Where the boxes go: a tidy tree, parents above the middle of their children, no two boxes closer than a gap.

Each subtree is placed as a whole against those on its left, by their outlines. Source: Reingold & Tilford, *Tidier
Drawings of Trees*, IEEE Trans. Software Engineering 7 (1981), with boxes of any size and rows as high as their highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .fonts import width_of, wrap
from .labels import Labelled

TITLE: Final = 15
BODY: Final = 13
SMALL: Final = 12
LEADING: Final = 1.32
SWATCH: Final = 16.0
"""Side of a box of the legend, [px]."""
_TEXT_WIDTH: Final = 190.0
_PAD_X, _PAD_Y = 12.0, 9.0
_GAP_X, _GAP_Y = 18.0, 46.0
_SYMBOL: Final = 26.0
"""Room for the symbol of a composite, left of its title."""


@dataclass
class Line:
    """One line of text in a box: baseline-free, from its top, centred in the box."""

    text: str
    size: int
    role: str  # title body keys
    y: float = 0.0
    width: float = 0.0


@dataclass
class Box:
    """One placed node. x and y are its middle and its top; all in px.

    Attributes:
        symbol: True when a symbol stands left of the title.
    """

    node: Labelled
    lines: list[Line]
    width: float
    height: float
    children: list[Box]
    x: float = 0.0
    y: float = 0.0
    symbol: bool = False
    parent: Box | None = None


@dataclass
class Picture:
    """All boxes in drawing order, and the size of the whole, [px]."""

    boxes: list[Box]
    width: float
    height: float
    heading: list[Line]
    legend: list[Swatch]


@dataclass
class Swatch:
    """One entry of the legend: a small box in the ink of a mark, left of its text; x and y are its corner, [px]."""

    mark: str
    line: Line
    x: float
    y: float


def lay_out(root: Labelled, title: str, about: str, legend: Mapping[str, str] = MappingProxyType({})) -> Picture:
    """Place all nodes; the heading stands above, with the legend (mark → text) below it."""
    boxes = _boxes(root)
    heading = _heading(title, about)
    top = 40.0 + (heading[-1].y + heading[-1].size * LEADING if heading else 0.0)
    swatches = _legend(legend, top - 8.0)
    top += 30.0 if swatches else 0.0
    _rows(boxes, top)
    _columns(boxes)
    left = min(box.x - box.width / 2 for box in boxes)
    for box in boxes:
        box.x += 20.0 - left
    width = max(box.x + box.width / 2 for box in boxes) + 20.0
    wide = max((line.width for line in heading), default=0.0) + 40.0
    if swatches:
        wide = max(wide, swatches[-1].x + SWATCH + 8.0 + swatches[-1].line.width + 20.0)
    if wide > width:
        for box in boxes:
            box.x += (wide - width) / 2
    height = max(box.y + box.height for box in boxes) + 20.0
    return Picture(boxes, max(width, wide), height, heading, swatches)


def _legend(legend: Mapping[str, str], y: float) -> list[Swatch]:
    found: list[Swatch] = []
    x = 20.0
    for mark, text in legend.items():
        line = Line(text, BODY, "body", (SWATCH - BODY * LEADING) / 2, width_of(text, BODY))
        found.append(Swatch(mark, line, x, y))
        x += SWATCH + 8.0 + line.width + 22.0
    return found


def _heading(title: str, about: str) -> list[Line]:
    lines = [Line(title, 20, "title", 0.0, width_of(title, 20))]
    y = 30.0
    for text in wrap(about, BODY, 620.0) if about else ():
        lines.append(Line(text, BODY, "body", y, width_of(text, BODY)))
        y += BODY * LEADING
    return lines


def _boxes(root: Labelled) -> list[Box]:
    """Make a box for each node, parents before children."""
    first = _box(root)
    order, stack = [], [first]
    while stack:
        box = stack.pop()
        order.append(box)
        box.children = [_box(child) for child in box.node.children]
        for child in box.children:
            child.parent = box
        stack.extend(reversed(box.children))
    return order


def _box(node: Labelled) -> Box:
    symbol = node.shape == "composite"
    lines = [Line(text, TITLE, "title") for text in wrap(node.title, TITLE, _TEXT_WIDTH)]
    for text in node.lines:
        lines += [Line(each, BODY, "body") for each in wrap(text, BODY, _TEXT_WIDTH)]
    if node.keys:
        lines += [Line(each, SMALL, "keys") for each in wrap(node.keys, SMALL, _TEXT_WIDTH)]
    y = 0.0
    for line in lines:
        line.y, line.width = y, width_of(line.text, line.size)
        y += line.size * LEADING
    inner = max(line.width for line in lines)
    if symbol:
        inner = max(inner, lines[0].width + 2 * _SYMBOL)
    width, height = inner + 2 * _PAD_X, y + 2 * _PAD_Y
    if node.shape == "condition":
        width, height = _ellipse(lines, y)
    shift = (height - y) / 2
    for line in lines:
        line.y += shift
    return Box(node, lines, max(width, 70.0), height, [], symbol=symbol)


def _ellipse(lines: list[Line], height: float) -> tuple[float, float]:
    """Return the size of a flat ellipse that has all corners of all lines inside."""
    half = height / 2 * 1.2 + 8.0
    widest = 0.0
    for line in lines:
        far = max(abs(line.y - height / 2), abs(line.y + line.size * LEADING - height / 2))
        widest = max(widest, (line.width / 2 + 4.0) / (1.0 - (far / half) ** 2) ** 0.5)
    return 2 * widest + 8.0, 2 * half


def _rows(boxes: list[Box], top: float) -> None:
    """Put each level below the highest box of the level above."""
    level = [boxes[0]]
    while level:
        for box in level:
            box.y = top
        top += max(box.height for box in level) + _GAP_Y
        level = [child for box in level for child in box.children]


def _columns(boxes: list[Box]) -> None:
    """Place children left to right, deepest first, then parents above their middle."""
    shift: dict[int, float] = {}
    outlines: dict[int, tuple[list[float], list[float]]] = {}
    for box in reversed(boxes):
        left: list[float] = []
        right: list[float] = []
        for child in box.children:
            its_left, its_right = outlines.pop(id(child))
            move = max((a - b + _GAP_X for a, b in zip(right, its_left, strict=False)), default=0.0)
            if not left:
                move = 0.0
            shift[id(child)] = move
            deeper = len(left)
            left += [x + move for x in its_left[deeper:]]
            right = [x + move for x in its_right] + right[len(its_right) :]
        if box.children:
            ends = shift[id(box.children[0])], shift[id(box.children[-1])]
            middle = (ends[0] + ends[1]) / 2
            for child in box.children:
                shift[id(child)] -= middle
            left, right = [x - middle for x in left], [x - middle for x in right]
        outlines[id(box)] = ([-box.width / 2, *left], [box.width / 2, *right])
    for box in boxes:
        for child in box.children:
            child.x = box.x + shift[id(child)]
