"""Keep the simulator's native part quiet, which writes into everybody's output."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Discard what native code writes to standard output and standard error meanwhile."""
    _flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, _ in kept:
            os.dup2(silence, number)
        yield
    finally:
        _flush()
        for number, keep in kept:
            os.dup2(keep, number)
            os.close(keep)
        os.close(silence)


def _flush() -> None:
    """Write out what Python and the C library hold back."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
