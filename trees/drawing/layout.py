"""Where the boxes go: a tidy tree, parents above the middle of their children, no two boxes closer than a gap.

Each subtree is placed as a whole against those on its left, by their outlines. Source: Reingold & Tilford, *Tidier
Drawings of Trees*, IEEE Trans. Software Engineering 7 (1981), with boxes of any size and rows as high as their highest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .fonts import width_of, wrap
from .labels import Labelled
from .paint import PLAIN, Paint
from .style import Ink

Point = tuple[float, float]

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
    """One line of text in a box: baseline-free, from its top.

    Attributes:
        x: Where it begins, from the left of the box, [px]; None centres it in the box.
    """

    text: str
    size: int
    role: str  # title body keys note
    y: float = 0.0
    width: float = 0.0
    x: float | None = None


@dataclass
class Box:
    """One placed node. x and y are its middle and its top; all in px.

    Attributes:
        symbol: True when a symbol stands left of the title.
        flat: True in an outline, where conditions are no ellipses.
        column: In which column of an outline it stands.
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
    flat: bool = False
    column: int = 0


@dataclass
class Edge:
    """A line from a box to one below it, with the name of the port it hangs on, whose bottom left is at ``at``."""

    points: tuple[Point, ...]
    label: str = ""
    at: Point = (0.0, 0.0)


@dataclass
class Frame:
    """A rectangle around all boxes of a tree that is used, [px]."""

    x: float
    y: float
    width: float
    height: float


@dataclass
class Column:
    """A part of an outline that is as high as a page; y is its top, ``words`` say what it goes on with, [px]."""

    x: float
    y: float
    width: float
    height: float
    words: Line | None = None


@dataclass
class Picture:
    """All boxes in drawing order, and the size of the whole, [px]; columns only in an outline."""

    boxes: list[Box]
    width: float
    height: float
    heading: list[Line]
    legend: list[Swatch]
    edges: list[Edge] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)


@dataclass
class Swatch:
    """One entry of the legend: a small box in a color, left of its text; x and y are its corner, [px]."""

    ink: Ink
    line: Line
    x: float
    y: float


def lay_out(root: Labelled, title: str, about: str, paint: Paint = PLAIN) -> Picture:
    """Place all nodes, children below their parents; the heading stands above, with the legend below it."""
    boxes = _boxes(root, paint)
    heading = head(title, about, paint.about)
    top = 40.0 + (heading[-1].y + heading[-1].size * LEADING if heading else 0.0)
    swatches = legend_at(paint, top - 8.0)
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
    edges = [_elbow(box.parent, box) for box in boxes if box.parent is not None]
    return Picture(boxes, max(width, wide), height, heading, swatches, edges)


def _elbow(parent: Box, child: Box) -> Edge:
    """Return the edge from a parent down to a child."""
    turn = child.y - 23.0
    points = ((parent.x, parent.y + parent.height), (parent.x, turn), (child.x, turn), (child.x, child.y))
    return Edge(points, child.node.edge, (child.x + 5.0, child.y - 6.0))


def legend_at(paint: Paint, y: float) -> list[Swatch]:
    """Place the legend in one line."""
    found: list[Swatch] = []
    x = 20.0
    for ink, text in paint.legend:
        line = Line(text, BODY, "body", (SWATCH - BODY * LEADING) / 2, width_of(text, BODY))
        found.append(Swatch(ink, line, x, y))
        x += SWATCH + 8.0 + line.width + 22.0
    return found


def head(title: str, *about: str) -> list[Line]:
    """Return the lines above a picture."""
    lines = [Line(each, 20, "title", 26.0 * i, width_of(each, 20)) for i, each in enumerate(wrap(title, 20, 700.0))]
    y = 4.0 + 26.0 * len(lines)
    for text in about:
        for each in wrap(text, BODY, 620.0) if text else ():
            lines.append(Line(each, BODY, "body", y, width_of(each, BODY)))
            y += BODY * LEADING
    return lines


def _boxes(root: Labelled, paint: Paint) -> list[Box]:
    """Make a box for each node, parents before children."""
    first = _box(root, paint)
    order, stack = [], [first]
    while stack:
        box = stack.pop()
        order.append(box)
        box.children = [_box(child, paint) for child in box.node.children]
        for child in box.children:
            child.parent = box
        stack.extend(reversed(box.children))
    return order


def _box(node: Labelled, paint: Paint) -> Box:
    symbol = node.shape == "composite"
    lines = [Line(text, TITLE, "title") for text in wrap(node.title, TITLE, _TEXT_WIDTH)]
    for text in node.lines:
        lines += [Line(each, BODY, "body") for each in wrap(text, BODY, _TEXT_WIDTH)]
    if node.keys:
        lines += [Line(each, SMALL, "keys") for each in wrap(node.keys, SMALL, _TEXT_WIDTH)]
    if node.path in paint.notes:
        lines.append(Line(paint.notes[node.path], SMALL, "note"))
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
