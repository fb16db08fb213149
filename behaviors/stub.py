"""What a node is built as that a file only declares: its ports and kind are known, what it does is not.

A stub takes the ports of its declaration from the wiring. Ticking it is a fault that names the node. A mock stands in
for it; one for a node with children is built with those children and can tick them as a sequence
(``trees/mocking/mocked.py``).
"""

from __future__ import annotations

from typing import Any, Final

from .._base import KnotholeError
from .bt.stepwise import BTDecorator, Control, StatefulLeaf, Tick
from .node import Leaf
from .step import Status, raise_fault


def _fault(node: Any, noun: str) -> KnotholeError:
    key = node.path.rpartition("/")[2].partition("[")[0] or node.name
    what = f'register a class with @behavior("{key}")'
    if noun == "subtree":
        what = "add the file that has the tree to `include`"
    problem = f"the {noun} {key} is only declared, what it does is not known"
    return KnotholeError(f"{problem}\n  fix:  run with --mock, or {what}")


class StubAction(StatefulLeaf):
    """Stand for a declared action, which may take several ticks.

    Status:
        RUNNING, SUCCESS, FAILURE: Never; a tick is a fault that names the node.

    Halt:
        Nothing to halt.
    """

    open_ports = True
    noun = "action"

    def step(self) -> Status:
        """Say that there is nothing to run.

        Raises:
            KnotholeError: Always; the tick makes it a fault of this node.
        """
        raise _fault(self, self.noun)


class StubCondition(Leaf):
    """Stand for a declared condition.

    Status:
        SUCCESS, FAILURE: Never; a tick is a fault that names the node.

    Halt:
        Nothing to halt.
    """

    open_ports = True

    def step(self) -> Status:
        """Say that there is nothing to decide.

        Raises:
            KnotholeError: Always; the tick makes it a fault of this node.
        """
        raise _fault(self, "condition")


class StubSubtree(StubAction):
    """Stand for a tree that is declared but in no file at hand.

    Status:
        RUNNING, SUCCESS, FAILURE: Never; a tick is a fault that names the node.

    Halt:
        Nothing to halt.
    """

    noun = "subtree"


class StubControl(Control):
    """Stand for a declared node with several children.

    Ports:
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING, SUCCESS, FAILURE: Never; a tick is a fault that names the node.

    Halt:
        Nothing to halt.
    """

    flow = "any"
    open_ports = True
    least = 0

    def run(self) -> Tick:
        """Say that there is nothing to run.

        Raises:
            NodeFault: Always.
        """
        raise_fault(self, _fault(self, "control node"))
        yield  # makes it a generator, as the others are


class StubDecorator(BTDecorator):
    """Stand for a declared node with one child.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SUCCESS, FAILURE: Never; a tick is a fault that names the node.

    Halt:
        Nothing to halt.
    """

    flow = "any"
    open_ports = True

    def run(self) -> Tick:
        """Say that there is nothing to run.

        Raises:
            NodeFault: Always.
        """
        raise_fault(self, _fault(self, "decorator"))
        yield  # makes it a generator, as the others are


STUBS: Final[dict[str, type]] = {
    "action": StubAction,
    "condition": StubCondition,
    "control": StubControl,
    "decorator": StubDecorator,
    "subtree": StubSubtree,
}
"""Kind in a declaration → class that is built."""
