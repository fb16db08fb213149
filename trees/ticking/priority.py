"""Let the thread that ticks go before others: SCHED_FIFO, where the system has it and allows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PRIORITY = 10
"""Among SCHED_FIFO threads, 1 to 99; drivers and interrupt threads stand above."""


@contextmanager
def real_time(tell: Callable[[str], None]) -> Iterator[None]:
    """Run the block on a thread that the system prefers to all ordinary ones. Threads that it starts are ordinary.

    Args:
        tell: Called with the reason when the system does not do it; the block runs all the same.
    """
    if sys.platform != "linux":
        tell(f"no real-time priority: knothole knows how to ask for it on Linux only, this is {sys.platform}")
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError as error:
        tell(
            f"no real-time priority: {error.strerror or error}\n"
            "  fix:  allow it by a line `USER - rtprio 20` in /etc/security/limits.conf, or run without --realtime"
        )
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)
