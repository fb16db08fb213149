"""Draw a tree: SVG, PNG, dot or text, with nothing installed but Pillow."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from .._base import KnotholeError, near_misses
from .drawing.labels import label_tree
from .drawing.words import to_dot, to_text
from .spec import TreeSpec

FORMATS: Final = ("svg", "png", "dot", "txt")
_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_UNMARKED: Final[Mapping[str, str]] = MappingProxyType({})


class DrawError(KnotholeError):
    """A picture cannot be made or written."""


def draw(
    tree: TreeSpec,
    output: str | Path | None = None,
    *,
    expand: bool = False,
    statuses: Mapping[str, object] = _NONE,
    marks: Mapping[str, str] = _UNMARKED,
) -> str:
    """Draw a tree into a file, or return it as text.

    Args:
        tree: What ``load`` returned.
        output: File to write; its suffix is the format: ``.svg``, ``.png``, ``.dot`` or ``.txt``.
        expand: Draw used trees whole instead of as one box each.
        statuses: Node path → status (a name or a py_trees status) to color nodes with.
        marks: Node path → ``covered``, ``partly`` or ``never``: colors that a legend explains.

    Returns:
        The tree as text, whatever is written.

    Raises:
        DrawError: The suffix is no format, or the file cannot be written.
        PictureTooLargeError: The tree is too large for pixels.
    """
    if output is None:
        return render(tree, "txt", expand=expand, statuses=statuses, marks=marks).decode()
    path = Path(output)
    data = render(tree, path.suffix.removeprefix(".").lower(), expand=expand, statuses=statuses, marks=marks)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise DrawError(f"{path} cannot be written: {error.strerror}\n  fix:  choose another place with -o") from error
    return render(tree, "txt", expand=expand, statuses=statuses, marks=marks).decode()


def render(
    tree: TreeSpec,
    format: str,
    *,
    expand: bool = False,
    statuses: Mapping[str, object] = _NONE,
    marks: Mapping[str, str] = _UNMARKED,
) -> bytes:
    """Return the picture of a tree as bytes.

    Args:
        tree: What ``load`` returned.
        format: ``svg``, ``png``, ``dot`` or ``txt``.
        expand: Draw used trees whole.
        statuses: Node path → status.
        marks: Node path → mark of coverage.

    Raises:
        DrawError: The format is unknown.
        PictureTooLargeError: The tree is too large for pixels.
    """
    if format not in FORMATS:
        near = near_misses(format, FORMATS)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        raise DrawError(f"no picture format {format!r}{hint}\n  fix:  use .svg, .png, .dot or .txt")
    root = label_tree(tree, expand)
    if format == "txt":
        return to_text(root, tree.name, tree.about, statuses, marks).encode()
    if format == "dot":
        return to_dot(root, tree.name, statuses, marks).encode()
    from .drawing.layout import lay_out
    from .drawing.raster import to_image
    from .drawing.style import LEGEND
    from .drawing.svg import to_svg

    picture = lay_out(root, tree.name, tree.about, LEGEND if marks else {})
    if format == "svg":
        return to_svg(picture, statuses, marks).encode()
    buffer = io.BytesIO()
    to_image(picture, statuses, marks).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
