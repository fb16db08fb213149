"""What all leaves that move the robot share: a script of acts that are started, polled, paused and halted."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from py_trees.common import Status

from ..._base import headline
from ...robots.collision import Scene
from ...robots.contract import Motion, Robot, Trajectory
from ...robots.errors import UnreachableError
from ...robots.planning import line, plan
from ...robots.pose import Array, Pose
from ...robots.seeing import NotSeenError, View
from ...robots.trajectory import timed
from ...vlm.questions import Answer
from ..node import Leaf, NodeFault, Wiring
from .asking import Asking
from .progress import note
from .surroundings import Held, Surroundings

BRISK, CALM = 0.5, 0.2
"""Shares of the arm's speed limits: through free space, and near things."""
HIGH = 0.28
"""Height of the tool above the table from which the arm may move sideways, [m]."""


class Failed(Exception):
    """An act did not work; the text is the reason of the leaf's FAILURE."""


class Act(Protocol):
    """One thing that takes time. ``doing`` says it in words."""

    doing: str

    def begin(self, leaf: MotionLeaf) -> None:
        """Start it from the robot's present state, also after a pause.

        Raises:
            Failed: It cannot be started.
        """
        ...

    def done(self, leaf: MotionLeaf) -> bool:
        """Tell whether it is finished, by measurement.

        Raises:
            Failed: It did not work.
        """
        ...

    @property
    def result(self) -> object:
        """What the script gets for it."""
        ...


Script = Generator[Act, object, str]
"""A leaf's acts in order. What it returns is the note on SUCCESS; a ``Failed``, ``UnreachableError`` or
``NotSeenError`` that leaves it is the FAILURE."""


@dataclass
class Travel:
    """Move the arm along what ``route`` makes of the posture it starts from.

    Attributes:
        route: Present joint positions (n,) [rad] → waypoints (k, n); raises ``UnreachableError``.
        doing: In words.
        speed: Share of the arm's speed limits, in (0, 1].
    """

    route: Callable[[Array], Array]
    doing: str
    speed: float = BRISK
    result: object = None
    _motion: Motion | None = field(default=None, repr=False)

    def begin(self, leaf: MotionLeaf) -> None:
        """Plan from here and start."""
        robot = leaf.robot
        try:
            path = self.route(robot.state().q)
        except UnreachableError as error:
            raise Failed(headline(error)) from error
        self._motion = robot.follow(timed(robot.arm, path, self.speed))

    def done(self, leaf: MotionLeaf) -> bool:
        """Poll the motion."""
        return _finished(self._motion, self.doing)


@dataclass
class Follow:
    """Move the arm along a trajectory that was planned before; after a pause ``again`` plans the rest from there."""

    trajectory: Trajectory
    again: Callable[[Array], Array]
    doing: str
    speed: float = CALM
    result: object = None
    _motion: Motion | None = field(default=None, repr=False)

    def begin(self, leaf: MotionLeaf) -> None:
        """Start, or go on from here."""
        if self._motion is None:
            self._motion = leaf.robot.follow(self.trajectory)
            return
        rest = Travel(self.again, self.doing, self.speed)
        rest.begin(leaf)
        self._motion = rest._motion

    def done(self, leaf: MotionLeaf) -> bool:
        """Poll the motion."""
        return _finished(self._motion, self.doing)


@dataclass
class Fingers:
    """Open or close the gripper to ``width`` [m] with at most ``force`` [N].

    Attributes:
        held: Whether the hand held something when it began.
    """

    width: float
    doing: str
    force: float = 40.0
    held: bool = False
    result: object = None
    _motion: Motion | None = field(default=None, repr=False)

    def begin(self, leaf: MotionLeaf) -> None:
        """Start."""
        self.held = leaf.robot.state().holding
        self._motion = leaf.robot.move_gripper(self.width, self.force)

    def done(self, leaf: MotionLeaf) -> bool:
        """Poll the fingers."""
        return _finished(self._motion, self.doing)


@dataclass
class Rest:
    """Let the robot come to rest for ``seconds``."""

    seconds: float
    doing: str = "coming to rest"
    result: object = None
    _since: float = 0.0

    def begin(self, leaf: MotionLeaf) -> None:
        """Look at the clock."""
        self._since = leaf.context.now

    def done(self, leaf: MotionLeaf) -> bool:
        """Compare the clock."""
        return leaf.context.now - self._since >= self.seconds - 1e-9


@dataclass
class Await:
    """Wait for the answer to a question; the script gets the ``Answer``."""

    asking: Asking
    doing: str
    result: Answer | None = None

    def begin(self, leaf: MotionLeaf) -> None:
        """Nothing to start; the question is on its way."""

    def done(self, leaf: MotionLeaf) -> bool:
        """Look at the ticket."""
        self.result = self.asking.answer
        return self.result is not None


def _finished(motion: Motion | None, doing: str) -> bool:
    assert motion is not None
    status = motion.status
    if status == "failed":
        raise Failed(f"{doing} failed: {motion.reason}")
    if status == "stopped":
        raise Failed(f"{doing} was stopped: {motion.reason or 'another motion took over'}")
    return status == "done"


class MotionLeaf(Leaf):
    """Base of leaves that move the robot: write ``script`` as a generator that yields acts.

    The base starts and polls the acts, one at a time, stops the robot when the leaf is paused or halted, and after
    a pause starts the interrupted act again from where the robot is.
    """

    skills = frozenset({"arm"})
    limb = "arm"

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._script: Script | None = None
        self._act: Act | None = None
        self._again = self._moved = False

    def script(self) -> Script:
        """Yield the acts in order and return a note."""
        raise TypeError(f"{type(self).__name__} must define script()")

    @property
    def robot(self) -> Robot:
        """The driver.

        Raises:
            NodeFault: This run has none.
        """
        if self.context.robot is None:
            raise NodeFault(f"{self.path}: this run has no robot to move\n  fix:  give one with --robot")
        return self.context.robot

    def start(self) -> None:
        """Begin the script; its first act starts with the first step."""
        self._script, self._act, self._again = self.script(), None, False

    def step(self) -> Status:
        """Poll the act; when it is done, start the next one."""
        script, act = self._script, self._act
        assert script is not None
        if act is None:
            return self._drive(lambda: next(script))
        try:
            if self._again:
                self._again = False
                act.begin(self)
                return self.running(act.doing)
            if not act.done(self):
                return self.running(act.doing)
        except Failed as failure:
            return self._drive(partial(script.throw, failure))
        self._ended()
        return self._drive(lambda: script.send(act.result))

    def _drive(self, advance: Callable[[], Act]) -> Status:
        """Get the next act from the script and start it; an act that cannot start is thrown back into the script."""
        assert self._script is not None
        while True:
            try:
                self._act = advance()
            except StopIteration as end:
                note(self, True, str(end.value or ""))
                return self._close(self.succeed(str(end.value or "")))
            except (Failed, UnreachableError, NotSeenError) as failure:
                self.robot.stop()
                why = headline(failure)
                note(self, False, why)
                return self._close(self.fail(why))
            try:
                self._act.begin(self)
                return self.running(self._act.doing)
            except Failed as failure:
                advance = partial(self._script.throw, failure)

    def _ended(self) -> None:
        """Note what watches look at: that the scene may have changed by the robot's own doing."""
        self._moved |= isinstance(self._act, Travel | Follow)
        if isinstance(self._act, Fingers) and self._act.held != self.robot.state().holding:
            self.context.notes["motion_ended"] = self.context.now

    def _close(self, status: Status) -> Status:
        if self._moved or isinstance(self._act, Travel | Follow | Fingers):
            self.context.notes["motion_ended"] = self.context.now
        self._act, self._moved = None, False
        if self._script is not None:
            self._script.close()
            self._script = None
        return status

    def halt(self) -> None:
        """Stop the robot and forget the script; a question on its way is dropped."""
        if isinstance(self._act, Await):
            self._act.asking.drop()
        if self.context.robot is not None:
            self.context.robot.stop()
        self._close(self.status)

    def pause(self) -> None:
        """Stop the robot; the interrupted act is kept and starts again with the next step, from where the robot is."""
        if self._act is not None and not self._again:
            self._again = True
            self.robot.stop()

    def travel(self, scene: Scene, q: Array, doing: str, speed: float = BRISK) -> Travel:
        """Return the act of moving to joint positions ``q``, shape (n,), around what stands in the way."""
        return Travel(lambda here: plan(scene, here, q, self.context.rng), doing, speed)

    def planned(self, scene: Scene, way: Trajectory, doing: str) -> Follow:
        """Return the act of following a way around what stands in it; after a pause the rest is planned anew."""
        goal = way.q[-1]
        return Follow(way, lambda here: plan(scene, here, goal, self.context.rng), doing, BRISK)

    def straight(self, way: Trajectory, doing: str) -> Follow:
        """Return the act of following a way that is a straight line of the tool, also after a pause."""
        arm = self.robot.arm
        goal = arm.fk(way.q[-1])
        return Follow(way, lambda here: line(arm, here, goal), doing)

    def rise(self, height: float, doing: str, speed: float = BRISK) -> Travel:
        """Return the act of moving the tool straight up, as far as it goes but at most by ``height`` [m]."""

        def up(here: Array) -> Array:
            tcp = self.robot.arm.fk(here)
            x, y, z = tcp.xyz
            for part in (1.0, 0.6, 0.3):
                try:
                    return line(self.robot.arm, here, Pose((x, y, z + part * height), tcp.quat_xyzw))
                except UnreachableError:
                    continue
            return here[None]

        return Travel(up, doing, speed)

    def go_home(self, surroundings: Surroundings, doing: str = "going home") -> Script:
        """Yield the acts that bring the arm to its home posture, out of the camera's way: up first when it is low."""
        robot = self.robot
        if self.at_home:
            return ""
        low = self.below_high()
        if low > 0.01:
            yield self.rise(low, doing)
        yield self.travel(surroundings.scene(robot.arm, self.held), robot.arm.home, doing)
        return ""

    @property
    def at_home(self) -> bool:
        """True when the arm is in its home posture."""
        return float(np.abs(self.robot.state().q - self.robot.arm.home).max()) < 0.02

    def below_high(self) -> float:
        """Return how far the tool is below the height for moving sideways, [m]; 0 above it."""
        return max(0.0, HIGH - self.robot.state().world_from_tcp.xyz[2])

    def look_around(self, camera: str = "") -> Surroundings:
        """Take a picture and lift it into the world; what is held and the arm are left out. No camera, no picture."""
        state = self.robot.state()
        if not camera and not self.robot.capabilities.cameras:
            return Surroundings(None, state.world_from_tcp, self.held)
        frame = self.context.look(camera)
        return Surroundings(View(frame, self.robot.arm, state.q), state.world_from_tcp, self.held)

    @property
    def held(self) -> Held | None:
        """What ``pick`` took and nobody put down yet."""
        thing = self.context.notes.get("held")
        return thing if isinstance(thing, Held) else None

    def keep(self, held: Held | None) -> None:
        """Note what the hand holds now."""
        self.context.notes["held"] = held
