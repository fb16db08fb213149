"""Plans that are tried before they are carried out: who tries them, and what comes out.

A rehearsal plays the plan where nothing can break: in a copy of the simulated world, or on what the skills declare to
need and to bring about. It says whether the plan would work, and if not, at which step or question and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

from .context import Context
from .means.effects import Fact, State
from .means.skills import Skill, Step
from .node import NODES
from .planning.symbolic import Thought
from .planning.tree_form import steps_in, think

Plan = Sequence[Step] | Mapping[str, object]
"""Steps, or a tree in the form of ``planning/tree_form.py``, without mistakes."""
Kind = Literal["symbolic", "kinematic", "physics"]
"""How a plan is tried: on what skills declare; with an arm that goes where it is told, among things that stay where
they are put; or with motors, friction and weight."""
Mode = Literal["auto", "never", "symbolic", "kinematic", "physics"]
"""What is wanted: ``auto`` is the best at hand."""
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True)
class RehearsalVerdict:
    """What came out of a rehearsal.

    Attributes:
        ok: False rejects the plan.
        reason: Why it is rejected, or why the rehearsal did not come to an end; empty otherwise.
        step: Number of the step that fails, or at which the rehearsal was given up, from 1 in the order of the text; 0
            for none.
        where: The same for a plan that is a tree, which may also fail at a question: ``sequence[2]/retry``.
        seconds: How long the plan took in the rehearsal, [s]; 0 where no time passes.
        kind: How it was tried.
        finished: False when the rehearsal was given up before its end, which says nothing against the plan.
        steps: What happened, a line for each step that was tried.
    """

    ok: bool
    reason: str = ""
    step: int = 0
    seconds: float = 0.0
    kind: Kind = "symbolic"
    finished: bool = True
    steps: tuple[str, ...] = ()
    where: str = ""

    @property
    def place(self) -> str:
        """Where it fails, in words; empty for nowhere."""
        return self.where or (f"step {self.step}" if self.step else "")

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason

    def to_json(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "ok": self.ok,
            "reason": self.reason,
            "step": self.step,
            "seconds": round(self.seconds, 3),
            "kind": self.kind,
            "finished": self.finished,
            "steps": list(self.steps),
            "where": self.where,
        }


class Rehearsing(Protocol):
    """A rehearsal under way. Poll it."""

    @property
    def verdict(self) -> RehearsalVerdict | None:
        """What came out; None while it goes on.

        On a stepped clock the first poll plays the plan to its end, and the run's time stands still meanwhile; it is
        None only when the run is to be stopped. On a real clock polling never waits.
        """
        ...

    def drop(self) -> None:
        """Break it off; nothing is left of it. Idempotent."""
        ...


class Rehearsal(Protocol):
    """Who can try plans; ``Context.rehearsal``."""

    def start(self, plan: Plan, skills: Mapping[str, Skill], mode: Mode = "auto") -> Rehearsing | None:
        """Begin to try a plan in the present state of the world.

        Args:
            plan: The plan; each step names one of ``skills``.
            skills: The skills that it may use.
            mode: How to try it.

        Returns:
            The rehearsal; None when none is wanted.
        """
        ...


class Tried:
    """A rehearsal that is over as soon as it began.

    Attributes:
        verdict: What came out.
    """

    def __init__(self, verdict: RehearsalVerdict) -> None:
        self.verdict = verdict

    def drop(self) -> None:
        """Do nothing."""


class SymbolicRehearsal:
    """Try plans on what their skills declare to need and to bring about; no simulator is needed.

    Nothing is known at the beginning but what the hand feels. A need is missing only where it is known to be false, so
    a plan is rejected for what its own steps do to each other: a second thing picked with a full hand, a place with an
    empty one.

    Args:
        context: Of the run, or one with a robot.
        state: What is known now; what the hand feels when left out.
        mode: What goes before the mode that a node asks for; None for nothing.
    """

    def __init__(self, context: Context, state: Callable[[], State] | None = None, mode: Mode | None = None) -> None:
        self._context, self._state, self._mode = context, state or self._felt, mode

    def start(self, plan: Plan, skills: Mapping[str, Skill], mode: Mode = "auto") -> Tried | None:
        """Begin and end, as ``Rehearsal`` says."""
        if (self._mode or mode) == "never":
            return None
        return Tried(self.tried(plan, skills))

    def tried(self, plan: Plan, skills: Mapping[str, Skill]) -> RehearsalVerdict:
        """Go through a plan in thought."""
        thought = Thought(skills, self._state())
        if isinstance(plan, Mapping):
            think(thought, plan)
            lines = [f"{where}: {sentence(step)}" for where, step in steps_in(plan)]
            if not thought.wrong:
                return RehearsalVerdict(True, steps=tuple(lines))
            where, _, why = thought.wrong[0].partition(": ")
            number = next((k for k, (place, _) in enumerate(steps_in(plan), 1) if place == where), 0)
            verdict = RehearsalVerdict(False, why, number, where=where)
            return replace(verdict, steps=(*lines[: max(0, number - 1)], str(verdict)))
        lines = []
        for number, step in enumerate(plan, 1):
            thought.step("", step["skill"], step["args"])
            if thought.wrong:
                verdict = RehearsalVerdict(False, thought.wrong[0].removeprefix(": "), number)
                return replace(verdict, steps=(*lines, str(verdict)))
            lines.append(f"step {number}: {sentence(step)}")
        return RehearsalVerdict(True, steps=tuple(lines))

    def _felt(self) -> State:
        """Return what the hand feels."""
        robot, held = self._context.robot, self._context.notes.get("held")
        if robot is None:
            return State()
        if not robot.state().holding:
            return State([Fact("hand_empty")])
        return State([Fact("holding", (str(getattr(held, "label", "something")),))])


def sentence(step: Step) -> str:
    """Say a step in words, as in ``place into the blue tray``."""
    cls = NODES.get(step["skill"]) if step["skill"] in NODES else None
    main = next((port.name for port in getattr(cls, "ports", ()) if port.main), "")
    args = dict(step.get("args", {}))
    words = [_shown(args.pop(main))] if args.get(main) is not None else []
    words += [f"{name} {_shown(value)}" for name, value in args.items() if value is not None]
    return " ".join([step["skill"], *words])


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_shown(one) for one in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
