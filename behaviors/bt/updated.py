"""BehaviorTree.CPP's nodes that look whether an entry was written since they looked last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..blackboard import UNSET, Cell
from ..node import Leaf, Wiring, behavior
from ..ports import Port
from ..step import INVALID, RUNNING, Status
from .stepwise import CHILD, BTDecorator, Tick
from .values import entry_of

_ENTRY = Port("entry", "any", "the entry to look at", direction="inout")


@dataclass
class _Watch:
    """Remembers how often an entry was written."""

    cell: Cell
    seen: int = 0

    def news(self) -> bool:
        """Tell whether the entry was written since the last call; at first, whether it is set."""
        if self.cell.value is UNSET:
            return False
        before, self.seen = self.seen, self.cell.version
        return before != self.seen


@behavior("bt.WasEntryUpdated")
class WasEntryUpdated(Leaf):
    """Tell whether an entry was written since this node was ticked last.

    Ports:
        entry (inout, any): The entry to look at, such as ``$pose``.

    Status:
        SUCCESS: It was written, or this is the first look and it is set.
        FAILURE: It was not written since, or it is not set.

    Halt:
        Nothing to halt.

    Source: ``updated_action.cpp`` of 4.10.0.
    """

    replays = "ticked"
    ports = (_ENTRY,)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._watch: _Watch | None = None

    def step(self) -> Status:
        """Compare the number of writes."""
        if self._watch is None:
            self._watch = _Watch(entry_of(self.wiring, "entry"))
        name = self._watch.cell.name.rpartition("/")[2]
        return self.succeed() if self._watch.news() else self.fail(f"${name} has no new value")


class IfUpdated(BTDecorator):
    """Base of SkipUnlessUpdated and WaitValueUpdate."""

    ports = (_ENTRY, CHILD)
    otherwise: ClassVar[Status] = INVALID

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._watch: _Watch | None = None
        self.forget()

    def forget(self) -> None:
        """Forget that the child was running."""
        self._busy = False

    def run(self) -> Tick:
        """Tick the child if it is running or the entry was written."""
        if not self._busy:
            if self._watch is None:
                self._watch = _Watch(entry_of(self.wiring, "entry"))
            if not self._watch.news():
                self.feedback_message = f"${self._watch.cell.name.rpartition('/')[2]} has no new value"
                return self.otherwise
        status = yield self.decorated
        self._busy = status is RUNNING
        return status


@behavior("bt.SkipUnlessUpdated")
class SkipUnlessUpdated(IfUpdated):
    """Run the child if an entry was written since this node looked last, else be skipped.

    Ports:
        entry (inout, any): The entry to look at, such as ``$pose``.
        child (in, node): The node to run; while it is RUNNING the entry is not looked at.

    Status:
        RUNNING, SUCCESS, FAILURE: As the child.
        SKIPPED: The entry has no new value or is not set, or the child was skipped.

    Halt:
        Halts the child.

    Source: ``updated_decorator.cpp`` of 4.10.0.
    """

    flow = "maybe"


@behavior("bt.WaitValueUpdate")
class WaitValueUpdate(IfUpdated):
    """Wait until an entry is written, then run the child.

    Ports:
        entry (inout, any): The entry to look at, such as ``$pose``.
        child (in, node): The node to run; while it is RUNNING the entry is not looked at.

    Status:
        RUNNING: The entry has no new value or is not set, or the child is RUNNING.
        SUCCESS, FAILURE, SKIPPED: As the child.

    Halt:
        Halts the child.

    Source: ``updated_decorator.cpp`` of 4.10.0.
    """

    flow = "same"
    otherwise = RUNNING
