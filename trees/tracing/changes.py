"""What changed in a tick: an event per changed status or reason. No tick walks the tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...behaviors.step import INVALID, RUNNING
from ..builder import BuiltTree

HALTING = "halting"
"""The reason of a node that was halted and is not at rest yet."""


class Change(NamedTuple):
    """One node that changed.

    Attributes:
        node: Which node, its index in ``BuiltTree.nodes``.
        tick: In which tick.
        status: ``SUCCESS``, ``FAILURE``, ``RUNNING``, ``SKIPPED``, or ``INVALID`` for halted and reset nodes.
        reason: Why it failed, what it is doing, or a note; for ``INVALID`` empty, or ``halting`` while the node is not
            at rest.
    """

    node: int
    tick: int
    status: str
    reason: str


class Changes:
    """The change log of one run: nodes report here when they change, the loop fetches once a tick.

    A node that had ended, is reset, and ends again in the same tick in the same way has not changed. One that was
    RUNNING and is halted has, also when it starts again at once. Resets are noted after everything else of their tick.

    Args:
        tree: The tree whose nodes report from now on.

    Attributes:
        tick: Number given to what is reported.
        moments: The ``moment`` of each event of a leaf since the last fetch, in order.
        fetched: Those of the events that were fetched last.
    """

    def __init__(self, tree: BuiltTree) -> None:
        self.tick = 0
        self.moments: list[int] = []
        self.fetched: list[int] = []
        self._again = 0
        self._status: list[str] = []
        self._reason: list[str] = []
        self._running: set[int] = set()
        self._events: list[tuple[int, int, str, str]] = []
        self._resets: list[Any] = []
        self._halting = tree.context.halting
        self.follow(tree, [-1] * len(tree.nodes))

    def follow(self, tree: BuiltTree, came_from: Sequence[int]) -> None:
        """Listen to the nodes of a tree that was changed; fetch before what the nodes of the old one reported.

        Args:
            tree: The tree from now on.
            came_from: Index before of each node, -1 for one of which nothing is known.
        """
        self._status = [self._status[i] if i >= 0 else "INVALID" for i in came_from]
        self._reason = [self._reason[i] if i >= 0 else "" for i in came_from]
        self._is_leaf = [built.kind == "leaf" for built in tree.nodes]
        self._running = {i for i, leaf in enumerate(self._is_leaf) if leaf and self._status[i] == "RUNNING"}
        for built, before in zip(tree.nodes, came_from, strict=True):
            node = built.node
            node._log, node._resets = self.record, self._resets
            if before < 0:
                node._noted, node._said = INVALID, ""

    def record(self, node: Any) -> None:
        """Note a node's status and reason if they differ from what was noted last."""
        noted = node.status
        status: str = noted._value_
        reason: str = node.feedback_message
        if noted is INVALID:
            if node.skipped:
                status, noted = "SKIPPED", None
            elif node._noted is RUNNING or (node._noted is INVALID and node._said == HALTING):
                reason = HALTING if self._halting and node in self._halting else ""
            else:
                if node._noted is not INVALID:
                    self._resets.append(node)
                return
        if noted is node._noted and reason == node._said:
            self._again += noted is None
            return
        node._noted, node._said = noted, reason
        self._note(node.index, status, reason)

    def _note(self, index: int, status: str, reason: str) -> None:
        self._status[index], self._reason[index] = status, reason
        if self._is_leaf[index]:
            self.moments.append(len(self._events) + len(self._resets) + self._again)  # the moment, without a call
            if status == "RUNNING":
                self._running.add(index)
            else:
                self._running.discard(index)
        self._events.append((index, self.tick, status, reason))

    @property
    def moment(self) -> int:
        """How much has happened since the last fetch: between two ticks of a leaf in one tick it grows."""
        return len(self._events) + len(self._resets) + self._again

    def fetch(self) -> list[Change]:
        """Return what was noted since the last call, in order."""
        if self._resets:
            for node in [node for node in self._resets if node.status is INVALID]:
                if node._noted is not INVALID and not node.skipped:
                    node._noted, node._said = INVALID, ""
                    self._note(node.index, "INVALID", "")
            self._resets.clear()
        events, self._events = self._events, []
        self.fetched, self.moments, self._again = self.moments, [], 0
        return [Change._make(event) for event in events]

    def pending(self) -> list[Change]:
        """Return what was noted since the last ``fetch``, which will return it again; without resets."""
        return [Change._make(event) for event in self._events]

    def state(self) -> list[Change]:
        """Return the last noted state of all nodes that are not INVALID, or halting, as changes of the present tick."""
        noted = zip(self._status, self._reason, strict=True)
        return [Change(i, self.tick, *each) for i, each in enumerate(noted) if each != ("INVALID", "")]

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
