"""Ctrl-C and SIGTERM as wishes: the run ends itself after the present tick, the robot still."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_FORCE = 2
"""The second Ctrl-C breaks whatever is waiting; while the robot is being stopped only the fourth does."""


@contextmanager
def stop_on_signals(request: Callable[[int], None], stopping: Callable[[], bool]) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into calls of ``request`` inside the block. Outside the main thread nothing changes.

    Args:
        request: Called with the signal number.
        stopping: True while the run is shutting down, which is not to be broken lightly.

    Raises:
        KeyboardInterrupt: On the second Ctrl-C (the fourth while stopping).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal count
        request(number)
        if number == signal.SIGINT:
            count += 1
            if count >= _FORCE * (2 if stopping() else 1):
                raise KeyboardInterrupt

    old = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in old.items():
            signal.signal(number, before)
