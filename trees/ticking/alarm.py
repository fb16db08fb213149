"""What wakes a loop that waits for its next tick: another thread, a signal, or something to read."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time

_COARSE = 1e-3
"""Resolution of waiting for a descriptor, [s]; the rest is slept."""


class Alarm:
    """A sleep that can be ended from outside. ``ring`` may be called from any thread and from a signal handler."""

    def __init__(self) -> None:
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._ear, selectors.EVENT_READ)
        self._watched: int | None = None
        self._rung = False

    def ring(self) -> None:
        """End the sleep that goes on now, or the next one."""
        with contextlib.suppress(OSError):  # it rings already, or is closed
            self._bell.send(b"!")

    def watch(self, descriptor: int | None) -> None:
        """Let a file descriptor end the sleep for as long as there is something to read; None for none."""
        if descriptor == self._watched:
            return
        if self._watched is not None:
            with contextlib.suppress(KeyError, ValueError, OSError):  # whoever had it has closed it
                self._waiting.unregister(self._watched)
        self._watched = descriptor
        if descriptor is not None:
            self._waiting.register(descriptor, selectors.EVENT_READ)

    def sleep(self, duration: float) -> bool:
        """Sleep for ``duration`` [s]; True when something ended it before."""
        until = time.monotonic() + duration
        # select rounds up to whole milliseconds: ask for half a one less than the last one that is surely too short
        if self._waiting.select(max(0.0, (int(duration / _COARSE) - 1.5) * _COARSE)):
            with contextlib.suppress(BlockingIOError):
                self._rung = bool(self._ear.recv(4096)) or self._rung
            return True
        if (left := until - time.monotonic()) > 0:
            time.sleep(left)
        return False

    def rung(self) -> bool:
        """Tell whether somebody rang since this was asked last."""
        rung, self._rung = self._rung, False
        return rung

    def close(self) -> None:
        """Release the descriptors. Idempotent."""
        self._waiting.close()
        self._ear.close()
        self._bell.close()
