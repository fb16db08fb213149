"""A few threads that do the waiting: many requests at once, and none that can hold up the one who asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Crew:
    """Run functions in at most ``width`` threads.

    Unlike an executor of the standard library its threads are daemons: one that is stuck where no deadline reaches,
    such as in the resolver of host names, keeps neither its caller nor the end of the process waiting.
    """

    def __init__(self, width: int, name: str) -> None:
        self.width, self.name = width, name
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Hand over a function; its future can be cancelled as long as nobody has begun with it."""
        future: Future[T] = Future()
        self._work.put((future, work))
        with self._lock:
            if len(self._threads) < self.width:
                thread = threading.Thread(target=self._serve, name=f"{self.name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def close(self) -> None:
        """Let the threads end when they are done. Idempotent."""
        for _ in self._threads:
            self._work.put(None)
        self._threads = []

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            future, work = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
            del item, future, work
