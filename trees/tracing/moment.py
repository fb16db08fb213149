"""A moment of a run, as authors name it: a tick or a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """A tick, or a time since the run began [s]; one of both."""

    tick: int | None = None
    time: float | None = None

    def __str__(self) -> str:
        return f"tick {self.tick}" if self.tick is not None else f"{self.time:g} s"
