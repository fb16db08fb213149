"""Handing a thing over: the robot lets go for a hand that is there or pulls, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.pose import Pose
from knothole.sim.draw import load_scene
from knothole.sim.goals import handed_over
from knothole.sim.truth import ObjectTruth, WorldTruth
from knothole.tests.rig import Bench, region
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

HAND = "Is a hand inside the workspace?"
Knothole = Callable[..., object]


def holding(hand: object) -> Bench:
    """Return a bench whose robot holds the red cube, and what is said of hands."""
    robot = DRIVERS.get("kinematic")(DriverOptions())
    bench = Bench({"the red cube": region(robot, "red cube"), HAND: hand}, robot)
    assert bench.run(bench.leaf("pick", object="the red cube")) is SUCCESS
    return bench


def test_it_lets_go_for_a_hand_and_goes_home_when_the_hand_is_gone() -> None:
    bench = holding({"calls": ["no", "no", "yes", "yes", "yes", "no", "no"]})
    leaf = bench.leaf("hand_over", object="the red cube")
    assert bench.run(leaf) is SUCCESS
    assert bench.robot.held == ""
    assert leaf.feedback_message == "red cube is handed over"
    assert leaf.at_home
    assert bench.said == ["Here is the red cube. Please take it."]


def test_one_answer_alone_does_not_make_it_let_go() -> None:
    bench = holding({"calls": ["yes", "no", "yes", "no", "no"]})
    assert bench.run(bench.leaf("hand_over", patience=3.0)) is FAILURE
    assert bench.robot.held == "red cube"


def test_what_nobody_takes_is_held_on_to() -> None:
    bench = holding("no")
    leaf = bench.leaf("hand_over", patience=2.0)
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "nobody took red cube within 2 s"
    assert bench.robot.held == "red cube"
    assert bench.run(bench.leaf("put_back")) is SUCCESS
    assert bench.robot.held == ""


def test_it_lets_go_of_what_is_pulled_out_of_the_fingers() -> None:
    bench = holding("no")
    leaf = bench.leaf("hand_over")
    while not leaf.feedback_message.startswith("waiting until red cube is taken"):
        assert bench.tick(leaf) is RUNNING
    bench.robot.put("red cube", Pose((1.0, 0.0, 0.3)))
    assert bench.run(leaf) is SUCCESS


def waiting(latency: float, patience: float) -> tuple[Bench, Any]:
    """Return a bench whose model is slow, and the leaf that waits until the cube is taken."""
    bench = holding("no")
    bench.broker.close()
    bench.context.broker = bench.broker = Broker(Scripted({HAND: "no"}), stepped=True, latency=latency)
    leaf = bench.leaf("hand_over", patience=patience)
    while not leaf.feedback_message.startswith("waiting until red cube is taken"):
        assert bench.tick(leaf) is RUNNING
    return bench, leaf


def test_a_pull_is_felt_while_an_answer_is_on_its_way() -> None:
    bench, leaf = waiting(latency=20.0, patience=30.0)
    began = bench.context.now
    bench.robot.put("red cube", Pose((1.0, 0.0, 0.3)))
    while leaf.feedback_message.startswith("waiting until red cube is taken"):
        assert bench.tick(leaf) is RUNNING
    assert bench.context.now - began < 0.2


def test_a_model_that_never_answers_does_not_outlast_the_patience() -> None:
    bench, leaf = waiting(latency=1000.0, patience=2.0)
    began = bench.context.now
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "nobody took red cube within 2 s"
    assert bench.context.now - began < 2.2


def test_patience_stands_still_while_a_guard_pauses() -> None:
    bench, leaf = waiting(latency=0.0, patience=2.0)
    leaf._pause()
    bench.robot.advance(bench.context.now + 10.0)
    bench.context.now = bench.robot.now()
    leaf._resume()
    assert bench.tick(leaf) is RUNNING
    assert bench.run(leaf) is FAILURE


@pytest.mark.parametrize(
    ("named", "said"),
    [(None, "the thing in the hand"), ("the green cup", "the green cup"), ("cup", "the cup")],
)
def test_what_no_leaf_has_taken_is_called_as_the_tree_calls_it(named: str | None, said: str) -> None:
    bench = holding("no")
    bench.context.notes["held"] = None
    assert bench.run(bench.leaf("hand_over", object=named, patience=0.5)) is FAILURE
    assert bench.said == [f"Here is {said}. Please take it."]


def test_a_hand_that_stays_keeps_the_arm_where_it_is() -> None:
    bench = holding("yes")
    leaf = bench.leaf("hand_over", patience=2.0)
    assert bench.run(leaf) is SUCCESS
    assert leaf.feedback_message.endswith("the human's hand is still there, so the arm stays")
    assert not leaf.at_home


def test_an_empty_hand_hands_nothing_over() -> None:
    bench = Bench({HAND: "yes"})
    leaf = bench.leaf("hand_over")
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("the hand holds nothing")


@pytest.mark.parametrize(
    ("x", "relation", "missing"),
    [
        (1.2, "table", ()),
        (0.5, "table", ("nobody has taken the red cube",)),
        (1.2, "held", ("the red cube is still held",)),
    ],
    ids=["taken", "on the table", "held"],
)
def test_the_goal_is_that_somebody_has_it(x: float, relation: str, missing: tuple[str, ...]) -> None:
    spec = load_scene("fetch_and_hand_over", 1).objects[0]
    thing = ObjectTruth(spec, (x, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), spec.size, relation, -1, True)  # type: ignore[arg-type]
    now = WorldTruth((thing,))
    assert handed_over(now, now, "red cube") == missing


def test_a_simulated_human_takes_what_is_held_out(knothole) -> None:
    done = knothole("eval", "fetch_and_hand_over", "--seeds", "1", "--vlm", "oracle", "--at-least", "1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_held_out_is_not_taken(knothole, tmp_path) -> None:
    (tmp_path / "wait.yaml").write_text("knothole: 1\ntree: stand\nroot:\n  wait: 3s\n", encoding="utf-8")
    line = ("eval", "wait.yaml", "--scene", "fetch_and_hand_over", "--seeds", "1", "--vlm", "oracle", "--at-least", "1")
    done = knothole(*line)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nobody has taken the red cube" in done.stdout
