"""The leaf that looks whether a step may begin, by what the hand feels."""

from __future__ import annotations

from py_trees.common import Status

from ..node import Leaf, behavior
from ..planning.telling import facts_at, untrue
from ..ports import Port


@behavior("needs")
class Needs(Leaf):
    """Look whether what the next step needs is known to be untrue now, by what the hand feels and took.

    Facts are written as for ``verify``. What the hand does not feel is not known, and so is nothing against them:
    ``verify`` looks at pictures. No model is asked.

    Ports:
        facts (in, list, main): What is needed.

    Status:
        SUCCESS: None of the facts is known to be untrue.
        FAILURE: One is: the reason says which, and what is so instead.

    Halt:
        Nothing to halt.
    """

    recovers = "anew"
    ports = (Port("facts", "list", "what is needed, such as hand_empty", main=True, lists="facts"),)

    def step(self) -> Status:
        """Look at the hand."""
        wrong = untrue(self, facts_at(self))
        return self.fail(f"it needs that {wrong}") if wrong else self.succeed()
