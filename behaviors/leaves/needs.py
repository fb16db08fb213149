"""The leaf that looks whether a step may begin, by what the hand feels and a picture shows."""

from __future__ import annotations

from py_trees.common import Status

from ..node import Leaf, behavior
from ..planning.ready import Ready
from ..planning.telling import facts_at
from ..ports import Port


@behavior("needs")
class Needs(Leaf):
    """Look whether what the next step needs is known to be untrue now, by what the hand feels and took.

    Facts are written as for ``verify``. With ``by: both`` a model is asked for the things of ``clear(…)`` and for all
    others in one fresh picture as well, and what lies on what is measured in it. What nobody knows is no reason.

    Ports:
        facts (in, list, main): What is needed.
        by (in, text, default body): Who is asked: ``body``, or ``both``, which is a picture too.

    Status:
        RUNNING: An answer is on its way.
        SUCCESS: None of the facts is known to be untrue.
        FAILURE: One is: the reason says which, and what is so instead.

    Halt:
        Drops the questions; nothing moves.
    """

    recovers = "anew"
    ports = (
        Port("facts", "list", "what is needed, such as hand_empty", main=True, lists="facts"),
        Port(
            "by",
            "text",
            "who is asked: body, or both, which is a picture too",
            default="body",
            choices=("body", "both"),
        ),
    )

    _ready: Ready | None = None

    def start(self) -> None:
        """Read the facts."""
        self._ready = Ready(self, facts_at(self), self.get("by") == "both")

    def step(self) -> Status:
        """Look at the hand, and at what was found."""
        assert self._ready is not None
        wrong = self._ready.verdict
        if wrong is None:
            return self.running("looking whether it may begin")
        self._ready.drop()
        return self.fail(f"it needs that {wrong}") if wrong else self.succeed()

    def halt(self) -> None:
        """Drop the questions."""
        if self._ready is not None:
            self._ready.drop()
