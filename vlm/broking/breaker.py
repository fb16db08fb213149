"""A circuit breaker: a backend that fails again and again is left alone for a while, then tried once."""

from __future__ import annotations

from dataclasses import dataclass

_TIE = 1e-9


@dataclass(frozen=True)
class Rest:
    """When a backend is left alone, and for how long.

    Attributes:
        failures: Requests in a row without a usable answer after which it rests. A question that the backend does not
            take is no failure.
        seconds: How long it rests, run clock, [s]; twice as long each time that the trial after it fails too, up to
            16 times.

    Raises:
        ValueError: One of them is not above 0.
    """

    failures: int = 5
    seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.failures < 1 or not self.seconds > 0:
            raise ValueError(f"a rest of {self.seconds!r} s after {self.failures!r} failures: both must be above 0")


class Breaker:
    """Follow the answers of one backend.

    Args:
        rest: When to leave it alone; None for never.
    """

    def __init__(self, rest: Rest | None) -> None:
        self.rest = rest
        self.until = 0.0
        """End of the rest, run clock, [s]; meaningful while ``open``."""
        self.open = False
        self.why = ""
        """What it said last instead of an answer."""
        self._failures = self._rests = 0
        self._trying = False

    def allows(self, now: float) -> bool:
        """Tell whether a request may be sent. After a rest only one may, until its answer is there."""
        return not self.open or (now >= self.until - _TIE and not self._trying)

    def sent(self) -> None:
        """Take note that a request was sent."""
        self._trying = self.open

    def succeeded(self) -> None:
        """Take note of a usable answer: all is well again."""
        self.open = self._trying = False
        self._failures = self._rests = 0
        self.why = ""

    def undecided(self) -> None:
        """Take note of answers that say nothing about the backend's health."""
        self._trying = False

    def failed(self, now: float, why: str, at_once: bool = False) -> bool:
        """Take note of a failure; return True when the backend rests from now on.

        Args:
            now: Run clock, [s].
            why: What went wrong.
            at_once: It hung or died: there is no point in trying it a few times more.
        """
        self.why = why
        if self.rest is None:
            return False
        self._failures += 1
        if not (self.open or at_once or self._failures >= self.rest.failures):
            return False
        self.open, self._trying = True, False
        self.until = now + self.rest.seconds * 2.0 ** min(self._rests, 4)
        self._rests += 1
        return True

    def told(self, name: str, now: float) -> str:
        """Say why nothing is sent."""
        left = max(0.0, self.until - now)
        return f"{name} rests for {left:.1f} s: {self.why}"
