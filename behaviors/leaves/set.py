"""The leaf that writes a blackboard entry."""

from __future__ import annotations

from py_trees.common import Status

from ..node import Leaf, behavior
from ..ports import Port


@behavior("set")
class Set(Leaf):
    """Write the value of an expression to a blackboard entry.

    Ports:
        name (out, any): The entry, such as ``$count``.
        to (in, expression): What to write, in quotes, such as ``"$count + 1"``.

    Status:
        SUCCESS: At once.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"
    ports = (
        Port("name", "any", "the entry to write", direction="out"),
        Port("to", "expression", "what to write"),
    )

    def step(self) -> Status:
        """Write it."""
        value = self.get("to")
        self.put("name", value)
        return self.succeed(str(value))
