"""The leaf that decides an expression over the blackboard."""

from __future__ import annotations

from py_trees.common import Status

from ..node import Leaf, NodeFault, behavior
from ..ports import Port


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

    ports = (Port("expression", "expression", "what must hold", main=True),)

    def step(self) -> Status:
        """Evaluate it."""
        value = self.get("expression")
        shown = self.wiring.options.get("shown.expression")
        text = str(shown()) if callable(shown) else "the expression"
        if not isinstance(value, bool):
            raise NodeFault(f"{text} is {value!r}, check needs true or false")
        return self.succeed(text) if value else self.fail(f"{text} is false")
