"""The blackboard of a run, shown as py_trees' own: for its displays, visitors and behaviors that read keys."""

from __future__ import annotations

from types import TracebackType
from typing import ClassVar

from py_trees.blackboard import Blackboard as Theirs
from py_trees.blackboard import Client
from py_trees.common import Access

from .blackboard import UNSET, Blackboard, Cell


class Mirror:
    """While it is open, every entry of a run is a key ``/NAMESPACE/ENTRY`` of py_trees' Blackboard.

    Keys follow the entries; what is written to the keys does not reach the entries. Entries of used trees have the
    scope in between, such as ``/tidy/tidy/sequence/use/thing``. Use it as a context manager.

    Args:
        board: The blackboard of the run.
        namespace: What its keys begin with.

    Raises:
        ValueError: Another mirror that is open has this namespace.
    """

    _open: ClassVar[set[str]] = set()

    def __init__(self, board: Blackboard, namespace: str) -> None:
        self._board = board
        self.namespace = "/" + namespace.strip("/")
        if self.namespace in self._open:
            raise ValueError(f"a mirror with the namespace {self.namespace} is open\n  fix:  give another namespace")
        self._open.add(self.namespace)
        self._client = Client(name=f"mirror {self.namespace}")
        for cell in board:
            self._wrote(cell)
        board.listeners.append(self._wrote)

    def key(self, name: str) -> str:
        """Return the key of an entry, by its full name."""
        return f"{self.namespace.rstrip('/')}/{name}"

    def _wrote(self, cell: Cell) -> None:
        key = self.key(cell.name)
        if cell.value is UNSET:
            Theirs.storage.pop(key, None)
            return
        if key not in self._client.write:
            self._client.register_key(key, Access.WRITE)
        Theirs.storage[key] = cell.value

    def close(self) -> None:
        """Take the keys away. Idempotent."""
        if self.namespace in self._open and self._wrote in self._board.listeners:
            self._board.listeners.remove(self._wrote)
            self._client.unregister(clear=True)
            self._open.discard(self.namespace)

    def __enter__(self) -> Mirror:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
