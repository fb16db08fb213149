"""The loop over a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .inner import Decorator
from .node import Wiring, behavior
from .ports import Port
from .step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault


@behavior("for_each")
class ForEach(Decorator):
    """Run the child once for each element of a list, in order, one run in a tick.

    The list is read when the execution starts; later writes to it change nothing.

    Ports:
        item (out, variable): The entry that holds the present element, such as ``$thing``.
        in (in, list): The list, such as ``$loose``.
        child (in, node): The node to run.
        index (out, variable, default none): The entry that holds its position, from 0.

    Status:
        RUNNING: The child is, or more elements follow in the next tick.
        SUCCESS: The child succeeded, or was skipped, for each element; also for an empty list.
        FAILURE: The child failed for an element; its reason is passed up and the rest is left.

    Halt:
        Halts the child.
    """

    flow = "for_each"
    ports = (
        Port("item", "variable", "the entry that holds the present element", direction="out"),
        Port("in", "list", "the list"),
        Port("child", "node", "the node to run for each element"),
        Port("index", "variable", "the entry that holds its position, from 0", direction="out", default=None),
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._items: list[object] = []
        self._at = 0
        self._ran = False

    def initialise(self) -> None:
        """Read the list and bind its first element (py_trees' hook)."""
        self.feedback_message = ""
        items = self.get("in")
        if not isinstance(items, list | tuple):
            raise_fault(self, TypeError(f"in must be a list, it is {type(items).__name__} {items!r:.60}"))
        self._items = list(items)
        self._at = 0
        self._ran = False
        if self._items:
            self._bind()

    def _bind(self) -> None:
        outputs = self.wiring.outputs
        outputs["item"].set(self._items[self._at], self.path)
        if "index" in outputs:
            outputs["index"].set(self._at, self.path)

    def _begin(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self.skipped = False
            self.initialise()
        return old

    def _t(self) -> Status:
        old = self._begin()
        if self._items:
            self.decorated._t()
        return self._settle(old, self.update())

    def _ticks(self) -> Iterator[Any]:
        old = self._begin()
        if self._items:
            yield from self.decorated.tick()
        self._settle(old, self.update())
        yield self

    def update(self) -> Status:
        """Go on to the next element when the child is done with this one (py_trees' hook)."""
        if not self._items:
            self.feedback_message = "the list is empty"
            return SUCCESS
        child = self.decorated
        count = f"{self._at + 1} of {len(self._items)}"
        if child.status is RUNNING:
            self.feedback_message = f"{count}: {child.feedback_message}" if child.feedback_message else count
            return RUNNING
        if child.status is FAILURE:
            self._ran = True
            self.feedback_message = f"{child.feedback_message or child.name + ' failed'} (element {count})"
            return FAILURE
        self._ran = self._ran or child.status is SUCCESS
        if self._at + 1 < len(self._items):
            self._at += 1
            self._bind()
            self.feedback_message = f"{self._at + 1} of {len(self._items)}"
            if self._log is not None and self.status is RUNNING:
                self._log(self)
            return RUNNING
        self.feedback_message = f"{len(self._items)} of {len(self._items)}"
        return SUCCESS if self._ran else INVALID

    def _settle(self, old: Status, new: Status) -> Status:
        status = super()._settle(old, new)
        if status is not RUNNING:
            self._items = []
        return status
