"""The composites of py_trees with its parameters: ours, which are equal to them tick by tick."""

from __future__ import annotations

from typing import Any, cast

from py_trees.common import ParallelPolicy

from .. import composites as ours
from ..composites import CHILDREN
from ..node import behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault

_MEMORY = Port("memory", "bool", "go on with the child that was RUNNING instead of beginning with the first one")


@behavior("pt.Sequence")
class Sequence(ours.Sequence):
    """Run the children in order until one does not succeed.

    Ports:
        memory (in, bool): Go on with the child that was RUNNING; without memory each tick begins with the first child.
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: A child is.
        SUCCESS: All children succeeded or were skipped, not all of them skipped.
        FAILURE: A child failed; its reason is passed up.

    Halt:
        Halts the running child.
    """

    reactive = True
    ports = (_MEMORY, CHILDREN)

    def initialise(self) -> None:
        """Read whether it has a memory (py_trees' hook)."""
        super().initialise()
        self.memory = cast(bool, self.get("memory"))


@behavior("pt.Selector")
class Selector(ours.Selector):
    """Try the children in order until one succeeds.

    Ports:
        memory (in, bool): Go on with the child that was RUNNING; without memory each tick begins with the first child,
            and a better choice that becomes possible takes over.
        children (in, nodes): The child nodes, in order of preference.

    Status:
        RUNNING: A child is.
        SUCCESS: A child succeeded.
        FAILURE: All children failed or were skipped, not all of them skipped; the last child's reason is passed up.

    Halt:
        Halts the running child.
    """

    reactive = True
    ports = (_MEMORY, CHILDREN)

    def initialise(self) -> None:
        """Read whether it has a memory (py_trees' hook)."""
        super().initialise()
        self.memory = cast(bool, self.get("memory"))


@behavior("pt.Parallel")
class Parallel(ours.Parallel):
    """Tick all children in every tick, in order; only then decide, and a failure decides first.

    Ports:
        policy (in, text): Who must succeed: ``SuccessOnAll``, ``SuccessOnOne`` or ``SuccessOnSelected``.
        synchronise (in, bool, default true): Leave children alone that succeeded already; ``SuccessOnOne`` ticks them
            again in any case.
        selected (in, list, default none): Names of the children that must succeed under ``SuccessOnSelected``.
        children (in, nodes): The child nodes.

    Status:
        RUNNING: Nothing is decided yet.
        SUCCESS: All, one or the selected children succeeded (skipped ones do not count); running ones are halted.
        FAILURE: A child failed, also one that was not selected; running ones are halted.

    Halt:
        Halts the running children, in order.
    """

    reactive = True
    ports = (
        Port("policy", "text", "who must succeed", choices=("SuccessOnAll", "SuccessOnOne", "SuccessOnSelected")),
        Port("synchronise", "bool", "leave children alone that succeeded already", default=True),
        Port("selected", "list", "names of the children that must succeed", default=None),
        CHILDREN,
    )

    def initialise(self) -> None:
        """Read the policy (py_trees' hook)."""
        super().initialise()
        policy, synchronise = str(self.get("policy")), cast(bool, self.get("synchronise"))
        if policy == "SuccessOnOne":
            self.policy = ParallelPolicy.SuccessOnOne()
        elif policy == "SuccessOnAll":
            self.policy = ParallelPolicy.SuccessOnAll(synchronise)
        else:
            self.policy = ParallelPolicy.SuccessOnSelected(self._selected(), synchronise)

    def _selected(self) -> list[Any]:
        names = self.get("selected")
        if not isinstance(names, list | tuple) or not names:
            fix = "write `selected:` with the names of children"
            raise_fault(self, ValueError(f"SuccessOnSelected needs children to select\n  fix:  {fix}"))
        chosen = []
        for name in names:
            found = [child for child in self.children if child.name == str(name)]
            if len(found) != 1:
                known = ", ".join(child.name for child in self.children)
                many = "no child is" if not found else f"{len(found)} children are"
                raise_fault(
                    self, ValueError(f"{many} called {str(name)!r}, there is {known}\n  fix:  select one by its name")
                )
            chosen.append(found[0])
        return chosen

    def _decide(self) -> Status:
        if not isinstance(self.policy, ParallelPolicy.SuccessOnSelected) or not self.children:
            return super()._decide()
        self.current_child = self.children[-1]
        failed = next((child for child in self.children if child.status is FAILURE), None)
        if failed is not None:
            self.current_child = failed
            return FAILURE
        selected = self.policy.children
        if any(child.status is not SUCCESS and child.status is not INVALID for child in selected):
            return RUNNING
        self.current_child = selected[-1]
        return SUCCESS
