"""BehaviorTree.CPP's nodes that tick their children in order and remember where they are."""

from __future__ import annotations

from typing import ClassVar

from ..node import Wiring, behavior
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from .stepwise import Control, Tick, reset, stored


class InOrder(Control):
    """Base of Sequence and Fallback."""

    goes_on: ClassVar[Status] = SUCCESS
    """Status of a child after which the next child is ticked."""
    yields: ClassVar[bool] = False
    """True when it stops for this tick after a child that ended in its first tick."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Go back to the first child."""
        self._at = self._skips = 0

    def run(self) -> Tick:
        """Tick children until one does not go on."""
        if self.stored is INVALID:
            self._skips = 0
        self.stored = RUNNING
        children = self.children
        count = len(children)
        while self._at < count:
            child = children[self._at]
            before = stored(child) if self.yields else RUNNING
            status = yield child
            if status is RUNNING:
                return RUNNING
            if status is INVALID:
                self._at += 1
                self._skips += 1
            elif status is self.goes_on:
                self._at += 1
                if before is INVALID and self._at < count:
                    return RUNNING
            else:
                self.reset_children()
                self._at = 0
                return status
        skipped = self._skips == count
        self.reset_children()
        self.forget()
        return INVALID if skipped else self.goes_on


@behavior("bt.Sequence")
class Sequence(InOrder):
    """Run the children in order until one does not succeed, as BehaviorTree.CPP does.

    It goes on at the running child. All children are made IDLE in the tick in which it ends.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The present child is.
        SUCCESS: All children succeeded or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up. The next execution starts with the first child.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child and goes back to the first one.

    Source: ``sequence_node.cpp`` of 4.10.0.
    """

    flow = "sequence"


@behavior("bt.AsyncSequence")
class AsyncSequence(Sequence):
    """Run the children in order like ``bt.Sequence``, but stop for this tick after a child that succeeded at once.

    So a halt from above can come between two children, however fast they are.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The present child is, or it succeeded in its first tick and more follow.
        SUCCESS: All children succeeded or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up. The next execution starts with the first child.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child and goes back to the first one.

    Source: ``sequence_node.cpp`` of 4.10.0.
    """

    yields = True


@behavior("bt.Fallback")
class Fallback(InOrder):
    """Try the children in order until one succeeds, as BehaviorTree.CPP does.

    It goes on at the running child. All children are made IDLE in the tick in which it ends.

    Ports:
        children (in, nodes): The child nodes, in order of preference.

    Status:
        RUNNING: The present child is.
        SUCCESS: A child succeeded.
        FAILURE: All children failed or were skipped, not all of them skipped; the last reason is passed up.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child and goes back to the first one.

    Source: ``fallback_node.cpp`` of 4.10.0.
    """

    flow = "selector"
    goes_on = FAILURE


@behavior("bt.AsyncFallback")
class AsyncFallback(Fallback):
    """Try the children in order like ``bt.Fallback``, but stop for this tick after a child that failed at once.

    Ports:
        children (in, nodes): The child nodes, in order of preference.

    Status:
        RUNNING: The present child is, or it failed in its first tick and more follow.
        SUCCESS: A child succeeded.
        FAILURE: All children failed or were skipped, not all of them skipped; the last reason is passed up.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child and goes back to the first one.

    Source: ``fallback_node.cpp`` of 4.10.0.
    """

    yields = True


@behavior("bt.SequenceWithMemory")
class SequenceWithMemory(Control):
    """Run the children in order and remember those that succeeded, also after a failure and after a halt.

    After a failure the next execution starts with the child that failed, after a halt with the child that was halted.
    A child that succeeds in its first tick ends this tick, and the next child follows in the next one.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The present child is, or it succeeded in its first tick and more follow.
        SUCCESS: All children succeeded or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child and remembers which it was.

    Source: ``sequence_with_memory_node.cpp`` of 4.10.0.
    """

    flow = "sequence"

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._at = self._skips = 0

    def run(self) -> Tick:
        """Tick children until one does not succeed."""
        if self.stored is INVALID:
            self._skips = 0
        self.stored = RUNNING
        children = self.children
        count = len(children)
        while self._at < count:
            child = children[self._at]
            before = stored(child)
            status = yield child
            if status is RUNNING:
                return RUNNING
            if status is FAILURE:
                for later in children[self._at :]:
                    reset(later)
                return FAILURE
            self._at += 1
            if status is INVALID:
                self._skips += 1
            elif before is INVALID and self._at < count:
                return RUNNING
        skipped = self._skips == count
        self.reset_children()
        self._at = self._skips = 0
        return INVALID if skipped else SUCCESS
