"""The leaf that turns an instruction and a picture into steps."""

from __future__ import annotations

import json

from py_trees.common import Status

from ...vlm.questions import Answer, Question
from ..means.asking import Asking, ask
from ..means.skills import DEFAULT_SKILLS, Skill, Step, mistakes, plan_schema, refusal, skills
from ..node import Leaf, NodeFault, behavior
from ..ports import Port


@behavior("plan")
class Plan(Leaf):
    """Ask the model for a list of steps over registered skills that carries out an instruction.

    The answer must obey a JSON Schema made from the ports of the allowed skills. What is wrong with it goes back to the
    model, with a new picture, for a bounded number of attempts. Run the steps with ``for_each`` and ``run_step``.
    Instead of steps the model may ask back (``{"ask": "Which cube: the red one or the blue one?"}``) or say why it
    cannot be done (``{"cannot": "There is no bowl."}``).

    Ports:
        instruction (in, text, main): What is to be done.
        steps (out, list): Steps as mappings ``{skill, args}``.
        skills (in, list, default the motion leaves, say and wait): Names of the leaves that the plan may use.
        attempts (in, int, default 3): How many answers may be asked for.
        longest (in, int, default 30): Most steps a plan may have.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: Until a valid plan is there.
        SUCCESS: ``steps`` is written.
        FAILURE: The model asked back or said that it cannot be done: its words are the reason. No attempt gave a valid
            plan: the reason has the mistakes of the last one. The backend makes no such plans, which is told at once.

    Halt:
        Drops the question; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("instruction", "text", "what is to be done", main=True),
        Port("steps", "list", "the steps, each {skill, args}", direction="out", default=None),
        Port("skills", "list", "leaves that the plan may use", default=DEFAULT_SKILLS),
        Port("attempts", "int", "how many answers may be asked for", default=3, minimum=1),
        Port("longest", "int", "most steps a plan may have", default=30, minimum=1),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _asking: Asking | None = None

    def start(self) -> None:
        """Ask for the first time."""
        names = self.get("skills")
        assert isinstance(names, list | tuple)
        try:
            self._allowed: dict[str, Skill] = skills(str(name) for name in names)
        except ValueError as error:
            raise NodeFault(f"{self.path}: {error}") from error
        self._longest = int(str(self.get("longest")))
        self._left = int(str(self.get("attempts")))
        self._ask("")

    def _ask(self, complaint: str) -> None:
        self._left -= 1
        context = "Skills:\n" + "\n".join(str(one) for one in self._allowed.values())
        if complaint:
            context += f"\nThe last plan was refused:\n{complaint}"
        schema = plan_schema(self._allowed, self._longest)
        question = Question("plan", str(self.get("instruction")), schema=schema, context=context)
        self._asking = ask(self, question, str(self.get("camera")))

    def step(self) -> Status:
        """Check the answer; ask again when it is wrong."""
        assert self._asking is not None
        answer = self._asking.answer
        if answer is None:
            return self.running("waiting for a plan")
        if not answer.supported:
            return self.fail(f"{answer.problem}; planning needs one that does, such as --vlm qwen:DIR")
        data, wrong = self._data(answer)
        if words := refusal(data):
            self.context.emit("plan", {"path": self.path, "answer": answer.text, "instead": words})
            return self.fail(words)
        wrong = wrong or mistakes(data, self._allowed, self._longest)
        if not wrong:
            assert isinstance(data, list)
            steps = [Step(skill=step["skill"], args=dict(step.get("args", {}))) for step in data]
            self.put("steps", steps)
            return self.succeed(" → ".join(step["skill"] for step in steps))
        complaint = "\n".join(wrong)
        self.context.emit("plan", {"path": self.path, "refused": wrong, "answer": answer.text})
        if self._left <= 0:
            return self.fail(f"no valid plan: {'; '.join(wrong[:4])}")
        self._ask(complaint)
        return self.running(f"the plan was refused: {wrong[0]}")

    def _data(self, answer: Answer) -> tuple[object, list[str]]:
        """Return what the model wrote as data, or what is wrong with it."""
        if answer.problem:
            return None, [answer.problem]
        if answer.data is not None or not answer.text:
            return answer.data, []
        try:
            return json.loads(answer.text), []
        except ValueError:
            return None, ["the answer is not JSON"]

    def halt(self) -> None:
        """Drop the question."""
        if self._asking is not None:
            self._asking.drop()
            self._asking = None
