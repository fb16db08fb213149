"""The leaf that turns an instruction and a picture into steps."""

from __future__ import annotations

from py_trees.common import Status

from ..node import behavior
from ..planning.planning import Planning
from ..planning.rules import PLANNING_PORTS, REHEARSE, PlanningLeaf
from ..ports import Port


@behavior("plan")
class Plan(PlanningLeaf):
    """Ask the model for a plan over registered skills that carries out an instruction.

    The answer must obey a JSON Schema made from the ports of the allowed skills. Before a plan is accepted the things
    that it names are looked for, and it is gone through in thought: what each step needs must hold, and nothing may
    come about that ``never`` forbids. What is wrong with it goes back to the model, with a new picture, for a bounded
    number of attempts. Run the steps with ``for_each`` and ``run_step``; ``achieve`` plans, runs and repairs at once.
    Instead of a plan the model may ask back (``{"ask": "Which cube: the red one or the blue one?"}``) or say why it
    cannot be done (``{"cannot": "There is no bowl."}``).

    Ports:
        *PLANNING_PORTS
        rehearse (in, text, default never): How a plan is tried before it is accepted, where a simulator is at hand:
            ``auto``, ``never``, ``symbolic``, ``kinematic`` or ``physics``.
        steps (out, list): Steps as mappings ``{skill, args}``.
        tree (out, text): The plan as the text of a tree.
        ask (out, text): The question, where it ends in one.
        options (out, list): What that question offers to choose from.
        cannot (out, text): Why it cannot be done, where the model says so.

    Status:
        RUNNING: Until a valid plan is there.
        SUCCESS: ``steps`` and ``tree`` are written.
        FAILURE: The model asked back or said that it cannot be done: its words are the reason. Words of the plan fit
            several things where one is meant: the reason is the question which. No attempt gave a valid plan: the
            reason has the mistakes of the last one. The human did not accept it in time, said stop, or nobody is there
            to accept it. The backend makes no such plans, which is told at once.

    Halt:
        Drops the questions; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        *PLANNING_PORTS,
        REHEARSE,
        Port("steps", "list", "the steps, each {skill, args}", direction="out", default=None),
        Port("tree", "text", "the plan as the text of a tree", direction="out", default=None),
        Port("ask", "text", "the question, where it ends in one", direction="out", default=None),
        Port("options", "list", "what that question offers to choose from", direction="out", default=None),
        Port("cannot", "text", "why it cannot be done, where the model says so", direction="out", default=None),
    )

    _planning: Planning | None = None

    def start(self) -> None:
        """Ask for the first time."""
        self._planning = Planning(self, self.rules(), str(self.get("instruction")), self._list("tried"))

    def step(self) -> Status:
        """Check the answer; ask again when it is wrong."""
        planning = self._planning
        assert planning is not None
        outcome = planning.poll()
        if outcome is None:
            return self.running(planning.doing)
        self._planning = None
        if outcome.kind == "ask":
            self.put("ask", outcome.words)
            self.put("options", list(outcome.options))
        if outcome.kind == "cannot":
            self.put("cannot", outcome.words)
        if outcome.kind != "accepted":
            return self.fail(outcome.words)
        self.put("steps", list(outcome.steps))
        self.put("tree", outcome.text)
        return self.succeed(outcome.words)

    def halt(self) -> None:
        """Drop what is waited for."""
        if self._planning is not None:
            self._planning.drop()
            self._planning = None

    def pause(self) -> None:
        """Stop the clock of the human."""
        if self._planning is not None:
            self._planning.pause()

    def resume(self) -> None:
        """Let the clock of the human go on."""
        if self._planning is not None:
            self._planning.resume()
