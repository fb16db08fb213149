"""Instructions: words to meaning and back, and from a meaning and a picture to steps that reach the goal."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.behaviors.means.skills import DEFAULT_SKILLS, mistakes, skills
from knothole.tests.instructed import TABLE, instructions, tables, thing
from knothole.vlm.facts import FrameFacts
from knothole.vlm.language.executing import carry_out, fulfilled, reached
from knothole.vlm.language.instructions import (
    ACTS,
    Instruction,
    instruction_phrases,
    parse_instruction,
    phrase_instruction,
)
from knothole.vlm.language.matching import matches
from knothole.vlm.language.planning import DONE, plan
from knothole.vlm.language.same_plan import equivalent


@settings(deadline=None)
@given(instructions, st.integers(0, 2**32))
def test_every_wording_is_understood_as_what_was_meant(meant: Instruction, seed: int) -> None:
    rng = random.Random(seed)
    for text in (*instruction_phrases(meant), phrase_instruction(meant, rng, usual=0.0)):
        assert parse_instruction(text) == meant, text


@given(instructions, st.integers(0, 2**32))
def test_a_question_ends_with_its_mark_and_nothing_stands_before_a_wish(meant: Instruction, seed: int) -> None:
    text = phrase_instruction(meant, random.Random(seed), usual=0.0)
    if text.startswith(("Can ", "Could ", "Would ", "Will ", "Why ", "Do you ", "How about ")):
        assert text.endswith("?")
    assert " don't leave" not in text
    assert " let's " not in text
    assert " i'd " not in text


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_without_fault(text: str) -> None:
    assert parse_instruction(text) is None or isinstance(parse_instruction(text), Instruction)


@settings(max_examples=300, deadline=None)
@given(instructions, tables())
def test_the_steps_of_a_plan_reach_the_goal(meant: Instruction, facts: FrameFacts) -> None:
    made = plan(meant, facts)
    if made is None:
        return
    assert [bool(made.steps), bool(made.ask), bool(made.cannot)].count(True) == 1
    if made.steps:
        assert mistakes(made.data, skills(DEFAULT_SKILLS), 60) == []
        outcome = carry_out(made.data, facts)
        assert outcome.problem == ""
        assert fulfilled(meant, facts, outcome) or made.steps == (("say", "text", DONE),), made.text
        assert reached(meant, facts, outcome.facts)
        if made.steps == (("say", "text", DONE),):
            assert reached(meant, facts, facts)


@settings(deadline=None)
@given(instructions, tables())
def test_an_instruction_that_fits_several_things_is_asked_back(meant: Instruction, facts: FrameFacts) -> None:
    subjects = [t for t in (meant.a, meant.b) if t is not None and not t.every]
    made = plan(meant, facts, lenient=True)
    counts = [len(matches(t, facts)) for t in subjects]
    if counts and max(counts) > 1 and min(counts) > 0 and made is not None:
        assert not made.steps
    if counts and counts[0] == 0:
        assert made is not None
        assert made.cannot


def steps(text: str, facts: FrameFacts = TABLE) -> object:
    meant = parse_instruction(text)
    assert meant is not None, text
    made = plan(meant, facts)
    assert made is not None, text
    if made.steps:
        return " | ".join(" ".join(w for w in (skill, words) if w) for skill, _, words in made.steps)
    return made.data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Put the red cube into the blue tray.", "pick the red cube | place the blue tray"),
        ("put red cube in tray", "pick the red cube | place the blue tray"),
        ("Please bring me the ball!", "pick the yellow ball"),
        ("Hand over the can", "pick the yellow ball | place the blue tray | pick the green can"),
        ("Stack the red cube on the blue cube.", "pick the red cube | place the blue cube"),
        ("Stack the cubes", "pick the blue cube | place the red cube"),
        (
            "Put every can onto the plate.",
            "pick the yellow ball | place the white plate | pick the green can | place the white plate",
        ),
        ("Sort by color", "pick the blue cube | place the blue tray"),
        ("Look at the plate", "look_at the white plate"),
        ("Say hello.", "say Hello."),
        ("Go home", "home"),
        ("Empty the plate", f"say {DONE}"),
        ("Put the cube into the tray", {"ask": "Which cube: the red one or the blue one?"}),
        ("Put the red cube into the bowl", {"cannot": "There is no bowl."}),
        ("Put the red cube into the purple bowl", {"cannot": "There is no purple bowl."}),
        ("Put the plate into the tray", {"cannot": "The white plate cannot be picked up."}),
        ("Put the red cube on the ball", {"cannot": "Nothing stays on the yellow ball."}),
        ("Look at the blue object", {"ask": "Which blue object: the tray or the cube?"}),
        ("Stack the balls", {"cannot": "There is only one ball."}),
    ],
    ids=str,
)
def test_instructions_become_plans(text: str, expected: object) -> None:
    assert steps(text) == expected


def test_twins_are_told_apart_by_where_they_are() -> None:
    facts = FrameFacts((*TABLE.objects[:2], thing("red", "cube", 0.6), thing("red", "cube", 0.1, 0, "in")))
    twin = "pick the red cube outside the blue tray | place the blue tray"
    assert steps("Put every red cube into the blue tray", facts) == f"{twin} | {twin}"
    assert steps("Bring me the red cube", facts) == {"ask": "Which red cube?"}


def test_a_thing_that_is_hard_to_see_gives_no_plan_unless_lenient() -> None:
    facts = FrameFacts((TABLE.objects[0], replace(TABLE.objects[1], pixels=9, visible_fraction=0.1)))
    meant = parse_instruction("Clean up the table.")
    assert meant is not None
    assert plan(meant, facts) is None
    assert plan(meant, facts, lenient=True) is not None


@pytest.mark.parametrize("text", ["Make coffee.", "Put the unicorn into the tray.", "", "Bring every cube", "Empty me"])
def test_what_is_no_instruction_of_the_language_is_not_understood(text: str) -> None:
    assert parse_instruction(text) is None


def put(name: str, place: str) -> list[dict[str, object]]:
    return [{"skill": "pick", "args": {"object": name}}, {"skill": "place", "args": {"into": place}}]


RED, GREEN, BALL = (put(name, "the blue tray") for name in ("the red cube", "the green can", "the yellow ball"))


def test_plans_are_equal_whatever_the_order_of_independent_steps() -> None:
    assert equivalent(RED + GREEN, GREEN + RED)
    assert equivalent(put("red cube", "blue tray"), RED)
    assert not equivalent(RED + GREEN, RED)
    assert not equivalent(RED, put("the red cube", "the red tray"))
    assert equivalent({"ask": "Which?"}, {"ask": "Which?"})
    assert not equivalent({"ask": "Which?"}, RED)
    assert not equivalent("tidy", RED)


def test_the_order_counts_where_one_step_needs_another() -> None:
    tower = [*put("the red cube", "the blue cube"), *put("the green cube", "the red cube")]
    assert not equivalent(tower, tower[2:] + tower[:2])
    assert equivalent(BALL + GREEN, GREEN + BALL)
    assert not equivalent(BALL + GREEN, GREEN + BALL, TABLE)


def test_every_act_has_wordings() -> None:
    assert {meant.act for meant in map(parse_instruction, ("Tidy up.", "Hello.")) if meant} == {"tidy", "hello"}
    assert set(ACTS) == {"put", "tidy", "stack", "fetch", "empty", "sort", "look", "hello", "home"}
