"""The state of a tree between two ticks: kept, brought back, and compared with others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from py_trees.behaviour import Behaviour
from py_trees.common import Status

from ...behaviors.blackboard import UNSET, Cell
from ..builder import BuiltTree
from ..changing.reload import STRUCTURE
from .choosing import Undecidable

EPOCH: Final = 1e9
"""What the clock of a model shows; numbers of at least half of it are times."""
LONG: Final = 1e7
"""Longer than any time in a tree, [s]."""
_SEEN: Final = STRUCTURE - {"current_child"} | {
    "feedback_message",
    "_noted",
    "_said",
    "_invariant_post",
    "_time_over",
    "status",
}
_TOLD: Final = ("status", "skipped", "_queued", "stored")
_OF_FREE: Final = (*_TOLD, "feedback_message")
"""What a leaf that does whatever it can remembers."""
_COPIED: Final = (list, dict, set, deque)
_LEFT_OUT: Final = {"Repeat": {"successes"}}
"""Class → counters that mean nothing while it has no limit."""


class Unknown:
    """A value that only the run knows."""

    def __repr__(self) -> str:
        return "a value that only the run knows"


UNKNOWN: Final = Unknown()


class States:
    """Keeps states of one built tree.

    Args:
        tree: The tree.
        free: Identities of the nodes that remember nothing but what their status says.
        results: Gives what conditions know of the results of nodes; part of the state.
        restore: Takes that back.
    """

    def __init__(
        self, tree: BuiltTree, free: set[int], results: Callable[[], Any], restore: Callable[[Any], None]
    ) -> None:
        self._nodes = [built.node for built in tree.nodes]
        self._index = {id(node): number for number, node in enumerate(self._nodes)}
        self._fixed = [None if id(node) in free else _fixed(node) for node in self._nodes]
        self._tree, self._results, self._restore = tree, results, restore

    def take(self) -> Any:
        """Return the present state, to be brought back."""
        nodes = []
        for node, fixed in zip(self._nodes, self._fixed, strict=True):
            own = node.__dict__
            if fixed is None:
                nodes.append(tuple((name, own[name]) for name in _OF_FREE if name in own))
            else:
                nodes.append(tuple((name, _copied(value)) for name, value in own.items() if name not in fixed))
        cells = [(cell, cell.value, cell.version, cell.writer, cell.declared) for cell in self._tree.blackboard]
        return nodes, cells, self._results()

    def bring_back(self, state: Any) -> None:
        """Make a state the present one."""
        nodes, cells, results = state
        for node, fixed, memory in zip(self._nodes, self._fixed, nodes, strict=True):
            own = node.__dict__
            if fixed is None:
                own.update(memory)
                continue
            if len(own) != len(fixed) + len(memory):
                names = {name for name, _ in memory}
                for name in [name for name in own if name not in fixed and name not in names]:
                    del own[name]
            for name, value in memory:
                own[name] = _copied(value)
        for cell, value, version, writer, declared in cells:
            cell.value, cell.version, cell.writer, cell.declared = value, version, writer, declared
        self._tree.context.halting.clear()
        self._restore(results)

    def key(self) -> Any:
        """Return what tells the present state from others: two with one key go on alike."""
        nodes = tuple(self._node(node, fixed) for node, fixed in zip(self._nodes, self._fixed, strict=True))
        cells = tuple((cell.name, self._value(cell.value, EPOCH)) for cell in self._tree.blackboard)
        return nodes, cells, self._value(self._results(), EPOCH)

    def _node(self, node: Any, fixed: frozenset[str] | None) -> Any:
        own = node.__dict__
        if fixed is None:
            return tuple(own.get(name) for name in _TOLD)
        now = node.context.now
        left_out = _LEFT_OUT.get(type(node).__name__, ()) if own.get("times") == -1 else ()
        memory = [
            (name, self._value(value, now))
            for name, value in own.items()
            if name not in fixed and name not in _SEEN and name not in left_out
        ]
        return node.status, tuple(memory)

    def _value(self, value: Any, now: float) -> Any:
        if value is None or value is UNKNOWN or value is UNSET or isinstance(value, bool | int | str | Status):
            return value
        if isinstance(value, float):
            return max(value - now, -LONG) if value >= EPOCH / 2 else value
        if isinstance(value, Behaviour):
            return ("node", self._index.get(id(value), -1))
        if isinstance(value, Cell):
            return ("cell", value.name)
        if isinstance(value, list | tuple | deque):
            return (type(value).__name__, *(self._value(each, now) for each in value))
        if isinstance(value, set | frozenset):
            return frozenset(self._value(each, now) for each in value)
        if isinstance(value, dict):
            return tuple((self._value(key, now), self._value(each, now)) for key, each in value.items())
        if callable(value) or type(value).__module__.startswith("re"):
            return id(value)
        raise Undecidable(f"a node remembers a {type(value).__name__}")


def _fixed(node: Any) -> frozenset[str]:
    """Return the names of what a node never changes: where it stands, and functions."""
    constant = (STRUCTURE - {"current_child"}) | {"_invariant_post"}
    return frozenset(
        name
        for name, value in node.__dict__.items()
        if name in constant or (callable(value) and not isinstance(value, Behaviour))
    )


def _copied(value: Any) -> Any:
    return value.copy() if type(value) in _COPIED else value
