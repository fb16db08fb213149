"""The leaf that decides an expression over the blackboard."""

from __future__ import annotations

from typing import Final, cast

from py_trees.common import Status

from ..blackboard import Cell
from ..node import FAILURE, Leaf, NodeFault, Wiring, behavior
from ..ports import Port

_UNCHANGING: Final = (float, int, bool, str, type(None))
"""Types of values that cannot change without a write."""


@behavior("check")
class Check(Leaf):
    """Decide an expression over blackboard entries.

    Ports:
        expression (in, expression, main): What must hold, in quotes, such as ``"$battery > 0.2"``.

    Status:
        SUCCESS: It is true.
        FAILURE: It is false; the reason shows the values it read.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"
    ports = (Port("expression", "expression", "what must hold", main=True),)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._cells = cast("tuple[Cell, ...] | None", wiring.options.get("cells.expression"))
        self._versions: list[int] | None = None
        self._status, self._text = FAILURE, ""

    def step(self) -> Status:
        """Evaluate it, unless nothing that it reads was written since."""
        cells = self._cells
        if cells is None:
            return self._evaluate()
        versions = [cell.version for cell in cells]
        if versions == self._versions:
            self.feedback_message = self._text
            return self._status
        status = self._evaluate()
        unchanging = all(type(cell.value) in _UNCHANGING for cell in cells)
        self._versions = versions if unchanging else None
        self._status, self._text = status, self.feedback_message
        return status

    def _evaluate(self) -> Status:
        value = self.get("expression")
        shown = self.wiring.options.get("shown.expression")
        text = str(shown()) if callable(shown) else "the expression"
        if not isinstance(value, bool):
            raise NodeFault(f"{text} is {value!r}, check needs true or false")
        return self.succeed(text) if value else self.fail(f"{text} is false")
