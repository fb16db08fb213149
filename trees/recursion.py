"""Room on the stack for trees of 500 levels; functions that walk a tree recurse some six calls a level."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

MAX_LEVELS: Final = 500
_ROOM: Final = 10_000
_lock = threading.Lock()
_inside = 0
_usual = 0


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow deep recursion inside the block; the old limit comes back when the last block that asked is left."""
    global _inside, _usual
    with _lock:
        _usual = _usual or sys.getrecursionlimit()
        _inside += 1
        sys.setrecursionlimit(max(_ROOM, _usual))
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                with suppress(RecursionError):  # left far down the stack: the next block to be left brings it back
                    sys.setrecursionlimit(_usual)
                    _usual = 0
