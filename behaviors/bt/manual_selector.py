"""BehaviorTree.CPP's node that lets a person choose the child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from ..node import Wiring, behavior
from ..ports import Port
from ..step import RUNNING, Status
from .stepwise import CHILDREN, Control, Tick
from .values import STATUSES

CHOOSER: Final = "bt.ManualSelector"
"""Key of ``context.notes``: who chooses. It is called with the node's path and the names of its children, and returns
the number of a child, from 0, or ``SUCCESS``, ``FAILURE`` or ``RUNNING``."""
Chooser = Callable[[str, Sequence[str]], "int | str"]


@behavior("bt.ManualSelector")
class ManualSelector(Control):
    """Let somebody choose, in every tick, which child is ticked or which status is given at once.

    BehaviorTree.CPP asks at the terminal and waits. A leaf here never waits, so the run must bring somebody who chooses
    (``context.notes``, key ``bt.ManualSelector``) or a mock; without either a tick is a fault. A child that has ended
    is not made IDLE.

    Ports:
        repeat_last_selection (in, bool, default false): Whether the last choice is taken again without asking.
        children (in, nodes): The child nodes.

    Status:
        RUNNING, SUCCESS, FAILURE: As the chosen child, or as chosen.
        SKIPPED: The chosen child was skipped.

    Halt:
        Halts the running child.

    Source: ``manual_node.cpp`` of 4.10.0.
    """

    flow = "switch"
    least = 0
    ports = (
        Port("repeat_last_selection", "bool", "whether the last choice is taken again without asking", default=False),
        CHILDREN,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._last: int | None = None

    def run(self) -> Tick:
        """Ask, and tick the chosen child."""
        if self._last is None or not self.get("repeat_last_selection"):
            if self.children:
                self.stored = RUNNING
            choice = self._ask()
            if isinstance(choice, Status):
                self._why = "FAILURE was chosen"
                return choice
            self._last = choice
        return (yield self.children[self._last])

    def _ask(self) -> int | Status:
        choice = self.context.outside(self.path, self._choice)
        if choice is None:
            self.refuse("nobody is here to choose a child", "run with --mock, or use fallback, ask_human or a switch")
            raise AssertionError
        if isinstance(choice, int) and 0 <= choice < len(self.children):
            return choice
        if choice not in STATUSES or choice == "SKIPPED":
            self.refuse(f"the choice {choice!r} is neither a child nor a status", "choose a child by its number from 0")
        return STATUSES[str(choice)]

    def _choice(self) -> int | str | None:
        """Return what is chosen outside of the tree; None where nobody is there to choose."""
        chooser = cast("Chooser | None", self.context.notes.get(CHOOSER))
        return None if chooser is None else chooser(self.path, [child.name for child in self.children])
