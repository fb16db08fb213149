"""Play a tree once in virtual time, with scripted answers, and keep everything that a test may ask about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console

from ...behaviors.blackboard import Blackboard
from ...behaviors.step import RUNNING
from ...trees.mocking.sites import sites
from ...trees.spec import TreeSpec
from ...vlm.script_file import Script
from ...vlm.scripted import Scripted
from ...vlm.tickets import BrokerEvent
from ..humans.scripted_human import ScriptedHuman
from ..running.options import RunOptions
from ..running.run import Run
from ..running.stage import NO_ROBOT
from ..running.terminal import Watcher
from ..settings.config import Config
from .recorder import Recorder

MAX_TICKS = 2000
"""Ticks after which a run is stopped unless told otherwise: 100 s at the usual rate."""


@dataclass(frozen=True)
class Scenario:
    """What is played.

    Attributes:
        tree: The tree, mocks in place.
        inputs: Values of its inputs, converted.
        answers: Script of the backend.
        params: Blackboard entries set before the first tick.
        robot: Driver; empty for ``kinematic``, or none when nothing is left that needs one.
        scene: Scene of the robot, empty for the usual one.
        seed: Seed of scene and run.
        rate: Ticks per second of run clock.
        max_ticks: The run is stopped after so many.
        human: Question → what the human says to it, one a call; empty for nobody there.
    """

    tree: TreeSpec
    inputs: Mapping[str, object] = field(default_factory=dict)
    answers: Script = field(default_factory=lambda: Script({}))
    params: Mapping[str, object] = field(default_factory=dict)
    robot: str = ""
    scene: str = ""
    seed: int = 0
    rate: float = 20.0
    max_ticks: int = MAX_TICKS
    human: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Played:
    """How it went.

    Attributes:
        status: ``SUCCESS``, ``FAILURE``, ``SKIPPED``, ``RUNNING`` when it was stopped, or ``FAULT``.
        reason: Why it failed, or what was raised.
        ticks: Number of ticks.
        time: Time on the run clock at the last tick, [s].
        said: What ``say`` said, in order.
        unanswered: What the script had no answer to.
        blackboard: The values at the end.
        recorder: What every node did.
        digest: Equal for equal runs.
    """

    status: str
    reason: str
    ticks: int
    time: float
    said: tuple[str, ...]
    unanswered: tuple[str, ...]
    blackboard: Blackboard
    recorder: Recorder
    digest: str


class _Ears(Watcher):
    """Hears what is said, and which questions got no answer."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
        self.heard: list[str] = []
        self.unanswered: dict[str, None] = {}

    def say(self, text: str) -> None:
        self.heard.append(text)

    def asked(self, event: BrokerEvent) -> None:
        answer = event.ticket.answer
        if event.what == "answered" and answer is not None and answer.problem:
            self.unanswered[answer.problem] = None


def play(scenario: Scenario, config: Config) -> Played:
    """Tick a tree until it ends or has had its ticks. Time is stepped: nothing sleeps.

    Raises:
        KnotholeError: The run cannot be started. What is raised while it runs is in the result.
    """
    ears = _Ears()
    tree = scenario.tree
    if scenario.params:
        tree = replace(tree, params={**tree.params, **scenario.params})
    robot = scenario.robot or robot_for(tree)
    backend = Scripted(scenario.answers)
    options = RunOptions(
        tree.name,
        scenario.scene,
        scenario.seed,
        vlm="scripted",
        robot=robot,
        rate=scenario.rate,
        max_time=None,
        record=False,
        watchdog=0.0,
    )
    human = ScriptedHuman(scenario.human) if scenario.human else None
    run = Run(tree, options, config, robot=robot, vlm=backend, inputs=scenario.inputs, watcher=ears, human=human)
    try:
        recorder = Recorder(run.tree)
        run.loop.listeners.append(recorder.ticked)
        fault: Exception | None = None
        try:
            while run.loop.context.tick < scenario.max_ticks and run.tick() is RUNNING:
                pass
        except Exception as error:
            fault = error
        recorder.close()
        result = run.loop.close(fault)
    finally:
        run.close()
    return Played(
        result.status,
        result.reason,
        result.ticks,
        result.time,
        tuple(ears.heard),
        (*ears.unanswered, *(human.unanswered if human is not None else ())),
        run.blackboard,
        recorder,
        result.digest,
    )


def robot_for(tree: TreeSpec) -> str:
    """Return the driver a tree is tested on: ``kinematic``, or ``none`` when no node looks or moves."""
    for site in sites(tree):
        kind = site.spec.kind
        looks = kind.visual or "camera" in kind.ports or "look" in site.spec.values
        if not kind.mocked and (looks or kind.skills or kind.limb):
            return "kinematic"
    return NO_ROBOT
