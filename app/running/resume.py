"""Go on with a run that was left: reads from its trace how it was started, and its last checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...trees.changing.checkpoint import Checkpoint, ResumeError
from ...trees.tracing.recording import TraceError, read_trace
from .stage import NO_ROBOT

if TYPE_CHECKING:
    from .options import RunOptions


def kept_options(given: Mapping[str, Any], options: RunOptions | None = None) -> dict[str, Any]:
    """Return the options by which a recorded run was held back: its rules, and how its plans were looked at before.

    Args:
        given: What its trace says.
        options: What is said anew, and goes before.
    """
    rules = options.invariants if options is not None else None
    return {
        "invariants": rules or (Path(given["invariants"]) if given.get("invariants") else None),
        "confirm": bool(given.get("confirm")) or (options is not None and options.confirm),
        "rehearse": (options.rehearse if options is not None else "") or str(given.get("rehearse", "")),
    }


def resumed(options: RunOptions) -> tuple[RunOptions, Checkpoint]:
    """Fill in, from the trace that is to be resumed, how the run was started.

    Args:
        options: Its ``resume`` names the trace. Its ``tree``, ``robot``, ``vlm``, ``invariants``, ``rehearse`` and
            ``disturb`` go before those of the trace; another robot is disturbed only when it is said again.

    Raises:
        ResumeError: The trace cannot be read, holds no checkpoint, or its run has ended by itself.
    """
    path = options.resume
    assert path is not None
    try:
        recording = read_trace(path)
        checkpoint = Checkpoint.of(recording)
    except (TraceError, ResumeError) as error:
        fix = "" if "\n  fix:  " in str(error) else "\n  fix:  name a trace that `knothole runs list` shows"
        raise ResumeError(f"cannot resume {path}: {error}{fix}") from error
    if options.trace is not None and options.trace.resolve() == path.resolve():
        raise ResumeError(f"the new trace would replace {path}, which is to be resumed\n  fix:  name another --trace")
    start = recording.start
    given: Mapping[str, Any] = start.get("given", {})
    filled = replace(
        options,
        tree=options.tree or str(given.get("tree") or start.get("tree", "")),
        scene="" if options.robot == NO_ROBOT else str(given.get("scene", "")),
        seed=int(start.get("seed", 0)),
        vlm=options.vlm or str(given.get("vlm", "")),
        robot=options.robot or str(given.get("robot", "")),
        inputs=dict(given.get("inputs", {})),
        rate=float(start.get("rate", options.rate)),
        frames=options.frames or start.get("frames", ""),
        firewall=options.firewall if options.firewall is not None else start.get("firewall"),
        mock=Path(start["mock"]) if start.get("mock") else None,
        params=Path(start["params"]) if start.get("params") else None,
        disturb=options.disturb or (0 if options.robot else int(given.get("disturb", 0))),
        **kept_options(given, options),
    )
    return filled, checkpoint
