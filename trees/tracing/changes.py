"""What changed in a tick: an event per changed status or reason. No tick walks the tree."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...behaviors.step import INVALID
from ..builder import BuiltTree


class Change(NamedTuple):
    """One node that changed.

    Attributes:
        node: Which node, its index in ``BuiltTree.nodes``.
        tick: In which tick.
        status: ``SUCCESS``, ``FAILURE``, ``RUNNING``, ``SKIPPED``, or ``INVALID`` for halted and reset nodes.
        reason: Why it failed, what it is doing, or a note; empty for ``INVALID``.
    """

    node: int
    tick: int
    status: str
    reason: str


class Changes:
    """The change log of one run: nodes report here when they change, the loop fetches once a tick.

    Args:
        tree: The tree whose nodes report from now on.

    Attributes:
        tick: Number given to what is reported.
    """

    def __init__(self, tree: BuiltTree) -> None:
        self.tick = 0
        self._status = ["INVALID"] * len(tree.nodes)
        self._reason = [""] * len(tree.nodes)
        self._is_leaf = [built.kind == "leaf" for built in tree.nodes]
        self._running: set[int] = set()
        self._events: list[tuple[int, int, str, str]] = []
        for built in tree.nodes:
            built.node._log = self.record

    def record(self, node: Any) -> None:
        """Note a node's status and reason if they differ from what was noted last."""
        status: str = node.status._value_
        reason: str = node.feedback_message
        if node.status is INVALID:
            if node.skipped:
                status = "SKIPPED"
            else:
                reason = ""
        index: int = node.index
        if status == self._status[index] and reason == self._reason[index]:
            return
        self._status[index], self._reason[index] = status, reason
        self._events.append((index, self.tick, status, reason))
        if self._is_leaf[index]:
            if status == "RUNNING":
                self._running.add(index)
            else:
                self._running.discard(index)

    def fetch(self) -> list[Change]:
        """Return what was noted since the last call, in order."""
        events, self._events = self._events, []
        return [Change._make(event) for event in events]

    @property
    def running(self) -> tuple[int, ...]:
        """Indices of the leaves that are RUNNING now, in the order of the tree."""
        return tuple(sorted(self._running))

    def status(self, index: int) -> str:
        """Return the last noted status of a node."""
        return self._status[index]

    def reason(self, index: int) -> str:
        """Return the last noted reason of a node."""
        return self._reason[index]
