"""After a refusal the embedded model writes another plan: the likeliest one that was not refused, never at random."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace

import pytest

from knothole.app.running.stage import open_stage
from knothole.app.settings.config import Config
from knothole.behaviors.means.skills import DEFAULT_SKILLS, mistakes, plan_schema, skills
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.language.planning import named_things
from knothole.vlm.questions import Frame, Question
from knothole.vlm.recorded import question_data, question_key

ALLOWED = skills(DEFAULT_SKILLS)
TIDY = Question("plan", "Tidy the table.", schema=plan_schema(ALLOWED, 30))


@pytest.fixture(scope="module")
def model():
    backend = BACKENDS.get("embedded").open(BackendOptions())
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def frame() -> Frame:
    with ExitStack() as stack:
        stage = open_stage(stack, "panda", "tidy_table", 1, Config())
        assert stage.robot is not None
        return Frame("table#1", 0.0, stage.robot.capture("table").rgb)


def test_each_refusal_brings_another_plan_that_obeys_the_schema(model, frame):
    refused: list[str] = []
    for _ in range(4):
        [answer] = model.ask(frame, [replace(TIDY, refused=tuple(refused))])
        assert answer.text not in refused
        if not answer.problem:
            assert mistakes(answer.data, ALLOWED, 30) == []
        refused.append(answer.text)


def test_the_first_answer_and_the_ones_after_it_are_the_same_each_time(model, frame):
    [first] = model.ask(frame, [TIDY])
    again = replace(TIDY, refused=(first.text,))
    assert model.ask(frame, [TIDY])[0].text == first.text
    assert model.ask(frame, [again])[0].text == model.ask(frame, [again])[0].text


def test_a_thing_that_was_looked_for_in_vain_is_not_named_again(model, frame):
    [first] = model.ask(frame, [TIDY])
    thing = named_things(first.data)[0]
    [other] = model.ask(frame, [replace(TIDY, refused=(first.text, json.dumps(thing)))])
    assert thing not in named_things(other.data)


def test_several_questions_at_once_are_answered_each_for_itself(model, frame):
    [first] = model.ask(frame, [TIDY])
    both = model.ask(frame, [TIDY, replace(TIDY, refused=(first.text,))])
    assert both[0].text == first.text
    assert both[1].text != first.text


def test_what_was_refused_is_part_of_the_question_where_it_is_kept():
    plain = Question("plan", "go")
    assert question_key(question_data(plain)) != question_key(question_data(replace(plain, refused=("[]",))))
