"""Where a piece of a trace begins: what was before is known only as far as it still held there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .moment import Moment
from .recording import Recording

_TIE: Final = 1e-6


@dataclass(frozen=True)
class Piece:
    """A trace that begins later than its run, as ``knothole trace cut`` and ``--keep`` leave it.

    Attributes:
        time: Where it begins, [s] since the run began.
        tick: Number of its first tick, 0 when it has none.
    """

    time: float
    tick: int

    def __str__(self) -> str:
        tick = f" / tick {self.tick}" if self.tick else ""
        return f"this piece begins at {self.time:.6g} s{tick}"

    def lacks(self, moment: Moment) -> bool:
        """Tell whether a moment was before the piece."""
        if moment.tick is not None:
            return moment.tick < self.tick
        return (moment.time or 0.0) < self.time - _TIE


def piece_of(recording: Recording) -> Piece | None:
    """Return where a trace begins, None for one that begins with its run."""
    since = (recording.start.get("cut") or {}).get("from")
    began = next((m.time for m in recording.messages if m.topic in ("/run", "/tree")), 0.0)
    if since is None or since <= began + _TIE:
        return None
    ticks = (tick for tick, now in _ticks(recording) if now >= since - _TIE)
    return Piece(since - began, min(ticks, default=0))


def _ticks(recording: Recording) -> Iterator[tuple[int, float]]:
    """Yield numbers and times of ticks, not in order: those without a change stand in what a replay needs alone."""
    for message in recording.messages:
        if message.topic == "/status":
            yield int(message.data["tick"]), message.time
        elif message.topic == "/replay":
            for kind, tick, now, *_ in message.data.get("segments", ()):
                if kind == "tick":
                    yield int(tick), float(now)
