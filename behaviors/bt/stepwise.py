"""What the nodes of BehaviorTree.CPP share: how they are ticked, halted and reset.

Each of them writes its tick once, as a generator (``run``) that yields the child to tick next, is sent the child's
status, and returns its own. Both forms of ticking (``_t`` and ``tick()``) drive that generator.

Beside the status that everybody sees stands ``stored``, the status that BehaviorTree.CPP keeps in the node. They differ
where it matters: a node that was skipped after it had set itself RUNNING still counts as RUNNING when its parent resets
it, and a node that ended counts as ended until its parent resets it (version 4.10.0, ``tree_node.cpp`` lines 75 to 156,
``control_node.cpp`` lines 40 to 51).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, ClassVar

import py_trees

from ..inner import Composite, Decorator
from ..node import Leaf, Wiring
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault

Tick = Generator[Any, Status, Status]
"""One tick of a node: yields children, is sent their status (INVALID means skipped), returns its own."""

CHILDREN = Port("children", "nodes", "the child nodes, in order")
CHILD = Port("child", "node", "the node it decorates")


def stored(node: Any) -> Status:
    """Return the status that BehaviorTree.CPP would keep in a node; INVALID is its IDLE."""
    status: Status = getattr(node, "stored", node.status)
    return status


def reset(child: Any) -> None:
    """Make a child IDLE, halting it where it is RUNNING."""
    if child.status is not INVALID or stored(child) is not INVALID:
        child._x(INVALID)


def keeps(parent: Any) -> bool:
    """Tell whether a parent resets its children itself, so that a status it left alone still means something."""
    return bool(getattr(parent, "keeps_status", False))


def resumes(parent: Any) -> bool:
    """Tell whether a node that was skipped after it had set itself RUNNING goes on when it is ticked again."""
    return parent is None or bool(getattr(parent, "resumes_skipped", False))


def lend(node: Any, status: Status, reason: str) -> None:
    """Let a node count as ended with a status that it was given without being ticked, until its parent resets it."""
    if isinstance(node, Stepwise):
        node.stored = status
    elif isinstance(node, StatefulLeaf):
        node.status, node.feedback_message = status, reason


class Stepwise:
    """Mixin before ``Composite`` or ``Decorator``. Write ``run`` and, where a node remembers something, ``forget``."""

    children: list[Any]
    status: Status
    stored: Status
    feedback_message: str
    skipped: bool
    parent: Any
    _log: Any
    _runs: Any

    def _begin_life(self) -> None:
        self.stored = INVALID
        self._why = ""

    @property
    def keeps_status(self) -> bool:
        """True: a child that ended keeps its status until this node resets it."""
        return True

    @property
    def resumes_skipped(self) -> bool:
        """True: a child that was skipped while it was RUNNING goes on unless this node resets it."""
        return True

    def run(self) -> Tick:
        """Tick once."""
        raise NotImplementedError

    def forget(self) -> None:
        """Forget what the node remembers of this execution, because it is halted; the children follow."""

    def reset_children(self) -> None:
        """Make all children IDLE, halting those that are RUNNING, in order."""
        for child in self.children:
            if child.status is not INVALID or stored(child) is not INVALID:
                child._x(INVALID)

    def blame(self, reason: str) -> Status:
        """Return FAILURE for a reason of its own."""
        self._why = reason
        return FAILURE

    def refuse(self, problem: str, fix: str) -> None:
        """Raise a fault of this node.

        Raises:
            NodeFault: Always.
        """
        raise_fault(self, ValueError(f"{problem}\n  fix:  {fix}"))

    def _t(self) -> Status:
        old = self.status
        self._start_tick()
        steps = self.run()
        try:
            child = next(steps)
            while True:
                self._ticked(child)
                status = child._t()
                if status is FAILURE:
                    self._why = child.feedback_message or f"{child.name} failed"
                child = steps.send(status)
        except StopIteration as end:
            return self._settle(old, end.value)

    def _ticks(self) -> Iterator[Any]:
        old = self.status
        self._start_tick()
        steps = self.run()
        try:
            child = next(steps)
            while True:
                self._ticked(child)
                yield from child.tick()
                if child.status is FAILURE:
                    self._why = child.feedback_message or f"{child.name} failed"
                child = steps.send(child.status)
        except StopIteration as end:
            self._settle(old, end.value)
        yield self

    def _ticked(self, child: Any) -> None:
        """Note which child is ticked."""

    def _start_tick(self) -> None:
        self.skipped = False
        if self.stored is not RUNNING:
            self._why = self.feedback_message = ""

    def _settle(self, old: Status, new: Status) -> Status:
        if new is RUNNING:
            self.stored = RUNNING
            runs: Status = self._runs(old)
            return runs
        if new is INVALID:
            self.skipped = True
            self.feedback_message = ""
        else:
            # A parent of another dialect, or none, never resets: for it the node is as new.
            self.stored = new if keeps(self.parent) else INVALID
            self.feedback_message = (self._why or "it failed") if new is FAILURE else ""
        self.status = new
        if self._log is not None and (new is not old or new is not SUCCESS):
            self._log(self)
        return new

    def _x(self, new: Status) -> None:
        if self.stored is RUNNING or self.status is RUNNING:
            self._halt()
        self.stored = INVALID
        changed = new is not self.status
        self.status = new
        if self._log is not None and changed:
            self._log(self)

    def _halt(self) -> None:
        self.forget()
        self.reset_children()


class Control(Stepwise, Composite, py_trees.composites.Composite):  # type: ignore[misc]
    """Base of nodes with several children.

    Attributes:
        least: How many children it needs.
        most: How many it can have, None for any number.
    """

    flow = "any"
    ports: ClassVar[tuple[Port, ...]] = (CHILDREN,)
    least: ClassVar[int] = 1
    most: ClassVar[int | None] = None

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring.name, list(wiring.children))
        self._wire(wiring)
        self._begin_life()
        count = len(self.children)
        if count < self.least or (self.most is not None and count > self.most):
            wanted = f"at least {self.least}" if self.most is None else f"{self.least}"
            if self.most is not None and self.most > self.least:
                wanted += f" or {self.most}" if self.most == self.least + 1 else f" to {self.most}"
            self.refuse(f"it has {count} children and needs {wanted}", "add or remove children")

    def _ticked(self, child: Any) -> None:
        self.current_child = child


class BTDecorator(Stepwise, Decorator):
    """Base of nodes with exactly one child. The child is made IDLE as soon as it has ended."""

    ports: ClassVar[tuple[Port, ...]] = (CHILD,)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._begin_life()

    def _settle(self, old: Status, new: Status) -> Status:
        if new is RUNNING and self.decorated.status is RUNNING:
            self.feedback_message = self.decorated.feedback_message
        settled = super()._settle(old, new)
        if stored(self.decorated) in (SUCCESS, FAILURE):
            self.decorated._x(INVALID)
        return settled


class StatefulLeaf(Leaf):
    """Base of leaves that BehaviorTree.CPP derives from ``StatefulActionNode``.

    One that has ended and was not reset by its parent gives its old status again without running. That happens below
    ``bt.WhileDoElse`` and ``bt.IfThenElse`` (``action_node.cpp`` lines 156 to 182).
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._t = StatefulLeaf._t_latched  # type: ignore[method-assign]

    def _latched(self) -> bool:
        return self.status in (SUCCESS, FAILURE) and keeps(self.parent)

    def _t_latched(self) -> Status:
        return self.status if self._latched() else Leaf._t(self)

    def _ticks(self) -> Iterator[Any]:
        if self._latched():
            yield self
        else:
            yield from super()._ticks()
