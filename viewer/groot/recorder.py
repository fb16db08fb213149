"""Recording of transitions on request: the last thousand, with the time of their tick."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from .statuses import Transition

MOST: Final = 1000
"""Most transitions that wait to be fetched; older ones are lost."""
_TIME_BYTES: Final = 6


class Recorder:
    """Keeps transitions while it is on.

    Attributes:
        on: True between ``start`` and ``stop``.
    """

    def __init__(self) -> None:
        self.on = False
        self._begin = 0
        self._kept: deque[bytes] = deque(maxlen=MOST)

    def start(self, now: int) -> int:
        """Begin anew.

        Args:
            now: Wall time since the epoch, [µs].

        Returns:
            The time that those of the transitions count from: ``now``.
        """
        self._kept.clear()
        self._begin, self.on = now, True
        return now

    def stop(self) -> None:
        """Keep no more; what was kept can still be fetched."""
        self.on = False

    def note(self, transitions: Iterable[Transition], now: int) -> None:
        """Keep transitions if it is on."""
        if self.on:
            since = max(0, now - self._begin).to_bytes(_TIME_BYTES, "little")
            self._kept.extend(since + uid.to_bytes(2, "little") + bytes([status]) for uid, status in transitions)

    def fetch(self) -> bytes:
        """Return what was kept since the last time, nine bytes each, and forget it."""
        kept = b"".join(self._kept)
        self._kept.clear()
        return kept


def unpack(packed: bytes) -> list[tuple[int, int, int]]:
    """Return time since the start [µs], uid and status of each transition; the inverse of ``Recorder.fetch``."""
    records = [packed[at : at + 9] for at in range(0, len(packed), 9)]
    return [(int.from_bytes(r[:6], "little"), int.from_bytes(r[6:8], "little"), r[8]) for r in records]
