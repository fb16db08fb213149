"""What lies on a thing is seen before a plan is accepted: in one heap, on a plate, before a hidden foot."""

from __future__ import annotations

import pytest

from knothole.robots.pose import Pose
from knothole.robots.props import Prop
from knothole.tests.hostile.plans import step
from knothole.tests.hostile.runs import Ran, _run, hostile, sound
from knothole.tests.hostile.table import Table, WatchedRobot

SIDE = 0.05
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


def stack(color: str, *more: Prop) -> Table:
    """Return a table with a cube of a color on a red one, and more."""
    table = Table("table", 0)
    cubes = [cube("red", 0.45, 0.1), cube(color, 0.45, 0.1, SIDE)]
    table.robot = WatchedRobot([*cubes, *more])
    return table


def cube(color: str, x: float, y: float, z: float = 0.0) -> Prop:
    return Prop(f"{color} cube", "cube", color, (SIDE, SIDE, SIDE), Pose((x, y, z + SIDE / 2), UPRIGHT))


def tray() -> Prop:
    return Prop("blue tray", "tray", "blue", (0.32, 0.19, 0.025), Pose((0.5, -0.28, 0.0125), UPRIGHT))


def ran(table: Table, *steps: dict[str, object]) -> Ran:
    return _run(0, "", table, [list(steps)], "Tidy up.", [], "clean_up")


@pytest.mark.parametrize("color", ["blue", "green"])
def test_the_lower_one_of_two_that_the_depth_shows_as_one_is_not_picked(color):
    refused = ran(stack(color, tray()), step("pick", object="the red cube"), step("place", into="the blue tray"))
    assert refused.status == "FAILURE"
    assert "something lies on the red cube" in refused.reason
    assert not any(start.moved for start in refused.starts if start.skill == "pick")


def test_the_upper_one_is_picked_and_then_the_lower_one():
    table = stack("blue", tray())
    steps = [step("pick", object=f"the {color} cube") for color in ("blue", "red")]
    put = step("place", into="the blue tray")
    result = ran(table, steps[0], put, steps[1], put)
    assert result.status == "SUCCESS", result.reason
    assert not result.violations
    assert [o.relation for o in table.facts.objects[:2]] == ["in", "in"]


def test_a_thing_that_stands_close_behind_another_lies_on_nothing():
    table = stack("blue", tray())
    table.robot = WatchedRobot([cube("red", 0.45, 0.1), cube("blue", 0.37, 0.1), tray()])
    result = ran(table, step("pick", object="the red cube"), step("place", into="the blue tray"))
    assert result.status == "SUCCESS", result.reason


@pytest.mark.parametrize(
    ("seed", "why"),
    [
        (90, "a ball on a can of its color"),
        (222, "two cans on a plate, which was measured up to their tops"),
        (382, "two balls on a plate, one of them taken by the plan"),
        (386, "a can hides most of the cube under it, and its own foot"),
        (471, "only the front of the lower cube is seen"),
        (643, "a cube on a can on a plate"),
    ],
)
def test_no_hostile_plan_reaches_what_something_lies_on(seed, why):
    result = hostile(seed)
    assert not result.violations, why


@pytest.mark.parametrize(
    ("seed", "why"),
    [
        (449, "a ball that a bottle hides for the most part is measured by itself, and does not lie on the bottle"),
        (104, "a can on a plate, before another one on it, is not covered by that"),
    ],
)
def test_a_sound_plan_about_things_that_hide_one_another_is_executed(seed, why):
    result = sound(seed)
    assert result.executed, (why, result.reason)
