"""The executor over facts: which step of a plan cannot be done and why, and whether what was asked is true then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.tests.instructed import TABLE, instructions, tables
from knothole.vlm.facts import FrameFacts
from knothole.vlm.language.executing import carry_out, fulfilled, needless, reached
from knothole.vlm.language.grammar import Thing
from knothole.vlm.language.instructions import Instruction, parse_instruction
from knothole.vlm.language.planning import plan


def step(skill: str, **args: object) -> dict[str, object]:
    return {"skill": skill, "args": args}


def pick(name: str) -> dict[str, object]:
    return step("pick", object=name)


RED_INTO_TRAY = [pick("the red cube"), step("place", into="the blue tray")]
HELD = replace(TABLE, objects=(*TABLE.objects[:1], replace(TABLE.objects[1], relation="held"), *TABLE.objects[2:]))


@pytest.mark.parametrize(
    ("steps", "done", "problem"),
    [
        (RED_INTO_TRAY, 2, ""),
        ([step("place", into="the blue tray")], 0, "there is nothing to place"),
        ([pick("the green can")], 0, "the yellow ball lies on the green can"),
        ([pick("the white plate")], 0, "the white plate cannot be picked up"),
        ([pick("the purple cube")], 0, "there is no such thing as 'the purple cube'"),
        ([pick("the unicorn")], 0, "'the unicorn' is no thing"),
        ([step("home"), pick("the cube")], 1, "'the cube' can be several things"),
        ([pick("the red cube"), step("place", onto="the green can")], 1, "the yellow ball lies on the green can"),
        ([pick("the red cube"), step("place", onto="the red cube")], 1, "the red cube cannot be put on itself"),
        ([pick("the red cube"), step("place", onto="the yellow ball")], 1, "nothing stays on the yellow ball"),
        ([pick("the red cube"), step("place")], 1, "it must say either into or onto what"),
        ([pick("the red cube"), step("open_gripper"), step("place", into="the tray")], 2, "there is nothing to place"),
        ([step("fly")], 0, "the executor knows no skill 'fly'"),
        ([{"skill": 3}], 0, "it is no step"),
        ([{"skill": "pick", "args": [1]}], 0, "it is no step"),
        ({"ask": "Which?"}, 0, "there are no steps"),
    ],
    ids=str,
)
def test_a_plan_runs_to_the_step_that_cannot_be_done(steps: object, done: int, problem: str) -> None:
    outcome = carry_out(steps, TABLE)
    assert (outcome.done, outcome.problem) == (done, problem)


def test_what_was_done_before_a_step_that_cannot_be_done_stays_done() -> None:
    outcome = carry_out([*RED_INTO_TRAY, pick("the unicorn")], TABLE)
    assert (outcome.facts.objects[1].relation, outcome.facts.objects[1].support) == ("in", 0)
    assert outcome.done == 2


def test_a_full_hand_puts_back_what_it_has_before_it_takes_another_thing() -> None:
    after = carry_out([pick("the blue cube")], HELD).facts
    assert [o.name for o in after.objects if o.relation == "held"] == ["blue cube"]
    assert after.objects[1].relation == "table"
    assert not after.gripper_open


def meant(text: str) -> Instruction:
    found = parse_instruction(text)
    assert found is not None, text
    return found


@pytest.mark.parametrize(
    ("text", "steps", "right"),
    [
        ("Put the red cube into the blue tray.", RED_INTO_TRAY, True),
        ("Put the red cube into the blue tray.", [pick("the blue cube"), step("place", into="the blue tray")], False),
        ("Put the red cube into the blue tray.", [pick("the red cube")], False),
        ("Bring me the red cube.", [pick("the red cube")], True),
        ("Bring me the red cube.", RED_INTO_TRAY, False),
        ("Look at the white plate.", [step("look_at", object="the white plate")], True),
        ("Look at the white plate.", [step("look_at", object="the blue tray")], False),
        ("Look at the red cube.", RED_INTO_TRAY, False),
        ("Go home.", [step("home")], True),
        ("Go home.", [step("say", text="home")], False),
        ("Hello.", [step("say", text="Hello.")], True),
        ("Tidy up.", RED_INTO_TRAY, False),
        ("Stack the cubes.", [pick("the red cube"), step("place", onto="the blue cube")], True),
        ("Stack the cubes.", RED_INTO_TRAY, False),
        ("Empty the blue tray.", [step("say", text="That is done already.")], True),
        ("Sort by color.", [pick("the blue cube"), step("place", into="the blue tray")], True),
        ("Sort by color.", RED_INTO_TRAY, False),
        ("Sort by color.", [pick("the unicorn")], False),
    ],
    ids=str,
)
def test_a_plan_is_right_when_what_was_asked_is_true_then(text: str, steps: object, right: bool) -> None:
    assert fulfilled(meant(text), TABLE, carry_out(steps, TABLE)) is right


def test_things_that_came_later_do_not_count_for_every_thing_that_was_there() -> None:
    every = meant("Put every cube into the blue tray.")
    after = carry_out([*RED_INTO_TRAY, pick("the blue cube"), step("place", into="the blue tray")], TABLE).facts
    assert reached(every, TABLE, after)
    later = replace(after, objects=(*after.objects, replace(TABLE.objects[1], color="green")))
    assert reached(every, TABLE, later)


def test_needless_moves_are_told() -> None:
    wanted = carry_out(RED_INTO_TRAY, TABLE)
    both = carry_out([*RED_INTO_TRAY, pick("the blue cube"), step("place", into="the blue tray")], TABLE)
    assert needless(wanted, both) == (4,)
    assert needless(wanted, wanted) == ()


def test_an_instruction_about_what_is_not_there_is_never_reached() -> None:
    bowl = Instruction("empty", None, Thing("", "bowl"))
    assert not reached(bowl, TABLE, TABLE)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(anything, tables())
def test_whatever_a_model_writes_ends_in_a_reason_and_changes_nothing(steps: object, facts: FrameFacts) -> None:
    outcome = carry_out(steps, facts)
    assert outcome.problem or outcome.done == len(steps)  # type: ignore[arg-type]
    assert outcome.facts == facts


@settings(deadline=None)
@given(instructions, tables())
def test_the_executor_never_lets_two_things_into_the_hand(asked: Instruction, facts: FrameFacts) -> None:
    made = plan(asked, facts, lenient=True)
    outcome = carry_out(made.data if made is not None else [], facts)
    assert sum(o.relation == "held" for o in outcome.facts.objects) <= 1
