"""BehaviorTree.CPP's nodes that begin with the first child in every tick."""

from __future__ import annotations

from typing import ClassVar

from ..node import behavior
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from .stepwise import Control, Tick, reset


class Reactive(Control):
    """Base of ReactiveSequence and ReactiveFallback."""

    reactive = True
    goes_on: ClassVar[Status] = SUCCESS

    def run(self) -> Tick:
        """Tick from the first child on; a child that is RUNNING makes all others IDLE."""
        self.stored = RUNNING
        skipped = True
        for child in self.children:
            status = yield child
            if status is INVALID:
                reset(child)
                continue
            skipped = False
            if status is RUNNING:
                for other in self.children:
                    if other is not child:
                        reset(other)
                return RUNNING
            if status is not self.goes_on:
                self.reset_children()
                return status
        self.reset_children()
        return INVALID if skipped else self.goes_on


@behavior("bt.ReactiveSequence")
class ReactiveSequence(Reactive):
    """Run the children in order, from the first one in every tick, as BehaviorTree.CPP does.

    While a child is RUNNING all others are made IDLE: an earlier one that becomes RUNNING halts the one behind it.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: A child is, and those before it succeeded in this tick.
        SUCCESS: All children succeeded in this tick or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child.

    Source: ``reactive_sequence.cpp`` of 4.10.0.
    """

    flow = "sequence"


@behavior("bt.ReactiveFallback")
class ReactiveFallback(Reactive):
    """Try the children in order, from the first one in every tick, as BehaviorTree.CPP does.

    While a child is RUNNING all others are made IDLE: an earlier one that becomes RUNNING halts the one behind it.

    Ports:
        children (in, nodes): The child nodes, in order of preference.

    Status:
        RUNNING: A child is, and those before it failed in this tick.
        SUCCESS: A child succeeded.
        FAILURE: All children failed in this tick or were skipped, not all of them skipped.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running child.

    Source: ``reactive_fallback.cpp`` of 4.10.0.
    """

    flow = "selector"
    goes_on = FAILURE
