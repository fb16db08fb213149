"""Nav2's nodes that look at goals and paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..bt.stepwise import CHILD, BTDecorator, Tick, stored
from ..node import Leaf, Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from .controllers import GOALS
from .places import entry, given, given_or_entry, length, poses_of, same, xy_of


class Goals:
    """Remembers the goals that a node saw last."""

    remembers = ("_seen",)

    def __init__(self, node: Any) -> None:
        self._node = node
        self.keep()

    def _now(self) -> tuple[object, object]:
        return given_or_entry(self._node, "goals"), given_or_entry(self._node, "goal")

    def keep(self) -> None:
        """Remember the present ones."""
        self._seen = self._now()

    def changed(self) -> bool:
        """Tell whether they are others now, and remember them."""
        now = self._now()
        new = not all(same(a, b) for a, b in zip(now, self._seen, strict=True))
        self._seen = now
        return new


@behavior("nav2.GoalUpdatedController")
class GoalUpdatedController(BTDecorator):
    """Tick the child at once, and then whenever the goal has changed. A running child is ticked in each tick.

    Ports:
        goals (in, any, default none): Goals; the entry ``$goals`` if left out.
        goal (in, any, default none): Goal; the entry ``$goal`` if left out.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or the goal has not changed.
        SUCCESS, FAILURE, SKIPPED: As the child.

    Halt:
        Halts the child.

    Source: ``goal_updated_controller.cpp`` of Nav2.
    """

    flow = "same"
    ports = (*GOALS, CHILD)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._goals: Goals | None = None
        self._updated = False

    def run(self) -> Tick:
        """Tick the child if the goal is another one."""
        if self.stored is INVALID or self._goals is None:
            self._goals = Goals(self)
            self._updated = True
        self.stored = RUNNING
        self._updated = self._goals.changed() or self._updated
        if not (stored(self.decorated) is RUNNING or self._updated):
            return RUNNING
        self._updated = False
        return (yield self.decorated)


@behavior("nav2.GoalUpdater")
class GoalUpdater(BTDecorator):
    """Hand a goal on, or a newer one that came from outside, and run the child.

    Instead of the two topics there are the blackboard entries ``$goal_update`` and ``$goals_update``. What stands there
    counts if its ``stamp`` is not older than that of the input; where one of them has no stamp it counts as well.

    Ports:
        input_goal (in, any, default none): The goal.
        input_goals (in, any, default none): The goals.
        output_goal (out, any, default none): The goal to go for.
        output_goals (out, any, default none): The goals to go for.
        child (in, node): The node it decorates.

    Status:
        RUNNING, SUCCESS, FAILURE, SKIPPED: As the child.

    Halt:
        Halts the child.

    Source: ``goal_updater_node.cpp`` of Nav2. There a goal without a stamp does not count.
    """

    flow = "same"
    ports = (
        Port("input_goal", "any", "the goal", default=None),
        Port("input_goals", "any", "the goals", default=None),
        Port("output_goal", "any", "the goal to go for", direction="out", default=None),
        Port("output_goals", "any", "the goals to go for", direction="out", default=None),
        CHILD,
    )

    def run(self) -> Tick:
        """Write the goals and tick the child."""
        for what in ("goal", "goals"):
            value, news = given(self, f"input_{what}"), entry(self, f"{what}_update")
            empty = what == "goals" and news is not None and not poses_of_goals(news)
            chosen = news if news is not None and not empty and not _older(news, value) else value
            cell = self.wiring.outputs.get(f"output_{what}")
            if cell is not None and chosen is not None:
                cell.set(chosen, self.path)
        return (yield self.decorated)


def poses_of_goals(value: object) -> list[object]:
    """Return the single goals of a list of goals, or of a message with ``goals``."""
    inner = value.get("goals") if isinstance(value, Mapping) else getattr(value, "goals", value)
    return poses_of(inner)


def _older(news: object, value: object) -> bool:
    stamps = [_stamp(each) for each in (news, value)]
    return stamps[0] is not None and stamps[1] is not None and stamps[0] < stamps[1]


def _stamp(value: object) -> float | None:
    found = value.get("stamp") if isinstance(value, Mapping) else getattr(value, "stamp", None)
    return float(found) if isinstance(found, int | float) else None


@behavior("nav2.PathLongerOnApproach")
class PathLongerOnApproach(BTDecorator):
    """Run the child when a new path to the same goal is much longer than the old one and the goal is near.

    Ports:
        path (in, any, default none): The planned path, a list of poses.
        prox_len (in, number, default 3.0): An old path shorter than this is near the goal, [m].
        length_factor (in, number, default 2.0): How many times longer the new path must be.
        child (in, node): The node it decorates.

    Status:
        RUNNING, FAILURE, SKIPPED: As the child, when it is run.
        SUCCESS: The child succeeded, or the path is not longer and the child is not run.

    Halt:
        Halts the child.

    Source: ``path_longer_on_approach.cpp`` of Nav2.
    """

    flow = "maybe"
    ports = (
        Port("path", "any", "the planned path", default=None),
        Port("prox_len", "number", "an old path shorter than this is near the goal", default=3.0),
        Port("length_factor", "number", "how many times longer the new path must be", default=2.0),
        CHILD,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._old: list[object] = []
        self._first = True

    def run(self) -> Tick:
        """Compare the path with the one before."""
        new, old = poses_of(given(self, "path")), self._old
        if not old or not new or not same(old[-1], new[-1]):
            self._first = True
        self.stored = RUNNING
        if not self._first and self._longer(new, old):
            status = yield self.decorated
            if status is SUCCESS or status is FAILURE:
                self._old = new
            return status
        self._old, self._first = new, False
        return SUCCESS

    def _longer(self, new: list[object], old: list[object]) -> bool:
        updated = bool(old and new) and len(old) != len(new) and xy_of(old[-1]) == xy_of(new[-1])
        if not updated or not length(old) < cast(float, self.get("prox_len")):
            return False
        return length(new) > cast(float, self.get("length_factor")) * length(old)


@behavior("nav2.GoalUpdated")
class GoalUpdated(Leaf):
    """Tell whether the goal has changed since the node was ticked last, within one execution of its parent.

    Ports:
        goals (in, any, default none): Goals; the entry ``$goals`` if left out.
        goal (in, any, default none): Goal; the entry ``$goal`` if left out.

    Status:
        SUCCESS: It has.
        FAILURE: It has not, or this is the first tick since the parent reset the node.

    Halt:
        Nothing to halt.

    Source: ``goal_updated_condition.cpp`` of Nav2.
    """

    ports = GOALS

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._goals: Goals | None = None

    def step(self) -> Status:
        """Compare the goals."""
        if self.status is INVALID or self._goals is None:
            self._goals = Goals(self)
            return self.fail("the goal is looked at for the first time")
        return self.succeed("the goal has changed") if self._goals.changed() else self.fail("the goal is the same")


@behavior("nav2.GlobalUpdatedGoal")
class GlobalUpdatedGoal(Leaf):
    """Tell whether the goal has changed since the node was ticked last, ever.

    Ports:
        goals (in, any, default none): Goals; the entry ``$goals`` if left out.
        goal (in, any, default none): Goal; the entry ``$goal`` if left out.

    Status:
        SUCCESS: It has, or this is the first tick of the run.
        FAILURE: It has not.

    Halt:
        Nothing to halt.

    Source: ``globally_updated_goal_condition.cpp`` of Nav2.
    """

    ports = GOALS

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._goals: Goals | None = None

    def step(self) -> Status:
        """Compare the goals."""
        if self._goals is None:
            self._goals = Goals(self)
            return self.succeed("the goal is looked at for the first time")
        return self.succeed("the goal has changed") if self._goals.changed() else self.fail("the goal is the same")
