"""A picture as SVG: text stays text, and each node bears its path and status for scripts."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from .clean import clean
from .layout import LEADING, SWATCH, Box, Edge, Line, Picture
from .paint import Paint
from .shapes import Stroke, inset_of, outline, symbol_strokes, title_left
from .style import EDGE, FAINT, FRAME, TEXT, Ink


def to_svg(picture: Picture, paint: Paint) -> str:
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
        out.append(
            f'<rect x="{swatch.x:.1f}" y="{swatch.y:.1f}" width="{SWATCH:g}" height="{SWATCH:g}" rx="3" '
            f"{_paint(swatch.ink)}/>"
        )
        out.append(_text(swatch.line, swatch.x + SWATCH + 8.0, swatch.y, FAINT, "start"))
    for column in picture.columns:
        if column.words is not None:
            out.append(_text(column.words, column.x, column.y, FAINT, "start"))
    for frame in picture.frames:
        out.append(
            f'<rect x="{frame.x:.1f}" y="{frame.y:.1f}" width="{frame.width:.1f}" height="{frame.height:.1f}" rx="6" '
            f'fill="{FRAME.fill}" stroke="{FRAME.line}" stroke-width="1"/>'
        )
    for edge in picture.edges:
        out.extend(_edge(edge))
    for box in picture.boxes:
        out.extend(_box(box, paint))
    return "\n".join([*out, "</svg>", ""])


def _edge(edge: Edge) -> list[str]:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in edge.points)
    made = [f'<polyline points="{points}" fill="none" stroke="{EDGE}" stroke-width="1.5"/>']
    if edge.label:
        x, y = edge.at
        made.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" fill="{FAINT}">{escape(edge.label)}</text>')
    return made


def _box(box: Box, paint: Paint) -> list[str]:
    colors = paint.ink(box.node.path, box.node.shape)
    path = clean(box.node.path)
    data = "".join(f" data-{name}={quoteattr(text)}" for name, text in paint.data.get(box.node.path, {}).items())
    made = [f"<g data-path={quoteattr(path)}{data}>", f"<title>{escape(path)}</title>"]
    made.append(_outline(box, colors))
    if box.symbol:
        made.extend(_stroke(stroke, colors) for stroke in symbol_strokes(box))
    for line in box.lines:
        color = colors.text(line.role)
        centred = line.x is None
        made.append(
            _text(line, box.x if centred else title_left(box, line), box.y, color, "middle" if centred else "start")
        )
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
        inset = inset_of(box)
        shape += (
            f'<rect x="{x + inset:.1f}" y="{y + inset:.1f}" width="{w - 2 * inset:.1f}" '
            f'height="{h - 2 * inset:.1f}" rx="{radius:g}" fill="none" stroke="{colors.line}" stroke-width="1"/>'
        )
    return shape


def _stroke(stroke: Stroke, colors: Ink) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in stroke.points)
    fill = colors.line if stroke.filled else "none"
    return f'<polyline points="{points}" fill="{fill}" stroke="{colors.line}" stroke-width="2"/>'


def _text(line: Line, x: float, top: float, color: str, anchor: str) -> str:
    y = top + line.y + line.size * (LEADING + 0.72) / 2
    weight = ' font-weight="600"' if line.role in ("title", "note") else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{line.size}" text-anchor="{anchor}" fill="{color}"{weight} '
        f'textLength="{line.width:.1f}" lengthAdjust="spacingAndGlyphs">{escape(line.text)}</text>'
    )
