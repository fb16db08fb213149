"""Ways to ask a server, best first: what it refuses is not tried again, what it took once is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ..questions import Answer
from .failures import Failure, Fallback, NoLogprobs


class Ladder:
    """The way in use; several threads may find out about it at once.

    Args:
        steps: Ways, best first.
        start: The one to begin with; better ones are not tried.
    """

    def __init__(self, steps: Sequence[str], start: str = "") -> None:
        self._steps = tuple(steps)
        self._first = self._steps.index(start) if start else 0
        self._at = self._first
        self._proven = self._exhausted = False
        self._lock = threading.Lock()

    @property
    def now(self) -> str:
        """The way in use."""
        return self._steps[self._at]

    @property
    def proven(self) -> str:
        """The way that the server answered to, empty as long as there is none."""
        return self.now if self._proven else ""

    def begin(self) -> None:
        """Start again with the first way if the server refused all of them: what it lacked may be there now."""
        with self._lock:
            if self._exhausted:
                self._at, self._exhausted = self._first, False

    def prove(self, step: str) -> None:
        """Keep a way: the server answered to it."""
        with self._lock:
            if step == self.now:
                self._proven = True

    def leave(self, step: str) -> bool:
        """Go on from a way that the server refused; False where there is nothing to go on to."""
        with self._lock:
            if step != self.now:
                return True  # another thread has gone on already
            if self._proven:
                return False
            if self._at + 1 == len(self._steps):
                self._exhausted = True
                return False
            self._at += 1
            return True


def climbing(ladder: Ladder, ask: Callable[[], list[Answer]]) -> Callable[[], list[Answer]]:
    """Return a request that is made in the way now in use, and leaves that way where the server refuses it.

    Args:
        ladder: The ways.
        ask: Make the request and return the answers.
    """
    way = ladder.now

    def run() -> list[Answer]:
        try:
            answers = ask()
        except Failure as failure:
            if (failure.refused or isinstance(failure, NoLogprobs)) and ladder.leave(way):
                raise Fallback from None
            raise
        ladder.prove(way)
        return answers

    return run
