"""Room on the stack for trees of 500 levels; functions that walk a tree recurse some six calls a level."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MAX_LEVELS: Final = 500
_ROOM: Final = 10_000
_lock = threading.Lock()
_inside: list[int] = []


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow deep recursion inside the block; the old limit comes back when the last block that asked is left."""
    with _lock:
        _inside.append(sys.getrecursionlimit())
        sys.setrecursionlimit(max(_ROOM, _inside[0]))
    try:
        yield
    finally:
        with _lock:
            first = _inside[0]
            _inside.pop()
            if not _inside:
                sys.setrecursionlimit(first)
