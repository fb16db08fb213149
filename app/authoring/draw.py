"""Draw trees and recorded runs for the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..._base import KnotholeError
from ...trees.draw import Direction, DrawError, Drawing, render_drawing, write
from ...trees.drawing.labels import label_tree
from ...trees.drawing.paint import PLAIN
from ...trees.drawing.recorded import Heat, drawing_of
from ...trees.tracing.history import History
from ...trees.tracing.recording import read_trace
from ...trees.tracing.why import Moment
from .inspect import load_tree, project

Layout = Literal["own", "dot"]


class DrawChoiceError(KnotholeError):
    """Options of a picture that do not go together."""


def draw_what(
    name: str,
    output: Path | None,
    *,
    heat: Heat | None = None,
    at: Moment | None = None,
    expand: bool = False,
    brief: bool = False,
    direction: Direction = "auto",
    layout: Layout = "own",
    colored: bool = False,
) -> str:
    """Draw a tree, or a recorded run, into a file, or return it as text when there is none.

    Args:
        name: A tree by file or name, or a trace, ``….mcap``.
        output: File to write; its suffix is the format.
        heat: Of a run: color by this instead of by status.
        at: Of a run: what was at this moment instead of at the end.
        expand: Of a tree: draw used trees whole; of a run they always are.
        brief: Leave out all ports but the main ones.
        direction: ``down``, ``right``, or ``auto``.
        layout: ``dot`` lets Graphviz place the boxes.
        colored: Text in the colors of a terminal.

    Raises:
        TreeError: The tree has mistakes.
        TraceError: It is no trace, or holds no tree.
        KnotholeError: The suffix of the file is unknown, it cannot be written, or the options do not go together.
    """
    drawing = _recorded(Path(name), heat, at, brief) if name.endswith(".mcap") else _tree(name, heat, at, expand, brief)
    drawing = replace(drawing, direction=direction)
    if output is None and layout == "dot":
        raise DrawChoiceError(
            "dot lays out no text\n  fix:  name a file with -o, such as tree.svg, or leave out --layout dot"
        )
    if output is None:
        return render_drawing(drawing, "txt", colored).decode().rstrip("\n")
    if layout == "dot":
        _by_dot(drawing, output)
    else:
        write(drawing, output)
    return f"wrote {output}"


def _recorded(trace: Path, heat: Heat | None, at: Moment | None, brief: bool) -> Drawing:
    recording = read_trace(trace)
    if at is not None:
        tick = at.tick if at.tick is not None else History(recording).tick_at(at.time or 0.0)
        recording = recording.before_change(tick)
    root, paint = drawing_of(History(recording), heat, at.tick if at else None, at.time if at else None, brief)
    return Drawing(root, str(recording.tree_at().get("name", "")), "", paint)


def _tree(name: str, heat: Heat | None, at: Moment | None, expand: bool, brief: bool) -> Drawing:
    if heat is not None or at is not None:
        option = "--heat" if heat is not None else "--at"
        raise DrawChoiceError(f"{option} needs a recorded run, {name} is a tree\n  fix:  name a trace, ….mcap")
    tree = load_tree(name, project())
    return Drawing(label_tree(tree, expand, brief), tree.name, tree.about, PLAIN)


def _by_dot(drawing: Drawing, output: Path) -> None:
    from ...trees.drawing.graphviz import lay_out_with_dot

    text = render_drawing(drawing, "dot").decode()
    data = lay_out_with_dot(text, output.suffix.removeprefix(".").lower())
    try:
        output.write_bytes(data)
    except OSError as error:
        raise DrawError(
            f"{output} cannot be written: {error.strerror}\n  fix:  choose another place with -o"
        ) from error
