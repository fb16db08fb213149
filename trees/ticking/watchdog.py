"""Stop the robot when ticks stop: a thread that looks after the thread that ticks.

It can do that as long as Python runs at all. Code that holds the interpreter's lock forever, and a process that is
killed, are for the driver's own heartbeat, and for the robot's controller behind it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from ...behaviors.step import Stalled, Steps

REAL, STEPPED = 2.0, 60.0
"""Longest time without a tick before the watchdog acts, wall clock, [s]: on a real clock, and for one tick on a stepped
one, which may plan a long motion and harms nobody."""
_LOOK = 0.25
_PATIENCE = 0.5
_ATTEMPTS = 5


class Watchdog:
    """Stops the robot when a tick does not end, or none comes, within a time limit.

    A tick that does not end is broken by an exception in it where it runs in the main thread (POSIX); in another thread
    it goes on until it returns by itself. Either way the robot is stopped again and again until then.

    Args:
        limit: Longest time for a tick, and between two, wall clock, [s].
        stop: Stops the robot. Called on a thread of its own.
        tell: Called once for each stall with a sentence, on the thread of the watchdog.
        between: Whether ticks have to come, too; a tick that has begun has to end in any case.
        stuck: Called when a tick went on for five limits although it was broken. May end the process.
    """

    def __init__(
        self,
        limit: float,
        stop: Callable[[], None],
        tell: Callable[[str], None],
        *,
        between: bool = True,
        stuck: Callable[[str], None] | None = None,
    ) -> None:
        self.limit, self._stop, self._tell, self._between, self._stuck = limit, stop, tell, between, stuck
        self._due = float("inf")
        self._inside = False
        self._stalled = ""
        self._breaks = 0
        self._breaking = False
        self._over = threading.Event()
        self._watched = threading.get_ident()
        self._old: Any = None
        self._breakable = hasattr(signal, "SIGURG") and threading.current_thread() is threading.main_thread()
        if self._breakable:
            self._old = signal.signal(signal.SIGURG, self._break)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def enter(self) -> None:
        """A tick begins, on the thread that made the watchdog."""
        self._due = time.monotonic() + self.limit
        self._inside = True

    def leave(self, pause: float = 0.0) -> str:
        """A tick has ended, and the next comes in ``pause`` [s]; return what was told if this one stalled."""
        self._inside = False
        self._due = time.monotonic() + self.limit + pause
        stalled, self._stalled, self._breaks = self._stalled, "", 0
        return stalled

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Watch nothing inside the block: somebody lets the run stand still. The limit begins anew after it."""
        self._due = float("inf")
        try:
            yield
        finally:
            self._due = time.monotonic() + self.limit

    def close(self) -> None:
        """End the watch. Idempotent."""
        self._due = float("inf")
        self._over.set()
        if self._breakable and threading.current_thread() is threading.main_thread():
            self._breakable = False
            signal.signal(signal.SIGURG, self._old or signal.SIG_DFL)

    def _watch(self) -> None:
        look = min(_LOOK, self.limit / 4)
        told_between = 0.0
        while not self._over.wait(look):
            due = self._due
            if time.monotonic() <= due:
                continue
            if not self._inside:
                if self._between and due != told_between:
                    told_between = due
                    self._tell(f"no tick came for {self.limit:g} s; the watchdog stopped the robot")
                    self._halt_robot()
                continue
            first = not self._stalled
            frame = sys._current_frames().get(self._watched)
            told = f"{_path(frame)}{self._words(frame)}"
            self._stalled = self._stalled or told
            self._halt_robot()
            if first:
                self._tell(told)
            if time.monotonic() > self._due + self._breaks * self.limit:
                self._breaks += 1
                if self._breaks > _ATTEMPTS and self._stuck is not None:
                    self._stuck(told)
                self._interrupt()

    def _halt_robot(self) -> None:
        """Stop the robot; a driver that hangs does not keep the watchdog."""
        stopping = threading.Thread(target=self._stop, name="watchdog stop", daemon=True)
        stopping.start()
        stopping.join(_PATIENCE)

    def _interrupt(self) -> None:
        if self._breakable and self._inside:
            self._breaking = True
            signal.pthread_kill(self._watched, signal.SIGURG)

    def _break(self, number: int, frame: FrameType | None) -> None:
        """Break the tick; runs on its own thread, so it cannot end meanwhile."""
        if self._breaking and self._inside:
            self._breaking = False
            raise Stalled(self._words(frame))

    def _words(self, frame: FrameType | None) -> str:
        """Say where a tick is stuck."""
        where = ""
        if frame is not None:
            where = f" (in {frame.f_code.co_name}, {Path(frame.f_code.co_filename).name}:{frame.f_lineno})"
        return f"not back within {self.limit:g} s{where}; the watchdog stopped the robot"


def _path(frame: FrameType | None) -> str:
    """Return the path of the innermost node whose code a thread is in, with a colon."""
    while frame is not None:
        node = frame.f_locals.get("self")
        if isinstance(node, Steps) and node.path:
            return f"{node.path}: "
        frame = frame.f_back
    return ""
