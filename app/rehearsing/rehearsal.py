"""Who tries plans in a run: in a copy of its simulated world where it has one, else on what skills declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...behaviors.context import Context
from ...behaviors.means.skills import Skill
from ...behaviors.rehearsing import Kind, Mode, Plan, Rehearsal, RehearsalVerdict, Rehearsing, SymbolicRehearsal, Tried
from ...robots.kinematic import KinematicRobot

if TYPE_CHECKING:
    from ...sim.cloning import WorldState
    from ..running.stage import Stage
    from .playing import Limits, Playing


class WorldRehearsal:
    """Try plans in a copy of a simulated world; ``Context.rehearsal``.

    What skills declare is gone through first, which takes no time. Only a plan that passes is played.

    Args:
        context: Of the run.
        state: Reads the world as it is now; None where it cannot be copied.
        best: What ``auto`` means.
        mode: What goes before the mode that a node asks for; empty for nothing.
        stopped: Tells that the run is to end, so that a rehearsal is left.
        limits: When a rehearsal is given up.
    """

    def __init__(
        self,
        context: Context,
        state: Callable[[], WorldState | None],
        best: Kind = "physics",
        mode: Mode | None = None,
        stopped: Callable[[], bool] = lambda: False,
        limits: Limits | None = None,
    ) -> None:
        self._context, self._state, self._best, self._mode = context, state, best, mode
        self._stopped, self._limits = stopped, limits
        self._symbolic = SymbolicRehearsal(context)

    def start(self, plan: Plan, skills: Mapping[str, Skill], mode: Mode = "auto") -> Rehearsing | None:
        """Begin, as ``Rehearsal`` says."""
        wanted = self._mode or mode
        if wanted == "never":
            return None
        known = self._symbolic.tried(plan, skills)
        if wanted == "symbolic" or not known.ok:
            return Tried(known)
        from .playing import play

        kind = self._best if wanted == "auto" else wanted
        state = self._state()
        if state is None:
            return Tried(known)
        playing = play(state, kind, self._context, plan, skills, self._limits)
        return Played(playing, self._context, self._stopped)


def rehearsal_of(context: Context, stage: Stage, mode: Mode | None = None) -> Rehearsal:
    """Return who tries the plans of a run.

    Args:
        context: Of the run.
        stage: What it runs on.
        mode: What the run was started with; None for as its tree says.
    """
    if isinstance(stage.robot, KinematicRobot) and stage.scene is not None:
        best: Kind = "kinematic"
    elif stage.world is not None and stage.world.robot is not None:
        best = "physics"
    else:
        return SymbolicRehearsal(context, mode=mode)
    broker = context.broker

    def stopped() -> bool:
        return broker is not None and broker.interrupted is not None and broker.interrupted()

    return WorldRehearsal(context, stage.state, best, mode, stopped)


class Played:
    """A plan that is played in this process, when it is polled.

    Args:
        playing: The play.
        context: Of the run, whose watchdog rests meanwhile.
        stopped: Tells that the run is to end.
    """

    def __init__(
        self, playing: Playing, context: Context | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._playing, self._context, self._stopped = playing, context or Context(), stopped
        self._verdict: RehearsalVerdict | None = None

    @property
    def verdict(self) -> RehearsalVerdict | None:
        """What came out; plays on until it is there, or the run is to end."""
        if self._verdict is None:
            with self._context.resting():
                self._play()
        return self._verdict

    def _play(self) -> None:
        while not self._stopped():
            try:
                next(self._playing)
            except StopIteration as end:
                self._verdict = end.value
                return

    def drop(self) -> None:
        """Break it off and close its world."""
        self._playing.close()
