"""What the embedded model is taught besides plain questions: choices, plans, and to say that it is not sure."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.behaviors.means.skills import DEFAULT_SKILLS, mistakes, refusal, skills
from knothole.tests.instructed import tables
from knothole.vlm.embedded import weights
from knothole.vlm.facts import FrameFacts, ObjectFact
from knothole.vlm.language.grammar import CHOICES, YES_NO, judge, parse
from knothole.vlm.language.instructions import parse_instruction
from knothole.vlm.language.planning import plan
from knothole.vlm.qwen import instruction_of, plan_prompt
from knothole.vlm.training.asked import Asked, ask
from knothole.vlm.training.config import TrainConfig
from knothole.vlm.training.export import read_tokenizer
from knothole.vlm.training.packing import NAME, pack
from knothole.vlm.training.questions import questions
from knothole.vlm.training.sampler import Sampler
from knothole.vlm.training.tasks import task
from knothole.vlm.training.tokenizer import PIECES, Codec, build_tokenizer
from knothole.vlm.training.unsure import UNSURE, strange, unclear, unclear_one


def thing(color: str, shape: str, u: float, support: int = -1, relation: str = "table", **more: object) -> ObjectFact:
    box, xyz = (u, 0.4, u + 0.08, 0.6), (0.5, u, 0.0)
    made = ObjectFact(shape, color, box, 1.0, 300, 1.0 - u / 2, xyz, (0.05,) * 3, relation, support)  # type: ignore[arg-type]
    return replace(made, **more)  # type: ignore[arg-type]


TABLE = FrameFacts(
    (
        thing("blue", "tray", 0.0),
        thing("red", "cube", 0.01, 0, "in"),
        thing("green", "cube", 0.4),
        thing("yellow", "can", 0.6, upright=False),
        thing("white", "plate", 0.8, touching=(3,)),
    ),
    robot_visible=True,
)


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(build_tokenizer())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is the cube red?", True),
        ("What color is the cube?", True),
        ("Is the cube left of the white plate?", False),
        ("Is the cube in the blue tray?", True),
        ("Is the purple ball left of the white plate?", True),
        ("Is the black bowl empty?", True),
        ("Is everything inside the red tray?", True),
        ("Is the can upright?", False),
        ("Is the bottle upright or tipped over?", True),
        ("What color is the can: red or blue?", True),
        ("What color is the can: red or yellow?", False),
        ("Which one is in the blue tray: the green cube or the yellow can?", True),
        ("Which one is in the blue tray: the green cube or the red cube?", False),
        ("Is the cupboard open?", True),
        ("Is the gripper empty?", False),
        ("Is there a purple bowl?", False),
        ("Is the green cube upright?", False),
    ],
)
def test_what_is_ambiguous_or_about_nothing_is_unclear(question: str, expected: bool) -> None:
    meaning = parse(question)
    assert meaning is not None
    assert unclear(meaning, TABLE) == expected


def test_a_borderline_case_is_not_called_unclear() -> None:
    faint = replace(TABLE.objects[1], pixels=10, visible_fraction=0.1)
    facts = replace(TABLE, objects=(TABLE.objects[0], faint, *TABLE.objects[2:]))
    for question in ("Is the cube red?", "Is the red cube left of the white plate?"):
        meaning = parse(question)
        assert meaning is not None
        assert judge(meaning, facts) is None
        assert not unclear(meaning, facts)


def test_without_a_robot_its_gripper_is_not_known() -> None:
    meaning = parse("Is the gripper holding the red cube?")
    assert meaning is not None
    assert unclear(meaning, replace(TABLE, robot_visible=False))
    assert not unclear(meaning, TABLE)


@settings(deadline=None)
@given(tables(), st.integers(0, 2**32))
def test_no_question_with_an_answer_is_taught_as_unsure(facts: FrameFacts, seed: int) -> None:
    sampler = Sampler(facts, random.Random(seed))
    for asked in (strange(sampler), unclear_one(sampler)):
        if asked is None:
            continue
        assert asked.answer == UNSURE
        meaning = parse(asked.question)
        if asked.kind == "unsure unclear":
            assert meaning is not None
            assert judge(meaning, facts) is None
        else:
            assert meaning is None
            assert parse_instruction(asked.question) is None


@settings(deadline=None)
@given(tables(), st.integers(0, 2**32))
def test_every_taught_plan_is_what_the_instruction_means_and_can_be_run(facts: FrameFacts, seed: int) -> None:
    asked = task(Sampler(facts, random.Random(seed)), filled=0.0)
    if asked is None:
        return
    instruction = instruction_of(asked.question)
    assert plan_prompt(instruction) == asked.question != instruction
    data = json.loads(asked.answer)
    assert bool(refusal(data)) != (mistakes(data, skills(DEFAULT_SKILLS), 60) == [])
    meant = parse_instruction(instruction)
    if asked.kind == "plan unknown":
        assert meant is None
        return
    assert meant is not None
    made = plan(meant, facts)
    assert made is not None
    assert made.data == data


@settings(deadline=None)
@given(tables(), st.integers(0, 2**32))
def test_words_that_nobody_knows_leave_the_things_and_the_plan_of_an_order(facts: FrameFacts, seed: int) -> None:
    plain, filled = (task(Sampler(facts, random.Random(seed)), filled=share) for share in (0.0, 1.0))
    if plain is None or filled is None or plain.kind == "plan unknown":
        return
    assert filled.answer == plain.answer
    words = filled.question.lower()
    assert words != plain.question.lower()
    for thing in (plain.meaning.a, plain.meaning.b):
        if thing is not None and thing.color:
            assert thing.color in words


def drawn(facts: FrameFacts, count: int = 60) -> list[Asked]:
    words = random.Random(3)
    return [one for _ in range(count) for one in questions(facts, words, 18)]


def test_the_mix_has_choices_plans_and_doubt_and_stays_mostly_what_trees_ask() -> None:
    asked = drawn(replace(TABLE, door_open=True, person_near=True))
    predicates = [one.meaning.predicate for one in asked]
    share = {p: predicates.count(p) / len(predicates) for p in set(predicates)}
    assert {"plan", "unsure", "touching", "door_open", "person"} <= set(share)
    assert {"which_in", "which_posture", "which_side", "which_depth", "which_color"} <= set(share)
    assert 0.1 < share["plan"] < 0.17
    assert 0.03 < share["unsure"] < 0.12
    assert sum(share.get(p, 0.0) for p in CHOICES) < 0.12
    old = set(YES_NO) - {"touching", "door_open", "door_closed", "person"} | {"ground", "count", "attribute"}
    assert sum(share.get(p, 0.0) for p in old) > 0.65


def test_contact_is_only_asked_about_where_labels_know_of_it() -> None:
    labelled = drawn(TABLE)
    without = drawn(replace(TABLE, objects=tuple(replace(o, touching=()) for o in TABLE.objects)))
    assert any(one.meaning.predicate == "touching" for one in labelled)
    assert not any(one.meaning.predicate == "touching" for one in without)
    assert not any(one.meaning.predicate.startswith("door") for one in labelled)


def test_doubt_and_the_pieces_of_plans_are_single_tokens(codec: Codec) -> None:
    assert all(len(codec.encode(piece)) == 1 for piece in (*PIECES, UNSURE))
    text = '[{"skill":"pick","args":{"object":"the red cube"}},{"skill":"place","args":{"into":"the blue tray"}}]'
    assert len(codec.encode(text)) == 9
    assert codec.tokenizer.decode(codec.encode(text)) == text


def test_a_plan_is_taught_by_looking_at_what_it_names(codec: Codec) -> None:
    asked = next(one for one in drawn(TABLE, 400) if one.kind == "plan steps" and len(one.verdict.indices) > 1)
    batch = pack(codec, [[asked]], [TABLE], 4, 320)
    answer = codec.encode(asked.answer)
    weights = batch.weight.tolist()
    assert len(weights) == len(answer) + 1
    assert weights[0] == 1.0
    for token, weight in zip(answer, weights, strict=False):
        assert (token not in codec.shapes and token not in codec.colors) or weight == pytest.approx(NAME)
    colored = [n for n, token in enumerate(answer) if token in codec.colors]
    at = {look.at: look.values for look in batch.answers}
    start = min(at)
    assert [at[start + n] for n in colored] == [(i,) for i in asked.verdict.indices]
    assert at[max(at)] == ()


def test_the_tokenizer_of_the_shipped_weights_can_be_taught_the_same_in_more_tokens(codec: Codec) -> None:
    old, config = Codec(read_tokenizer(weights())), TrainConfig()
    for one in drawn(TABLE, 40):
        if one.meaning.predicate in ("plan", "unsure"):
            assert old.tokenizer.decode(old.encode(one.answer)) == one.answer
            assert len(old.encode(one.answer)) >= len(codec.encode(one.answer))
            assert pack(old, [[one]], [TABLE], config.model.side, config.length).asked == [[one]]


def test_an_answer_says_what_was_taught() -> None:
    yes = parse("Has the can fallen over?")
    assert yes is not None
    asked = ask(yes, TABLE, random.Random(0))
    assert asked is not None
    assert asked.subject == "tipped/yes"
    assert {one.subject for one in drawn(TABLE)} >= {"plan", "unsure", "which_color", "exists/no", "exists/yes"}
