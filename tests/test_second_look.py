"""A second look at what was described: disputed things are asked for, by several views of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.embedded import Learned
from knothole.vlm.language.matching import sentence
from knothole.vlm.learned import Knowledge
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.second_look import Part, looked_over, parts_of

DESCRIBE = Question("describe", "Describe the image.")
PICTURE = np.zeros((40, 60, 3), np.uint8)
PICTURE[:, :30] = 200  # its mirror image looks different


class Describer:
    """Describes a picture and its mirror image as told, and answers all else by its probabilities; keeps the views."""

    name, model, remote = "describer", "describer-1", False
    kinds = frozenset(("describe", "yes_no"))

    def __init__(self, text: str, mirrored: str, chances: Mapping[str, float] | None = None) -> None:
        self.texts, self.chances = (text, mirrored), dict(chances or {})
        self.seen: list[Frame] = []
        self.asked: list[str] = []

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        assert frame is not None
        self.seen.append(frame)
        return [self._answer(frame, question) for question in questions]

    def _answer(self, frame: Frame, question: Question) -> Answer:
        if question.kind == "describe":
            return Answer("describe", text=self.texts[not np.array_equal(frame.rgb, PICTURE)], tokens=10)
        self.asked.append(question.text)
        yes = self.chances.get(question.text, 0.01)
        return Answer("yes_no", {"yes": yes, "no": 1 - yes}, tokens=1)

    def close(self) -> None:
        pass


def _look(backend: Describer) -> Answer:
    frame = Frame("table#1", 0.0, PICTURE)
    [answer] = backend.ask(frame, [DESCRIBE])
    return looked_over(backend, frame, DESCRIBE, answer)


def test_what_both_descriptions_name_is_not_asked_for():
    backend = Describer(
        "A red cube in a blue tray and a can.".replace("a can", "a green can"),
        "A green can and a red cube in a blue tray.",
    )
    answer = _look(backend)
    assert answer.text == "A red cube in a blue tray and a green can."
    assert answer.tokens == 10
    assert backend.asked == []


def test_a_thing_that_was_passed_over_is_added_with_what_carries_it():
    backend = Describer(
        "A red cube and a blue tray.",
        "A blue tray, a white ball in a blue tray and a red cube.",
        {"Is there a white ball?": 0.9},
    )
    answer = _look(backend)
    assert answer.text == "A red cube and a white ball in a blue tray."
    assert set(backend.asked) == {"Is there a white ball?"}
    assert answer.tokens == 20 + 6


def test_a_thing_that_is_not_seen_again_is_left_out_and_what_carries_it_stays():
    backend = Describer("A red can in a blue tray and an orange ball.", "A blue tray and an orange ball.")
    assert _look(backend).text == "A blue tray and an orange ball."
    backend = Describer("A red can on an orange cube.", "A red can.")
    assert _look(backend).text == "A red can."
    backend = Describer("A red can.", "The table is empty.")
    assert _look(backend).text == "The table is empty."


def test_a_thing_taken_for_another_is_replaced():
    backend = Describer(
        "A green ball held by the gripper and a red mug.",
        "A red mug and a green cube held by the gripper.",
        {"Is there a green cube?": 0.8, "Is there a green ball?": 0.4},
    )
    assert _look(backend).text == "A red mug and a green cube held by the gripper."


def test_the_views_are_the_picture_its_mirror_image_and_its_corners():
    backend = Describer("A red can.", "A red mug.")
    _look(backend)
    views = backend.seen[2:]
    assert [view.rgb.shape for view in views] == [PICTURE.shape] * 6
    assert np.array_equal(views[0].rgb, PICTURE)
    assert np.array_equal(views[1].rgb, PICTURE[:, ::-1])
    assert len({view.digest() for view in views}) >= 4
    assert len({view.id for view in views}) == 6


@pytest.mark.parametrize("text", ["A cat on a mat.", "", "Two red cubes.", "A red cube and"])
def test_a_description_in_other_words_stays_as_it_is(text):
    backend = Describer(text, "A red cube.", {"Is there a red cube?": 0.99})
    assert _look(backend).text == text
    assert backend.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "The table is empty.",
        "An orange ball.",
        "A red cube in a blue tray, a white can on an orange plate and a black mug held by the gripper.",
    ],
)
def test_parts_make_the_text_again(text):
    parts = parts_of(text)
    assert parts is not None
    assert sentence(map(str, parts)) == text


def test_parts_tell_what_carries_a_thing():
    assert parts_of("An orange ball in a blue bowl.") == [Part("orange ball", "in", "blue bowl")]


def test_a_checkpoint_that_has_not_learned_what_is_there_takes_no_second_look():
    frame = Frame("table#1", 0.0, PICTURE)
    for predicates, text in (({"describe"}, "A red can."), ({"describe", "exists"}, "A red mug.")):
        backend = Describer("A red can.", "A red mug.", {"Is there a red mug?": 0.9})
        knowledge = Knowledge(frozenset(predicates), frozenset(("describe", "yes_no")))
        [answer] = Learned(backend, knowledge, second_look=True).ask(frame, [DESCRIBE])
        assert answer.text == text


def test_the_embedded_model_looks_again_unless_told_not_to():
    opened = [BACKENDS.get("embedded").open(BackendOptions(settings=each)) for each in ({}, {"second_look": False})]
    assert [backend.looks_again for backend in opened] == [True, False]
    for backend in opened:
        backend.close()
    with pytest.raises(BackendError, match=r"second_look.*must be of type bool"):
        BACKENDS.get("embedded").open(BackendOptions(settings={"second_look": "no"}))
    with pytest.raises(BackendError, match="no setting 'second_look'"):
        BACKENDS.get("qwen").open(BackendOptions("/nowhere", {"second_look": True}))
