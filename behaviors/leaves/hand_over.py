"""The leaf that hands what the robot holds to a human."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from ..._base import headline
from ...robots.errors import UnreachableError
from ...robots.pose import Array, Pose
from ...vlm.questions import Question
from ..acting.witnesses import the
from ..means.asking import ask
from ..means.motion import Act, Await, Failed, Fingers, MotionLeaf, Rest, Script
from ..means.surroundings import Held
from ..means.target import THING, yaw_of
from ..node import behavior
from ..ports import Port

HAND = "Is a hand inside the workspace?"
CONFIRMED = 2
"""So many answers in a row say that a hand is there, or gone."""
PULL = 0.0025
"""Fingers that are moved by so much have something pulled at between them, [m]."""
_PAUSE = 0.1


@dataclass
class _Look(Await):
    """Wait for the answer to a question, at most until something else has happened.

    Attributes:
        over: Tells that it has.
    """

    over: Callable[[], bool] = lambda: False

    def done(self, leaf: MotionLeaf) -> bool:
        """Look at the ticket and beside it."""
        return super().done(leaf) or self.over()


@behavior("hand_over")
class HandOver(MotionLeaf):
    """Hold out what is in the hand to a human, and let go when a human hand is there or pulls at it.

    The arm carries the thing to the place where it is handed over, says so, and stands still there. It lets go when a
    hand is seen in the workspace by two pictures, one after the other, or when the thing is pulled: the fingers feel
    less of it, or were moved. The effect is measured: the fingers must feel nothing then. The arm moves again only when
    the hand is gone.

    Ports:
        object (in, any, main, default what is held): What is handed over: an object or words. For messages, where no
            leaf of this run has taken it.
        at (in, point, default 0.58, 0.0, 0.34): World x, y and z where the tool holds it, [m].
        words (in, text, default a sentence that names the thing): What is said to the human.
        patience (in, duration, default 30s): How long the human has to take it, and then to take the hand away, [s].
        camera (in, text, default the robot's): Camera to look through; it must measure depth.

    Status:
        RUNNING: Carrying, holding out, waiting until the hand is gone, going home.
        SUCCESS: The hand is empty. The arm is at home, or stays where it is while the human's hand does not leave.
        FAILURE: Nothing is held, the place cannot be reached, the thing was lost on the way, or nobody took it in time:
            the robot still holds it out.

    Halt:
        The arm stops and holds still; the fingers stay as they are.
    """

    recovers = "anew"
    rehearses = False
    skills = frozenset({"arm", "gripper"})
    visual = True
    needs = ("not hand_empty", "holding(object)")
    effects = ("hand_empty", "handed_over(object)")
    ports = (
        Port("object", "any", "what is handed over: an object, or words", main=True, default=None, takes=THING),
        Port("at", "point", "world x, y, z where the tool holds it, [m]", default=(0.58, 0.0, 0.34)),
        Port("words", "text", "what is said to the human", default=""),
        Port("patience", "duration", "how long the human has to take it", default=30.0, minimum=0.0),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _until = _paused = 0.0

    def script(self) -> Script:
        """Carry, hold out, wait, let go, wait until the hand is gone, go home."""
        robot, camera = self.robot, str(self.get("camera"))
        held = self._in_hand()
        around = self.look_around(camera)
        target = self._posture(held)
        yield self.travel(around.scene(robot.arm, held), target, f"holding out {held.label}")
        if not robot.state().holding:
            self.keep(None)
            raise Failed(f"lost {held.label} on the way")
        words = str(self.get("words")) or f"Here is {the(held.label)}. Please take it."
        self.context.say(words)
        self.context.emit("say", {"path": self.path, "text": words})
        width = robot.state().gripper_width
        taken = yield from self._wait(lambda: self._pulled(width), "yes", f"waiting until {held.label} is taken")
        if not taken:
            raise Failed(f"nobody took {held.label} within {float(str(self.get('patience'))):g} s")
        yield Fingers(robot.capabilities.gripper_max_width, f"letting go of {held.label}")
        yield Rest(0.2, "checking the hand")
        if robot.state().holding:
            raise Failed(f"the fingers still feel {held.label}")
        self.keep(None)
        if not (yield from self._wait(lambda: False, "no", "waiting until the human's hand is gone")):
            return f"{held.label} is handed over; the human's hand is still there, so the arm stays"
        yield from self.go_home(self.look_around(camera))
        return f"{held.label} is handed over"

    def _in_hand(self) -> Held:
        state = self.robot.state()
        if not state.holding:
            self.keep(None)
            raise Failed(f"the hand holds nothing: fingers at {1000 * state.gripper_width:.1f} mm feel nothing")
        if self.held is not None:
            return self.held
        unknown, named = Held.unknown(state.gripper_width, state.world_from_tcp), self.get("object")
        return unknown if named is None else replace(unknown, label=str(getattr(named, "label", named)))

    def _posture(self, held: Held) -> Array:
        arm, point = self.robot.arm, self.get("at")
        assert isinstance(point, list | tuple), point
        x, y, z = (float(v) for v in point)
        try:
            return arm.ik(Pose.facing_down((x, y, z), yaw_of(arm.fk(arm.home))), arm.home, self.context.rng)
        except UnreachableError as error:
            raise Failed(f"cannot hold {held.label} out there: {headline(error)}") from error

    def _pulled(self, width: float) -> bool:
        state = self.robot.state()
        return not state.holding or abs(state.gripper_width - width) > PULL

    def _wait(self, felt: Callable[[], bool], answer: str, doing: str) -> Generator[Act, object, bool]:
        """Wait until the fingers feel it or two pictures say it; False when the patience is over."""
        self._until = self.context.now + float(str(self.get("patience")))
        sure = 0
        while not felt():
            if self.context.now >= self._until:
                return False
            asking = ask(self, Question("yes_no", HAND), str(self.get("camera")))
            yield _Look(asking, doing, over=lambda: felt() or self.context.now >= self._until)
            if asking.answer is None:
                asking.drop()
                continue
            sure = sure + 1 if asking.answer.p(answer) >= 0.8 else 0
            if sure >= CONFIRMED:
                return True
            yield Rest(_PAUSE, doing)
        return True

    def pause(self) -> None:
        """Stand still, and stop the clock of the human's patience."""
        super().pause()
        self._paused = self.context.now

    def resume(self) -> None:
        """Let that clock go on."""
        self._until += self.context.now - self._paused
