"""What nodes of py_trees find in their module globals, for as long as one of them runs: blackboard, time, randomness.

py_trees keeps one blackboard per process, in class attributes, and reads the clock of the machine. Here each run has
its own of both: they stand in for py_trees' own while one of its nodes is made, set up, ticked or stopped, and the old
ones come back whatever happens. So two runs in one process do not see each other, and time in simulation is that of
the simulation.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, MutableMapping
from types import ModuleType
from typing import Any, Final

import py_trees
from py_trees.blackboard import Blackboard as Theirs

from ..blackboard import UNSET, Blackboard, Cell
from ..context import Context

PRIVATE: Final = "/~/"
"""Begin of the keys that no author named; they stay out of the run's blackboard."""

_LOCK: Final = threading.RLock()
"""Held while the globals are exchanged: runs in several threads take turns."""
_CLOCKED: Final = (py_trees.decorators, py_trees.timers)
_CHANCY: Final = py_trees.behaviours


def key_of(name: str) -> str:
    """Return the key under which py_trees finds the entry with a full name.

    Dots are written differently: py_trees takes what follows one for an attribute.

    >>> key_of("tidy/pt.Sequence/thing")
    '/tidy/pt%2ESequence/thing'
    """
    return "/" + name.replace("%", "%25").replace(".", "%2E")


def name_of(key: str) -> str:
    """Return the full name of the entry that a key of py_trees means."""
    return key.removeprefix("/").replace("%2E", ".").replace("%25", "%")


class Storage(MutableMapping[str, object]):
    """The cells of a run as the key-value store of py_trees: ``/ns/key`` is the entry ``ns/key``."""

    def __init__(self, board: Blackboard) -> None:
        self.board = board
        self.writer = ""
        self._private: dict[str, object] = {}

    def _cell(self, key: str) -> Cell | None:
        name = name_of(key)
        return self.board.cell(name) if name in self.board else None

    def __getitem__(self, key: str) -> object:
        if key.startswith(PRIVATE):
            return self._private[key]
        cell = self._cell(key)
        if cell is None:
            raise KeyError(key)
        return cell.value

    def __setitem__(self, key: str, value: object) -> None:
        if key.startswith(PRIVATE):
            self._private[key] = value
        else:
            self.board.cell(name_of(key)).set(value, self.writer)

    def __delitem__(self, key: str) -> None:
        if key.startswith(PRIVATE):
            del self._private[key]
            return
        cell = self._cell(key)
        if cell is None:
            raise KeyError(key)
        cell.set(UNSET, self.writer)

    def __iter__(self) -> Iterator[str]:
        yield from (key_of(cell.name) for cell in self.board if cell.value is not UNSET)
        yield from self._private

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        return key in self._private if key.startswith(PRIVATE) else name_of(key) in self.board


class Clock:
    """Stands in for the module ``time``: the time of the run, less the time that the node was paused."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._paused = 0.0
        self._since = 0.0

    def monotonic(self) -> float:
        """Return the time, [s]."""
        return self._context.now - self._paused

    time = perf_counter = monotonic

    def pause(self) -> None:
        """Stand still."""
        self._since = self._context.now

    def resume(self) -> None:
        """Go on."""
        self._paused += self._context.now - self._since

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class Globals:
    """The global state of py_trees that belongs to one run."""

    def __init__(self, board: Blackboard) -> None:
        self.storage = Storage(board)
        self.metadata: dict[str, object] = {}
        self.clients: dict[object, str] = {}
        self.activity_stream: object = None


def globals_of(context: Context, board: Blackboard) -> Globals:
    """Return the state of the run that a context belongs to, made on first use."""
    found = context.notes.get("py_trees")
    if not isinstance(found, Globals) or found.storage.board is not board:
        found = context.notes["py_trees"] = Globals(board)
    return found


class Lending:
    """Exchanges the globals of py_trees for those of a run: ``with lending: …``. May be nested.

    Args:
        context: Services of the run.
        board: Its blackboard.
        origin: The class whose instance runs meanwhile; it decides which clocks and dice are exchanged.
        path: Path of the node, the writer of what is written.
    """

    def __init__(self, context: Context, board: Blackboard, origin: object, path: str) -> None:
        self.state = globals_of(context, board)
        self.path = path
        self.clock = Clock(context)
        modules = {base.__module__ for base in getattr(origin, "__mro__", ())}
        self._swaps: list[tuple[ModuleType, str, object]] = [
            (module, "time", self.clock) for module in _CLOCKED if module.__name__ in modules
        ]
        if any(base is _CHANCY.ProbabilisticBehaviour for base in getattr(origin, "__mro__", ())):
            self._swaps.append((_CHANCY, "random", random.Random(int(context.rng.integers(2**63)))))
        self._saved: list[tuple[Any, ...]] = []

    def __enter__(self) -> Lending:
        _LOCK.acquire()
        state, storage = self.state, self.state.storage
        kept = (Theirs.storage, Theirs.metadata, Theirs.clients, Theirs.activity_stream, storage.writer)
        self._saved.append((kept, [module.__dict__[name] for module, name, _ in self._swaps] if self._swaps else ()))
        Theirs.storage, Theirs.metadata, Theirs.clients = storage, state.metadata, state.clients
        Theirs.activity_stream = state.activity_stream
        storage.writer = self.path
        for module, name, value in self._swaps:
            setattr(module, name, value)
        return self

    def __exit__(self, *_: object) -> None:
        state = self.state
        state.activity_stream = Theirs.activity_stream
        kept, old = self._saved.pop()
        Theirs.storage, Theirs.metadata, Theirs.clients, Theirs.activity_stream, state.storage.writer = kept
        for (module, name, _value), value in zip(self._swaps, old, strict=False):
            setattr(module, name, value)
        _LOCK.release()
