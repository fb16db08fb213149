"""Two witnesses of what a step brought about: what the robot feels, and what a model says about one picture."""

from __future__ import annotations

import numpy as np
import pytest

from knothole.behaviors.acting.witnesses import at_rest, felt, hand_in_view, look_for, seen
from knothole.behaviors.means.effects import parse_fact
from knothole.behaviors.node import FAILURE, SUCCESS, NodeFault
from knothole.robots.contract import RobotState
from knothole.tests.rig import Bench
from knothole.vlm.questions import Answer

CUBE = {"shape": "cube", "color": "red", "size": (0.05, 0.05, 0.05), "xyz": (0.5, 0.0)}


def state(bench: Bench, **more: object) -> RobotState:
    now = bench.robot.state()
    return RobotState(now.stamp, now.q, np.asarray(more.pop("dq", now.dq)), now.world_from_tcp, **more)


HOLDS = {"gripper_width": 0.05, "gripper_force": 20.0}
CLOSED = {"gripper_width": 0.0005, "gripper_force": 20.0}


@pytest.mark.parametrize(
    ("fact", "fingers", "holds", "words"),
    [
        ("holding(red cube)", HOLDS, True, "the fingers press on something 50 mm wide"),
        ("holding(red cube)", CLOSED, False, "the fingers at 0 mm feel nothing"),
        ("not holding(red cube)", HOLDS, False, "the fingers press on something 50 mm wide"),
        ("hand_empty", HOLDS, False, "the fingers press on something 50 mm wide"),
        ("hand_empty", CLOSED, True, "the fingers at 0 mm feel nothing"),
        ("inside(red cube, tray)", HOLDS, None, ""),
        ("visible(red cube)", HOLDS, None, ""),
    ],
)
def test_what_the_robot_feels(fact, fingers, holds, words):
    bench = Bench()
    said = felt(parse_fact(fact), bench.leaf("verify", facts=[fact]), state(bench, **fingers))
    assert (said.holds, said.words) == (holds, words)


def test_an_arm_or_fingers_that_move_are_not_at_rest():
    bench = Bench()
    assert at_rest(state(bench))
    assert not at_rest(state(bench, gripper_moving=True))
    assert not at_rest(state(bench, dq=np.full(7, 0.2)))


@pytest.mark.parametrize(
    ("fact", "in_view", "question", "expected"),
    [
        ("holding(Red cube)", True, "Is the gripper holding the red cube?", "yes"),
        ("holding(red cube)", False, "Is the red cube on the table?", "no"),
        ("not holding(red cube)", True, "Is the gripper holding the red cube?", "no"),
        ("inside(a cube, the tray)", True, "Is the cube inside the tray?", "yes"),
        ("on(cube, can)", True, "Is the cube on the can?", "yes"),
        ("on_table(cube)", True, "Is the cube on the table?", "yes"),
    ],
)
def test_what_a_picture_is_asked_about(fact, in_view, question, expected):
    look = look_for(parse_fact(fact), in_view)
    assert (look.question.text, look.expected) == (question, expected)


@pytest.mark.parametrize("fact", ["inside(cube, _)", "handed_over(cube)", "clear(cube)"])
def test_what_no_picture_shows_is_not_asked(fact):
    assert look_for(parse_fact(fact)) is None


def test_a_hand_at_home_is_out_of_the_camera_s_sight_and_one_over_the_table_is_not():
    bench = Bench()
    assert not hand_in_view(bench.robot.capture("table"), bench.robot.state())
    assert bench.run(bench.leaf("move_to", point=(0.5, 0.0, 0.2))) is SUCCESS
    assert hand_in_view(bench.robot.capture("table"), bench.robot.state())


@pytest.mark.parametrize(
    ("says", "status", "words"),
    [
        ("yes", SUCCESS, "the red cube is in the tray: checked"),
        (0.5, SUCCESS, "unsure: 'Is the red cube inside the tray?': p(yes) = 0.50"),
        (
            "no",
            FAILURE,
            "it should be that red cube is in the tray; the robot feels nothing that speaks for or against it, but the "
            "camera says no: 'Is the red cube inside the tray?': p(yes) = 0.00",
        ),
    ],
    ids=["yes", "unsure", "no"],
)
def test_a_confident_no_is_a_contradiction_that_names_both_witnesses(says, status, words):
    bench = Bench({"Is the red cube inside the tray?": says}, latency=0.1)
    leaf = bench.leaf("verify", facts=["inside(red cube, the tray)"])
    assert bench.run(leaf) is status
    assert leaf.feedback_message.replace("the red cube is in", "red cube is in") == words.replace(
        "the red cube is in", "red cube is in"
    )


def test_all_questions_of_a_step_are_one_request():
    bench = Bench({"*": "yes"}, latency=0.1)
    leaf = bench.leaf("verify", facts=["inside(a, b)", "on_table(c)", "visible(d)"])
    assert bench.run(leaf) is SUCCESS
    assert (bench.broker.counters.questions, bench.broker.counters.model_calls) == (3, 1)
    assert len(set(bench.pictures)) == 1


def test_what_the_fingers_contradict_is_not_asked():
    bench = Bench({"*": "yes"})
    leaf = bench.leaf("verify", facts=["holding(red cube)"])
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("it should be that the hand holds red cube, but the fingers at")
    assert bench.broker.counters.questions == 0


def test_a_halted_look_drops_its_questions():
    bench = Bench({"*": "yes"}, latency=1.0)
    leaf = bench.leaf("verify", facts=["inside(a, b)"])
    bench.ticks(leaf, 2)
    bench.halt(leaf)
    assert leaf._verifying is None


def test_a_text_that_is_no_fact_is_told():
    bench = Bench()
    with pytest.raises(NodeFault, match="'holds' is no fact that is known"):
        bench.run(bench.leaf("verify", facts=["holds(x)"]))


def test_a_step_that_is_run_alone_is_verified_too():
    bench = Bench({"*": "yes"})
    step = {"skill": "open_gripper", "args": {}}
    leaf = bench.leaf("run_step", step=step, verify="body")
    assert bench.run(leaf) is SUCCESS
    assert leaf.feedback_message.endswith("the hand is empty: checked")


@pytest.mark.parametrize(
    ("there", "on_table", "holds", "goes_by"),
    [
        (0.02, 0.9, True, "in the image"),
        (0.5, 0.9, None, "in the image"),
        (0.95, 0.9, False, "on the table"),
        (0.95, 0.1, True, "on the table"),
        (0.95, 0.5, None, "on the table"),
    ],
)
def test_what_is_not_seen_anywhere_does_not_lie_on_the_table(there, on_table, holds, goes_by):
    look = look_for(parse_fact("holding(red cube)"), hand_in_view=False)
    assert look is not None
    said = seen(look, *(Answer("yes_no", probabilities={"yes": p, "no": 1 - p}) for p in (on_table, there)))
    assert said.holds is holds
    assert goes_by in said.words
