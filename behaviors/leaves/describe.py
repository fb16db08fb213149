"""The leaf that puts what the robot sees into words."""

from __future__ import annotations

from py_trees.common import Status

from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..node import Leaf, behavior
from ..ports import Port


@behavior("describe")
class Describe(Leaf):
    """Ask the model what is in the picture and write its words to the blackboard.

    Ports:
        text (out, text, main): What the model says.
        prompt (in, text, default "Describe the image."): What to ask.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: Until the answer is there.
        SUCCESS: ``text`` is written.
        FAILURE: The model gave no usable answer.

    Halt:
        Drops the question; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("text", "text", "what the model says", direction="out", default=None, main=True),
        Port("prompt", "text", "what to ask", default="Describe the image."),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _asking: Asking | None = None

    def start(self) -> None:
        """Take a picture and ask."""
        self._asking = ask(self, Question("describe", str(self.get("prompt"))), str(self.get("camera")))

    def step(self) -> Status:
        """Read the answer."""
        assert self._asking is not None
        answer = self._asking.answer
        if answer is None:
            return self.running("waiting for the answer")
        if answer.problem:
            return self.fail(f"no description: {answer.problem}")
        self.put("text", answer.text)
        return self.succeed(answer.text)

    def halt(self) -> None:
        """Drop the question."""
        self._asking = None
