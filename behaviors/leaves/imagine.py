"""The leaf that makes a picture of what is not there."""

from __future__ import annotations

from collections.abc import Mapping

from py_trees.common import Status

from ..._base import headline
from ...robots.arranging import ArrangementError
from ...vlm.questions import Frame, Question
from ...vlm.tickets import Ticket
from ..context import as_question_frame
from ..means.picture import as_picture, made
from ..means.target import THING
from ..means.wishes import WishError, read_wishes
from ..node import Leaf, NodeFault, behavior
from ..ports import Port


@behavior("imagine")
class Imagine(Leaf):
    """Make a picture: from words and perhaps another picture by the model, or of a wished arrangement by the simulator.

    The picture goes to the blackboard, and into the trace under an id of its own; ``compare`` takes it as a goal. Words
    need a backend that makes pictures. An arrangement needs a simulated world, no backend: it is rendered through the
    fixed camera, with the arm at home and without people; what is not mentioned stays where it is now.

    Ports:
        prompt (in, text, main, default none): What to show, in words.
        base (in, image, default none): A picture to begin with, from ``photo`` or ``imagine``.
        look (in, bool, default false): Begin with what the robot's default camera sees now.
        object (in, any, default none): Instead of words, a thing that shall be elsewhere: an object from ``ground``, or
            what it is called.
        at (in, list[length], default none): World x and y where it shall stand, [m].
        into (in, any, default none): Or the container it shall be in.
        onto (in, any, default none): Or the thing it shall stand on.
        yaw (in, angle, default as it is): Its direction about world z, [rad].
        arrangement (in, list, default none): Instead of ``object``, several such wishes: mappings with ``object``, one
            of ``at``, ``into`` and ``onto``, and perhaps ``yaw``; lengths and angles with units.
        image (out, image): The picture.

    Status:
        RUNNING: Until the picture is there.
        SUCCESS: ``image`` is written.
        FAILURE: The model made none; the arrangement cannot be shown, or there is no simulated world to show it.

    Halt:
        Drops the question; nothing moves.
    """

    recovers = "anew"
    asks = True
    ports = (
        Port("prompt", "text", "what to show, in words", default="", main=True),
        Port("base", "image", "a picture to begin with", default=None),
        Port("look", "bool", "begin with what the robot sees now", default=False),
        Port("object", "any", "a thing that shall be elsewhere, instead of words", default=None, takes=THING),
        Port("at", "list[length]", "world x and y where it shall stand", default=None),
        Port("into", "any", "or the container it shall be in", default=None, takes=THING),
        Port("onto", "any", "or the thing it shall stand on", default=None, takes=THING),
        Port("yaw", "angle", "its direction about world z; as it is if left out", default=None),
        Port("arrangement", "list", "several such wishes", default=None),
        Port("image", "image", "the picture", direction="out", default=None),
    )

    @classmethod
    def mistake_in_plan(cls, args: Mapping[str, object]) -> str:
        """Say what is wrong with the arguments of a planned step."""
        given = [name for name in ("prompt", "object") if args.get(name)]
        return (
            "" if len(given) == 1 else f"imagine takes exactly one of prompt, object, not {', '.join(given) or 'none'}"
        )

    _ticket: Ticket | None = None

    def start(self) -> None:
        """Ask for a picture, unless it is of an arrangement."""
        self._ticket = None
        prompt = str(self.get("prompt"))
        given = [bool(prompt), self.get("object") is not None, self.get("arrangement") is not None]
        if sum(given) != 1:
            raise NodeFault(f"{self.path}: imagine needs one of prompt, object and arrangement, not {sum(given)}")
        if not prompt:
            return
        context = self.context
        if context.broker is None:
            raise NodeFault(f"{self.path}: this run has no backend to ask\n  fix:  give one with --vlm")
        self._ticket = context.broker.ask(Question("imagine", prompt), self._base(), context.now, self.path)

    def step(self) -> Status:
        """Read the picture, or let the simulator render it."""
        if self._ticket is None:
            return self._arrange()
        answer = self._ticket.answer
        if answer is None:
            return self.running("waiting for the picture")
        if answer.problem or answer.image is None:
            fix = "" if answer.supported else "; it takes a backend that makes pictures"
            return self.fail(f"no picture: {answer.problem or 'the answer has none'}{fix}")
        picture = made(self.context, answer.image, "imagined")
        self.put("image", picture)
        return self.succeed(str(picture))

    def halt(self) -> None:
        """Drop the question."""
        self._ticket = None

    def _base(self) -> Frame | None:
        base = self.get("base")
        if base is not None:
            return as_picture(base).frame
        return as_question_frame(self.context.look("")) if self.get("look") else None

    def _wishes(self) -> object:
        """Return the arrangement as an author writes it; one thing alone is a list of one."""
        if self.get("object") is None:
            return self.get("arrangement")
        values = {port: self.get(port) for port in ("object", "at", "into", "onto", "yaw")}
        return [{port: value for port, value in values.items() if value is not None}]

    def _arrange(self) -> Status:
        arranger = self.context.arranger
        if arranger is None:
            name = self.context.robot.name if self.context.robot is not None else "none"
            return self.fail(f"the robot {name!r} cannot show a wished arrangement: that takes a simulated world")
        try:
            wishes = read_wishes(self._wishes())
        except WishError as error:
            raise NodeFault(f"{self.path}: {error}") from error
        try:
            rgb = arranger.picture(wishes, "")
        except ArrangementError as error:
            return self.fail(f"it cannot be shown: {headline(error)}")
        picture = made(self.context, rgb, "arranged")
        self.put("image", picture)
        return self.succeed(str(picture))
