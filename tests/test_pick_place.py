"""``pick`` and ``place``: on the kinematic driver, where only the tree's side can be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS, NodeFault
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.pose import Pose
from knothole.tests.rig import Bench, region

WORDS = ("red cube", "green can", "yellow ball", "blue tray")


def bench(props: list[dict[str, object]] | None = None, **more: object) -> Bench:
    robot = DRIVERS.get("kinematic")(DriverOptions(settings={} if props is None else {"props": props}))
    script = {f"the {prop.name}": region(robot, prop.name) for prop in robot.props}
    return Bench({**script, **{key.replace("_", " "): value for key, value in more.items()}}, robot)


def where(rig: Bench, name: str) -> np.ndarray:
    return np.array(next(prop.xyz for prop in rig.robot.props if prop.name == name))


@pytest.mark.parametrize("name", WORDS[:3])
def test_a_pick_by_words_ends_at_home_with_the_thing_in_hand(name):
    rig = bench()
    leaf = rig.leaf("pick", object=f"the {name}")
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert rig.robot.held == name
    assert rig.robot.state().holding
    assert np.abs(rig.robot.state().q - rig.robot.arm.home).max() < 0.02


@pytest.mark.parametrize("name", WORDS[:3])
def test_a_placed_thing_rests_in_the_tray_and_the_hand_is_empty(name):
    rig = bench()
    assert rig.run(rig.leaf("pick", object=f"the {name}")) is SUCCESS
    leaf = rig.leaf("place", into="the blue tray")
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert leaf.feedback_message == f"{name} is in blue tray"
    away = np.abs(where(rig, name) - where(rig, "blue tray"))
    assert away[0] < 0.095
    assert away[1] < 0.13
    assert rig.robot.held == ""
    assert np.abs(rig.robot.state().q - rig.robot.arm.home).max() < 0.02


def test_several_things_in_one_tray_do_not_touch():
    rig = bench()
    for name in WORDS[:3]:
        assert rig.run(rig.leaf("pick", object=f"the {name}")) is SUCCESS
        assert rig.run(rig.leaf("place", into="the blue tray")) is SUCCESS
    places = [where(rig, name)[:2] for name in WORDS[:3]]
    apart = [np.linalg.norm(places[i] - places[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert min(apart) > 0.045
    assert max(where(rig, name)[2] for name in WORDS[:3]) < 0.06


def test_a_cube_is_stacked_on_another():
    cubes = [
        {"shape": "cube", "color": "red", "size": (0.05, 0.05, 0.05), "xyz": (0.45, 0.10), "yaw": 0.3},
        {"shape": "cube", "color": "blue", "size": (0.05, 0.05, 0.05), "xyz": (0.55, -0.15), "yaw": -0.2},
    ]
    rig = bench(cubes)
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    leaf = rig.leaf("place", onto="the blue cube")
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    x, y, z = where(rig, "blue cube")
    assert where(rig, "red cube") == pytest.approx((x, y, z + 0.05), abs=0.006)


def test_a_thing_is_put_at_a_point():
    rig = bench()
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    leaf = rig.leaf("place", at=[0.6, 0.0, 0.0])
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert where(rig, "red cube") == pytest.approx((0.6, 0.0, 0.025), abs=0.006)


def test_a_grounded_object_is_looked_at_again_before_it_is_picked():
    rig = bench()
    rig.run(rig.leaf("ground", query="the red cube"))
    thing = rig.out("object")
    x, y, z = where(rig, "red cube")
    rig.robot.put("red cube", Pose((x + 0.03, y - 0.02, z)))
    assert rig.run(rig.leaf("pick", object=thing)) is SUCCESS
    assert rig.robot.held == "red cube"


def test_a_thing_that_is_gone_is_a_failure_that_says_so():
    rig = bench()
    rig.run(rig.leaf("ground", query="the red cube"))
    thing = rig.out("object")
    rig.robot.put("red cube", Pose((0.62, -0.02, 0.025)))
    leaf = rig.leaf("pick", object=thing)
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("red cube is not where it was: ")


def test_closing_on_nothing_is_not_success():
    rig = bench()
    leaf = rig.leaf("pick", object="the red cube")
    while rig.tick(leaf) is RUNNING:
        if leaf.feedback_message.startswith("closing"):
            rig.robot.put("red cube", Pose((0.6, -0.1, 0.025)))
    assert leaf.status is FAILURE
    assert leaf.feedback_message.startswith("closed on nothing: fingers met at ")
    assert rig.robot.state().gripper_width > 0.07
    assert np.abs(rig.robot.state().q - rig.robot.arm.home).max() < 0.02


def test_a_thing_lost_while_lifting_is_not_success():
    rig = bench()
    leaf = rig.leaf("pick", object="the red cube")
    while rig.tick(leaf) is RUNNING:
        if leaf.feedback_message.startswith("lifting") and rig.robot.held:
            rig.robot.put("red cube", Pose((0.6, -0.1, 0.025)))
    assert leaf.status is FAILURE
    assert leaf.feedback_message.startswith("lost red cube: ")


def test_a_thing_wider_than_the_hand_has_no_grasp():
    rig = bench([{"shape": "cube", "color": "red", "size": (0.12, 0.12, 0.06), "xyz": (0.5, 0.0)}])
    leaf = rig.leaf("pick", object="the red cube")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("no grasp of red cube: it is 12 by 12 cm")


def test_a_thing_out_of_reach_is_a_failure_in_words():
    rig = bench([{"shape": "cube", "color": "red", "size": (0.05, 0.05, 0.05), "xyz": (0.85, 0.35)}])
    leaf = rig.leaf("pick", object="the red cube")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("red cube cannot be reached: panda cannot put its tcp at")


def test_nothing_in_the_hand_cannot_be_placed():
    rig = bench()
    leaf = rig.leaf("place", into="the blue tray")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "the hand holds nothing: fingers at 80.0 mm feel nothing"


@pytest.mark.parametrize("ports", [{}, {"into": "the blue tray", "at": [0.5, 0.0, 0.0]}], ids=str)
def test_place_wants_exactly_one_place(ports):
    rig = bench()
    with pytest.raises(NodeFault, match="give exactly one of into, onto and at"):
        rig.tick(rig.leaf("place", **ports))


def test_without_a_container_the_thing_goes_back_to_where_it_was():
    rig = bench(the_green_box=[])
    before = where(rig, "red cube")
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    leaf = rig.leaf("place", into="the green box")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "nothing found for 'the green box'"
    assert rig.robot.held == ""
    assert where(rig, "red cube") == pytest.approx(before, abs=0.006)


def test_a_container_that_the_model_overlooks_is_where_it_was():
    rig = bench()
    tray = region(rig.robot, "blue tray")
    rig = Bench(
        {
            "the red cube": region(rig.robot, "red cube"),
            "the can": region(rig.robot, "green can"),
            "tray": {"calls": [tray, []]},
        },
        rig.robot,
    )
    for name in ("the red cube", "the can"):
        assert rig.run(rig.leaf("pick", object=name)) is SUCCESS
        leaf = rig.leaf("place", into="tray")
        assert rig.run(leaf) is SUCCESS, leaf.feedback_message


def test_a_pick_with_a_full_hand_first_puts_the_thing_back():
    rig = bench()
    before = where(rig, "red cube")
    assert rig.run(rig.leaf("pick", object="the red cube")) is SUCCESS
    assert rig.run(rig.leaf("pick", object="the green can")) is SUCCESS
    assert rig.robot.held == "green can"
    assert where(rig, "red cube") == pytest.approx(before, abs=0.006)


def _still(rig: Bench) -> bool:
    before = rig.robot.state().q
    rig.robot.advance(rig.robot.now() + 0.5)
    return bool(np.abs(rig.robot.state().q - before).max() < 1e-3)


@pytest.mark.parametrize("ticks", [3, 12, 30, 50, 70])
def test_a_halted_pick_leaves_the_arm_still(ticks):
    rig = bench()
    leaf = rig.leaf("pick", object="the red cube")
    rig.ticks(leaf, ticks)
    rig.halt(leaf)
    assert _still(rig)


@pytest.mark.parametrize("ticks", [3, 12, 30, 45, 60, 75])
def test_a_paused_pick_holds_still_and_then_goes_on(ticks):
    rig = bench()
    leaf = rig.leaf("pick", object="the red cube")
    rig.ticks(leaf, ticks)
    if leaf.status is RUNNING:
        leaf._pause()
        rig.robot.stop()
        assert _still(rig)
        leaf._resume()
        assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert rig.robot.held == "red cube"


def test_a_halted_pick_can_be_started_again():
    rig = bench()
    leaf = rig.leaf("pick", object="the red cube")
    rig.ticks(leaf, 40)
    rig.halt(leaf)
    assert rig.run(leaf) is SUCCESS, leaf.feedback_message
    assert rig.robot.held == "red cube"
