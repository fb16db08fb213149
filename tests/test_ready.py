"""Whether a step may begin: something may have come to lie on a thing since the plan was checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from knothole.behaviors.node import FAILURE, SUCCESS
from knothole.behaviors.planning.finding import ALL, Finding, lying
from knothole.robots.pose import Pose
from knothole.robots.props import Prop
from knothole.robots.seeing import View
from knothole.tests.acting import scene
from knothole.tests.hostile.plans import step
from knothole.tests.hostile.runs import _run, hostile
from knothole.tests.hostile.table import Planted, Table, WatchedRobot
from knothole.tests.rig import Bench, box_of
from knothole.vlm.broker import Broker

SIDE = 0.05
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
ON_RED = Pose((0.45, 0.1, 1.5 * SIDE), UPRIGHT)
TRAY = Prop("blue tray", "tray", "blue", (0.32, 0.19, 0.025), Pose((0.5, -0.28, 0.0125), UPRIGHT))
INTO = step("place", into="the blue tray")
WHY = "nothing lies on the red cube, but something lies on the red cube"


def cube(color: str, x: float, y: float, z: float = 0.0) -> Prop:
    return Prop(f"{color} cube", "cube", color, (SIDE, SIDE, SIDE), Pose((x, y, z + SIDE / 2), UPRIGHT))


class Meddled(WatchedRobot):
    """A robot beside which somebody puts the green cube onto the red one when the hand lets go of something."""

    done = False

    def move_gripper(self, width: float, force: float = 40.0) -> Any:
        if self.held and width > 0.0 and not self.done:
            self.done = True
            self.put("green cube", ON_RED)
        return super().move_gripper(width, force)


def table(robot: type[WatchedRobot] = WatchedRobot, on_red: bool = False) -> Table:
    """Return a table with a red, a green and a blue cube, and a tray."""
    made = Table("table", 0)
    made.robot = robot([cube("red", 0.45, 0.1), cube("green", 0.62, 0.25), cube("blue", 0.6, 0.0), TRAY])
    if on_red:
        made.robot.put("green cube", ON_RED)
    return made


def bench(of: Table) -> Bench:
    made = Bench({}, of.robot)
    made.broker = made.context.broker = Broker(Planted(of, []), stepped=True, latency=0.1)
    return made


NEED: list[tuple[bool, str, Sequence[str], str]] = [
    (True, "both", ["clear(the red cube)"], WHY),
    (True, "both", ["hand_empty", "clear(the red cube)"], WHY),
    (True, "both", ["not clear(the red cube)"], ""),
    (True, "both", ["clear(the green cube)"], ""),
    (True, "body", ["clear(the red cube)"], ""),
    (False, "both", ["clear(the red cube)"], ""),
    (False, "both", ["clear(the mug)"], ""),
    (False, "both", ["clear(_)"], ""),
]


@pytest.mark.parametrize(("on_red", "by", "facts", "why"), NEED)
def test_a_picture_shows_what_lies_on_a_thing(on_red: bool, by: str, facts: list[str], why: str) -> None:
    rig = bench(table(on_red=on_red))
    leaf = rig.leaf("needs", facts=facts, by=by)
    assert rig.run(leaf) is (FAILURE if why else SUCCESS)
    assert leaf.feedback_message == (f"it needs that {why}" if why else "")


def test_where_the_hand_says_no_no_picture_is_asked_about() -> None:
    rig = bench(table())
    leaf = rig.leaf("needs", facts=["not hand_empty", "clear(the red cube)"], by="both")
    assert rig.ticks(leaf, 1) == ["F"]
    assert rig.pictures == []


def test_a_step_that_is_halted_while_it_is_looked_drops_its_questions() -> None:
    rig = bench(table(on_red=True))
    for leaf in (
        rig.leaf("needs", facts=["clear(the red cube)"], by="both"),
        rig.leaf("run_step", step=step("pick", object="the red cube")),
    ):
        assert rig.ticks(leaf, 1) == ["R"]
        assert "looking whether it may begin" in leaf.feedback_message
        rig.halt(leaf)
        assert rig.run(leaf) is FAILURE  # and begins anew
        assert leaf.feedback_message.endswith(WHY)


def test_a_model_that_finds_nothing_stops_no_step() -> None:
    made = scene("root:\n  needs: {facts: [clear(red cube)], by: both}\n", {"*": "yes"})
    assert made.run().status == "SUCCESS"


FIRST = [step("pick", object="the blue cube"), INTO]
RED = [step("pick", object="the red cube"), INTO]


@pytest.mark.parametrize("name", ["clean_up", "plan_and_act"])
def test_what_was_put_onto_a_thing_after_the_plan_was_made_keeps_it_where_it_is(name: str) -> None:
    made = table(Meddled)
    ran = _run(0, "", made, [[*FIRST, *RED]], "Tidy up.", [], name)
    assert (ran.status, ran.violations) == ("FAILURE", [])
    assert WHY in ran.reason
    assert [start.skill for start in ran.starts if start.moved] == ["pick", "place"]


def test_the_plan_is_repaired_with_what_lies_there() -> None:
    made = table(Meddled)
    clear = [step("pick", object="the green cube"), INTO]
    ran = _run(0, "", made, [[*FIRST, *RED], [*clear, *RED]], "Tidy up.", [], "clean_up")
    assert (ran.status, ran.violations) == ("SUCCESS", []), ran.reason
    assert [o.relation for o in made.facts.objects[:3]] == ["in", "in", "in"]


def test_what_the_hand_holds_over_a_thing_does_not_lie_on_it() -> None:
    made = table()
    rig = bench(made)
    assert rig.run(rig.leaf("pick", object="the blue cube")) is SUCCESS
    assert rig.run(rig.leaf("move_to", above="the red cube", height=0.12)) is SUCCESS
    assert made.robot.held == "blue cube"
    leaf = rig.leaf("needs", facts=["clear(the red cube)", "holding(the blue cube)"], by="both")
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message


def test_the_depth_shows_what_lies_on_a_plate_though_no_box_does() -> None:
    made = Table("table", 0)
    plate = Prop("white plate", "plate", "white", (0.21, 0.21, 0.02), Pose((0.5, 0.1, 0.01), UPRIGHT))
    ball = Prop("red ball", "ball", "red", (0.06, 0.06, 0.06), Pose((0.53, 0.12, 0.038), UPRIGHT))
    for things, risen in (([plate], False), ([plate, ball], True)):
        made.robot = WatchedRobot(things)
        view = View(made.robot.capture("table"), made.robot.arm, made.robot.state().q)
        above = view.above(view.find(tuple(box_of(made.robot, "white plate"))))
        assert above.shape == (128, 128)
        assert (above.sum() > 8) is np.bool_(risen)
    rig = Bench({"white plate": {"box": box_of(made.robot, "white plate"), "label": "plate"}, "*": []}, made.robot)
    leaf = rig.leaf("needs", facts=["clear(white plate)"], by="both")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.endswith("something lies on white plate")


def test_a_ball_whose_box_fits_the_plate_below_it_is_told_from_the_plate() -> None:
    made = Table("table", 0)
    plate = Prop("white plate", "plate", "white", (0.215, 0.215, 0.02), Pose((0.605, -0.228, 0.01), UPRIGHT))
    ball = Prop("purple ball", "ball", "purple", (0.066, 0.066, 0.066), Pose((0.593, -0.23, 0.04), UPRIGHT))
    made.robot = WatchedRobot([plate, ball])
    rig = bench(made)
    leaf = rig.leaf("needs", facts=["hand_empty"])
    rig.tick(leaf)
    finding = Finding(leaf, ["the white plate", "the purple ball", ALL])
    rig.broker.flush(rig.context.now)
    rig.broker.collect(rig.context.now + 1.0)
    found = finding.found
    assert found is not None
    assert max(found.things["purple ball"][0].size) < 0.08
    assert [str(fact) for fact in lying(found)] == ["on(purple ball, white plate)"]


def test_no_hostile_plan_puts_a_ball_onto_a_plate_on_which_another_one_lies() -> None:
    assert hostile(61).violations == []
