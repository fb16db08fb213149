"""A picture as pixels, with Pillow; twice as fine as its layout, less where it would become too large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from PIL import Image, ImageDraw

from ..._base import KnotholeError
from .fonts import font_for
from .layout import LEADING, SWATCH, Box, Line, Picture
from .shapes import Stroke, edge_points, elbow, outline, symbol_strokes
from .style import EDGE, FAINT, KEYS, TEXT, ink

_FINE: Final = 2.0
_MOST_PIXELS: Final = 80e6


class PictureTooLargeError(KnotholeError):
    """A tree is too large for a picture of pixels."""


def to_image(picture: Picture, statuses: Mapping[str, object], marks: Mapping[str, str]) -> Image.Image:
    """Return the picture as an image.

    Raises:
        PictureTooLargeError: Even at half the size it would have more than 80 million pixels.
    """
    scale = min(_FINE, math.sqrt(_MOST_PIXELS / (picture.width * picture.height)))
    if scale < 0.5:
        raise PictureTooLargeError(
            f"the picture would be {picture.width:.0f} x {picture.height:.0f} pixels\n  fix:  draw it as .svg or .txt"
        )
    size = math.ceil(picture.width * scale), math.ceil(picture.height * scale)
    return _Canvas(Image.new("RGB", size, "#ffffff"), scale).draw(picture, statuses, marks)


class _Canvas:
    def __init__(self, image: Image.Image, scale: float) -> None:
        self.image, self.scale = image, scale
        self.pen = ImageDraw.Draw(image)

    def draw(self, picture: Picture, statuses: Mapping[str, object], marks: Mapping[str, str]) -> Image.Image:
        for line in picture.heading:
            self.text(line, 20.0, 20.0, TEXT if line.role == "title" else FAINT, "lm")
        for swatch in picture.legend:
            colors = ink("action", None, swatch.mark)
            frame = self.scaled(swatch.x, swatch.y, swatch.x + SWATCH, swatch.y + SWATCH)
            self.pen.rounded_rectangle(frame, 3 * self.scale, colors.fill, colors.line, max(1, round(1.6 * self.scale)))
            self.text(swatch.line, swatch.x + SWATCH + 8.0, swatch.y, FAINT, "lm")
        for box in picture.boxes:
            if box.parent is not None:
                self.edge(box.parent, box)
        for box in picture.boxes:
            self.box(box, statuses.get(box.node.path), marks.get(box.node.path, ""))
        return self.image

    def edge(self, parent: Box, child: Box) -> None:
        points = [(x * self.scale, y * self.scale) for x, y in elbow(parent, child)]
        self.pen.line(points, fill=EDGE, width=max(1, round(1.5 * self.scale)))
        if child.node.edge:
            (x, y), _ = edge_points(child)
            line = Line(child.node.edge, 12, "body", -12 * LEADING)
            self.text(line, x + 5.0, y - 1.0, FAINT, "lm")

    def box(self, box: Box, status: object, mark: str) -> None:
        colors = ink(box.node.shape, status, mark)
        x, y = box.x - box.width / 2, box.y
        frame = self.scaled(x, y, x + box.width, y + box.height)
        kind, radius = outline(box)
        width = max(1, round(1.6 * self.scale))
        if kind == "ellipse":
            self.pen.ellipse(frame, fill=colors.fill, outline=colors.line, width=width)
        else:
            self.pen.rounded_rectangle(frame, radius * self.scale, colors.fill, colors.line, width)
        if kind == "double":
            inner = self.scaled(x + 4, y + 4, x + box.width - 4, y + box.height - 4)
            self.pen.rounded_rectangle(inner, radius * self.scale, None, colors.line, max(1, round(self.scale)))
        if box.symbol:
            for stroke in symbol_strokes(box):
                self.stroke(stroke, colors.line)
        for line in box.lines:
            color = TEXT if line.role == "title" else KEYS if line.role == "keys" else FAINT
            self.text(line, box.x, box.y, color, "mm")

    def stroke(self, stroke: Stroke, color: str) -> None:
        points = [(x * self.scale, y * self.scale) for x, y in stroke.points]
        if stroke.filled:
            self.pen.polygon(points, fill=color)
        else:
            self.pen.line(points, fill=color, width=max(1, round(2 * self.scale)), joint="curve")

    def text(self, line: Line, x: float, top: float, color: str, anchor: str) -> None:
        chosen, drawn = font_for(line.text, round(line.size * self.scale))
        y = top + line.y + line.size * LEADING / 2
        self.pen.text((x * self.scale, y * self.scale), drawn, fill=color, font=chosen, anchor=anchor)

    def scaled(self, *numbers: float) -> tuple[float, float, float, float]:
        a, b, c, d = (number * self.scale for number in numbers)
        return a, b, c, d
