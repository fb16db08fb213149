"""The server: two sockets on a thread of its own, fed by the thread that ticks and never in its way."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, cast

from ..._base import import_needed
from ...behaviors.blackboard import UNSET, Cell
from ...behaviors.step import RUNNING
from ...trees.debugging.control import Control
from ...trees.debugging.hooks import Hook
from ...trees.ticking.loop import Loop
from ...trees.ticking.outcome import Ticked
from .answering import FEATURE, Answerer, News
from .hooking import Hooking
from .protocol import PORT, header
from .shown import GrootError

__all__ = ["GrootServer"]

HOST: Final = "127.0.0.1"
_LONGEST_REQUEST: Final = 1 << 20
_PATIENCE_MS: Final = 1000
"""Longest time for a client to take its reply, [ms]."""
_ROUND_MS: Final = 100
"""How often the thread looks whether it shall end, and takes news that nobody asked for, [ms]."""


class GrootServer:
    """Serve the Groot2 protocol for one run: requests on ``port``, news on the next.

    Use it as a context manager, or call ``start`` and ``close``.

    Args:
        loop: The run.
        port: Port for requests.
        control: What the loop was given to be controlled by; None for a run that may only be watched.
        clock: Monotonic time, [s].

    Attributes:
        port: Port for requests.

    Raises:
        GrootError: A port is taken or is none, or the tree is too large for the protocol.
        MissingExtraError: The extra ``groot`` is not installed.
    """

    def __init__(
        self,
        loop: Loop,
        port: int = PORT,
        control: Control | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 1 <= port < 65535:
            raise GrootError(f"{port} is no port for the Groot2 protocol\n  fix:  give one from 1 to 65534")
        self._zmq: Any = cast(Any, import_needed("zmq", FEATURE, "groot"))
        self._loop, self._tree, self._clock, self.port = loop, loop.tree, clock, port
        self._hooks = control.hooks if control is not None else None
        self._hooking = Hooking(self._hooks, clock())
        tree = loop.tree
        self._answerer = Answerer(tree, self._hooking, _micros)
        self._written: dict[str, object] = {c.name: c.value for c in tree.blackboard if c.value is not UNSET}
        self._news: deque[News] = deque([News(written=self._written)])
        self._written = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._publishing = threading.Lock()
        self._context = self._zmq.Context()
        try:
            self._replies = self._bind(self._zmq.REP, port)
            self._publisher = self._bind(self._zmq.PUB, port + 1)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        tree.blackboard.listeners.append(self._wrote)
        loop.listeners.append(self._ticked)
        if self._hooks is not None:
            self._hooks.on_break.append(self._broke)
            self._hooks.on_replace.append(self._acted)

    def _bind(self, kind: int, port: int) -> Any:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.sndtimeo = _PATIENCE_MS
        socket.maxmsgsize = _LONGEST_REQUEST
        try:
            socket.bind(f"tcp://{HOST}:{port}")
        except self._zmq.ZMQError as error:
            raise GrootError(
                f"port {port} cannot be listened at: {error.strerror}\n"
                f"  why:  the Groot2 protocol needs two ports in a row, here {self.port} and {self.port + 1}\n"
                "  fix:  end what listens there, or give another one: --groot2 PORT"
            ) from error
        return socket

    def start(self) -> GrootServer:
        """Answer from now on; return the server."""
        self._thread = threading.Thread(target=self._serve, name="groot2", daemon=True)
        self._thread.start()
        return self

    def __enter__(self) -> GrootServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and free the ports. Idempotent."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._tree.blackboard.listeners.remove(self._wrote)
        self._loop.listeners.remove(self._ticked)
        if self._hooks is not None:
            self._hooks.on_break.remove(self._broke)
            self._hooks.on_replace.remove(self._acted)
            self._hooks.clear()
        if self._thread is not None:
            self._thread.join()
        with self._publishing:
            self._context.destroy(linger=0)

    def _ticked(self, ticked: Ticked) -> None:
        """Hand over what a tick changed; a listener of the loop."""
        written, self._written = self._written, {}
        tree = replace(self._tree) if ticked.reloaded else None
        ended = ticked.status is not RUNNING
        self._news.append(News(ticked.changes, written, _micros(), tree, ended))

    def _broke(self, hook: Hook) -> None:
        """Hand over how far a tick came that will stand at a hook, and tell who listens."""
        written, self._written = self._written, {}
        self._news.append(News(tuple(self._loop.record.changes.pending()), written, _micros(), stands=hook.node))
        self._acted(hook)

    def _acted(self, hook: Hook) -> None:
        uid = self._answerer.shown.uid_of(hook.node)
        if uid:
            self._publish("N", str(uid))

    def _wrote(self, cell: Cell) -> None:
        self._written[cell.name] = cell.value

    def _serve(self) -> None:
        poller = self._zmq.Poller()
        poller.register(self._replies, self._zmq.POLLIN)
        while not self._closing.is_set():
            asked = bool(poller.poll(_ROUND_MS))
            now = self._clock()
            self._take_news()
            if asked:
                self._hooking.heard(now)
                self._reply()
            else:
                self._hooking.beat(now)

    def _take_news(self) -> None:
        while self._news:
            self._answerer.take(self._news.popleft())

    def _reply(self) -> None:
        try:
            frames = self._replies.recv_multipart(self._zmq.DONTWAIT)
            self._replies.send_multipart(self._answerer.answer(frames))
        except self._zmq.ZMQError:
            pass  # the client is gone, or does not take its reply

    def _publish(self, kind: str, text: str) -> None:
        """Tell all who listen; from any thread."""
        with self._publishing:
            if not self._closing.is_set():
                number = random.getrandbits(32)
                self._publisher.send_multipart([header(kind, number), text.encode()], self._zmq.DONTWAIT)


def _micros() -> int:
    """Return the wall time since the epoch, [µs]."""
    return time.time_ns() // 1000
