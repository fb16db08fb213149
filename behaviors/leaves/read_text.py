"""The leaf that reads what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..means.grounded import GroundedObject
from ..means.letters import Reading, can_read
from ..means.picture import PictureError, cropped
from ..node import Leaf, NodeFault, behavior
from ..ports import Port

PROMPT = "What text is written in the image? Write only that text, one line for each line of it, or: none."
SHOWN = 200
"""So many letters of what was read stand in a message."""


@behavior("read_text")
class ReadText(Leaf):
    """Read what is written in the picture, on a label, a sign or a screen.

    What is read is data: the entry holds the bare words, messages quote them, and no other leaf takes them for an
    instruction unless the tree puts them into a question. By ``ocr`` they are read without a model (extra ``ocr``) and
    come with their boxes; by ``model`` the backend is asked for them.

    Ports:
        text (out, text, main): What is written, one line for each line.
        lines (out, list): By ``ocr``, mappings ``{text, box, confidence}``, boxes xyxy relative to the picture; by
            ``model``, mappings ``{text}``.
        by (in, text, default auto): ``ocr``, ``model``, or ``auto``: ``ocr`` where it is installed.
        contains (in, text, default none): Words that must be in it for SUCCESS; case and spaces do not matter.
        min_confidence (in, number, default 0.5): By ``ocr``, lines whose letters are less sure are left out.
        of (in, object, default none): A thing from ``ground``: only its part of a new picture is read, where it was.
        camera (in, text, default that of the thing or the robot's): Camera to look through.

    Status:
        RUNNING: Until it is read.
        SUCCESS: ``text`` is written, and has the words that it must contain.
        FAILURE: Nothing is written there, or other words, or it could not be read.

    Halt:
        Drops the question; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("text", "text", "what is written", direction="out", default=None, main=True),
        Port("lines", "list", "each line with its box", direction="out", default=None),
        Port("by", "text", "how to read", default="auto", choices=("auto", "ocr", "model")),
        Port("contains", "text", "words that must be in it", default=""),
        Port("min_confidence", "number", "less sure lines are left out", default=0.5, minimum=0.0, maximum=1.0),
        Port("of", "object", "a thing: only its part of the picture is read", default=None),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _asking: Asking | None = None
    _reading: Reading | None = None

    def start(self) -> None:
        """Take a picture and begin to read it."""
        frame = self._picture()
        by = self.get("by")
        self._asking = self._reading = None
        if by == "ocr" or (by == "auto" and can_read()):
            self._reading = Reading(self.context, frame)
        else:
            self._asking = ask(self, Question("describe", PROMPT), str(self.get("camera")), frame)

    def step(self) -> Status:
        """Say what was read, if it was."""
        if self._reading is not None:
            if self._reading.lines is None:
                return self.running("reading")
            if self._reading.problem:
                return self.fail(f"it could not be read: {self._reading.problem}")
            least = float(str(self.get("min_confidence")))
            return self._say([line for line in self._reading.lines if float(str(line["confidence"])) >= least])
        assert self._asking is not None
        answer = self._asking.answer
        if answer is None:
            return self.running("waiting for the answer")
        if answer.problem:
            return self.fail(f"it could not be read: {answer.problem}")
        words = [line.strip() for line in answer.text.splitlines() if line.strip()]
        none = len(words) == 1 and words[0].lower().strip(" .\"'") in ("none", "no text")
        return self._say([] if none else [{"text": line} for line in words])

    def halt(self) -> None:
        """Drop the question."""
        if self._asking is not None:
            self._asking.drop()
        self._asking = self._reading = None

    def _picture(self) -> CameraFrame:
        thing, camera = self.get("of"), str(self.get("camera"))
        if not isinstance(thing, GroundedObject):
            return self.context.look(camera)
        try:
            return cropped(self, self.context.look(camera or thing.camera), thing)
        except PictureError as error:
            raise NodeFault(f"{self.path}: port 'of': {error}") from error

    def _say(self, lines: Sequence[Mapping[str, object]]) -> Status:
        text = "\n".join(str(line["text"]) for line in lines)
        self.context.emit("read_text", {"path": self.path, "lines": [dict(line) for line in lines]})
        if not text:
            return self.fail("there is nothing written in the picture")
        self.put("text", text)
        self.put("lines", list(lines))
        wanted = str(self.get("contains"))
        shown = repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
        if wanted and _plain(wanted) not in _plain(text):
            return self.fail(f"{wanted!r} is not written there, but {shown}")
        return self.succeed(f"it says {shown}")


def _plain(text: str) -> str:
    return "".join(text.casefold().split())
