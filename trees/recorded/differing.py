"""Where two recorded runs first differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from ..tracing.recording import Recording
from .steps import Step, steps

_STARTS: Final = ("tree", "scene", "seed", "robot", "vlm", "rate", "inputs", "mock", "params", "frames", "firewall")
_TIE: Final = 1e-6
_ANSWER: Final = ("probabilities", "neither", "regions", "text", "data", "problem")


@dataclass(frozen=True)
class Difference:
    """Where two runs first differ.

    Attributes:
        equal: How many steps are the same up to there.
        first: What the first run did then; None when it had ended.
        second: What the second one did.
        starts: What they were started with that is not the same: name → both values.
        short: True when neither differs, but one of them ends earlier because its trace does.
        since: The first tick that is compared, where a trace is a piece that begins later; 0 for all.
    """

    equal: int
    first: Step | None
    second: Step | None
    starts: Mapping[str, tuple[Any, Any]]
    short: bool = False
    since: int = 0

    @property
    def differs(self) -> bool:
        """Whether what the runs did differs."""
        return self.first is not None or self.second is not None

    @property
    def compared(self) -> bool:
        """Whether anything was compared: a trace may hold nothing that a run did."""
        return self.differs or self.equal > 0

    @property
    def tick(self) -> int:
        """The tick in which they first differ, 0 where they do not."""
        known = [step.tick for step in (self.first, self.second) if step is not None]
        return min(known, default=0)

    def to_json(self) -> dict[str, object]:
        """Return what ``knothole trace diff --json`` prints."""
        return {
            "differs": self.differs,
            "compared": self.compared,
            "equal_steps": self.equal,
            "tick": self.tick,
            "first": _json(self.first),
            "second": _json(self.second),
            "starts": {name: list(both) for name, both in self.starts.items()},
            "short": self.short,
            "since": self.since,
        }

    def __str__(self) -> str:
        lines = []
        if not self.compared:
            lines.append("nothing was compared: a trace holds nothing that its run did")
        elif not self.differs:
            lines.append(f"the same: {self.equal} steps")
        else:
            lines.append(f"they differ from tick {self.tick} on, after {self.equal} equal steps")
            lines += [f"  first   {said(self.first)}", f"  second  {said(self.second)}"]
        if self.since:
            lines.append(f"one trace is a piece of a run, so what came before tick {self.since} is not compared")
        if self.short:
            lines.append("one trace has no end, so what came after its last message is not compared")
        lines += [f"  started with another {name}: {a!r}, {b!r}" for name, (a, b) in self.starts.items()]
        return "\n".join(lines)


def difference(first: Recording, second: Recording) -> Difference:
    """Compare what two runs did: trees, statuses with reasons, writes, questions, answers, end; not when or where.

    A piece of a trace is compared from where it begins.
    """
    starts = {
        name: (first.start.get(name), second.start.get(name))
        for name in _STARTS
        if first.start.get(name) != second.start.get(name)
    }
    equal, since = 0, max(_since(first), _since(second))
    for one, other in zip_longest(_compared(first, since), _compared(second, since)):
        if one is None or other is None:
            ended = first if one is None else second
            if not ended.end:
                return Difference(equal, None, None, starts, True, since)
            return Difference(equal, one, other, starts, False, since)
        if one.what != other.what:
            return Difference(equal, one, other, starts, False, since)
        equal += 1
    return Difference(equal, None, None, starts, False, since)


def _since(recording: Recording) -> int:
    """Return the first tick of which a recording has everything; of what was before a piece only the last is kept."""
    begin = (recording.start.get("cut") or {}).get("from")
    if begin is None:
        return 0
    whole = (step.tick for step in steps(recording) if step.time >= begin - recording.began - _TIE)
    return min(whole, default=recording.last_tick + 1)


def _compared(recording: Recording, since: int) -> Iterator[Step]:
    """Return the steps from a tick on; trees and their changes are in every piece."""
    return (step for step in steps(recording) if step.tick >= since or step.what[0] in ("tree", "reload"))


def said(step: Step | None) -> str:
    """Return a step in words."""
    if step is None:
        return "had ended"
    kind, *rest = step.what
    when = f"tick {step.tick} ({step.time:.2f} s): "
    if kind == "status":
        _, path, status, reason = rest
        return f"{when}{path} {status}{f': {reason}' if reason else ''}"
    if kind == "write":
        _, name, writer, value = rest
        return f"{when}{writer} wrote {name} = {value!r}"
    if kind == "question":
        return f"{when}{rest[1]} asked {rest[3]!r} ({rest[2]})"
    if kind == "cancelled":
        return f"{when}the question {rest[2]!r} was not sent"
    if kind == "answer":
        given = ", ".join(f"{name} {value!r}" for name, value in zip(_ANSWER, rest[3:], strict=True) if value)
        return f"{when}{rest[2]!r} was answered: {given or 'nothing'}"
    if kind == "reload":
        return f"{when}the tree was changed to {len(rest[2]) if isinstance(rest[2], list) else '?'} nodes"
    if kind == "tree":
        return f"the tree {rest[0]} of {len(rest[1]) if isinstance(rest[1], list) else '?'} nodes"
    if kind == "pose":
        return f"at the end {rest[0]} was at {rest[1]}"
    return f"it ended with {rest[0]}"


def _json(step: Step | None) -> dict[str, object] | None:
    if step is None:
        return None
    return {"tick": step.tick, "time_s": round(step.time, 3), "what": list(step.what), "text": said(step)}
