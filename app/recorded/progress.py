"""Say in words what a recorded run has done."""

from __future__ import annotations

from pathlib import Path

from ...behaviors.means.progress import doings_of, progress
from ...trees.tracing.recording import read_trace


def report_run(trace: Path) -> str:
    """Return what was done in a run, what went wrong, and how it ended; no model is asked.

    Raises:
        TraceError: It is no trace.
    """
    recording = read_trace(trace)
    said = progress(doings_of([message.data for message in recording.topic("/doings")]))
    end = recording.end
    if not end:
        return f"{said} The run has no end: it was killed, or still goes on."
    reason = str(end.get("reason", ""))
    how = {"SUCCESS": "Everything was done", "FAILURE": "I could not finish"}.get(
        str(end.get("status")), "I was stopped"
    )
    return f"{said} {how}{f': {reason}' if reason and end.get('status') != 'SUCCESS' else ''}."
