"""Explain a recorded run: finds the trace, reads it, and says why the run ended as it did."""

from __future__ import annotations

from pathlib import Path

from ..._base import KnotholeError
from ...trees.tracing.recording import TraceError, read_trace
from ...trees.tracing.why import Explanation, Moment, explain
from .runs import newest_run


class NoRunError(KnotholeError):
    """There is no recorded run to explain."""


def explain_run(
    trace: Path | None, node: str, at: Moment | None, folder: Path, picture: Path | None = None
) -> tuple[Path, Explanation]:
    """Return the trace that was read and why its run, or a node of it, ended as it did.

    Args:
        trace: The trace; None takes the newest one in ``folder``.
        node: A node to explain instead of the run; empty for none.
        at: A moment to explain instead of the end.
        folder: Where runs are.
        picture: Write the frame that decided here, with the boxes of the answer.

    Raises:
        NoRunError: No trace was given and there is none in the folder, or the given one does not exist.
        TraceError: It is no trace, or holds no tree.
        WhyError: What was asked is not in it.
        NoPictureError: No picture decided, the trace does not hold it, or it cannot be written.
    """
    if trace is None:
        newest = newest_run(folder)
        if newest is None:
            what = "there is no run in" if folder.is_dir() else "there is no folder"
            raise NoRunError(f"{what} {folder}/\n  fix:  run a tree first, or name a trace: knothole why TRACE")
        trace = newest
    elif not trace.exists():
        newest = newest_run(folder) if folder.is_dir() else None
        hint = f"; for a node of the newest run: knothole why {newest} {trace}" if newest is not None else ""
        raise NoRunError(f"there is no trace {trace}\n  fix:  name one that `knothole runs list` shows{hint}")
    try:
        recording = read_trace(trace)
        found = explain(recording, node, at)
        if picture is not None:
            from ...trees.explaining.pictures import write_picture

            write_picture(recording, found.evidence, picture)
        return trace, found
    except TraceError as error:
        fix = "" if "\n  fix:  " in str(error) else "\n  fix:  name a file that `knothole run` wrote, ….mcap"
        raise TraceError(f"{error}{fix}") from error
