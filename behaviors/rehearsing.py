"""Plans that are tried before they are carried out: who tries them, and what comes out.

A rehearsal plays the steps where nothing can break: in a copy of the simulated world, or on what the skills declare to
need and to bring about. It says whether the plan would work, and if not, at which step and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from .means.skills import Skill, Step

Kind = Literal["symbolic", "kinematic", "physics"]
"""How a plan is tried: on what skills declare; with an arm that goes where it is told, among things that stay where they
are put; or with motors, friction and weight."""
Mode = Literal["auto", "never", "symbolic", "kinematic", "physics"]
"""What is wanted: ``auto`` is the best at hand."""
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True)
class RehearsalVerdict:
    """What came out of a rehearsal.

    Attributes:
        ok: False rejects the plan.
        reason: Why it is rejected, or why the rehearsal did not come to an end; empty otherwise.
        step: Number of the step that fails, from 1; 0 for none.
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

    def start(self, steps: Sequence[Step], skills: Mapping[str, Skill], mode: Mode = "auto") -> Rehearsing | None:
        """Begin to try a plan in the present state of the world.

        Args:
            steps: The plan; each step names one of ``skills``.
            skills: The skills that it may use.
            mode: How to try it.

        Returns:
            The rehearsal; None when none is wanted.
        """
        ...
