"""A picture as SVG: text stays text, and each node bears its path and status for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from .layout import LEADING, SWATCH, Box, Line, Picture
from .shapes import Stroke, edge_points, elbow, outline, symbol_strokes
from .style import EDGE, FAINT, KEYS, TEXT, Ink, ink


def to_svg(picture: Picture, statuses: Mapping[str, object], marks: Mapping[str, str]) -> str:
    """Return the picture as an SVG document."""
    w, h = f"{picture.width:.0f}", f"{picture.height:.0f}"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        'font-family="Aileron, Helvetica, Arial, sans-serif">',
        f'<rect width="{w}" height="{h}" fill="#ffffff"/>',
    ]
    for line in picture.heading:
        out.append(_text(line, 20.0, 20.0, TEXT if line.role == "title" else FAINT, "start"))
    for swatch in picture.legend:
        colors = ink("action", None, swatch.mark)
        out.append(
            f'<rect x="{swatch.x:.1f}" y="{swatch.y:.1f}" width="{SWATCH:g}" height="{SWATCH:g}" rx="3" '
            f"{_paint(colors)}/>"
        )
        out.append(_text(swatch.line, swatch.x + SWATCH + 8.0, swatch.y, FAINT, "start"))
    for box in picture.boxes:
        if box.parent is not None:
            out.extend(_edge(box.parent, box))
    for box in picture.boxes:
        out.extend(_box(box, statuses.get(box.node.path), marks.get(box.node.path, "")))
    return "\n".join([*out, "</svg>", ""])


def _edge(parent: Box, child: Box) -> list[str]:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in elbow(parent, child))
    made = [f'<polyline points="{points}" fill="none" stroke="{EDGE}" stroke-width="1.5"/>']
    if child.node.edge:
        (x, y), _ = edge_points(child)
        made.append(
            f'<text x="{x + 5:.1f}" y="{y - 6:.1f}" font-size="12" fill="{FAINT}">{escape(child.node.edge)}</text>'
        )
    return made


def _box(box: Box, status: object, mark: str) -> list[str]:
    colors = ink(box.node.shape, status, mark)
    name = str(getattr(status, "name", status or ""))
    data = f" data-status={quoteattr(name)}" if name else ""
    data += f" data-mark={quoteattr(mark)}" if mark else ""
    made = [f"<g data-path={quoteattr(box.node.path)}{data}>", f"<title>{escape(box.node.path)}</title>"]
    made.append(_outline(box, colors))
    if box.symbol:
        made.extend(_stroke(stroke, colors) for stroke in symbol_strokes(box))
    for line in box.lines:
        color = TEXT if line.role == "title" else KEYS if line.role == "keys" else FAINT
        made.append(_text(line, box.x, box.y, color, "middle"))
    return [*made, "</g>"]


def _paint(colors: Ink) -> str:
    dash = ' stroke-dasharray="5 4"' if colors.dashed else ""
    return f'fill="{colors.fill}" stroke="{colors.line}" stroke-width="1.6"{dash}'


def _outline(box: Box, colors: Ink) -> str:
    paint = _paint(colors)
    kind, radius = outline(box)
    if kind == "ellipse":
        return (
            f'<ellipse cx="{box.x:.1f}" cy="{box.y + box.height / 2:.1f}" rx="{box.width / 2:.1f}" '
            f'ry="{box.height / 2:.1f}" {paint}/>'
        )
    x, y, w, h = box.x - box.width / 2, box.y, box.width, box.height
    shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius:g}" {paint}/>'
    if kind == "double":
        shape += (
            f'<rect x="{x + 4:.1f}" y="{y + 4:.1f}" width="{w - 8:.1f}" height="{h - 8:.1f}" rx="{radius:g}" '
            f'fill="none" stroke="{colors.line}" stroke-width="1"/>'
        )
    return shape


def _stroke(stroke: Stroke, colors: Ink) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in stroke.points)
    fill = colors.line if stroke.filled else "none"
    return f'<polyline points="{points}" fill="{fill}" stroke="{colors.line}" stroke-width="2"/>'


def _text(line: Line, x: float, top: float, color: str, anchor: str) -> str:
    y = top + line.y + line.size * (LEADING + 0.72) / 2
    weight = ' font-weight="600"' if line.role == "title" else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{line.size}" text-anchor="{anchor}" fill="{color}"{weight} '
        f'textLength="{line.width:.1f}" lengthAdjust="spacingAndGlyphs">{escape(line.text)}</text>'
    )
