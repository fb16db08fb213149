"""The leaf that keeps the place of a thing fresh."""

from __future__ import annotations

from py_trees.common import Status

from ...robots.seeing import View
from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..means.following import follow
from ..means.grounded import GroundedObject, lift
from ..means.known import LIMIT, doubts, remember
from ..node import Leaf, NodeFault, behavior
from ..ports import Port

ASK_EVERY = 1.0
"""How often the model is asked for a thing that is lost, [s]."""


@behavior("track")
class Track(Leaf):
    """Keep a grounded thing's place, size and box fresh while something else runs, as in a ``parallel``.

    Each new picture is searched for the thing without a model: for a surface of its color near where it was. When there
    is none, as behind the arm, the entry stays as it was and the model is asked where the thing is, once a second.

    Ports:
        object (inout, object, main): The thing, from ``ground``; written anew whenever it was seen.
        rate (in, number, default 5): Pictures a second.
        lost_after (in, duration, default 2s): How long it may be out of sight, [s].
        camera (in, text, default the one that saw it): Camera to look through; it must measure depth.

    Status:
        RUNNING: It is in sight, or has not been lost for long. It never succeeds by itself.
        FAILURE: It was out of sight for ``lost_after``.

    Halt:
        Drops a question on its way; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("object", "object", "the thing, from ground", direction="inout", main=True),
        Port("rate", "number", "pictures a second", default=5.0, minimum=0.1),
        Port("lost_after", "duration", "how long it may be out of sight", default=2.0, minimum=0.0),
        Port("camera", "text", "camera to look through; the one that saw it if left out", default=""),
    )

    _asking: Asking | None = None
    _paused = 0.0

    def start(self) -> None:
        """Take the thing as it is."""
        thing = self.get("object")
        if not isinstance(thing, GroundedObject):
            raise NodeFault(f"{self.path}: port 'object' is {thing!r}, no object from ground")
        self._thing = thing
        self._seen = self._asked = self.context.now
        self._looked = float("-inf")
        self._asking = None

    def step(self) -> Status:
        """Look if it is time, and say whether it is there."""
        now = self.context.now
        self._collect()
        if now - self._looked >= 1.0 / float(str(self.get("rate"))) - 1e-9:
            self._looked = now
            self._look()
        if self._seen >= self._looked - 1e-9:
            return self.running(str(self._thing))
        away = now - self._seen
        limit = float(str(self.get("lost_after")))
        if away >= limit - 1e-9 and self._looked == now:
            return self.fail(f"{self._thing.label} was out of sight for {limit:g} s")
        return self.running(f"{self._thing.label} was seen {away:.1f} s ago")

    def halt(self) -> None:
        """Drop a question on its way."""
        self._drop()

    def pause(self) -> None:
        """Stop the clock."""
        self._paused = self.context.now

    def resume(self) -> None:
        """Let the clock go on."""
        self._seen += self.context.now - self._paused

    def _look(self) -> None:
        """Search a new picture, and ask the model when the thing is not in it."""
        frame = self.context.look(str(self.get("camera")) or self._thing.camera)
        if frame.depth is None:
            raise NodeFault(f"{self.path}: camera {frame.camera!r} measures no depth, which track needs")
        robot = self.context.robot
        assert robot is not None
        found = follow(View(frame, robot.arm, robot.state().q), self._thing)
        if found is not None:
            self._keep(found)
            self._drop()
        elif self._asking is None and self.context.now - self._asked >= ASK_EVERY - 1e-9:
            self._asked = self.context.now
            self._asking = ask(self, Question("ground", self._thing.label, all=True), frame.camera, frame)

    def _collect(self) -> None:
        """Take the thing from an answer of the model, if it is one of those that it found."""
        asking = self._asking
        if asking is None or asking.answer is None:
            return
        self._asking = None
        robot = self.context.robot
        assert robot is not None
        pairs, _ = lift(asking.answer, View(asking.frame, robot.arm, asking.q), self._thing.label)
        against = [doubts(self._thing, thing) for thing, _ in pairs]
        if against and min(against) < LIMIT:
            self._keep(pairs[against.index(min(against))][0])

    def _keep(self, thing: GroundedObject) -> None:
        self._thing = thing.renamed(self._thing.label, self._thing.id)
        self._seen = self._thing.stamp
        remember(self.context, self._thing)
        self.put("object", self._thing)

    def _drop(self) -> None:
        if self._asking is not None:
            self._asking.drop()
            self._asking = None
