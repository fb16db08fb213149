"""Nav2's control nodes that tick children in order."""

from __future__ import annotations

from typing import cast

from ..bt.stepwise import CHILDREN, Control, Tick
from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS
from .places import given


@behavior("nav2.PipelineSequence")
class PipelineSequence(Control):
    """Tick all children from the first one up to the furthest that was reached, again in every tick.

    A child that is RUNNING stops the tick only if no child behind it was RUNNING before; so an early child can make
    something new while a later one uses what it made before.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The furthest child is, or a child behind which none was reached.
        SUCCESS: All children behind the furthest one succeeded, and it did; skipped ones count as well.
        FAILURE: A child failed; all are halted.
        SKIPPED: All children were skipped.

    Halt:
        Halts the running children, in order.

    Source: ``pipeline_sequence.cpp`` of Nav2.
    """

    flow = "pipeline"
    reactive = True

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Go back to the first child."""
        self._furthest = 0

    def run(self) -> Tick:
        """Tick the children in order."""
        skips = 0
        for at, child in enumerate(self.children):
            status = yield child
            if status is FAILURE:
                self.reset_children()
                self.forget()
                return FAILURE
            if status is INVALID:
                skips += 1
            elif status is RUNNING and at >= self._furthest:
                self._furthest = at
                return RUNNING
        self.reset_children()
        self.forget()
        return INVALID if skips == len(self.children) else SUCCESS


@behavior("nav2.NonblockingSequence")
class NonblockingSequence(Control):
    """Tick all children in every tick, also behind one that is RUNNING.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: A child is, and none failed.
        SUCCESS: All children succeeded in this tick.
        FAILURE: A child failed; all are halted, and those behind it are not ticked.

    Halt:
        Halts the running children, in order.

    A skipped child is a fault, as in the original.

    Source: ``nonblocking_sequence.cpp`` of Nav2.
    """

    flow = "parallel"
    reactive = True

    def run(self) -> Tick:
        """Tick the children in order."""
        running = False
        for child in self.children:
            status = yield child
            if status is FAILURE:
                self.reset_children()
                return FAILURE
            if status is INVALID:
                self.refuse(f"its child {child.name!r} was skipped", "remove what skips it, or use bt.Sequence")
            running = running or status is RUNNING
        if running:
            return RUNNING
        self.reset_children()
        return SUCCESS


@behavior("nav2.PersistentSequence")
class PersistentSequence(Control):
    """Run the children in order; which one is next stands in an entry and stays there through halts.

    Ports:
        current_child_idx (inout, int, default none): The entry with the number of the next child, from 0; it must be
            set before, such as by ``bt.Script: current_child_idx := 0``.
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The present child is.
        SUCCESS: The last child succeeded or was skipped; the entry is 0 again.
        FAILURE: A child failed; the entry is 0 again.

    Halt:
        Halts the running child; the entry stays.

    Source: ``persistent_sequence.cpp`` of Nav2.
    """

    flow = "any"
    ports = (
        Port("current_child_idx", "int", "the entry with the number of the next child", "inout", default=None),
        CHILDREN,
    )

    def run(self) -> Tick:
        """Tick the children from the present one on."""
        at = given(self, "current_child_idx")
        if not isinstance(at, int):
            self.refuse(
                "current_child_idx is not set", "set it before, such as with `bt.Script: current_child_idx := 0`"
            )
        at = cast(int, at)
        self.stored = RUNNING
        children = self.children
        while at < len(children):
            status = yield children[at]
            if status is RUNNING:
                return RUNNING
            if status is FAILURE:
                self.reset_children()
                self._note(0)
                return FAILURE
            at += 1
            self._note(at)
        self.reset_children()
        self._note(0)
        return SUCCESS

    def _note(self, at: int) -> None:
        cell = self.wiring.outputs.get("current_child_idx")
        if cell is not None:
            cell.set(at, self.path)
