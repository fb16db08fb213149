"""Answers through the broker, many to a picture, equal answers asked one by one: the shipped model, and tiny ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knothole.app.models.measuring import pictures
from knothole.tests import tiny_checkpoints
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.runner import InLoop

QUESTIONS = (
    Question("yes_no", "Is there a red cube?"),
    Question("yes_no", "Is a hand inside the workspace?"),
    Question("ground", "every loose object", all=True),
    Question("yes_no", "Is the blue tray empty?"),
    Question("yes_no", "Is everything inside the blue tray?"),
    Question("choice", "What color is the cube?", ("red", "green", "blue")),
    Question("ground", "the blue tray"),
    Question("yes_no", "Is the gripper open?"),
    Question("describe", "Describe the image."),
)


UNTRAINED = (*QUESTIONS, Question("plan", "Tidy up.", schema='{"type": "array"}'), Question("chat", "Hello."))
"""What models that have learned nothing are asked as well: they take every question."""
FEW = {"max_tokens": 8, "box_tokens": 8}


def _opened(name: str, folder: Path) -> Any:
    if name == "embedded":
        return BACKENDS.get(name).open(BackendOptions())
    if name == "qwen":
        return BACKENDS.get(name).open(BackendOptions(str(tiny_checkpoints.make("qwen2_5_vl", folder)), FEW))
    backend, _, family = name.partition(":")
    made = str(tiny_checkpoints.make_other(family.removesuffix(" alone"), folder))
    share = "never" if family.endswith("alone") else "auto"
    return BACKENDS.get(backend).open(BackendOptions(made, {**FEW, "share": share}))


CASES = ("embedded", "qwen", "transformers:smolvlm", "transformers:smolvlm alone", "transformers:paligemma")


@pytest.fixture(scope="module", params=CASES)
def case(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, tuple[Question, ...]]]:
    opened = _opened(request.param, tmp_path_factory.mktemp("model"))
    asked = QUESTIONS if request.param == "embedded" else UNTRAINED
    yield opened, tuple(question for question in asked if question.kind in opened.kinds)
    opened.close()


def answered(broker: Broker, frame: Frame, now: float, questions: tuple[Question, ...]) -> list[Answer]:
    tickets = [broker.ask(question, frame, now, f"node {number}") for number, question in enumerate(questions)]
    broker.flush(now)
    broker.collect(now)
    assert all(ticket.answer is not None for ticket in tickets)
    return [ticket.answer for ticket in tickets if ticket.answer is not None]


def test_answers_of_one_request_equal_answers_asked_one_by_one(case: tuple[Any, tuple[Question, ...]]):
    backend, questions = case
    for frame, _ in pictures(2_100_000, 1):
        at_once = Broker(InLoop(backend), stepped=True, latency=0.0)
        together = answered(at_once, frame, 0.0, questions)
        assert at_once.counters.model_calls == 1
        for number, question in enumerate(questions):
            alone = Broker(InLoop(backend), stepped=True, latency=0.0)
            (single,) = answered(alone, frame, 0.0, (question,))
            many = together[number]
            assert single.problem == many.problem
            assert dict(many.probabilities) == pytest.approx(dict(single.probabilities), abs=1e-4)
            assert many.neither == pytest.approx(single.neither, abs=1e-4)
            assert (many.text, many.data) == (single.text, single.data)
            assert [r.label for r in many.regions] == [r.label for r in single.regions]
            for one, other in zip(many.regions, single.regions, strict=True):
                assert one.box_xyxy == pytest.approx(other.box_xyxy, abs=1e-4)
                assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
