"""Play the steps of a plan in a world of its own, and watch what comes of each."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from ..._base import KnotholeError
from ...behaviors.context import Context, as_question_frame
from ...behaviors.means.effects import Fact
from ...behaviors.means.skills import Skill, Step
from ...behaviors.node import NODES, RUNNING, SUCCESS
from ...behaviors.rehearsing import Kind, RehearsalVerdict, sentence
from ...sim.cloning import WorldState, clone, drive
from ...sim.ghost import GhostPanda
from ...sim.panda import PandaSim
from ...sim.truth import world_truth
from ...sim.world import World
from ...trees.builder import build
from ...trees.loader import load_text
from ...trees.spec import TreeSpec
from ...trees.ticking.loop import Loop
from ...vlm.broker import Broker
from ...vlm.facts import FrameFacts
from ..oracle import Oracle
from ..truth import SceneTruth
from .judging import bound, contrary, held, holds, lasts, meant, not_understood, said, words_of
from .reaching import MOVES, out_of_reach

PERIOD = 0.05
"""Time between two ticks of a step, [s]."""
RESTS = 0.005
"""Speed below which a thing is at rest, [m/s]."""
SETTLES = 1.0
"""How long things may take to come to rest after the last step, [s]."""


@dataclass(frozen=True)
class Limits:
    """When a rehearsal is given up.

    Attributes:
        seconds: Time in the copied world, [s].
        cpu: Time that the process computes, [s].
    """

    seconds: float = 300.0
    cpu: float = 120.0


Playing = Generator[None, None, RehearsalVerdict]
"""Plays on a little with each ``next``; what it returns came out. Closing it leaves nothing behind."""


def play(
    state: WorldState,
    kind: Kind,
    context: Context,
    steps: Sequence[Step],
    skills: Mapping[str, Skill],
    limits: Limits | None = None,
) -> Playing:
    """Play a plan in a copy of a world.

    Args:
        state: The world.
        kind: ``kinematic`` or ``physics``.
        context: Of the run; it stays as it is.
        steps: The plan.
        skills: Skills that it may use.
        limits: When it is given up.
    """
    limits = limits or Limits()
    try:
        world = clone(state)
    except (KnotholeError, RuntimeError) as error:
        why = f"the world cannot be copied: {str(error).splitlines()[0]}"
        return RehearsalVerdict(True, why, kind=kind, finished=False)
    try:
        robot = GhostPanda(world) if kind == "kinematic" else drive(world, state)
        return (yield from _Play(world, robot, kind, context, limits).play(steps, skills))
    finally:
        world.close()


@functools.cache
def _one_step() -> TreeSpec:
    return load_text(
        "knothole: 1\ntree: rehearsal\ninputs: {step: {type: mapping}, skills: {type: list}}\n"
        "root:\n  run_step: {step: $step, skills: $skills}\n",
        "rehearsal",
    )


_FILLED = (list, dict, set)


class _Over(Exception):
    """The rehearsal ends here: the plan is rejected, or what comes cannot be tried."""

    def __init__(self, reason: str, rejected: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.rejected = reason, rejected


class _Play:
    def __init__(self, world: World, robot: PandaSim, kind: Kind, context: Context, limits: Limits) -> None:
        self._world, self._robot, self._truth = world, robot, SceneTruth(world, robot)
        self._kind, self._limits = kind, limits
        self._began, self._cpu = robot.now(), time.process_time()
        self._context = replace(
            context,
            robot=robot,
            broker=None,
            now=robot.now(),
            tick=0,
            rng=copy.deepcopy(context.rng),
            say=lambda text: None,
            human=None,
            arranger=None,
            emit=lambda channel, data: None,
            frames=self._truth.saw,
            glances=lambda glance: None,
            wake=lambda: None,
            shift=0.0,
            halting={},
            notes={key: copy.copy(v) if isinstance(v, _FILLED) else v for key, v in context.notes.items()},
            sight={},
            rehearsal=None,
            resting=nullcontext,
        )
        self._lines: list[str] = []
        self._lasting: dict[tuple[int, ...], tuple[Fact, tuple[int | None, ...]]] = {}

    def play(self, steps: Sequence[Step], skills: Mapping[str, Skill]) -> Playing:
        """Play all steps."""
        number = 1
        try:
            yield
            number, far = self._out_of_reach(steps, skills)
            if number:
                raise _Over(far)
            for number, step in enumerate(steps, 1):
                began = self._robot.now()
                note = yield from self._step(step, skills)
                self._lines.append(f"step {number}: {sentence(step)}: {note} ({self._robot.now() - began:.1f} s)")
            yield from self._come_to_rest()
            self._check_lasting(())
        except _Over as over:
            reason = f"{sentence(steps[number - 1])}: {over.reason}"
            self._lines.append(f"step {number}: {reason}")
            return self._verdict(not over.rejected, reason, number, over.rejected)
        return self._verdict(True, "", 0, True)

    def _out_of_reach(self, steps: Sequence[Step], skills: Mapping[str, Skill]) -> tuple[int, str]:
        if not any(step["skill"] in MOVES for step in steps):
            return 0, ""
        return out_of_reach(steps, skills, self._look(), world_truth(self._world), self._robot.arm)

    def _verdict(self, ok: bool, reason: str, step: int, finished: bool) -> RehearsalVerdict:
        seconds = self._robot.now() - self._began
        return RehearsalVerdict(ok, reason, step, seconds, self._kind, finished, tuple(self._lines))

    def _step(self, step: Step, skills: Mapping[str, Skill]) -> Generator[None, None, str]:
        """Play one step, and look before and after whether what its skill declares is true."""
        skill = skills[step["skill"]]
        if not getattr(NODES.get(skill.name) if skill.name in NODES else None, "rehearses", True):
            raise _Over("it is up to a human, so nothing from here on was tried", rejected=False)
        words = words_of(step, skill)
        if strange := not_understood(words):
            raise _Over(f"the simulator cannot tell what {strange!r} is, so it was not tried", rejected=False)
        facts = self._look() if words else None
        things: dict[str, int] = {}
        if facts is not None:
            things = {port: index for port, text in words.items() if (index := meant(text, facts)) is not None}
        before = world_truth(self._world)
        for fact, at in bound(skill.needs, things):
            if not holds(fact, at, before):
                raise _Over(f"it needs that {said(fact, at, before)}, but {contrary(fact, at, before)}")
        thing = held(before)
        if thing is not None and any(port.name == "object" for port in skill.ports):
            things.setdefault("object", thing)
        note = yield from self._run(step, skills)
        effects = bound(skill.effects, things)
        after = world_truth(self._world)
        for fact, at in effects:
            if not holds(fact, at, after):
                raise _Over(f"afterwards {contrary(fact, at, after)}")
        self._check_lasting(tuple(things.values()))
        self._lasting |= {tuple(k for k in at[:1] if k is not None): (fact, at) for fact, at in effects if lasts(fact)}
        return note

    def _check_lasting(self, touched: tuple[int, ...]) -> None:
        """Make sure that what earlier steps brought about is still true of what this one is not about."""
        self._lasting = {key: kept for key, kept in self._lasting.items() if key[0] not in touched}
        truth = world_truth(self._world)
        for fact, at in self._lasting.values():
            if not holds(fact, at, truth):
                raise _Over(f"afterwards {contrary(fact, at, truth)}")

    def _run(self, step: Step, skills: Mapping[str, Skill]) -> Generator[None, None, str]:
        """Run the leaf of a step by a loop, as the run does, and return its words."""
        context = self._context
        context.broker = Broker([Oracle(self._truth)], stepped=True, latency=0.0)
        tree = build(_one_step(), context, {"step": step, "skills": list(skills)})
        with Loop(tree, rate=1 / PERIOD, watchdog=0) as loop:
            try:
                while (status := loop.tick()) is RUNNING:
                    self._check_limits()
                    yield
            except KnotholeError as error:
                raise _Over(f"it breaks: {str(error).splitlines()[0].removeprefix('rehearsal/')}") from error
        words = str(tree.root.feedback_message).removeprefix(f"{step['skill']}: ")
        if status is not SUCCESS:
            raise _Over(words)
        return words

    def _look(self) -> FrameFacts:
        """Return what is true of what the camera sees now."""
        facts = self._truth(as_question_frame(self._context.look("")))
        assert facts is not None
        return facts

    def _check_limits(self) -> None:
        if self._robot.now() - self._began > self._limits.seconds:
            raise _Over(f"not finished after {self._limits.seconds:g} s of the rehearsal's time", rejected=False)
        if time.process_time() - self._cpu > self._limits.cpu:
            raise _Over(f"not finished after {self._limits.cpu:g} s of computing", rejected=False)

    def _come_to_rest(self) -> Generator[None, None, None]:
        until = self._robot.now() + SETTLES
        while self._kind == "physics" and self._world.speed() > RESTS and self._robot.now() < until:
            self._robot.advance(self._robot.now() + PERIOD)
            yield
