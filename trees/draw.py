"""Draw a tree or a recorded run: SVG, PNG, PDF, HTML, Mermaid, dot or text."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from .._base import KnotholeError, near_misses
from .drawing.labels import Labelled, label_tree
from .drawing.paint import Paint, painted
from .drawing.words import to_dot, to_text
from .spec import TreeSpec

FORMATS: Final = ("svg", "png", "pdf", "html", "mmd", "dot", "txt")
"""Suffix of each format; ``mmd`` is Mermaid."""
Direction = Literal["auto", "down", "right"]
WIDEST: Final = 2000.0
"""Width from which a picture that grows downwards becomes an outline, [px]."""
_LARGE: Final = 10_000_000
"""Pixels from which a picture is not packed as tightly as can be, which would take a minute."""
_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_UNMARKED: Final[Mapping[str, str]] = MappingProxyType({})


class DrawError(KnotholeError):
    """A picture cannot be made or written."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn, whatever it becomes.

    Attributes:
        root: The boxes.
        title: Above the picture.
        about: Below the title; empty for none.
        paint: Colors, notes and legend.
        direction: ``down``: children below their parents. ``right``: an outline, a line for each node. ``auto``: the
            outline where the other would be wider than ``WIDEST``.
    """

    root: Labelled
    title: str
    about: str
    paint: Paint
    direction: Direction = "auto"


def draw(
    tree: TreeSpec,
    output: str | Path | None = None,
    *,
    expand: bool = False,
    statuses: Mapping[str, object] = _NONE,
    marks: Mapping[str, str] = _UNMARKED,
    direction: Direction = "auto",
) -> str:
    """Draw a tree into a file, or return it as text.

    Args:
        tree: What ``load`` returned.
        output: File to write; its suffix is the format, one of ``FORMATS``.
        expand: Draw used trees whole instead of as one box each.
        statuses: Node path → status (a name or a py_trees status) to color nodes with.
        marks: Node path → ``covered``, ``partly`` or ``never``: colors that a legend explains.
        direction: ``down``, ``right`` (an outline), or ``auto``.

    Returns:
        The tree as text, whatever is written.

    Raises:
        DrawError: The suffix is no format, or the file cannot be written.
        PictureTooLargeError: The tree is too large for pixels.
        MissingExtraError: A PDF is asked for and the extra ``pdf`` is not installed.
    """
    drawing = Drawing(label_tree(tree, expand), tree.name, tree.about, painted(statuses, marks), direction)
    if output is not None:
        write(drawing, Path(output))
    return render_drawing(drawing, "txt").decode()


def write(drawing: Drawing, path: Path) -> None:
    """Write a picture; the suffix of the file is the format.

    Raises:
        DrawError: The suffix is no format, or the file cannot be written.
        PictureTooLargeError: The tree is too large for pixels.
        MissingExtraError: A PDF is asked for and the extra ``pdf`` is not installed.
    """
    data = render_drawing(drawing, path.suffix.removeprefix(".").lower())
    try:
        path.write_bytes(data)
    except OSError as error:
        raise DrawError(f"{path} cannot be written: {error.strerror}\n  fix:  choose another place with -o") from error


def render(
    tree: TreeSpec,
    format: str,
    *,
    expand: bool = False,
    statuses: Mapping[str, object] = _NONE,
    marks: Mapping[str, str] = _UNMARKED,
    direction: Direction = "auto",
) -> bytes:
    """Return the picture of a tree as bytes.

    Args:
        tree: What ``load`` returned.
        format: One of ``FORMATS``.
        expand: Draw used trees whole.
        statuses: Node path → status.
        marks: Node path → mark of coverage.
        direction: ``down``, ``right`` (an outline), or ``auto``.

    Raises:
        DrawError: The format is unknown.
        PictureTooLargeError: The tree is too large for pixels.
        MissingExtraError: The extra ``pdf`` is not installed.
    """
    drawing = Drawing(label_tree(tree, expand), tree.name, tree.about, painted(statuses, marks), direction)
    return render_drawing(drawing, format)


def render_drawing(drawing: Drawing, format: str, colored: bool = False) -> bytes:
    """Return a picture as bytes.

    Args:
        drawing: What to draw.
        format: One of ``FORMATS``.
        colored: Text in the colors of a terminal.

    Raises:
        DrawError: The format is unknown.
        PictureTooLargeError: The tree is too large for pixels.
        MissingExtraError: The extra ``pdf`` is not installed.
    """
    root, title, about, paint = drawing.root, drawing.title, drawing.about, drawing.paint
    right = drawing.direction == "right"
    if format not in FORMATS:
        near = near_misses(format, FORMATS)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        raise DrawError(f"no picture format {format!r}{hint}\n  fix:  use {', '.join(f'.{each}' for each in FORMATS)}")
    if format == "txt":
        return to_text(root, title, about, paint, colored).encode()
    if format == "dot":
        return to_dot(root, title, paint, right).encode()
    if format == "mmd":
        from .drawing.mermaid import to_mermaid

        return to_mermaid(root, title, paint, right).encode()
    if format == "html":
        from .drawing.html import to_html

        return to_html(root, title, about, paint).encode()
    return _picture(drawing, format)


def _picture(drawing: Drawing, format: str) -> bytes:
    from .drawing.clean import clean
    from .drawing.layout import lay_out
    from .drawing.outline import WIDTH, lay_out_outline

    root, paint = drawing.root, drawing.paint
    title, about = clean(drawing.title), clean(drawing.about)
    picture = lay_out(root, title, about, paint) if drawing.direction != "right" else None
    if picture is not None and drawing.direction == "auto" and picture.width > WIDEST:
        picture = None
    if format == "pdf":
        from .drawing.pdf import page_height, to_pdf

        if picture is None or (drawing.direction == "auto" and not _fits_a_page(picture.width, picture.height)):
            height = page_height(WIDTH + 40.0)
            picture = lay_out_outline(root, title, about, paint, height=height, stacked=True)
        return to_pdf(picture, paint, title)
    picture = picture or lay_out_outline(root, title, about, paint)
    if format == "svg":
        from .drawing.svg import to_svg

        return to_svg(picture, paint).encode()
    from .drawing.raster import to_image

    buffer = io.BytesIO()
    image = to_image(picture, paint)
    image.save(buffer, "PNG", optimize=image.width * image.height < _LARGE)
    return buffer.getvalue()


def _fits_a_page(width: float, height: float) -> bool:
    """Tell whether a picture at its own size, [px], fits on a page of A4, upright or across."""
    short, long = 793.0, 1122.0
    return (width <= short and height <= long) or (width <= long and height <= short)
