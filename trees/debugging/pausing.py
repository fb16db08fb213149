"""Pausing: whether a run goes on, for how many ticks, and what is done on its thread between two of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .commands import CommandError
from .standstill import Standstill

PATIENCE: Final = 10.0
"""Longest wait for the present tick to end before something is done between two, wall clock, [s]."""


class Pausing:
    """Lets a run go on or stand.

    Args:
        standstill: Where it stands.
        goes_on: Called on that thread with how long it stood, wall clock, [s].
        paused: Stand before the first tick.

    Attributes:
        attentive: True when the loop has to ask here: the run is to stand or to end, steps are counted, something waits
            to be done.
        paused: Whether the run is to stand.
        reason: Why.
    """

    def __init__(
        self,
        standstill: Standstill,
        goes_on: Callable[[float], None],
        paused: bool = False,
    ) -> None:
        self.attentive, self.paused = paused, paused
        self.reason = "paused before the first tick" if paused else ""
        self._standstill, self._goes_on = standstill, goes_on
        self._changed = standstill.changed
        self._steps = 0
        self._jobs: deque[_Job] = deque()
        self._thread: int | None = None
        standstill.meanwhile = self._do_jobs

    def begin(self) -> None:
        """Take note of the thread that ticks."""
        self._thread = threading.get_ident()

    def end(self) -> None:
        """Let nobody wait any more: there is no further tick."""
        with self._changed:
            self._thread = None
            self._do_jobs()
            self._go(0)

    def pause(self, reason: str) -> None:
        """Let the run stand as soon as the present tick has ended, or where it stands in a tick."""
        with self._changed:
            self.paused, self.reason, self._steps, self.attentive = True, reason, 0, True

    def resume(self, ticks: int = 0) -> None:
        """Let the run go on, for a number of ticks, or 0 for good. Inside a tick its rest is the first of them."""
        with self._changed:
            self._go(ticks)

    def _go(self, ticks: int) -> None:
        self.paused, self.reason, self._steps = False, "", ticks
        self.attentive = ticks > 0 or bool(self._jobs)
        self._changed.notify_all()

    def leave(self) -> None:
        """Let what stands look at once whether the run is to end."""
        with self._changed:
            self.attentive = True
            self._changed.notify_all()

    def before_tick(self) -> bool:
        """Stand if the run is to stand; False when it is to end."""
        self._do_jobs()
        return not self._standstill.stopped() and (not self.paused or self.stand())

    def after_tick(self) -> None:
        """Count a tick, and stand if the run is to stand."""
        with self._changed:
            if self._steps:
                self._steps -= 1
                if not self._steps:
                    self.pause("stepped")
        self._do_jobs()
        if self.paused and not self._standstill.stopped():
            self.stand()

    def stand(self) -> bool:
        """Stand until the run goes on; False when it is to end."""
        since = time.monotonic()
        try:
            return self._standstill.wait(lambda: not self.paused)
        finally:
            self._goes_on(time.monotonic() - since)

    def between(self, act: Callable[[], None]) -> None:
        """Do something on the thread that ticks, between two ticks or where one stands, and wait until it is done.

        Raises:
            CommandError: The present tick did not end in time; nothing was done.
            KnotholeError: What ``act`` raised.
        """
        with self._changed:
            if self._thread in (None, threading.get_ident()):
                act()
                return
            job = _Job(act)
            self._jobs.append(job)
            self.attentive = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: job.done, PATIENCE)
            if not job.done:
                self._jobs.remove(job)
                raise CommandError(
                    f"the present tick has not ended for {PATIENCE:g} s, nothing was done\n  fix:  try again, or stop"
                )
        if job.error is not None:
            raise job.error

    def _do_jobs(self) -> None:
        with self._changed:
            if not self._jobs:
                return
            while self._jobs:
                self._jobs.popleft().do()
            self.attentive = self.paused or self._steps > 0
            self._changed.notify_all()


class _Job:
    """Something to be done on another thread."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act, self.done = act, False
        self.error: Exception | None = None

    def do(self) -> None:
        """Do it, and keep what it raises for who waits."""
        try:
            self._act()
        except Exception as error:
            self.error = error
        self.done = True
