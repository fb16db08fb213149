"""Checkpoints say what changed since the one before; here they become whole again. Plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._base import KnotholeError


def folded(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint with all that it leaves to the one before.

    It names each node that has something to keep and each note, in their order. What a node remembers under the names
    in ``same``, and notes that are a key alone, are as they were before. Cells that it does not name are, too.

    Args:
        before: The checkpoint before, whole; empty before the first one.
        after: As it stands in the trace.

    Raises:
        KnotholeError: The one before does not hold what it leaves to it: the trace has lost its beginning.
    """
    nodes = {row["path"]: row for row in before.get("nodes", ())}
    notes = {note[0]: note for note in before.get("notes", ())}
    cells = {cell[0]: cell for cell in (*before.get("cells", ()), *after["cells"])}
    try:
        return {
            **after,
            "nodes": [_whole(row, nodes.get(row["path"], {})) for row in after["nodes"]],
            "cells": list(cells.values()),
            "notes": [notes[note[0]] if len(note) == 1 else note for note in after["notes"]],
        }
    except KeyError as error:
        raise KnotholeError(
            f"the checkpoint of tick {after.get('tick')} leaves {error} to one before, which the trace does not hold\n"
            "  fix:  cut traces with `knothole trace cut`, or start a new run"
        ) from error


def _whole(row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in row.items() if name != "same"}
    known = before.get("memory", {})
    memory = {**{name: known[name] for name in row.get("same", ())}, **row.get("memory", {})}
    return {**found, "memory": memory} if memory else found
