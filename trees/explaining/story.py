"""What became of plans in a run: which there were, which step failed, and what the repair was, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..tracing.recording import Recording

CHANNEL: Final = "/plans"
_MOST: Final = 40


def story(recording: Recording, until: int | None = None) -> tuple[str, ...]:
    """Return the story of all plans of a run, in order; empty where nothing was planned.

    Args:
        recording: The trace.
        until: The last tick that counts; None for the end.
    """
    lines: list[str] = []
    for message in recording.topic(CHANNEL):
        if until is None or int(message.data.get("tick", 0)) <= until:
            lines += _told(message.data)
    return tuple(lines if len(lines) <= _MOST else [*lines[: _MOST - 1], f"… {len(lines) - _MOST + 1} more …"])


def _told(data: Mapping[str, Any]) -> Iterator[str]:
    path, tick = str(data.get("path", "")), data.get("tick", 0)
    when = f"tick {tick}  " if tick else ""
    if "proposal" in data:
        yield f"{when}{path} proposed what worked as {data['proposal']}"
    elif "loop" in data:
        yield f"{when}{path} would do the same again while nothing has changed: {data.get('reason', '')}"
    elif "repair" in data:
        left = f"; left to do: {data['remaining']}" if data.get("remaining") else ""
        yield f"{when}{path} repairs for the {_nth(int(data['repair']))} time: {data.get('reason', '')}{left}"
    elif data.get("accepted"):
        by = ", confirmed by a human" if data.get("confirmed_by") else ""
        yield f"{when}{path} plans: {_steps(data)}{by}"
    elif data.get("refused"):
        yield f"{when}{path} got a plan that was refused: {'; '.join(map(str, data['refused'][:3]))}"


def _steps(data: Mapping[str, Any]) -> str:
    steps = data.get("steps")
    if not isinstance(steps, Sequence):
        return "a tree"
    return " → ".join(_step(step) for step in steps if isinstance(step, Mapping))


def _step(step: Mapping[str, Any]) -> str:
    args = step.get("args")
    values = [str(value) for value in args.values()] if isinstance(args, Mapping) else []
    return " ".join([str(step.get("skill", "")), *values])


def _nth(number: int) -> str:
    ends = {1: "first", 2: "second", 3: "third"}
    return ends.get(number, f"{number}th")
