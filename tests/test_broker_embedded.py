"""Answers through the broker, many to a picture, equal answers asked one by one: the shipped model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from knothole.app.measuring import pictures
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


@pytest.fixture(scope="module")
def shipped() -> Iterator[Any]:
    opened = BACKENDS.get("embedded").open(BackendOptions())
    yield opened
    opened.close()


def answered(broker: Broker, frame: Frame, now: float, questions: tuple[Question, ...]) -> list[Answer]:
    tickets = [broker.ask(question, frame, now, f"node {number}") for number, question in enumerate(questions)]
    broker.flush(now)
    broker.collect(now)
    assert all(ticket.answer is not None for ticket in tickets)
    return [ticket.answer for ticket in tickets if ticket.answer is not None]


def test_answers_of_one_request_equal_answers_asked_one_by_one(shipped: Any):
    for frame, _ in pictures(2_100_000, 1):
        at_once = Broker(InLoop(shipped), stepped=True, latency=0.0)
        together = answered(at_once, frame, 0.0, QUESTIONS)
        assert at_once.counters.model_calls == 1
        for number, question in enumerate(QUESTIONS):
            alone = Broker(InLoop(shipped), stepped=True, latency=0.0)
            (single,) = answered(alone, frame, 0.0, (question,))
            many = together[number]
            assert single.problem == many.problem
            assert dict(many.probabilities) == pytest.approx(dict(single.probabilities), abs=1e-4)
            assert many.neither == pytest.approx(single.neither, abs=1e-4)
            assert many.text == single.text
            assert [r.label for r in many.regions] == [r.label for r in single.regions]
            for one, other in zip(many.regions, single.regions, strict=True):
                assert one.box_xyxy == pytest.approx(other.box_xyxy, abs=1e-4)
                assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
