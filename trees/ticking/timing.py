"""How punctual a run was on a real clock: how late its ticks began, and how long they took."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal, get_args

Overrun = Literal["skip", "catch_up", "warn"]
"""What happens to ticks whose time passed while an earlier one still ran: ``skip`` leaves them out, ``warn`` also says
so, ``catch_up`` makes them, one after another without a pause."""
OVERRUN: tuple[Overrun, ...] = get_args(Overrun)

_LEAST = 1e-6
_PER_OCTAVE = 16
_BINS = 32 * _PER_OCTAVE


class Histogram:
    """Durations [s] in bins of equal ratio, 4.4 %, from 1 µs to over an hour: constant memory, however many."""

    def __init__(self) -> None:
        self._bins = [0] * _BINS
        self.count = 0
        self.largest = 0.0

    def add(self, duration: float) -> None:
        """Take one duration in, [s]; less than 1 µs counts as 1 µs."""
        bin_ = int(math.log2(duration / _LEAST) * _PER_OCTAVE) + 1 if duration > _LEAST else 0
        self._bins[min(bin_, _BINS - 1)] += 1
        self.count += 1
        if duration > self.largest:
            self.largest = duration

    def quantile(self, part: float) -> float:
        """Return the duration that ``part`` of all do not exceed, [s], too long by at most 4.4 %; 0 for none."""
        left = part * self.count
        for bin_, count in enumerate(self._bins):
            left -= count
            if count and left <= 0:
                longest: float = _LEAST * 2.0 ** (bin_ / _PER_OCTAVE)
                return min(longest, self.largest)
        return self.largest


@dataclass(frozen=True)
class Spread:
    """Median, 99 % quantile and largest of many durations, [s]."""

    p50: float
    p99: float
    largest: float

    @staticmethod
    def of(durations: Histogram) -> Spread:
        """Return the spread of what a histogram took in."""
        return Spread(durations.quantile(0.5), durations.quantile(0.99), durations.largest)

    def to_json(self) -> dict[str, float]:
        """Return plain data, [ms]."""
        return {name: round(getattr(self, name) * 1e3, 4) for name in ("p50", "p99", "largest")}

    def __str__(self) -> str:
        return f"{self.p50 * 1e3:.3g} ms (p99 {self.p99 * 1e3:.3g}, longest {self.largest * 1e3:.3g})"


@dataclass(frozen=True)
class Timing:
    """How punctual a run was.

    Attributes:
        period: Time between two deadlines, [s].
        late: From a tick's deadline to its begin. Ticks that came early, because something woke the loop, are left out.
        took: From the begin of a tick to its end, the trace and listeners included.
        overruns: Ticks that were left out, or caught up, because an earlier one took too long.
        woken: Ticks that came early.
    """

    period: float
    late: Spread
    took: Spread
    overruns: int
    woken: int

    def to_json(self) -> dict[str, object]:
        """Return plain data, times in [ms]."""
        return {
            "period_ms": round(self.period * 1e3, 4),
            "late_ms": self.late.to_json(),
            "took_ms": self.took.to_json(),
            "overruns": self.overruns,
            "woken": self.woken,
        }

    def __str__(self) -> str:
        missed = f"{self.overruns} ticks missed" if self.overruns else "no tick missed"
        return f"{missed}, begun {self.late} late, took {self.took}"


class Stopwatch:
    """Measures a run on a real clock.

    Attributes:
        overruns: See ``Timing``.
        woken: See ``Timing``.
        excused: How long the present tick stood still because somebody wished it, [s].
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._late, self._took = Histogram(), Histogram()
        self.overruns = self.woken = 0
        self.excused = 0.0

    def began(self, late: float) -> None:
        """Note a tick that began ``late`` [s] after its deadline."""
        self._late.add(late)

    def begins(self) -> float:
        """Note that the work of a tick begins, and return when, [s]; what is excused counts from here."""
        self.excused = 0.0
        return time.perf_counter()

    def ended(self, took: float) -> None:
        """Note that a tick took so long, [s]; a time that is excused does not count."""
        self._took.add(took - self.excused)

    def timing(self) -> Timing:
        """Return what was measured."""
        return Timing(self._period, Spread.of(self._late), Spread.of(self._took), self.overruns, self.woken)
