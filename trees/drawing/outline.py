"""A large tree as an outline: a line for each node, its children indented below it, in columns as high as a page.

A picture that grows to the side with every leaf is readable up to some fifty nodes. An outline is never wider than a
page and breaks anywhere; what a column goes on with stands above it.
"""

from __future__ import annotations

import math
from typing import Final

from .fonts import width_of, wrap
from .labels import Labelled
from .layout import BODY, LEADING, TITLE, Box, Column, Edge, Frame, Line, Picture, head, legend_at
from .paint import PLAIN, Paint

WIDTH: Final = 736.0
"""Width of a column, [px]."""
_MARGIN, _GAP, _BETWEEN = 20.0, 6.0, 36.0
_INDENT, _MOST_INDENT = 22.0, 300.0
_PAD_X, _PAD_Y = 9.0, 3.0
_SYMBOL: Final = 24.0
_MOST_COLUMNS: Final = 3
_ASPECT: Final = 1.0
_LEAST: Final = 900.0
"""Least height of a column on a screen, [px]."""


def lay_out_outline(
    root: Labelled, title: str, about: str, paint: Paint = PLAIN, *, height: float | None = None, stacked: bool = False
) -> Picture:
    """Place all nodes in lines.

    Args:
        root: What to draw.
        title: Above the picture.
        about: Below the title.
        paint: Colors and notes.
        height: Height of a column, [px]; None takes up to three columns side by side.
        stacked: Columns are pages: each stands at the left of its own, one below the other.
    """
    boxes, depths = _boxes(root, paint)
    heading = head(title, about, paint.about)
    top = 34.0 + (heading[-1].y + heading[-1].size * LEADING)
    swatches = legend_at(paint, top - 8.0)
    top += 30.0 if swatches else 0.0
    limit = height if height is not None else _even_height(boxes, top)
    columns = _fill(boxes, depths, top, limit, stacked)
    edges = _edges(boxes, columns)
    width = max(column.x + column.width for column in columns) + _MARGIN
    wide = [*(line.width for line in heading), *(s.x + 24.0 + s.line.width for s in swatches[-1:])]
    bottom = max(box.y + box.height for box in boxes) + _MARGIN
    whole = columns[-1].y + columns[-1].height if stacked else bottom
    return Picture(boxes, max(width, max(wide) + 40.0), whole, heading, swatches, edges, _frames(boxes), columns)


def _boxes(root: Labelled, paint: Paint) -> tuple[list[Box], dict[int, int]]:
    """Make a box for each node in the order of the tree, and tell how deep each stands."""
    order: list[Box] = []
    depths: dict[int, int] = {}
    stack: list[tuple[Labelled, Box | None, int]] = [(root, None, 0)]
    deepest = _deepest(root)
    indent = min(_INDENT, _MOST_INDENT / max(1, deepest))
    while stack:
        node, parent, depth = stack.pop()
        box = _box(node, depth * indent, paint.notes.get(node.path, ""))
        box.parent = parent
        if parent is not None:
            parent.children.append(box)
        depths[id(box)] = depth
        order.append(box)
        stack.extend((child, box, depth + 1) for child in reversed(node.children))
    return order, depths


def _deepest(root: Labelled) -> int:
    deepest, stack = 0, [(root, 0)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend((child, depth + 1) for child in node.children)
    return deepest


def _box(node: Labelled, left: float, note: str) -> Box:
    """Write a node: edge, title and note in the first line, its text beside them if there is room, else below."""
    symbol = node.shape == "composite"
    room = WIDTH - left - 2 * _PAD_X
    start = _PAD_X + (_SYMBOL if symbol else 0.0)
    lines: list[Line] = []
    x, y = start, 0.0
    first = f"{node.edge}: {node.title}" if node.edge else node.title
    titles = wrap(first, TITLE, room - start - (24.0 if symbol else 0.0))
    for number, text in enumerate(titles):
        width = width_of(text, TITLE)
        lines.append(Line(text, TITLE, "title", y, width, start))
        x = start + width + (26.0 if symbol and node.reactive and number == 0 else 10.0)
        y += TITLE * LEADING
    y -= TITLE * LEADING
    body = ",  ".join(" ".join(line.split()) for line in node.lines)
    for role, text in (("note", note), ("body", body), ("keys", node.keys)):
        if not text:
            continue
        width = width_of(text, BODY)
        nudge = (TITLE - BODY) * LEADING / 2 if y == (len(titles) - 1) * TITLE * LEADING else 0.0
        if x + width <= room + _PAD_X:
            lines.append(Line(text, BODY, role, y + nudge, width, x))
            x += width + 12.0
            continue
        for each in wrap(text, BODY, room - start):
            y += (TITLE if nudge else BODY) * LEADING
            nudge = 0.0
            width = width_of(each, BODY)
            lines.append(Line(each, BODY, role, y, width, start))
            x = start + width + 12.0
    bottom = max(line.y + line.size * LEADING for line in lines)
    right = max((line.x or 0.0) + line.width for line in lines) + _PAD_X
    if symbol and node.reactive:
        right = max(right, (lines[0].x or 0.0) + lines[0].width + 26.0)
    for line in lines:
        line.y += _PAD_Y
    width = max(right, 40.0)
    return Box(node, lines, width, bottom + 2 * _PAD_Y, [], x=left + width / 2, symbol=symbol, flat=True)


def _even_height(boxes: list[Box], top: float) -> float:
    """Return a height at which the columns make a picture about as high as wide, if three are enough for that."""
    total = sum(box.height + _GAP for box in boxes)
    count = max(1, min(_MOST_COLUMNS, round(math.sqrt(_ASPECT * total / WIDTH))))
    tallest = max(box.height for box in boxes)
    return max(_LEAST, total / count + tallest + 40.0) + top


def _fill(boxes: list[Box], depths: dict[int, int], top: float, limit: float, stacked: bool) -> list[Column]:
    """Fill column after column; the box of a node is never broken."""
    columns = [Column(_MARGIN, 0.0, WIDTH, limit)]
    y = top
    for box in boxes:
        column = columns[-1]
        if y + box.height > column.y + limit - _MARGIN and y > column.y + (top if len(columns) == 1 else 40.0):
            x = _MARGIN if stacked else column.x + WIDTH + _BETWEEN
            begin = column.y + column.height if stacked else 0.0
            column = Column(x, begin + (14.0 if stacked else top - 26.0), WIDTH, limit, _goes_on(box))
            columns.append(column)
            if stacked:
                column.y = begin
                column.words = _goes_on(box)
            y = column.y + 14.0 + BODY * LEADING + 10.0
        box.x += column.x
        box.y, box.column = y, len(columns) - 1
        y += box.height + _GAP
        column.height = max(limit, y - _GAP - column.y + _MARGIN) if stacked else limit
    return columns


def _goes_on(box: Box) -> Line:
    """Return the titles of what stands above the first box of a column, the nearest ones where there are many."""
    names: list[str] = []
    above = box.parent
    while above is not None:
        title = above.node.title
        names.insert(0, title if len(title) <= 40 else f"{title[:39]}…")
        above = above.parent
    text = "… in " + " › ".join(names)
    while width_of(text, BODY) > WIDTH and len(names) > 1:
        names = names[1:]
        text = "… in … › " + " › ".join(names)
    return Line(text, BODY, "body", 8.0, width_of(text, BODY))


def _edges(boxes: list[Box], columns: list[Column]) -> list[Edge]:
    """Draw a line down from each parent past its children, through as many columns as they take."""
    edges: list[Edge] = []
    for parent in boxes:
        if not parent.children:
            continue
        last = parent.children[-1]
        left = parent.x - parent.width / 2 - columns[parent.column].x
        first = parent.children[0]
        trunk = left + min(10.0, (first.x - first.width / 2 - columns[first.column].x - left) / 2)
        for number in range(parent.column, last.column + 1):
            column = columns[number]
            here = [child for child in parent.children if child.column == number]
            begin = parent.y + parent.height if number == parent.column else column.y + 10.0 + BODY * LEADING
            end = here[-1].y + _middle(here[-1]) if number == last.column else _bottom(boxes, number)
            edges.append(Edge(((column.x + trunk, begin), (column.x + trunk, end))))
            for child in here:
                y = child.y + _middle(child)
                edges.append(Edge(((column.x + trunk, y), (child.x - child.width / 2, y))))
    return edges


def _middle(box: Box) -> float:
    """Return where an edge meets a box: beside its first line."""
    return box.lines[0].y + box.lines[0].size * LEADING / 2


def _bottom(boxes: list[Box], column: int) -> float:
    return max(box.y + box.height for box in boxes if box.column == column)


def _frames(boxes: list[Box]) -> list[Frame]:
    """Return a rectangle around each used tree that is drawn whole, one a column; outer ones come first."""
    found: list[Frame] = []
    for position, box in enumerate(boxes):
        if box.node.shape != "use" or not box.children:
            continue
        inside = [box]
        for other in boxes[position + 1 :]:
            above = other.parent
            while above is not None and above is not box:
                above = above.parent
            if above is None:
                break
            inside.append(other)
        for column in sorted({each.column for each in inside}):
            here = [each for each in inside if each.column == column]
            left = min(each.x - each.width / 2 for each in here) - 4.0
            right = max(each.x + each.width / 2 for each in here) + 4.0
            top = here[0].y - 2.5
            found.append(Frame(left, top, right - left, here[-1].y + here[-1].height + 2.5 - top))
    return found
