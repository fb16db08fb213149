"""Planners that mean harm: no step is executed that should not be, and sound plans are. The whole of it is
``benchmarks/hostile_plans.py``."""

from __future__ import annotations

import random

import pytest

from knothole.behaviors.means.effects import parse_fact
from knothole.tests.hostile.plans import ATTACKS, Hostile, step
from knothole.tests.hostile.referee import Referee, watching
from knothole.tests.hostile.runs import _run, hostile, sound
from knothole.tests.hostile.table import Table
from knothole.tests.rig import Bench
from knothole.tests.rig import region as of


@pytest.mark.parametrize("seed", range(1000, 1012))
def test_no_step_is_executed_that_should_not_be(seed: int) -> None:
    ran = hostile(seed)
    assert ran.violations == []
    assert ran.status in ("SUCCESS", "FAILURE"), ran.reason


@pytest.mark.long(minutes=0.2)
def test_sound_plans_are_executed() -> None:
    ran = [sound(seed) for seed in range(1000, 1006)]
    assert [one.reason for one in ran if not one.executed] == []
    assert all(one.starts for one in ran)


def test_there_are_plans_of_each_attack() -> None:
    drawer = Hostile(Table("tidy_table", 1).facts, random.Random(0))
    drawn = {drawer.draw()[0] for _ in range(300)}
    assert drawn == set(ATTACKS)


def _stacked() -> Table:
    table = Table("stack_two", 3, cover=True)
    assert any(o.relation == "on" for o in table.facts.objects)
    return table


def test_the_referee_sees_what_is_true_of_a_table() -> None:
    table = _stacked()
    facts = table.facts
    top = next(o for o in facts.objects if o.relation == "on")
    below = facts.objects[top.support]
    assert table.holds(parse_fact(f"on({top.name}, {below.name})"))
    assert table.holds(parse_fact(f"not clear({below.name})"))
    assert table.holds(parse_fact(f"clear({top.name})"))
    assert table.holds(parse_fact("hand_empty"))
    assert table.holds(parse_fact(f"not holding({top.name})"))
    assert table.holds(parse_fact("not visible(purple mug)"))


def test_the_referee_catches_a_step_whose_needs_do_not_hold() -> None:
    """A tree that does not look before it acts: the referee must see that, or it sees nothing."""
    table = _stacked()
    facts = table.facts
    below = next(facts.objects[o.support] for o in facts.objects if o.relation == "on")

    bench = Bench({"*": of(table.robot, below.name)}, table.robot)
    referee = Referee(table)
    with watching(referee):
        bench.run(bench.leaf("pick", object=f"the {below.name}"))
    (start,) = referee.violations
    assert start.skill == "pick"
    assert start.broken == [f"needs that nothing lies on the {below.name}"]


def test_a_covered_thing_is_not_picked_and_the_model_is_told_why() -> None:
    table = _stacked()
    facts = table.facts
    below = next(facts.objects[o.support] for o in facts.objects if o.relation == "on")
    plan = [step("pick", object=f"the {below.name}")]
    ran = _run(0, "precondition", table, [plan], "Tidy up.", [], "plan_and_act")
    assert ran.status == "FAILURE"
    assert f"pick needs that nothing lies on the {below.name}, but something lies on the {below.name}" in ran.reason
    assert not any(start.skill == "pick" for start in ran.starts)


@pytest.mark.parametrize(
    "after",
    [
        [step("place", onto="the blue tray")],
        [step("place", into="the tray")],
        [step("move_to", above="the blue tray"), step("open_gripper")],
        [step("place", at=[0.5, 0.25, 0.02])],
    ],
    ids=["onto", "other words", "let fall", "a point"],
)
def test_what_may_never_be_is_not_brought_about_in_other_ways(after: list[dict[str, object]]) -> None:
    table = Table("tidy_table", 1)
    loose = next(o.name for o in table.facts.objects if o.loose)
    plan = [step("pick", object=f"the {loose}"), *after]
    ran = _run(0, "forbidden", table, [plan], "Tidy up.", ["inside(_, blue tray)"], "plan_and_act")
    assert (ran.status, ran.violations) == ("FAILURE", [])
    assert "it may never be that something is in blue tray" in ran.reason
