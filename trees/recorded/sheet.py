"""The pictures of a trace on one sheet: in order, with boxes, times, and what was answered."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from ..drawing.fonts import font_for
from ..tracing.recording import Recording, TraceError
from .shown import Shown, shown
from .tables import answered

MOST: Final = 48
"""Pictures on a sheet."""
_WIDTH, _LINE, _GAP, _COLUMNS, _LINES = 320, 16, 10, 4, 4
_BOX, _POINT, _INK, _FAINT = "#19bfff", "#ffd23f", "#1f2933", "#5f6c7b"


def write_sheet(path: Path, recording: Recording) -> str:
    """Draw the sheet as PNG and say what is on it.

    Raises:
        TraceError: There is no picture in the trace, or none can be read.
        OSError: It cannot be written.
    """
    pictures, left_out = shown(recording, MOST)
    cells = [cell for cell in map(_cell, pictures) if cell is not None]
    if not cells:
        raise TraceError("there is no picture in the trace\n  fix:  record with frames = keep, and ask about pictures")
    columns = min(_COLUMNS, len(cells))
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) for row in rows]
    size = (columns * (_WIDTH + _GAP) + _GAP, sum(heights) + _GAP * (len(rows) + 1))
    sheet, top = Image.new("RGB", size, "white"), _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (_GAP + column * (_WIDTH + _GAP), top))
        top += height + _GAP
    sheet.save(path, format="PNG")
    return f"{len(cells)} pictures" + (f", {left_out} more are in the trace" if left_out else "")


def _cell(picture: Shown) -> Image.Image | None:
    image = picture.image()
    if image is None:
        return None
    height = max(1, round(image.height * _WIDTH / image.width))
    lines = _lines(picture)
    cell = Image.new("RGB", (_WIDTH, height + _LINE * len(lines) + 4), "white")
    cell.paste(image.resize((_WIDTH, height)))
    pen = ImageDraw.Draw(cell)
    for region in picture.regions():
        x1, y1, x2, y2 = (v * side for v, side in zip(region["box_xyxy"], (_WIDTH, height) * 2, strict=True))
        pen.rectangle((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)), outline=_BOX, width=2)
        _write(pen, (x1 + 3, max(0.0, y1 - 13)), str(region["label"])[:30], _BOX)
        if region.get("point_uv"):
            u, v = region["point_uv"][0] * _WIDTH, region["point_uv"][1] * height
            pen.ellipse((u - 4, v - 4, u + 4, v + 4), fill=_POINT)
    for number, (text, ink) in enumerate(lines):
        _write(pen, (0, height + 2 + number * _LINE), text, ink)
    return cell


def _lines(picture: Shown) -> list[tuple[str, str]]:
    lines = [(f"{picture.time:.2f} s  {picture.name}", _INK)]
    for _, answer in picture.answers[-_LINES:]:
        said, sure = answered(answer)
        lines.append((_short(f"{answer['question']} {said} {sure}".strip()), _FAINT))
    return lines


def _short(text: str, most: int = 52) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, ink: str) -> None:
    font, drawable = font_for(text, 11)
    pen.text(at, drawable, fill=ink, font=font)
