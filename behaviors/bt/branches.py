"""BehaviorTree.CPP's nodes that choose between children."""

from __future__ import annotations

from typing import cast

from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS
from .stepwise import CHILDREN, Control, Tick, reset


@behavior("bt.IfThenElse")
class IfThenElse(Control):
    """Tick the first child once to choose between the second and the third.

    With two children it fails when the condition does. A condition that failed then keeps its status: an action of the
    kind that runs over several ticks gives FAILURE again, without running, in the next execution.

    Ports:
        children (in, nodes): The condition, what to run if it succeeds, and (optional) what to run if it fails.

    Status:
        RUNNING: The condition or the chosen child is.
        SUCCESS: The chosen child succeeded.
        FAILURE: The chosen child failed, or there is none for a condition that failed.
        SKIPPED: The chosen child was skipped. A skipped condition is a fault.

    Halt:
        Halts the running child; the condition is ticked again next time.

    Source: ``if_then_else_node.cpp`` of 4.10.0.
    """

    flow = "if"
    least, most = 2, 3

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Go back to the condition."""
        self._chosen = 0

    def run(self) -> Tick:
        """Tick the condition or the chosen child."""
        self.stored = RUNNING
        children = self.children
        if not self._chosen:
            status = yield children[0]
            if status is RUNNING:
                return RUNNING
            if status is INVALID:
                self.refuse("its condition was skipped, and so it cannot choose", "remove what skips the first child")
            if status is FAILURE and len(children) == 2:
                return FAILURE
            self._chosen = 1 if status is SUCCESS else 2
        status = yield children[self._chosen]
        if status is RUNNING:
            return RUNNING
        self.reset_children()
        self._chosen = 0
        return status


@behavior("bt.WhileDoElse")
class WhileDoElse(Control):
    """Tick the first child in every tick to choose between the second and the third.

    When the choice changes, the other child is halted. A condition that has ended keeps its status while the chosen
    child is RUNNING: an action of the kind that runs over several ticks is not run again, it repeats its status.

    Ports:
        children (in, nodes): The condition, what to run while it succeeds, and (optional) what to run while it fails.

    Status:
        RUNNING: The condition or the chosen child is.
        SUCCESS: The chosen child succeeded.
        FAILURE: The chosen child failed, or there is none for a condition that failed.
        SKIPPED: The chosen child was skipped. A skipped condition is a fault.

    Halt:
        Halts the running children.

    Source: ``while_do_else_node.cpp`` of 4.10.0.
    """

    flow = "if"
    reactive = True
    least, most = 2, 3

    def run(self) -> Tick:
        """Tick the condition and the child it chooses."""
        self.stored = RUNNING
        children = self.children
        status = yield children[0]
        if status is RUNNING:
            return RUNNING
        if status is INVALID:
            self.reset_children()
            self.refuse("its condition was skipped, and so it cannot choose", "remove what skips the first child")
        if status is SUCCESS:
            if len(children) == 3:
                reset(children[2])
            status = yield children[1]
        elif len(children) == 3:
            reset(children[1])
            status = yield children[2]
        if status is RUNNING:
            return RUNNING
        self.reset_children()
        return status


@behavior("bt.TryCatch")
class TryCatch(Control):
    """Run all children but the last as a sequence; when one fails, run the last and fail.

    Ports:
        catch_on_halt (in, bool, default false): Whether the last child is also ticked, once, when the node is halted
            while it runs the others; if it is RUNNING then, it is halted at once.
        children (in, nodes): The children to try, in order, and the one that cleans up.

    Status:
        RUNNING: The present child is, or the one that cleans up.
        SUCCESS: All children to try succeeded or were skipped, not all of them skipped.
        FAILURE: One failed, and the last child has ended, however it did; the reason of the first failure is passed up.
        SKIPPED: All children to try were skipped.

    Halt:
        Halts the running child; see ``catch_on_halt``.

    Source: ``try_catch_node.cpp`` of 4.10.0.
    """

    flow = "try"
    least = 2
    ports = (
        Port("catch_on_halt", "bool", "whether the last child is ticked once when the node is halted", default=False),
        CHILDREN,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._cause = ""
        self.forget()

    def forget(self) -> None:
        """Go back to the first child."""
        self._at = self._skips = 0
        self._catching = False

    def run(self) -> Tick:
        """Tick the children to try, or the one that cleans up."""
        if self.stored is INVALID:
            self._skips, self._catching = 0, False
        self.stored = RUNNING
        *tried, last = self.children
        while not self._catching and self._at < len(tried):
            status = yield tried[self._at]
            if status is RUNNING:
                return RUNNING
            if status is FAILURE:
                self._cause = self._why
                self.reset_children()
                self._at, self._catching = 0, True
            else:
                self._at += 1
                self._skips += status is INVALID
        if self._catching:
            status = yield last
            if status is RUNNING:
                return RUNNING
            self.reset_children()
            self._at, self._catching = 0, False
            return self.blame(self._cause)
        skipped = self._skips == len(tried)
        self.reset_children()
        self._at = self._skips = 0
        return INVALID if skipped else SUCCESS

    def _halt(self) -> None:
        if cast(bool, self.get("catch_on_halt")) and not self._catching:
            *tried, last = self.children
            for child in tried:
                reset(child)
            if last._t() is RUNNING:
                last._x(INVALID)
        super()._halt()
