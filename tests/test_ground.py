"""The leaf ``ground``: from boxes to places in the world, in the depth of the very same picture."""

from __future__ import annotations

import math

import numpy as np
import pytest

from knothole.behaviors.blackboard import UNSET
from knothole.behaviors.means.grounded import GroundedObject
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.pose import Pose
from knothole.tests.rig import Bench, box_of, region

THINGS = ("red cube", "green can", "yellow ball")


def bench(**script: object) -> Bench:
    found = Bench()
    names = {"every loose object": [region(found.robot, name) for name in THINGS]}
    return Bench({**names, **{key.replace("_", " "): value for key, value in script.items()}}, found.robot)


def test_every_match_is_measured_to_the_millimetre():
    rig = bench()
    leaf = rig.leaf("ground", query="every loose object", all=True)
    assert rig.run(leaf) is SUCCESS
    found = rig.out("objects")
    assert [thing.label for thing in found] == list(THINGS)
    for thing in found:
        prop = next(prop for prop in rig.robot.props if prop.name == thing.label)
        assert thing.xyz == pytest.approx(prop.xyz, abs=0.006), thing.label
        assert sorted(thing.size) == pytest.approx(sorted(prop.size), abs=0.008), thing.label
        assert thing.top_z == pytest.approx(prop.xyz[2] + prop.size[2] / 2, abs=0.004)
        assert thing.frame_id == "table#1"
        assert thing.camera == "table"
        assert len(thing.points)


def test_the_best_one_is_the_first():
    rig = bench()
    assert rig.run(rig.leaf("ground", query="every loose object", all=True)) is SUCCESS
    assert rig.out("object") == rig.out("objects")[0]


def test_without_all_one_object_is_found():
    rig = bench()
    assert rig.run(rig.leaf("ground", query="every loose object")) is SUCCESS
    assert [thing.label for thing in rig.out("objects")] == ["red cube"]


def test_the_depth_is_that_of_the_picture_the_model_saw():
    found = Bench()
    script = {"the cube": region(found.robot, "red cube")}
    rig = Bench(script, found.robot, latency=0.5)
    leaf = rig.leaf("ground", query="the cube")
    assert rig.tick(leaf) is RUNNING
    rig.robot.put("red cube", Pose((0.62, -0.05, 0.025)))
    assert rig.run(leaf) is SUCCESS
    assert rig.out("object").xyz[:2] == pytest.approx((0.45, 0.10), abs=0.006)


def test_a_ground_that_waits_does_not_block():
    found = Bench()
    rig = Bench({"the cube": region(found.robot, "red cube")}, found.robot, latency=2.0)
    leaf = rig.leaf("ground", query="the cube")
    assert rig.ticks(leaf, 41) == ["R"] * 40 + ["S"]


def test_nothing_found_is_a_failure_and_writes_nothing():
    rig = bench(the_teapot=[])
    leaf = rig.leaf("ground", query="the teapot")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "nothing found for 'the teapot'"
    assert rig.out("object") is UNSET


def test_an_answer_with_a_problem_is_a_failure_with_its_text():
    rig = bench(the_teapot={"problem": "too dark"})
    leaf = rig.leaf("ground", query="the teapot")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "could not look for 'the teapot': too dark"


def test_a_box_on_the_bare_table_is_dropped():
    rig = bench(the_ghost={"box": [0.46, 0.9, 0.54, 0.98], "label": "ghost"})
    leaf = rig.leaf("ground", query="the ghost")
    assert rig.run(leaf) is FAILURE
    assert "1 boxes were dropped: ghost: nothing rises above the table" in leaf.feedback_message


def test_two_boxes_about_one_thing_count_once():
    found = Bench()
    a, b, c, d = box_of(found.robot, "red cube")
    twice = [{"box": [a, b, c, d]}, {"box": [a + 0.005, b - 0.005, c + 0.005, d]}]
    rig = Bench({"cubes": twice}, found.robot)
    leaf = rig.leaf("ground", query="cubes", all=True)
    assert rig.run(leaf) is SUCCESS
    assert len(rig.out("objects")) == 1
    assert leaf.feedback_message.endswith("dropped cubes: found twice")


def test_doubtful_boxes_can_be_refused_and_the_surest_comes_first():
    found = Bench()
    sure = [region(found.robot, name, confidence=p) for name, p in zip(THINGS, (0.3, 0.6, 0.9), strict=True)]
    rig = Bench({"things": sure}, found.robot)
    assert rig.run(rig.leaf("ground", query="things", all=True, min_confidence=0.5)) is SUCCESS
    assert [thing.label for thing in rig.out("objects")] == ["yellow ball", "green can"]


def test_points_can_be_thinned():
    rig = bench()
    assert rig.run(rig.leaf("ground", query="every loose object", all=True, max_points=10)) is SUCCESS
    assert [len(thing.points) for thing in rig.out("objects")] == [10, 10, 10]


def test_a_grounded_object_compares_without_its_points_and_prints_short():
    rig = bench()
    rig.run(rig.leaf("ground", query="every loose object"))
    thing = rig.out("object")
    assert isinstance(thing, GroundedObject)
    again = GroundedObject(**{**thing.__dict__, "points": np.zeros((1, 3))})
    assert again == thing
    x, y, z = thing.xyz
    assert str(thing) == f"red cube at ({x:.3f}, {y:.3f}, {z:.3f}) m"
    assert "points" not in thing.to_json()
    assert -math.pi / 2 < thing.yaw <= math.pi / 2
    assert thing.pose.xyz == thing.xyz


def test_a_box_between_a_ball_and_a_plate_means_what_the_hand_can_take():
    props = [
        {"shape": "ball", "color": "orange", "size": (0.05, 0.05, 0.05), "xyz": (0.43, 0.19)},
        {"shape": "plate", "color": "orange", "size": (0.2, 0.2, 0.02), "xyz": (0.60, 0.19)},
    ]
    robot = DRIVERS.get("kinematic")(DriverOptions(settings={"props": props}))
    a, b, c, d = box_of(robot, "orange ball")
    off = {"box": [a - 0.01, b + 0.08, c + 0.02, d + 0.10], "label": "orange ball"}
    for width, size in ((None, 0.2), (0.08, 0.05)):
        rig = Bench({"the ball": off}, robot)
        assert rig.run(rig.leaf("ground", query="the ball", max_width=width)) is SUCCESS
        assert rig.out("object").size[0] == pytest.approx(size, abs=0.01)
