"""Play a plan in a world of its own, and watch what comes of each of its steps and questions."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from ..._base import KnotholeError, headline
from ...behaviors.context import Context, as_question_frame
from ...behaviors.means.effects import Fact
from ...behaviors.means.skills import Skill, Step
from ...behaviors.node import FAILURE, NODES, RUNNING
from ...behaviors.planning.tree_form import steps_in
from ...behaviors.rehearsing import Kind, Plan, RehearsalVerdict, sentence
from ...behaviors.step import Status
from ...sim.cloning import WorldState, clone, drive
from ...sim.ghost import GhostPanda
from ...sim.panda import PandaSim
from ...sim.truth import world_truth
from ...sim.world import World
from ...trees.builder import build
from ...trees.ticking.loop import Loop
from ...vlm.broker import Broker
from ...vlm.facts import FrameFacts
from ..models.oracle import Oracle
from ..models.truth import SceneTruth
from .judging import bound, contrary, held, holds, lasts, meant, not_understood, said, words_of
from .reaching import MOVES, out_of_reach
from .tried import judged, tried_tree

PERIOD = 0.05
"""Time between two ticks, [s]."""
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
    plan: Plan,
    skills: Mapping[str, Skill],
    limits: Limits | None = None,
) -> Playing:
    """Play a plan in a copy of a world.

    Args:
        state: The world.
        kind: ``kinematic`` or ``physics``.
        context: Of the run; it stays as it is.
        plan: The plan.
        skills: Skills that it may use.
        limits: When it is given up.
    """
    limits = limits or Limits()
    try:
        world = clone(state)
    except (KnotholeError, RuntimeError) as error:
        why = f"the world cannot be copied: {headline(error)}"
        return RehearsalVerdict(True, why, kind=kind, finished=False)
    try:
        robot = GhostPanda(world) if kind == "kinematic" else drive(world, state)
        return (yield from _Play(world, robot, kind, context, limits, skills).play(plan))
    finally:
        world.close()


_FILLED = (list, dict, set)


@dataclass(frozen=True)
class _Place:
    """A step, or a question of a tree: where it stands, its number among the steps or 0, and it in words."""

    where: str = ""
    number: int = 0
    words: str = ""


class _Over(Exception):
    """The rehearsal ends here: the plan is rejected, or what comes cannot be tried."""

    def __init__(self, reason: str, rejected: bool = True, place: _Place | None = None) -> None:
        super().__init__(reason)
        self.reason, self.rejected, self.place = reason, rejected, place


class _Play:
    """Plays one plan, and is the ``Judge`` of its steps and questions."""

    def __init__(
        self, world: World, robot: PandaSim, kind: Kind, context: Context, limits: Limits, skills: Mapping[str, Skill]
    ) -> None:
        self._world, self._robot, self._truth = world, robot, SceneTruth(world, robot)
        self._kind, self._limits, self._skills = kind, limits, skills
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
            microphone=None,
            arranger=None,
            grow=context.grow.apart() if context.grow is not None else None,
            proposals=None,
            emit=lambda channel, data: None,
            frames=self._truth.saw,
            glances=lambda glance: None,
            outside=lambda path, look: look(),
            wake=lambda: None,
            shift=0.0,
            halting={},
            notes={key: copy.copy(v) if isinstance(v, _FILLED) else v for key, v in context.notes.items()},
            sight={},
            rehearsal=None,
            resting=nullcontext,
        )
        if context.invariants is not None:
            self._context.invariants = context.invariants.apart(self._context)
        self._lines: list[str] = []
        self._lasting: dict[int, tuple[Fact, tuple[int | None, ...]]] = {}
        self._at = _Place()
        self._since = robot.now()
        self._things: dict[str, int] = {}
        self._failure: _Over | None = None
        self._over: _Over | None = None

    def play(self, plan: Plan) -> Playing:
        """Play the whole plan."""
        self._straight = not isinstance(plan, Mapping)
        try:
            yield
            if not isinstance(plan, Mapping):
                self._check_reach(plan)
            yield from self._run({"sequence": list(plan)} if not isinstance(plan, Mapping) else plan)
            yield from self._come_to_rest()
            self._check_lasting(())
        except _Over as over:
            place = over.place or self._at
            reason = f"{place.words}: {over.reason}" if place.words else over.reason
            self._tell(place, over.reason)
            return self._verdict(not over.rejected, reason, place, over.rejected)
        return self._verdict(True, "", _Place(), True)

    def _run(self, plan: Mapping[str, object]) -> Generator[None, None, None]:
        """Run a plan by a loop, as the run does."""
        context = self._context
        context.broker = Broker([Oracle(self._truth)], stepped=True, latency=0.0)
        steps = [step for _, step in steps_in(plan)]
        tree = build(tried_tree(plan, self._skills), context, {"steps": steps, "skills": list(self._skills)})
        judged(tree, plan, self)
        with Loop(tree, rate=1 / PERIOD, watchdog=0) as loop:
            try:
                while (status := loop.tick()) is RUNNING:
                    if self._over is not None:
                        break
                    self._check_limits()
                    yield
            except KnotholeError as error:
                raise _Over(f"it breaks: {headline(error).removeprefix('rehearsal/')}") from error
        if self._over is not None:
            raise self._over
        if status is FAILURE:
            raise self._failure or _Over(str(tree.root.feedback_message))

    def _check_reach(self, steps: Sequence[Step]) -> None:
        """Make sure that nothing stands where the hand can never be, before anything is played."""
        if not any(step["skill"] in MOVES for step in steps):
            return
        number, far = out_of_reach(steps, self._skills, self._look(), world_truth(self._world), self._robot.arm)
        if number:
            raise _Over(far, place=_Place("", number, sentence(steps[number - 1])))

    def _verdict(self, ok: bool, reason: str, place: _Place, finished: bool) -> RehearsalVerdict:
        seconds = self._robot.now() - self._began
        where = "" if self._straight else place.where
        return RehearsalVerdict(ok, reason, place.number, seconds, self._kind, finished, tuple(self._lines), where)

    def _tell(self, place: _Place, words: str) -> None:
        """Write down what became of a step or a question; the same is not said twice in a row."""
        name = f"step {place.number}" if self._straight else place.where
        line = ": ".join(part for part in (name, place.words, words) if part)
        if self._lines[-1:] != [line]:
            self._lines.append(line)

    def begins(self, where: str, number: int, step: Step) -> str:
        """Say why a step may not begin: what its skill needs is not true, or its thing is out of reach."""
        if self._over is not None:
            return self._over.reason
        skill = self._skills[step["skill"]]
        self._at, self._since, self._things = _Place(where, number, sentence(step)), self._robot.now(), {}
        if not getattr(NODES.get(skill.name) if skill.name in NODES else None, "rehearses", True):
            return self._leave("it is up to a human, so nothing from here on was tried")
        words = words_of(step, skill)
        if strange := not_understood(words):
            return self._leave(f"the simulator cannot tell what {strange!r} is, so it was not tried")
        facts = self._look() if words else None
        if facts is not None:
            self._things = {port: index for port, text in words.items() if (index := meant(text, facts)) is not None}
        before = world_truth(self._world)
        for fact, at in bound(skill.needs, self._things):
            if not holds(fact, at, before):
                return f"it needs that {said(fact, at, before)}, but {contrary(fact, at, before)}"
        if facts is not None and not self._straight and step["skill"] in MOVES:
            number, far = out_of_reach([step], self._skills, facts, before, self._robot.arm)
            if number:
                return far
        thing = held(before)
        if thing is not None and any(port.name == "object" for port in skill.ports):
            self._things.setdefault("object", thing)
        return ""

    def ends(self, where: str, number: int, step: Step, well: bool, words: str) -> str:
        """Say what speaks against the success of a step: what its skill declares, or what earlier steps brought about.

        A step that failed is only noted.
        """
        if self._over is not None:
            return ""
        place = self._at = _Place(where, number, sentence(step))
        against = self._against(step) if well else ""
        if well and not against:
            self._tell(place, f"{words} ({self._robot.now() - self._since:.1f} s)")
            return ""
        self._failure = _Over(against or words, place=place)
        self._tell(place, against or words)
        return against

    def decides(self, where: str, question: str, status: Status, words: str) -> None:
        """Note what a question came to."""
        if self._over is not None:
            return
        self._at = _Place(where, 0, f"see {question!r}")
        self._tell(self._at, words)
        if status is FAILURE:
            self._failure = _Over(words, place=self._at)

    def asks_in_vain(self, where: str, question: str, why: str) -> None:
        """Give the rehearsal up at a question that the truth does not answer."""
        self._at = _Place(where, 0, f"see {question!r}")
        self._leave(f"the simulator has no answer, so nothing from here on was tried: {why}")

    def _leave(self, reason: str) -> str:
        """Give the rehearsal up after this tick."""
        self._over = self._over or _Over(reason, rejected=False, place=self._at)
        return reason

    def _against(self, step: Step) -> str:
        """Say what is not true after a step, and should be."""
        effects = bound(self._skills[step["skill"]].effects, self._things)
        after = world_truth(self._world)
        wrong = next((contrary(fact, at, after) for fact, at in effects if not holds(fact, at, after)), "")
        if wrong:
            return f"afterwards {wrong}"
        try:
            self._check_lasting(tuple(self._things.values()))
        except _Over as over:
            return over.reason
        for fact, at in effects:
            if lasts(fact) and at[0] is not None:
                self._lasting[at[0]] = (fact, at)
        return ""

    def _check_lasting(self, touched: tuple[int, ...]) -> None:
        """Make sure that what earlier steps brought about is still true of what this one is not about."""
        self._lasting = {key: kept for key, kept in self._lasting.items() if key not in touched}
        truth = world_truth(self._world)
        for fact, at in self._lasting.values():
            if not holds(fact, at, truth):
                raise _Over(f"afterwards {contrary(fact, at, truth)}")

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
