"""Results that nodes are forced to give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from threading import Condition
from typing import Final

from ...behaviors.step import Status
from ..builder import BuiltTree
from .breakpoints import node_of
from .commands import CommandError
from .gates import Gates

_NAME: Final = "9 force"
"""Name at the gate of a node: forced is what run_to and hooks let pass."""


@dataclass(frozen=True)
class Forced:
    """One node that is forced.

    Attributes:
        node: Its path.
        status: What it gives.
        once: Whether only the next time.
    """

    node: str
    status: str
    once: bool


class ForcedResults:
    """The nodes of one tree that give other results than their own.

    Args:
        tree: The tree.
        gates: Where they are caught.
        changed: Its lock guards them.
        spent: Called on the thread that ticks when a node gave what it was to give once.
    """

    def __init__(self, tree: BuiltTree, gates: Gates, changed: Condition, spent: Callable[[], None]) -> None:
        self._tree, self._gates, self._changed, self._spent = tree, gates, changed, spent
        self._there: dict[int, Forced] = {}

    def force(self, path: str, status: str, once: bool) -> None:
        """Let a node give a status and be halted before that if it is RUNNING.

        Raises:
            UnknownNameError: There is no such node.
        """
        index = node_of(self._tree, path).index
        with self._changed:
            self._place(index, Forced(path, status, once))

    def release(self, path: str) -> None:
        """Let a node give its own result again.

        Raises:
            UnknownNameError: There is no such node.
            CommandError: It is not forced.
        """
        index = node_of(self._tree, path).index
        with self._changed:
            if self._there.pop(index, None) is None:
                known = ", ".join(each.node for each in self._there.values())
                fix = f"give one of {known}" if known else "nothing is forced"
                raise CommandError(f"the result of {path} is not forced\n  fix:  {fix}")
            self._gates.take(index, _NAME)

    def to_json(self) -> list[dict[str, object]]:
        """Return plain data."""
        with self._changed:
            return [asdict(each) for each in self._there.values()]

    def follow(self, came_from: Sequence[int]) -> None:
        """Stay at the same nodes of a tree that was changed, after the gates did."""
        with self._changed:
            old, self._there = self._there, {}
            for index, before in enumerate(came_from):
                if before in old:
                    self._place(index, replace(old[before], node=self._tree.nodes[index].path))

    def _place(self, index: int, forced: Forced) -> None:
        self._there[index] = forced
        self._gates.put(index, _NAME, before=lambda: self._given(index))

    def _given(self, index: int) -> Status | None:
        with self._changed:
            forced = self._there.get(index)
            if forced is not None and forced.once:
                del self._there[index]
                self._gates.take(index, _NAME)
        if forced is None:
            return None
        if forced.once:
            self._spent()
        return Status(forced.status)
