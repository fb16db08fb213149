"""Gates: what the tick of a node passes through while somebody has put something on the node; no other node has one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ...behaviors.bt.stepwise import Stepwise, keeps, stored
from ...behaviors.step import INVALID, RUNNING, Status
from ..builder import BuiltTree
from ..tracing.history import FORCED

Before = Callable[[], Status | None]
"""Called before a node is ticked; a status replaces the tick."""
After = Callable[[Status], Status | None]
"""Called after a node was ticked, with its status; a status replaces that one."""

_SWAPPED: Final = ("_t", "_x", "_pause", "_resume", "tick")
_MISSING: Final = object()


class TickLeft(BaseException):
    """The run is to end while a tick stands at a node; whatever is left of the tick is not done."""


class Gate:
    """Stands in front of one node: it bears the name of the node's methods, as attributes of the node itself.

    Attributes:
        before: What is asked before each tick, by name, in the order of the names.
        after: What is asked after each tick.
        pretends: True while the node is RUNNING only because somebody said so: it was never started, so it is neither
            halted nor paused, and its next tick of its own starts it.
    """

    def __init__(self, node: Any, tidy: Callable[[], None]) -> None:
        self.node, self._tidy = node, tidy
        self.before: dict[str, Before] = {}
        self.after: dict[str, After] = {}
        self.pretends = False
        self._inside, self._asking = False, 0
        self._kept = {name: node.__dict__.get(name, _MISSING) for name in _SWAPPED}
        self._own = {name: getattr(node, name) for name in _SWAPPED}
        node._t, node._x, node.tick = self._ticked, self._stopped, self._ticks
        node._pause, node._resume = self._paused, self._resumed

    @property
    def idle(self) -> bool:
        """True when the gate does nothing and can be taken away."""
        return not (self.before or self.after or self.pretends or self._asking)

    def leave(self) -> None:
        """Give the node its own methods back."""
        for name, kept in self._kept.items():
            if kept is _MISSING:
                self.node.__dict__.pop(name, None)
            else:
                setattr(self.node, name, kept)

    def _ticked(self) -> Status:
        self._asking += 1
        try:
            given = self._ask_before()
            status = self._tick_itself() if given is None else self.give(given)
            for name in sorted(self.after):
                ask = self.after.get(name)
                changed = ask(status) if ask is not None else None
                if changed is not None and changed is not status:
                    status = self.give(changed)
            return status
        finally:
            self._asking -= 1
            if self.idle:
                self._tidy()

    def _ask_before(self) -> Status | None:
        for name in sorted(self.before):
            ask = self.before.get(name)  # one that was asked before may have taken it away
            given = ask() if ask is not None else None
            if given is not None:
                return given
        return None

    def _tick_itself(self) -> Status:
        if self.pretends:
            self._forget()
        self._inside = True
        try:
            status: Status = self._own["_t"]()
        finally:
            self._inside = False
        return status

    def give(self, status: Status) -> Status:
        """Give the node a status in place of its own; what runs there is halted first."""
        node = self.node
        if not self.pretends and (node.status is RUNNING or stored(node) is RUNNING):
            self._own["_x"](INVALID)
        node.skipped = False
        node.status, node.feedback_message = status, FORCED
        if isinstance(node, Stepwise):
            node.stored = status if status is RUNNING or keeps(node.parent) else INVALID
        self.pretends = status is RUNNING
        self._tell()
        return status

    def _forget(self) -> None:
        """End the pretence of a node."""
        self.pretends = False
        self.node.status, self.node.feedback_message = INVALID, ""
        if isinstance(self.node, Stepwise):
            self.node.stored = INVALID

    def _tell(self) -> None:
        log = getattr(self.node, "_log", None)
        if log is not None:
            log(self.node)

    def _stopped(self, new: Status) -> None:
        if self.pretends:
            self._forget()
            self._tell()
            if self.idle:
                self._tidy()
        self._own["_x"](new)

    def _paused(self) -> None:
        if not self.pretends:
            self._own["_pause"]()

    def _resumed(self) -> None:
        if not self.pretends:
            self._own["_resume"]()

    def _ticks(self) -> Iterator[Any]:
        """Tick as py_trees does, for a parent that does."""
        if self._inside:
            yield from self._own["tick"]()
            return
        self._ticked()
        if not self.node.skipped:
            yield self.node


class Gates:
    """The gates of one tree. Those that do nothing are taken away, so that a tree without any costs nothing.

    Args:
        tree: The tree; nodes are named by their index in it.
    """

    def __init__(self, tree: BuiltTree) -> None:
        self._tree = tree
        self._gates: dict[int, Gate] = {}
        self._lock = threading.RLock()

    def put(self, node: int, name: str, *, before: Before | None = None, after: After | None = None) -> None:
        """Ask before or after each tick of a node, in place of what had this name."""
        with self._lock:
            gate = self._gates.get(node)
            if gate is None:
                gate = self._gates[node] = Gate(self._tree.nodes[node].node, self.tidy)
            if before is not None:
                gate.before[name] = before
            if after is not None:
                gate.after[name] = after

    def take(self, node: int, name: str) -> None:
        """Do not ask any more what has this name. Idempotent."""
        with self._lock:
            gate = self._gates.get(node)
            if gate is not None:
                gate.before.pop(name, None)
                gate.after.pop(name, None)
        self.tidy()

    def tidy(self) -> None:
        """Take gates away that do nothing."""
        with self._lock:
            for node, gate in list(self._gates.items()):
                if gate.idle:
                    del self._gates[node]
                    gate.leave()

    def pretends(self, node: int) -> bool:
        """Tell whether a node is RUNNING only because somebody said so."""
        gate = self._gates.get(node)
        return gate is not None and gate.pretends

    def follow(self, came_from: Sequence[int]) -> None:
        """Stand before the same nodes of a tree that was changed.

        Args:
            came_from: For each node of the new tree the index of the old node whose state it has; else -1.
        """
        with self._lock:
            old, self._gates = self._gates, {}
            for gate in old.values():
                gate.leave()
            for node, before in enumerate(came_from):
                gate_before = old.get(before) if before >= 0 else None
                if gate_before is not None:
                    gate = self._gates[node] = Gate(self._tree.nodes[node].node, self.tidy)
                    gate.before, gate.after, gate.pretends = gate_before.before, gate_before.after, gate_before.pretends

    def clear(self) -> None:
        """Take everything away; what pretends to run does so until its next tick."""
        with self._lock:
            for gate in self._gates.values():
                gate.before.clear()
                gate.after.clear()
        self.tidy()
