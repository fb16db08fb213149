"""The server: answers on a thread of its own, fed by the thread that ticks and never in its way."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ...behaviors.blackboard import UNSET, Cell
from ...behaviors.step import RUNNING
from ...trees.debugging.control import Control
from ...trees.debugging.hooks import Hook
from ...trees.ticking.loop import Loop
from ...trees.ticking.outcome import Ticked
from .answering import Answerer, News
from .hooking import Hooking
from .ports import Ports
from .protocol import header

_ROUND_MS: Final = 100
"""How often the thread looks whether it shall end, and takes news that nobody asked for, [ms]."""


class GrootServer:
    """Serve the Groot2 protocol for one run. Use it as a context manager, or call ``start`` and ``close``.

    Args:
        loop: The run.
        ports: Where; it closes them.
        control: What the loop was given to be controlled by; None for a run that may only be watched.
        clock: Monotonic time, [s].

    Attributes:
        port: Port for requests; news comes from the next one.

    Raises:
        GrootError: The tree is too large for the protocol.
        MissingExtraError: The extra ``groot`` is not installed.
    """

    def __init__(
        self, loop: Loop, ports: Ports, control: Control | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop, self._tree, self._ports, self._clock = loop, loop.tree, ports, clock
        self.port = ports.port
        self._hooks = control.hooks if control is not None else None
        self._hooking = Hooking(self._hooks, self._tree, clock())
        self._answerer = Answerer(self._tree, self._hooking, _micros)
        found = {cell.name: cell.value for cell in self._tree.blackboard if cell.value is not UNSET}
        self._news: deque[News] = deque([News(written=found)])
        self._written: dict[str, object] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> GrootServer:
        """Follow the run and answer from now on; return the server."""
        self._tree.blackboard.listeners.append(self._wrote)
        self._loop.listeners.append(self._ticked)
        if self._hooks is not None:
            self._hooks.on_break.append(self._broke)
            self._hooks.on_replace.append(self._acted)
        self._thread = threading.Thread(target=self._serve, name="groot2", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread, take its hooks away and free the ports. Idempotent."""
        if not self._closing.is_set() and self._thread is not None:
            self._closing.set()
            self._tree.blackboard.listeners.remove(self._wrote)
            self._loop.listeners.remove(self._ticked)
            self._thread.join()
            if self._hooks is not None:
                self._hooks.clear()
                self._hooks.on_break.remove(self._broke)
                self._hooks.on_replace.remove(self._acted)
        self._ports.close()

    def __enter__(self) -> GrootServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wrote(self, cell: Cell) -> None:
        self._written[cell.name] = cell.value

    def _ticked(self, ticked: Ticked) -> None:
        """Hand over what a tick changed; on the thread that ticks, as all that hands over."""
        written, self._written = self._written, {}
        tree = replace(self._tree) if ticked.reloaded else None
        changes = ticked.state if ticked.reloaded else ticked.changes
        ended = ticked.status is not RUNNING
        self._news.append(News(changes, written, _micros(), tree, ended))

    def _broke(self, hook: Hook) -> None:
        """Hand over how far a tick came that will stand at a hook, and tell who listens."""
        written, self._written = self._written, {}
        self._news.append(News(tuple(self._loop.record.changes.pending()), written, _micros(), stands=hook.node))
        self._acted(hook)

    def _acted(self, hook: Hook) -> None:
        uid = self._answerer.shown.uid_of(hook.node)
        if uid:
            self._ports.publish([header("N", random.getrandbits(32)), str(uid).encode()])

    def _serve(self) -> None:
        """Answer until it is closed; on its own thread."""
        while not self._closing.is_set():
            asked = self._ports.wait(_ROUND_MS)
            while self._news:
                self._answerer.take(self._news.popleft())
            if not asked:
                self._hooking.beat(self._clock())
                continue
            self._hooking.heard(self._clock())
            frames = self._ports.receive()
            if frames:
                self._ports.reply(self._answerer.answer(frames))


def _micros() -> int:
    """Return the wall time since the epoch, [µs]."""
    return time.time_ns() // 1000
