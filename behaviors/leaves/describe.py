"""The leaf that puts what the robot sees into words."""

from __future__ import annotations

from py_trees.common import Status

from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..means.grounded import GroundedObject
from ..means.picture import PictureError, cropped
from ..node import Leaf, NodeFault, behavior
from ..ports import Port


@behavior("describe")
class Describe(Leaf):
    """Ask the model what is in the picture, or in the part of it around a thing, and write its words to the blackboard.

    Ports:
        text (out, text, main): What the model says.
        prompt (in, text, default "Describe the image."): What to ask.
        of (in, object, default none): A thing from ``ground``: only its part of a new picture is shown, where it was.
        max_age (in, duration, default none): An answer whose picture is not older is said again, [s].
        camera (in, text, default that of the thing or the robot's): Camera to look through.

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
        Port("of", "object", "a thing: only its part of the picture is shown", default=None),
        Port("max_age", "duration", "an answer whose picture is not older is said again", default=None, minimum=0.0),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _asking: Asking | None = None

    def start(self) -> None:
        """Take a picture and ask, unless the last answer is still good."""
        question, thing, camera = Question("describe", str(self.get("prompt"))), self.get("of"), str(self.get("camera"))
        about = (question, camera, thing)
        if self._asking is not None and about == self._about and self._is_fresh(self._asking):
            return
        self._about, self._asking = about, None
        frame = None
        if isinstance(thing, GroundedObject):
            try:
                frame = cropped(self, self.context.look(camera or thing.camera), thing)
            except PictureError as error:
                raise NodeFault(f"{self.path}: port 'of': {error}") from error
        self._asking = ask(self, question, camera, frame)

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
        if self._asking is not None:
            self._asking.drop()
        self._asking = None

    _about: object = None

    def _is_fresh(self, asking: Asking) -> bool:
        max_age = self.get("max_age")
        if max_age is None or asking.answer is None or asking.answer.problem:
            return False
        return self.context.now - asking.frame.stamp <= float(str(max_age)) + 1e-9
