"""What is in a trace: how long, how much on each channel, where it was recorded, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..tracing.recording import read_trace
from .cutting import span
from .structure import Structure, structure

_RUN: Final = ("tree", "scene", "seed", "robot", "vlm", "frames", "rate")
_WHERE: Final = ("knothole", "python", "platform", "packages", "revision", "dirty")


@dataclass(frozen=True)
class TraceInfo:
    """What is in a trace.

    Attributes:
        path: The file.
        made: Its channels and sizes.
        start: What the run was started with.
        end: How it ended; empty if unknown.
        ticks: Last tick of which anything is known.
        began: Time of the start, run clock, [s].
        nodes: Number of nodes of the tree.
        models: What answered.
        pictures: Form of the pictures, such as ``jpeg 640x480``; empty without any.
    """

    path: Path
    made: Structure
    start: Mapping[str, Any]
    end: Mapping[str, Any]
    ticks: int
    began: float
    nodes: int
    models: tuple[str, ...]
    pictures: str

    @property
    def seconds(self) -> float:
        """How much of the run there is, [s] of its clock."""
        if self.made.last is None:
            return 0.0
        since = (self.start.get("cut") or {}).get("from")
        return max(0.0, self.made.last * 1e-9 - (since if since is not None else self.began))

    def to_json(self) -> dict[str, object]:
        """Return what ``knothole trace info --json`` prints."""
        made = self.made
        topics = {t: {"messages": made.messages[t], "bytes": made.bytes[t]} for t in sorted(made.messages)}
        return {
            "trace": str(self.path),
            "bytes": made.size,
            "complete": made.complete and not made.problems,
            "messages": sum(made.messages.values()),
            "chunks": made.chunks,
            "ticks": self.ticks,
            "seconds": round(self.seconds, 3),
            "nodes": self.nodes,
            "models": list(self.models),
            "pictures": self.pictures,
            "outcome": self.end.get("outcome", ""),
            "status": self.end.get("status", ""),
            "reason": self.end.get("reason", ""),
            "digest": self.end.get("digest", ""),
            "start": dict(self.start),
            "channels": topics,
        }

    def __str__(self) -> str:
        made = self.made
        state = "complete" if made.complete and not made.problems else "not complete, see knothole trace verify"
        lines = [
            f"{self.path}: {_size(made.size)}, {state}",
            f"  run        {_pairs(self.start, _RUN)}",
            f"  where      {_pairs(self.start, _WHERE)}",
            f"  length     {self.ticks} ticks, {self.seconds:.2f} s, {self.nodes} nodes{self._piece()}",
            f"  ended      {self._ended()}",
        ]
        if self.models:
            lines.append(f"  models     {', '.join(self.models)}")
        if self.pictures:
            lines.append(f"  pictures   {self.pictures}")
        lines += ["", f"  {'channel':<22} {'messages':>9} {'JSON':>10}"]
        for topic in sorted(made.messages):
            lines.append(f"  {topic:<22} {made.messages[topic]:>9} {_size(made.bytes[topic]):>10}")
        total = sum(made.messages.values()), _size(sum(made.bytes.values()))
        return "\n".join([*lines, f"  {'':<22} {total[0]:>9} {total[1]:>10}"])

    def _piece(self) -> str:
        piece = self.start.get("cut")
        if not piece:
            return ""
        return f"; a piece of the run {span(piece, self.began)}"

    def _ended(self) -> str:
        if not self.end:
            return "unknown: there is no end"
        reason = self.end.get("fault") or self.end.get("reason") or ""
        first = str(reason).partition("\n")[0]
        return f"{self.end.get('outcome', '?')}{': ' + first if first else ''}"


def trace_info(path: Path) -> TraceInfo:
    """Look into a trace.

    Raises:
        TraceError: There is no such file, or it is no trace.
    """
    made, recording = structure(path), read_trace(path)
    began = recording.began
    forms = sorted({str(m.data.get("format", "")) for m in recording.topic("/frames")})
    nodes = len(recording.tree_at().get("nodes", ()))
    models = tuple(sorted({str(m.data.get("model", "")) for m in recording.topic("/answers")} - {""}))
    start, end, last = recording.start, recording.end, recording.last_tick
    return TraceInfo(path, made, start, end, last, began, nodes, models, ", ".join(filter(None, forms)))


def _pairs(data: Mapping[str, Any], names: tuple[str, ...]) -> str:
    shown = []
    for name in names:
        value = data.get(name)
        if isinstance(value, Mapping):
            shown += [f"{key} {each}" for key, each in value.items()]
        elif value is True:
            shown.append(name)
        elif value not in (None, "", False):
            shown.append(f"{name} {value}")
    return ", ".join(shown) or "not told"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
