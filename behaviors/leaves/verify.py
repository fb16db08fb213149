"""The leaf that looks whether something is so, with what the robot feels and what a model sees."""

from __future__ import annotations

from py_trees.common import Status

from ..acting.verifying import WAYS, Verifying
from ..node import Leaf, behavior
from ..planning.telling import facts_at
from ..ports import Port


@behavior("verify")
class Verify(Leaf):
    """Look whether facts are true, such as those that a step should have brought about.

    The robot's own measurements come first: the width and force of its fingers, what it took, whether it stands still.
    Then a model is asked about one picture: "Is the gripper holding the red cube?". Only a confident no counts against
    a fact (p at 0.2 or less, as of ``see``); what is unsure is told, and no contradiction. Facts are written as
    ``holding(the red cube)``, ``inside(the red cube, the tray)``, ``on(the cube, the can)``, ``on_table(the cube)``,
    ``visible(the cube)`` and ``hand_empty``, each also after ``not``.

    Ports:
        facts (in, list, main): What should be so.
        by (in, text, default both): Who is asked: ``body``, ``see``, ``both``, or ``none``.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: Something still moves, or an answer is on its way.
        SUCCESS: Nothing speaks against any of the facts.
        FAILURE: Something does: the reason says which fact, what the robot feels and what the camera shows.

    Halt:
        Drops the questions; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("facts", "list", "what should be so, such as holding(the red cube)", main=True, lists="facts"),
        Port("by", "text", "who is asked: body, see, both or none", default="both", choices=WAYS),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _verifying: Verifying | None = None

    def start(self) -> None:
        """Read the facts."""
        self._verifying = Verifying(self, facts_at(self), str(self.get("by")), str(self.get("camera")))

    def step(self) -> Status:
        """Read what was found."""
        assert self._verifying is not None
        found = self._verifying.verdict
        if found is None:
            return self.running("looking whether it is so")
        self.context.emit("verified", {"path": self.path, "said": list(found.said), "against": found.contradiction})
        return self.fail(found.contradiction) if found.contradiction else self.succeed(found.note)

    def halt(self) -> None:
        """Drop the questions."""
        if self._verifying is not None:
            self._verifying.drop()
            self._verifying = None
