"""A picture as pixels, with Pillow; twice as fine as its layout, less where it would become too large."""

from __future__ import annotations

import math
from typing import Final

from PIL import Image, ImageDraw

from ..._base import KnotholeError
from .fonts import font_for
from .layout import LEADING, SWATCH, Box, Edge, Line, Picture
from .paint import Paint
from .shapes import Stroke, inset_of, outline, symbol_strokes, title_left
from .style import EDGE, FAINT, FRAME, TEXT, Ink

_FINE: Final = 2.0
_MOST_PIXELS: Final = 80e6


class PictureTooLargeError(KnotholeError):
    """A tree is too large for a picture of pixels."""


def to_image(picture: Picture, paint: Paint) -> Image.Image:
    """Return the picture as an image.

    Raises:
        PictureTooLargeError: Even at half the size it would have more than 80 million pixels.
    """
    scale = min(_FINE, math.sqrt(_MOST_PIXELS / (picture.width * picture.height)))
    if scale < 0.5:
        raise PictureTooLargeError(
            f"the picture would be {picture.width:.0f} x {picture.height:.0f} pixels\n"
            "  fix:  draw it as .svg, .pdf, .html or .txt"
        )
    size = math.ceil(picture.width * scale), math.ceil(picture.height * scale)
    return _Canvas(Image.new("RGB", size, "#ffffff"), scale).draw(picture, paint)


class _Canvas:
    def __init__(self, image: Image.Image, scale: float) -> None:
        self.image, self.scale = image, scale
        self.pen = ImageDraw.Draw(image)

    def draw(self, picture: Picture, paint: Paint) -> Image.Image:
        for line in picture.heading:
            self.text(line, 20.0, 20.0, TEXT if line.role == "title" else FAINT, "lm")
        for swatch in picture.legend:
            frame = self.scaled(swatch.x, swatch.y, swatch.x + SWATCH, swatch.y + SWATCH)
            self.rectangle(frame, 3, swatch.ink.fill, swatch.ink.line, 1.6)
            self.text(swatch.line, swatch.x + SWATCH + 8.0, swatch.y, FAINT, "lm")
        for column in picture.columns:
            if column.words is not None:
                self.text(column.words, column.x, column.y, FAINT, "lm")
        for each in picture.frames:
            frame = self.scaled(each.x, each.y, each.x + each.width, each.y + each.height)
            self.rectangle(frame, 6, FRAME.fill, FRAME.line, 1.0)
        for edge in picture.edges:
            self.edge(edge)
        for box in picture.boxes:
            self.box(box, paint.ink(box.node.path, box.node.shape))
        return self.image

    def rectangle(self, frame: tuple[float, ...], radius: float, fill: str | None, line: str, width: float) -> None:
        x0, y0, x1, y1 = frame
        self.pen.rounded_rectangle((x0, y0, x1, y1), radius * self.scale, fill, line, max(1, round(width * self.scale)))

    def edge(self, edge: Edge) -> None:
        points = [(x * self.scale, y * self.scale) for x, y in edge.points]
        self.pen.line(points, fill=EDGE, width=max(1, round(1.5 * self.scale)))
        if edge.label:
            x, y = edge.at
            line = Line(edge.label, 12, "body", -12 * LEADING)
            self.text(line, x, y + 5.0, FAINT, "lm")

    def box(self, box: Box, colors: Ink) -> None:
        x, y = box.x - box.width / 2, box.y
        frame = self.scaled(x, y, x + box.width, y + box.height)
        kind, radius = outline(box)
        if kind == "ellipse":
            width = max(1, round(1.6 * self.scale))
            self.pen.ellipse(frame, fill=colors.fill, outline=colors.line, width=width)
        else:
            self.rectangle(frame, radius, colors.fill, colors.line, 1.6)
        if kind == "double":
            inset = inset_of(box)
            self.rectangle(
                self.scaled(x + inset, y + inset, x + box.width - inset, y + box.height - inset),
                radius,
                None,
                colors.line,
                1,
            )
        if box.symbol:
            for stroke in symbol_strokes(box):
                self.stroke(stroke, colors.line)
        for line in box.lines:
            color = colors.text(line.role)
            centred = line.x is None
            self.text(line, box.x if centred else title_left(box, line), box.y, color, "mm" if centred else "lm")

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
