"""Plans: what may be planned, what is refused and why, and how steps run."""

from __future__ import annotations

import json

import pytest

from knothole.behaviors.means.skills import DEFAULT_SKILLS, mistakes, plan_schema, refusal, skill, skills
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS
from knothole.tests.rig import Bench
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

ALLOWED = skills(DEFAULT_SKILLS)
NO_LIST = 'the plan must be a JSON list of steps, each {skill, args}, or {"ask": text} or {"cannot": text}'


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({}, [NO_LIST]),
        ([], [NO_LIST]),
        ({"ask": ""}, [NO_LIST]),
        (["pick"], ["step 1: must be an object with the keys skill and args"]),
        ([{"skill": "home", "why": "x"}], ["step 1: unknown key 'why'; a step has skill and args only"]),
        ([{"skill": "home"}, {"skill": "pick", "args": {}}], ["step 2: pick needs the argument 'object'"]),
        ([{"skill": "pick", "args": []}], ["step 1: args of pick must be an object"]),
        (
            [{"skill": "pick", "args": {"object": 3}}],
            ["step 1: argument 'object' of pick must be of type string, not 3"],
        ),
        ([{"skill": "say", "args": {"text": "hi", "loud": True}}], ["step 1: say has no argument 'loud'"]),
        ([{"skill": "wait", "args": {"duration": -1}}], ["step 1: argument 'duration' of wait must be at least 0"]),
        (
            [{"skill": "wait", "args": {"duration": True}}],
            ["step 1: argument 'duration' of wait must be of type number, not true"],
        ),
        (
            [{"skill": "move_to", "args": {"point": [1, 2]}}],
            ["step 1: argument 'point' of move_to must be three numbers"],
        ),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_what_is_wrong_with_a_plan_is_said(plan, expected):
    assert mistakes(plan, ALLOWED, 30) == expected


def test_an_unknown_skill_gets_a_hint_and_the_allowed_ones():
    [said] = mistakes([{"skill": "graps", "args": {}}], skills(["pick", "home"]), 30)
    assert said == "step 1: unknown skill 'graps' (allowed: pick, home)"
    [said] = mistakes([{"skill": "plase", "args": {}}], ALLOWED, 30)
    assert "did you mean place?" in said


def test_a_plan_may_not_be_endless():
    plan = [{"skill": "home", "args": {}}] * 3
    assert mistakes(plan, ALLOWED, 2) == ["the plan has 3 steps, at most 2 are allowed"]


def test_composites_and_leaves_that_json_cannot_feed_are_no_skills():
    assert skill("sequence") is None
    assert skill("check") is None
    assert skill("pick") is not None


def test_the_schema_names_every_skill_and_its_required_arguments():
    schema, ask, cannot = json.loads(plan_schema(ALLOWED, 7))["anyOf"]
    assert (ask["required"], cannot["required"]) == (["ask"], ["cannot"])
    assert schema["maxItems"] == 7
    steps = {item["properties"]["skill"]["const"]: item for item in schema["items"]["anyOf"]}
    assert set(steps) == set(DEFAULT_SKILLS)
    assert steps["pick"]["properties"]["args"]["required"] == ["object"]
    assert steps["pick"]["properties"]["args"]["additionalProperties"] is False


GOOD = [{"skill": "wait", "args": {"duration": 0.1}}, {"skill": "say", "args": {"text": "done"}}]
BAD = [{"skill": "dance", "args": {}}]


def test_a_valid_plan_is_written_as_steps():
    bench = Bench({"wait and tell": GOOD})
    leaf = bench.leaf("plan", instruction="wait and tell")
    assert bench.run(leaf) is SUCCESS
    assert bench.out("steps") == GOOD
    assert leaf.feedback_message == "wait → say done"


def test_a_refused_plan_is_asked_for_again_with_the_reason():
    bench = Bench({"go": {"calls": [BAD, GOOD]}})
    asked = []
    bench.broker.listener = lambda event: asked.append(event.ticket.question.context) if event.what == "asked" else None
    leaf = bench.leaf("plan", instruction="go")
    assert bench.run(leaf) is SUCCESS
    assert "refused" not in asked[0]
    assert asked[1].endswith("The last plan was refused:\n" + mistakes(BAD, ALLOWED, 30)[0])


@pytest.mark.parametrize(
    "answer",
    [
        {"ask": "Shall I take the red cube or the blue one?"},
        {"cannot": "That is too high."},
        '{"cannot": "That is too high."}',
    ],
    ids=str,
)
def test_a_question_back_or_a_reason_fails_at_once_with_its_words(answer):
    bench = Bench({"go": answer})
    leaf = bench.leaf("plan", instruction="go")
    assert bench.run(leaf) is FAILURE
    words = answer if isinstance(answer, dict) else json.loads(answer)
    assert [leaf.feedback_message] == list(words.values())
    assert bench.broker.counters.model_calls == 1


@pytest.mark.parametrize(
    "data", [{"ask": 3}, {"ask": " "}, {"ask": "x", "cannot": "y"}, {"why": "x"}, [], None], ids=str
)
def test_other_answers_are_no_refusal(data):
    assert refusal(data) == ""


def test_after_the_last_attempt_the_mistakes_are_the_reason():
    bench = Bench({"go": BAD})
    leaf = bench.leaf("plan", instruction="go", attempts=2)
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("no valid plan: step 1: unknown skill 'dance'")
    assert bench.broker.counters.model_calls == 2


def test_a_backend_that_makes_no_plans_is_asked_once_and_no_model_runs():
    class Seeing(Scripted):
        kinds = frozenset({"yes_no"})

    bench = Bench()
    bench.context.broker = bench.broker = Broker(Seeing({"*": "yes"}), stepped=True, latency=0.1)
    leaf = bench.leaf("plan", instruction="go")
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("scripted does not answer questions of kind plan")
    assert (bench.broker.counters.questions, bench.broker.counters.model_calls) == (1, 0)


def test_a_plan_that_is_no_json_is_refused():
    bench = Bench({"go": "first I would go home"})
    leaf = bench.leaf("plan", instruction="go", attempts=1)
    assert bench.run(leaf) is FAILURE
    assert "no JSON" in leaf.feedback_message


def test_a_plan_can_only_name_skills_that_the_tree_allows():
    bench = Bench({"go": GOOD})
    leaf = bench.leaf("plan", instruction="go", skills=["home"], attempts=1)
    assert bench.run(leaf) is FAILURE
    assert "allowed: home" in leaf.feedback_message


def test_a_step_runs_its_leaf_until_it_is_done():
    bench = Bench()
    leaf = bench.leaf("run_step", step=GOOD[0])
    assert bench.ticks(leaf, 3) == ["R", "R", "S"]
    assert bench.run(bench.leaf("run_step", step=GOOD[1])) is SUCCESS
    assert bench.said == ["done"]


def test_a_step_that_may_not_run_fails_with_the_reason():
    bench = Bench()
    leaf = bench.leaf("run_step", step=BAD[0])
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message.startswith("the step cannot be run: unknown skill 'dance'")


def test_a_halted_step_halts_its_leaf_and_leaves_the_arm_still():
    bench = Bench()
    leaf = bench.leaf("run_step", step={"skill": "move_to", "args": {"point": [0.5, 0.2, 0.3]}})
    assert bench.ticks(leaf, 8)[-1] == "R"
    bench.halt(leaf)
    still = bench.robot.state().q
    bench.robot.advance(bench.robot.now() + 0.5)
    assert abs(bench.robot.state().q - still).max() < 1e-3


def test_a_paused_step_does_not_run_on():
    bench = Bench()
    leaf = bench.leaf("run_step", step=GOOD[0])
    assert bench.tick(leaf) is RUNNING
    leaf._pause()
    bench.robot.advance(bench.context.now + 5.0)
    bench.context.now = bench.robot.now()
    leaf._resume()
    assert bench.tick(leaf) is RUNNING
