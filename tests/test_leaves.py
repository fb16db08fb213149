"""The small leaves: words, time, entries, and single motions of arm and hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.behaviors.blackboard import UNSET
from knothole.behaviors.context import Context
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS, NodeFault
from knothole.robots.pose import Pose
from knothole.tests.rig import Bench, region
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text

HOME = """
knothole: 1
tree: t
root:
  {}
"""


CHECKS = "knothole: 1\ntree: t\nparams: {a: 0, b: 0}\nroot:\n  check: $a == $b or $a\n"


def tree(text: str) -> BuiltTree:
    return build(load_text(HOME.format(text)), Context())


def test_say_shows_its_text():
    bench = Bench()
    assert bench.run(bench.leaf("say", text="Hello, Ada!")) is SUCCESS
    assert bench.said == ["Hello, Ada!"]


def test_wait_takes_its_time_to_the_tick():
    bench = Bench()
    assert bench.ticks(bench.leaf("wait", duration=0.5), 11) == ["R"] * 10 + ["S"]


def test_a_paused_wait_stands_still():
    bench = Bench()
    leaf = bench.leaf("wait", duration=0.5)
    assert set(bench.ticks(leaf, 5)) == {"R"}
    leaf._pause()
    bench.run(bench.leaf("wait", duration=3.0))
    leaf._resume()
    assert bench.ticks(leaf, 8).index("S") in (5, 6)


def test_set_writes_the_value_of_an_expression():
    built = tree(
        'sequence:\n    - set: {name: $n, to: "2 + 3"}\n    - set: {name: $m, to: "$n * 2"}\n    - check: "$m == 10"'
    )
    built.tick()
    assert built.root.status is SUCCESS
    assert built.blackboard["m"] == 10


def test_a_failed_check_shows_what_it_read():
    built = tree('sequence:\n    - set: {name: $battery, to: "0.1"}\n    - check: "$battery > 0.2"')
    built.tick()
    assert built.root.status is FAILURE
    assert built.root.feedback_message.endswith("$battery > 0.2 ($battery is 0.1) is false")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.one_of(st.integers(-2, 2), st.booleans(), st.none(), st.lists(st.integers(0, 1), max_size=2)),
        ),
        max_size=12,
    )
)
def test_a_check_that_remembers_says_what_one_that_does_not_says(writes):
    """A check evaluates anew only after a write; each tick is compared with a tree that was built just now."""

    def ticked(built):
        try:
            built.tick()
        except NodeFault as fault:
            built.halt()
            return str(fault)
        return built.root.status, built.root.feedback_message

    spec = load_text(CHECKS)
    built = build(spec, Context())
    for name, value in [("a", 0), ("b", 0), *writes]:
        built.blackboard[name] = value
        fresh = build(spec, Context())
        for cell in built.blackboard:
            if cell.value is not UNSET:
                fresh.blackboard[cell.name] = cell.value
        wanted = ticked(fresh)
        assert ticked(built) == wanted
        assert ticked(built) == wanted, "nothing was written since"


def test_a_check_sees_a_list_that_was_changed_in_place():
    built = build(load_text(CHECKS.replace("$a == $b or $a", "len($a) > 1")), Context())
    found = [1]
    built.blackboard["a"] = found
    built.tick()
    assert built.root.status is FAILURE
    found.append(2)
    built.tick()
    assert built.root.status is SUCCESS


def test_a_check_that_is_no_truth_is_a_fault():
    bench = Bench()
    with pytest.raises(NodeFault, match="check needs true or false"):
        bench.tick(bench.leaf("check", expression=3))


def test_describe_writes_the_words_of_the_model():
    bench = Bench({"Describe the image.": "A red cube."}, latency=0.2)
    leaf = bench.leaf("describe")
    assert bench.ticks(leaf, 5) == ["R"] * 4 + ["S"]
    assert bench.out("text") == "A red cube."


def test_describe_fails_when_there_are_no_words():
    bench = Bench({"Describe the image.": {"problem": "refused"}})
    leaf = bench.leaf("describe")
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "no description: refused"


@pytest.mark.parametrize(
    ("ports", "xyz"),
    [
        ({"point": [0.5, 0.1, 0.3]}, (0.5, 0.1, 0.3)),
        ({"pose": [0.45, -0.2, 0.35, 1.0, 0.0, 0.0, 0.0]}, (0.45, -0.2, 0.35)),
        ({"pose": Pose.facing_down((0.5, 0.0, 0.3), 0.5)}, (0.5, 0.0, 0.3)),
        ({"above": "the red cube"}, (0.45, 0.1, 0.2)),
        ({"above": "the red cube", "height": 0.25}, (0.45, 0.1, 0.3)),
    ],
    ids=str,
)
def test_move_to_ends_where_it_was_sent(ports, xyz):
    bench = Bench()
    bench = Bench({"the red cube": region(bench.robot, "red cube")}, bench.robot)
    leaf = bench.leaf("move_to", **ports)
    assert bench.run(leaf) is SUCCESS, leaf.feedback_message
    assert bench.robot.state().world_from_tcp.xyz == pytest.approx(xyz, abs=0.008)


def test_move_to_out_of_reach_is_a_failure_in_words():
    bench = Bench()
    leaf = bench.leaf("move_to", point=[1.5, 0.0, 0.3])
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("panda cannot put its tcp at x=1.500")


def test_move_to_does_not_go_into_the_table():
    bench = Bench()
    leaf = bench.leaf("move_to", point=[0.5, 0.0, 0.0])
    assert bench.run(leaf) is FAILURE
    assert "the goal posture collides" in leaf.feedback_message


def test_move_to_wants_one_place():
    bench = Bench()
    with pytest.raises(NodeFault, match="give exactly one of above, pose and point, not none"):
        bench.tick(bench.leaf("move_to"))


def test_look_at_points_the_hand_at_the_thing():
    bench = Bench()
    bench = Bench({"the can": region(bench.robot, "green can")}, bench.robot)
    leaf = bench.leaf("look_at", object="the can", distance=0.3)
    assert bench.run(leaf) is SUCCESS, leaf.feedback_message
    tcp = bench.robot.state().world_from_tcp
    ray = np.array([0.58, 0.22, 0.045]) - tcp.position
    assert np.linalg.norm(ray) == pytest.approx(0.3, abs=0.01)
    assert tcp.rotation[:, 2] @ ray / np.linalg.norm(ray) > 0.996


def test_home_brings_the_arm_home_from_anywhere():
    bench = Bench()
    assert bench.run(bench.leaf("move_to", point=[0.5, 0.3, 0.12])) is SUCCESS
    assert bench.run(bench.leaf("home")) is SUCCESS
    assert np.abs(bench.robot.state().q - bench.robot.arm.home).max() < 0.02


def test_a_leaf_that_is_home_already_does_not_move():
    bench = Bench()
    assert bench.tick(bench.leaf("home")) is SUCCESS
    assert bench.pictures == []


def test_the_hand_opens_and_closes_to_a_measured_width():
    bench = Bench()
    assert bench.run(bench.leaf("close_gripper")) is SUCCESS
    assert bench.robot.state().gripper_width < 0.001
    assert bench.run(bench.leaf("open_gripper", width=0.03)) is SUCCESS
    assert bench.robot.state().gripper_width == pytest.approx(0.03, abs=0.001)
    assert bench.run(bench.leaf("open_gripper")) is SUCCESS
    assert bench.robot.state().gripper_width == pytest.approx(0.08, abs=0.001)


def test_a_hand_that_must_hold_something_says_when_it_does_not():
    bench = Bench()
    leaf = bench.leaf("close_gripper", must_hold=True)
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "closed on nothing: fingers met at 0.0 mm"


@pytest.mark.parametrize(
    ("name", "ports"),
    [("move_to", {"point": [0.5, 0.2, 0.3]}), ("close_gripper", {}), ("home", {})],
)
def test_a_halted_motion_leaves_the_robot_still(name, ports):
    bench = Bench()
    if name == "home":
        bench.run(bench.leaf("move_to", point=[0.5, 0.2, 0.3]))
    leaf = bench.leaf(name, **ports)
    assert bench.ticks(leaf, 4)[-1] == "R"
    bench.halt(leaf)
    before = bench.robot.state()
    bench.robot.advance(bench.robot.now() + 0.5)
    after = bench.robot.state()
    assert np.abs(after.q - before.q).max() < 1e-3
    assert after.gripper_width == pytest.approx(before.gripper_width, abs=1e-3)


def test_a_motion_that_another_leaf_takes_over_fails():
    bench = Bench()
    leaf = bench.leaf("move_to", point=[0.5, 0.2, 0.3])
    assert bench.ticks(leaf, 3)[-1] == "R"
    bench.robot.stop()
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "moving to (0.50, 0.20, 0.30) was stopped: stop was called"


def test_a_leaf_without_a_robot_names_the_fix():
    bench = Bench()
    bench.context.robot = None
    with pytest.raises(NodeFault, match="this run has no robot to move\n  fix:  give one with --robot"):
        bench.tick(bench.leaf("open_gripper"))


def test_a_motion_leaf_is_running_while_it_moves():
    bench = Bench()
    leaf = bench.leaf("move_to", point=[0.5, 0.2, 0.3])
    assert bench.tick(leaf) is RUNNING
    assert leaf.feedback_message == "moving to (0.50, 0.20, 0.30)"
