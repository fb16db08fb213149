"""Nodes with several children: sequence, selector, parallel, each also reactive.

They are py_trees' composites, with a recursive tick (``step.py``) and with SKIPPED: a skipped child is passed over, and
a composite whose children were all skipped is skipped itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import py_trees
from py_trees.common import ParallelPolicy

from .inner import Composite
from .node import Wiring, behavior
from .ports import Port
from .step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault

CHILDREN = Port("children", "nodes", "the child nodes, in order")


@behavior("sequence")
class Sequence(Composite, py_trees.composites.Sequence):  # type: ignore[misc]
    """Run the children in order until one does not succeed. It remembers the running child and goes on there.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: The present child is.
        SUCCESS: All children succeeded or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up. The next execution starts with the first child.

    Halt:
        Halts the running child.
    """

    flow = "sequence"
    ports: ClassVar[tuple[Port, ...]] = (CHILDREN,)
    remembers: ClassVar[bool] = True

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring.name, self.remembers, list(wiring.children))
        self._wire(wiring)

    def _t(self) -> Status:
        status: Status
        children = self.children
        start = self.status is not RUNNING
        if start:
            self.skipped = False
            self.current_child = children[0] if children else None
            self._reset()
            if self._plain:
                self.feedback_message = ""
            else:
                self.initialise()
            rest = children
        elif self.memory and self.current_child is not None:
            child = self.current_child
            status = child._t()
            if status is RUNNING:
                return RUNNING
            if status is FAILURE:
                self._ends(FAILURE)
                return FAILURE
            rest = children[children.index(child) + 1 :]
        else:
            self.current_child = children[0] if children else None
            rest = children
        child = self.current_child
        try:
            for child in rest:
                status = child._t()
                if status is not SUCCESS and status is not INVALID:
                    break
            else:
                status = SUCCESS
        finally:
            self.current_child = child
        if status is not SUCCESS:
            if not self.memory:
                self._leave_after(child)
            if status is RUNNING:
                if start:
                    self._runs(INVALID)
                return RUNNING
            self._ends(FAILURE)
            return FAILURE
        if self._plain and children and not children[0].skipped:
            self.status = SUCCESS
            if self._log is not None and (self._noted is not SUCCESS or self.feedback_message != self._said):
                self._log(self)
            return SUCCESS
        self._x(SUCCESS)
        return self.status


@behavior("reactive_sequence")
class ReactiveSequence(Sequence):
    """Run the children in order, from the first one in every tick, so that early conditions are checked again.

    An earlier child that is RUNNING or fails halts the later child that was running: a condition that waits for news
    (``see``) therefore restarts the motion behind it. ``guard`` pauses instead.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: A child is.
        SUCCESS: All children succeeded in this tick or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up.

    Halt:
        Halts the running child.
    """

    reactive = True
    remembers = False


@behavior("selector")
@behavior("fallback")
class Selector(Composite, py_trees.composites.Selector):  # type: ignore[misc]
    """Try the children in order until one succeeds. It remembers the running child and goes on there.

    ``fallback`` is another name for the same node.

    Ports:
        children (in, nodes): The child nodes, in order of preference.

    Status:
        RUNNING: The present child is.
        SUCCESS: A child succeeded.
        FAILURE: All children failed or were skipped, not all of them skipped; the last child's reason is passed up.

    Halt:
        Halts the running child.
    """

    flow = "selector"
    ports: ClassVar[tuple[Port, ...]] = (CHILDREN,)
    remembers: ClassVar[bool] = True

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring.name, self.remembers, list(wiring.children))
        self._wire(wiring)
        self._failed = ""

    def _t(self) -> Status:
        rest = children = self.children
        start = self.status is not RUNNING
        if start:
            self.skipped = False
            self._failed = ""
            self.current_child = previous = children[0] if children else None
            if self._plain:
                self.feedback_message = ""
            else:
                self.initialise()
        else:
            previous = self.current_child
            if self.memory and previous is not children[0]:
                first = children.index(previous)
                for earlier in children[:first]:
                    if earlier.status is not INVALID:
                        if earlier.status is FAILURE:
                            self._failed = earlier.feedback_message or f"{earlier.name} failed"
                        earlier._x(INVALID)
                rest = children[first:]
        for child in rest:
            status: Status = child._t()
            if status is FAILURE or status is INVALID:
                continue
            if previous is not child:
                self.current_child = child
                self._leave_after(child)
            if status is RUNNING:
                if start:
                    self._runs(INVALID)
                return RUNNING
            if self._plain:
                self.status = SUCCESS
                if self._log is not None and (self._noted is not SUCCESS or self.feedback_message != self._said):
                    self._log(self)
            else:
                self._ends(SUCCESS)
            return SUCCESS
        if not children:
            self._ends(FAILURE)
            return FAILURE
        self._x(FAILURE)
        self.current_child = children[-1]
        return self.status

    def _ticks(self) -> Iterator[Any]:
        if self.status is not RUNNING:
            self._failed = ""
        elif self.memory and self.current_child is not None:
            for earlier in self.children[: self.children.index(self.current_child)]:
                if earlier.status is FAILURE:
                    self._failed = earlier.feedback_message or f"{earlier.name} failed"
        yield from super()._ticks()

    def _reason(self) -> str:
        child = next((c for c in reversed(self.children) if c.status is FAILURE), None)
        if child is None:
            return self._failed or "it has no child that could succeed"
        return child.feedback_message or f"{child.name} failed"


@behavior("reactive_selector")
@behavior("reactive_fallback")
class ReactiveSelector(Selector):
    """Try the children in order, from the first one in every tick: a better choice that becomes possible takes over.

    An earlier child that is RUNNING or succeeds halts the later child that was running. ``reactive_fallback`` is
    another name for the same node.

    Ports:
        children (in, nodes): The child nodes, in order of preference.

    Status:
        RUNNING: A child is, and no earlier one succeeded.
        SUCCESS: A child succeeded.
        FAILURE: All children failed in this tick or were skipped, not all of them skipped.

    Halt:
        Halts the running child.
    """

    reactive = True
    remembers = False


class SuccessOnNumber(ParallelPolicy.Base):  # type: ignore[misc]
    """A parallel succeeds when at least ``number`` children have."""

    def __init__(self, number: int, synchronise: bool) -> None:
        super().__init__(synchronise=synchronise)
        self.number = number


@behavior("parallel")
class Parallel(Composite, py_trees.composites.Parallel):  # type: ignore[misc]
    """Tick all children in every tick, in order. A child that succeeded is not ticked again in this execution.

    All children are ticked before the outcome is decided, and a failure decides first (as in py_trees).

    Ports:
        children (in, nodes): The child nodes.
        success (in, text, default all): How many children must succeed: ``all``, ``one``, or a number. Skipped children
            do not count.

    Status:
        RUNNING: Nothing is decided yet.
        SUCCESS: Enough children succeeded; the running ones are halted.
        FAILURE: A child failed, or too few are left to succeed; the running ones are halted.

    Halt:
        Halts the running children, in order.
    """

    flow = "parallel"
    ports: ClassVar[tuple[Port, ...]] = (
        CHILDREN,
        Port("success", "text", "how many children must succeed: all, one, or a number", default="all"),
    )
    remembers: ClassVar[bool] = True

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring.name, ParallelPolicy.SuccessOnAll(self.remembers), list(wiring.children))
        self._wire(wiring)

    def initialise(self) -> None:
        """Read how many children must succeed (py_trees' hook)."""
        self.feedback_message = ""
        if "success" in self.wiring.inputs:
            self.policy = self._policy(str(self.get("success")).strip())

    def _policy(self, wanted: str) -> Any:
        if wanted == "all":
            return ParallelPolicy.SuccessOnAll(self.remembers)
        if wanted == "one":
            return ParallelPolicy.SuccessOnOne()
        if wanted.isdecimal() and 1 <= int(wanted) <= len(self.children):
            return SuccessOnNumber(int(wanted), self.remembers)
        fix = f"write all, one, or a number from 1 to {len(self.children)}"
        return raise_fault(self, ValueError(f"success is {wanted!r}\n  fix:  {fix}"))

    def _t(self) -> Status:
        old = self.status
        for child in self._due(old):
            child._t()
        return self._settle(old)

    def _ticks(self) -> Iterator[Any]:
        old = self.status
        for child in self._due(old):
            yield from child.tick()
        self._settle(old)
        yield self

    def _due(self, old: Status) -> Iterator[Any]:
        """Start if need be and give the children to tick."""
        if old is not RUNNING:
            self.skipped = False
            self._reset()
            self.current_child = None
            self.initialise()
        if self.policy.synchronise:
            for child in self.children:
                if child.status is not SUCCESS and not (child.skipped and old is RUNNING):
                    yield child
        else:
            yield from self.children

    def _settle(self, old: Status) -> Status:
        status = self._decide()
        if status is RUNNING:
            return self._runs(old)
        self._x(status)
        return self.status

    def _decide(self) -> Status:
        children = self.children
        if not children:
            return SUCCESS
        self.current_child = children[-1]
        succeeded, possible = 0, 0
        last = children[-1]
        for child in children:
            status = child.status
            if status is FAILURE:
                self.current_child = child
                return FAILURE
            if status is SUCCESS:
                succeeded += 1
                last = child
            possible += status is not INVALID
        if not possible:
            return SUCCESS  # all were skipped, and so is the parallel
        policy = self.policy
        needed = policy.number if isinstance(policy, SuccessOnNumber) else 1
        if isinstance(policy, ParallelPolicy.SuccessOnAll):
            needed, last = possible, children[-1]
        if possible < needed:
            self.feedback_message = f"only {possible} children are not skipped, {needed} must succeed"
            return FAILURE
        if succeeded < needed:
            return RUNNING
        self.current_child = last
        return SUCCESS

    def _x(self, new: Status) -> None:
        for child in self.children:
            if child.status is RUNNING:
                child._x(INVALID)
        super()._x(new)


@behavior("reactive_parallel")
class ReactiveParallel(Parallel):
    """Tick all children in every tick, also those that succeeded before: all must hold at the same time.

    Ports:
        children (in, nodes): The child nodes.
        success (in, text, default all): How many children must succeed in one tick: ``all``, ``one``, or a number.
            Skipped children do not count.

    Status:
        RUNNING: Nothing is decided yet.
        SUCCESS: Enough children succeeded in this tick; the running ones are halted.
        FAILURE: A child failed, or too few are left to succeed; the running ones are halted.

    Halt:
        Halts the running children, in order.
    """

    reactive = True
    remembers = False
