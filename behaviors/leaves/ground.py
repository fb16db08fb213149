"""The leaf that finds named things in the picture and measures them in the world."""

from __future__ import annotations

from dataclasses import replace

from py_trees.common import Status

from ...robots.seeing import View
from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..means.grounded import GroundedObject, lift
from ..means.known import Recognized, recognize
from ..node import Leaf, NodeFault, behavior
from ..ports import Port


@behavior("ground")
class Ground(Leaf):
    """Find what words name: boxes from the model, then place and size from the depth of the very same picture.

    Where the model offers them, its pixels or its point decide what is meant, else its box. A box that holds nothing
    above the table is dropped, and boxes about the same pixels count once, so a model that sees too much does no harm.

    A thing keeps its ``id`` from one picture of the run to the next, also where it was moved or is called otherwise: by
    its place, the overlap of its boxes, its color, its size and its name, weighed for all things at once.

    Ports:
        query (in, text, main): What to find, such as ``"every loose object"`` or ``"the blue tray"``.
        all (in, bool, default false): Every match, not the best one.
        objects (out, objects): What was found, best first.
        object (out, object): The best one.
        found (out, objects): Those that were not there when all were looked for last, or that are new to the run.
        lost (out, objects): With ``all`` and without ``min_confidence`` and ``max_width``: those that were there before
            and are not any more, as they were seen last.
        min_confidence (in, number, default 0): Boxes below this confidence are dropped.
        max_width (in, length, default none): Things wider than this at their narrower side are not meant, [m]; the
            opening of the hand keeps a box that is a little off from catching the plate beside the ball.
        max_points (in, int, default 2000): Most points kept of each object.
        camera (in, text, default the robot's): Camera to look through; it must measure depth.

    Status:
        RUNNING: Until the answer is there.
        SUCCESS: Something was found and is written.
        FAILURE: Nothing was found, or the model gave no usable answer.

    Halt:
        Drops the question; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("query", "text", "what to find", main=True),
        Port("all", "bool", "every match, not the best one", default=False),
        Port("objects", "objects", "what was found, best first", direction="out", default=None),
        Port("object", "object", "the best one", direction="out", default=None),
        Port("found", "objects", "those that are new", direction="out", default=None),
        Port("lost", "objects", "those that were there before and are not any more", direction="out", default=None),
        Port("min_confidence", "number", "boxes below are dropped", default=0.0, minimum=0.0, maximum=1.0),
        Port("max_width", "length", "things wider at their narrower side are not meant", default=None, minimum=0.0),
        Port("max_points", "int", "most points kept of each object", default=2000, minimum=1),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _asking: Asking | None = None

    def start(self) -> None:
        """Take a picture and ask."""
        every = bool(self.get("all"))
        self._asking = ask(self, Question("ground", str(self.get("query")), all=every), str(self.get("camera")))

    def step(self) -> Status:
        """Lift the boxes of the answer into the world."""
        asking = self._asking
        assert asking is not None
        if asking.answer is None:
            return self.running("waiting for boxes")
        if asking.frame.depth is None:
            raise NodeFault(f"{self.path}: camera {asking.frame.camera!r} measures no depth, which ground needs")
        if asking.answer.problem:
            return self.fail(f"could not look for {asking.question.text!r}: {asking.answer.problem}")
        least, most = float(str(self.get("min_confidence"))), int(str(self.get("max_points")))
        assert self.context.robot is not None
        view = View(asking.frame, self.context.robot.arm, asking.q)
        width = self.get("max_width")
        narrower = None if width is None else float(str(width))
        pairs, dropped = lift(asking.answer, view, asking.question.text, least, narrower)
        told = self._recognize([thin(thing, most) for thing, _ in pairs], asking)
        self._tell(told, dropped)
        gone = f"; lost {', '.join(thing.label for thing in told.lost)}" if told.lost else ""
        if not told.things:
            seen = len(asking.answer.regions)
            why = f"; {seen} boxes were dropped: {'; '.join(dropped)}" if seen else ""
            return self.fail(f"nothing found for {asking.question.text!r}{gone}{why}")
        self.put("objects", list(told.things))
        self.put("object", told.things[0])
        note = ", ".join(str(thing) for thing in told.things) + gone
        return self.succeed(f"{note}; dropped {'; '.join(dropped)}" if dropped else note)

    def _recognize(self, things: list[GroundedObject], asking: Asking) -> Recognized:
        """Give things their ids, and say which are new and which are gone."""
        every = asking.question.all and not self.get("min_confidence") and self.get("max_width") is None
        told = recognize(self.context, things, asking.question.text, every, asking.frame.camera)
        self.put("found", list(told.found))
        if every:
            self.put("lost", list(told.lost))
        return told

    def _tell(self, told: Recognized, dropped: list[str]) -> None:
        things = [thing.to_json() for thing in told.things]
        lost = [{"label": thing.label, "id": thing.id} for thing in told.lost]
        self.context.emit("ground", {"path": self.path, "objects": things, "dropped": dropped, "lost": lost})

    def halt(self) -> None:
        """Drop the question."""
        self._asking = None


def thin(thing: GroundedObject, most: int) -> GroundedObject:
    """Return the object with at most ``most`` of its points, evenly left out."""
    if len(thing.points) <= most:
        return thing
    keep = [k * len(thing.points) // most for k in range(most)]
    return replace(thing, points=thing.points[keep])
