"""What a running tree hands to its nodes: time, robot, questions, words, randomness. One context per run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..robots.arranging import Arranger
from ..robots.contract import CameraFrame, Robot
from ..vlm.broker import Broker
from ..vlm.questions import Frame, Question
from .hearing import Microphone
from .human import Human
from .stop_sign import StopSign

if TYPE_CHECKING:
    from .acting.proposing import Proposals
    from .growing import Gardener
    from .invariants import Invariants
    from .means.skills import Skill
    from .node import Leaf
    from .rehearsing import Rehearsal


@dataclass(frozen=True)
class Glance:
    """One look of a watch at a picture, for who measures how good the gate is.

    Attributes:
        path: The leaf that watches.
        question: Its question.
        frame: The picture.
        judged: Id of the picture that its answer is about, empty before the first answer.
        asked: Whether a model is asked about this picture.
        max_age: As its author says, [s]; None where that is left out.
    """

    path: str
    question: Question
    frame: CameraFrame
    judged: str
    asked: bool
    max_age: float | None


@dataclass
class Context:
    """Services of one run. The loop moves ``now`` and ``tick``; nodes only read them.

    Attributes:
        robot: The driver, or None for a tree that moves nothing.
        broker: Where questions go, or None for a tree that asks nothing.
        now: Time of this tick, run clock, [s]; simulated time in a stepped world.
        tick: Number of this tick, from 1.
        rng: The run's random numbers, seeded.
        say: Shows (or speaks) a sentence of the robot to the human.
        arranger: Who shows how the scene would look with things elsewhere, or None where nobody can.
        microphone: Where sound comes from, or None where nothing listens.
        rehearsal: Who tries plans before they are carried out, or None where nobody can.
        human: Whom the tree may ask, or None when nobody is there.
        grow: Who lets the tree grow while it runs; the loop that ticks it puts it there, None without one.
        proposals: Where trees that were repaired are written for people, or None where nobody wants them.
        skill_of: Name of a tree → the skill that it is for plans; None where there is no such tree, or it is no skill.
        outline: Text of a tree → how it is drawn in words.
        confirm: Whether a human has to accept every plan, whatever the tree says.
        emit: Puts an event on a trace channel: channel name and JSON-able data.
        frames: Called once for each camera frame that was taken, before questions about it are asked.
        glances: Called for each look of a watch, asked about or not.
        outside: Looks at something that is no part of the tree, for nodes that are ticked again in a replay: path of
            the node and what looks; returns what that returns. A trace keeps it, so it must be plain data.
        refusals: Called for each tick of a node that an invariant refuses: path of the node, and why.
        wake: Lets the next tick come at once on a real clock, for leaves that learn of something between two ticks. May
            be called from any thread and from a signal handler; does nothing in simulation.
        resting: Lets the watchdog rest inside a ``with`` block, for who lets the run stand still on a stepped clock.
        shift: Run clock less the robot's clock, [s]: 0 but in a run that was resumed.
        halting: Leaves that were halted and are not at rest yet, with the time of their halt, run clock, [s].
        notes: Values that leaves share within a run by agreed keys (what was seen, what is carried); not for authors.
        stop_sign: Where a human's stop is put, from wherever it comes.
        invariants: What this run never does, or None without such rules; set it before the tree is built.
        sight: What watches share while the run lasts, such as what a model was shown; no part of a checkpoint.
    """

    robot: Robot | None = None
    broker: Broker | None = None
    now: float = 0.0
    tick: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    say: Callable[[str], None] = lambda text: None
    human: Human | None = None
    microphone: Microphone | None = None
    grow: Gardener | None = None
    proposals: Proposals | None = None
    arranger: Arranger | None = None
    skill_of: Callable[[str], Skill | None] = lambda name: None
    outline: Callable[[str], str] = lambda text: text
    confirm: bool = False
    rehearsal: Rehearsal | None = None
    emit: Callable[[str, Mapping[str, object]], None] = lambda channel, data: None
    frames: Callable[[CameraFrame], None] = lambda frame: None
    glances: Callable[[Glance], None] = lambda glance: None
    outside: Callable[[str, Callable[[], Any]], Any] = lambda path, look: look()
    refusals: Callable[[str, str], None] = lambda path, why: None
    wake: Callable[[], None] = lambda: None
    resting: Callable[[], AbstractContextManager[None]] = nullcontext
    shift: float = 0.0
    halting: dict[Leaf, float] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)
    stop_sign: StopSign = field(default_factory=StopSign)
    invariants: Invariants | None = None
    sight: dict[str, object] = field(default_factory=dict)

    def look(self, camera: str) -> CameraFrame:
        """Take a picture with the robot's camera and file it in the trace. Its stamp is on the run clock.

        Args:
            camera: Camera name; the empty string means the robot's default camera.

        Raises:
            RobotError: There is no robot or no such camera.
        """
        from ..robots.contract import RobotError

        if self.robot is None:
            raise RobotError("this run has no robot, so there is no camera\n  fix:  give one with --robot")
        cameras = self.robot.capabilities.cameras
        if not camera and not cameras:
            raise RobotError(f"the robot {self.robot.name} has no camera\n  fix:  use a driver that has one")
        frame = self.robot.capture(camera or cameras[0])
        self.frames(frame)
        return replace(frame, stamp=frame.stamp + self.shift) if self.shift else frame


def as_question_frame(frame: CameraFrame) -> Frame:
    """Strip a camera frame to what a model may see: pixels, id and stamp."""
    return Frame(frame.id, frame.stamp, frame.rgb)
