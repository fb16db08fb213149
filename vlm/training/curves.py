"""The learning curves of a stage as one SVG picture: a small panel for each measure, over the images seen."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

HEADER = ("cpu_s", "images", "questions", "measure", "value")
"""Columns of the table of metrics: CPU time of the stage, [s], what it has seen by then, and one measure."""
COLUMNS = 5
WIDTH, HEIGHT, GAP, TOP = 190, 90, 26, 40
_STYLE = (
    "text{font:11px sans-serif;fill:#222} .now{font-weight:bold} .frame{fill:none;stroke:#bbb} "
    ".grid{stroke:#e4e4e4} .line{fill:none;stroke:#1f6fb4;stroke-width:1.6}"
)


def read_curves(table: Path) -> dict[str, list[tuple[int, float]]]:
    """Read the metrics of a stage; return measure → (images seen, value), the order of the file kept.

    Where several runs wrote into one file, what the last one measured is returned.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            images, name, value = row["images"], row["measure"], row["value"]
            line = curves.setdefault(name, [])
            if line and int(images) < line[-1][0]:
                line.clear()
            line.append((int(images), float(value)))
    return curves


def draw_curves(curves: dict[str, list[tuple[int, float]]], title: str) -> str:
    """Draw curves of values in [0, 1], from 0.5 up or, where one is lower, from 0."""
    rows = -(-len(curves) // COLUMNS)
    width, height = COLUMNS * (WIDTH + GAP) + GAP, TOP + rows * (HEIGHT + 2 * GAP)
    most = max((x for line in curves.values() for x, _ in line), default=0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{GAP}" y="22">{escape(title)}, over {most:,} images</text>',
    ]
    for number, (name, line) in enumerate(curves.items()):
        left = GAP + number % COLUMNS * (WIDTH + GAP)
        top = TOP + GAP + number // COLUMNS * (HEIGHT + 2 * GAP)
        parts += _panel(name, line, left, top, max(most, 1))
    return "\n".join([*parts, "</svg>", ""])


def _panel(name: str, line: list[tuple[int, float]], left: int, top: int, most: int) -> Iterable[str]:
    low = 0.5 if min(value for _, value in line) >= 0.5 else 0.0

    def at(images: int, value: float) -> str:
        y = top + HEIGHT * (1 - (min(max(value, low), 1.0) - low) / (1 - low))
        return f"{left + WIDTH * images / most:.1f},{y:.1f}"

    yield f'<text x="{left}" y="{top - 6}">{escape(name)}</text>'
    yield f'<text class="now" x="{left + WIDTH}" y="{top - 6}" text-anchor="end">{line[-1][1]:.3f}</text>'
    for value in (low + (1 - low) / 2, low + (1 - low) * 0.9):
        y = at(0, value).partition(",")[2]
        yield f'<line class="grid" x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}"/>'
    yield f'<rect class="frame" x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}"/>'
    yield f'<text x="{left}" y="{top + HEIGHT + 14}">from {low:g}</text>'
    yield f'<polyline class="line" points="{" ".join(at(*point) for point in line)}"/>'


def plot(table: Path) -> Path:
    """Draw the metrics of a stage beside their file and return the picture."""
    picture = table.with_suffix(".svg")
    picture.write_text(draw_curves(read_curves(table), table.stem), encoding="utf-8")
    return picture
