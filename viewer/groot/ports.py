"""The two sockets of the protocol, bound to this machine before a run begins."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any, Final, cast

from ..._base import import_needed
from .protocol import PORT
from .shown import GrootError

HOST: Final = "127.0.0.1"
_LONGEST_REQUEST: Final = 1 << 20
_PATIENCE_MS: Final = 1000
"""Longest time for a client to take its reply, [ms]."""


class Ports:
    """Sockets for requests on a port and for news on the next one. A context manager, and closed once.

    Args:
        port: Port for requests.

    Attributes:
        port: That port.

    Raises:
        GrootError: It, or the next one, is taken or is none.
        MissingExtraError: The extra ``groot`` is not installed.
    """

    def __init__(self, port: int = PORT) -> None:
        if not 1 <= port < 65535:
            raise GrootError(f"{port} is no port for the Groot2 protocol\n  fix:  give one from 1 to 65534")
        self._zmq: Any = cast(Any, import_needed("zmq", "the Groot2 protocol", "groot"))
        self.port = port
        self._context = self._zmq.Context()
        self._publishing = threading.Lock()
        self._closed = False
        try:
            self._requests = self._bind(self._zmq.REP, port)
            self._news = self._bind(self._zmq.PUB, port + 1)
        except BaseException:
            self._context.destroy(linger=0)
            raise

    def _bind(self, kind: int, port: int) -> Any:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.sndtimeo = _PATIENCE_MS
        socket.maxmsgsize = _LONGEST_REQUEST
        try:
            socket.bind(f"tcp://{HOST}:{port}")
        except self._zmq.ZMQError as error:
            raise GrootError(
                f"port {port} cannot be listened at: {os.strerror(error.errno)}\n"
                f"  why:  the Groot2 protocol needs two ports in a row, here {self.port} and {self.port + 1}\n"
                "  fix:  end what listens there, or give another one: --groot2 PORT"
            ) from error
        return socket

    def wait(self, milliseconds: int) -> bool:
        """Wait for a request; False when none came in this time."""
        return bool(self._requests.poll(milliseconds))

    def receive(self) -> list[bytes]:
        """Return the frames of a request, none when it was withdrawn."""
        try:
            frames: list[bytes] = self._requests.recv_multipart(self._zmq.DONTWAIT)
        except self._zmq.ZMQError:
            return []
        return frames

    def reply(self, frames: list[bytes]) -> None:
        """Answer the request; nothing happens when the client is gone or does not take it."""
        with suppress(self._zmq.ZMQError):
            self._requests.send_multipart(frames)

    def publish(self, frames: list[bytes]) -> None:
        """Tell all who listen; from any thread, and without waiting."""
        with self._publishing:
            if not self._closed:
                self._news.send_multipart(frames, self._zmq.DONTWAIT)

    def close(self) -> None:
        """Free the ports, when nobody waits for requests any more. Idempotent."""
        with self._publishing:
            if not self._closed:
                self._closed = True
                self._context.destroy(linger=0)

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
