"""Whose turn it is where answers take long: one at a time, and only the newest request of each asker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Replaced(Exception):
    """A newer request of the same asker came before this one had its turn."""


class Turns(Generic[_T]):
    """Computes answers one after the other on a thread of its own. Use it on one event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "why")
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._busy = False

    async def take(self, asker: str, compute: Callable[[], _T]) -> _T:
        """Wait for the turn and compute.

        Args:
            asker: Who asks; of each only the newest request waits.
            compute: What gives the answer; called on the thread.

        Raises:
            Replaced: A newer request of the same asker came before the turn.
        """
        turn = asyncio.get_running_loop().create_future()
        older = self._waiting.pop(asker, None)
        if older is not None and not older.done():
            older.set_exception(Replaced())
        self._waiting[asker] = turn
        self._next()
        try:
            await turn
            return await asyncio.get_running_loop().run_in_executor(self._thread, compute)
        finally:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._busy = False
            elif self._waiting.get(asker) is turn:
                del self._waiting[asker]
            self._next()

    def _next(self) -> None:
        """Give the turn to who has waited longest."""
        while self._waiting and not self._busy:
            turn = self._waiting.pop(next(iter(self._waiting)))
            if not turn.done():
                self._busy = True
                turn.set_result(None)

    def close(self) -> None:
        """Compute nothing more. Idempotent."""
        self._thread.shutdown(wait=False, cancel_futures=True)
