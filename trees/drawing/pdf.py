"""A picture as PDF: lines and letters stay sharp, text can be searched; an outline takes as many pages as it needs."""

from __future__ import annotations

import io
from typing import Any, Final

from ..._base import import_needed
from .fonts import Font, font_for
from .layout import LEADING, SWATCH, Box, Edge, Line, Picture
from .paint import Paint
from .shapes import Stroke, inset_of, outline, symbol_strokes, title_left
from .style import EDGE, FAINT, FRAME, TEXT, Ink

A4: Final = (595.276, 841.89)
"""Width and height of a page, [pt]."""
_MARGIN: Final = 28.0
LEAST_POINTS: Final = 9.0
"""Smallest text on paper, [pt]."""


def page_scale(width: float) -> float:
    """Return how large a pixel of a picture of some width is on a page, [pt]; never larger than on a screen."""
    return min(0.75, (A4[0] - 2 * _MARGIN) / width)


def page_height(width: float) -> float:
    """Return how much of a picture of some width fits on a page from top to bottom, [px]."""
    return (A4[1] - 2 * _MARGIN) / page_scale(width)


def to_pdf(picture: Picture, paint: Paint, title: str) -> bytes:
    """Return the picture as a PDF document: a page of its own size, or one page for each column of an outline.

    Raises:
        MissingExtraError: The extra ``pdf`` is not installed.
    """
    canvas = _module("pdfgen.canvas")
    buffer = io.BytesIO()
    pages = picture.columns
    scale = page_scale(picture.width) if pages else 0.75
    made = canvas.Canvas(buffer, invariant=1, pageCompression=1)
    made.setTitle(title)
    made.setCreator("knothole")
    pen = _Pen(made)
    for number in range(max(1, len(pages))):
        top, height = (pages[number].y, pages[number].height) if pages else (0.0, picture.height)
        size = (A4[0], max(A4[1], height * scale + 2 * _MARGIN)) if pages else (picture.width * 0.75, height * 0.75)
        made.setPageSize(size)
        edge = _MARGIN if pages else 0.0
        made.translate(edge, size[1] - edge)
        made.scale(scale, -scale)
        made.translate(0.0, -top)
        pen.page(picture, paint, number if pages else None, (top, top + height))
        if len(pages) > 1:
            words = f"{number + 1} of {len(pages)}"
            pen.text(Line(words, 13, "body"), 20.0, top + height - 4.0, FAINT)
        made.showPage()
    made.save()
    return buffer.getvalue()


def _module(name: str) -> Any:
    return import_needed(f"reportlab.{name}", "drawing a PDF", "pdf")


class _Pen:
    """Draw on a page whose y grows downwards, [px]."""

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self._fonts: dict[str, str] = {}

    def page(self, picture: Picture, paint: Paint, column: int | None, span: tuple[float, float]) -> None:
        if not column:
            for line in picture.heading:
                self.text(line, 20.0, 20.0, TEXT if line.role == "title" else FAINT)
            for swatch in picture.legend:
                self.rectangle(swatch.x, swatch.y, SWATCH, SWATCH, 3.0, swatch.ink, 1.6)
                self.text(swatch.line, swatch.x + SWATCH + 8.0, swatch.y, FAINT)
        words = picture.columns[column].words if column is not None else None
        if words is not None and column is not None:
            self.text(words, picture.columns[column].x, picture.columns[column].y, FAINT)
        for frame in picture.frames:
            if span[0] <= frame.y < span[1]:
                self.rectangle(frame.x, frame.y, frame.width, frame.height, 6.0, FRAME, 1.0)
        for edge in picture.edges:
            if span[0] <= edge.points[0][1] < span[1]:
                self.edge(edge)
        for box in picture.boxes:
            if column is None or box.column == column:
                self.box(box, paint.ink(box.node.path, box.node.shape))

    def edge(self, edge: Edge) -> None:
        self.stroke(Stroke(edge.points), EDGE, 1.5)
        if edge.label:
            self.text(Line(edge.label, 12, "body"), edge.at[0], edge.at[1] - 12.0, FAINT)

    def box(self, box: Box, colors: Ink) -> None:
        kind, radius = outline(box)
        x, y = box.x - box.width / 2, box.y
        if kind == "ellipse":
            self._ink(colors, 1.6)
            self.canvas.ellipse(x, y, x + box.width, y + box.height, fill=1, stroke=1)
        else:
            self.rectangle(x, y, box.width, box.height, radius, colors, 1.6)
        if kind == "double":
            inset = inset_of(box)
            self.rectangle(
                x + inset,
                y + inset,
                box.width - 2 * inset,
                box.height - 2 * inset,
                radius,
                Ink(colors.fill, colors.line),
                1.0,
            )
        if box.symbol:
            for stroke in symbol_strokes(box):
                self.stroke(stroke, colors.line, 2.0)
        for line in box.lines:
            self.text(line, title_left(box, line), box.y, colors.text(line.role))

    def rectangle(
        self, x: float, y: float, width: float, height: float, radius: float, colors: Ink, line: float
    ) -> None:
        self._ink(colors, line)
        radius = min(radius, width / 2, height / 2)
        if radius:
            self.canvas.roundRect(x, y, width, height, radius, fill=1, stroke=1)
        else:
            self.canvas.rect(x, y, width, height, fill=1, stroke=1)

    def _ink(self, colors: Ink, line: float) -> None:
        self.canvas.setFillColor(colors.fill)
        self.canvas.setStrokeColor(colors.line)
        self.canvas.setLineWidth(line)
        self.canvas.setDash(5, 4) if colors.dashed else self.canvas.setDash()

    def stroke(self, stroke: Stroke, color: str, width: float) -> None:
        self._ink(Ink(color, color), width)
        path = self.canvas.beginPath()
        path.moveTo(*stroke.points[0])
        for point in stroke.points[1:]:
            path.lineTo(*point)
        self.canvas.drawPath(path, fill=1 if stroke.filled else 0, stroke=1)

    def text(self, line: Line, x: float, top: float, color: str) -> None:
        chosen, drawn = font_for(line.text, line.size)
        self.canvas.saveState()
        self.canvas.translate(x, top + line.y + line.size * (LEADING + 0.72) / 2)
        self.canvas.scale(1, -1)
        self.canvas.setFont(self._font(chosen), line.size)
        self.canvas.setFillColor(color)
        self.canvas.drawString(0, 0, drawn)
        self.canvas.restoreState()

    def _font(self, font: Font) -> str:
        """Embed the very font that the layout was measured with; return what the document calls it."""
        path = font.path
        key = path if isinstance(path, str) else "built in"
        if key not in self._fonts:
            fonts = _module("pdfbase.ttfonts")
            metrics = _module("pdfbase.pdfmetrics")
            name = f"knothole{len(self._fonts)}"
            source = path if isinstance(path, str) else io.BytesIO(path.getvalue())  # type: ignore[union-attr]
            metrics.registerFont(fonts.TTFont(name, source))
            self._fonts[key] = name
        return self._fonts[key]
