"""A second look at what was described: what at least half of the descriptions of several views name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.embedded import Learned
from knothole.vlm.language.grammar import Meaning, Thing
from knothole.vlm.language.matching import sentence
from knothole.vlm.learned import Knowledge
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.second_look import NEEDS, Part, SecondLook, parts_of

DESCRIBE = Question("describe", "Describe the image.")
PICTURE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


class Describer:
    """Describes one view after the other as told, the last ones all alike; keeps the views."""

    name, model, remote = "describer", "describer-1", False
    kinds = frozenset(("describe",))

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.seen: list[Frame] = []

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        assert frame is not None
        assert list(questions) == [DESCRIBE]
        text = self.texts[min(len(self.seen), len(self.texts) - 1)]
        self.seen.append(frame)
        return [
            Answer("describe", problem="the model is tired")
            if text == "-"
            else Answer("describe", text=text, tokens=10)
        ]

    def close(self) -> None:
        pass


def _look(backend: Describer) -> Answer:
    frame = Frame("table#1", 0.0, PICTURE)
    [answer] = backend.ask(frame, [DESCRIBE])
    return SecondLook(backend, frame).over(Meaning("describe"), DESCRIBE, answer)


def test_three_descriptions_that_name_the_same_are_enough():
    backend = Describer("A red cube in a blue tray and a green can.", "A green can and a red cube in a blue tray.")
    answer = _look(backend)
    assert answer.text == "A red cube in a blue tray and a green can."
    assert (len(backend.seen), answer.tokens) == (3, 30)


def test_a_thing_that_was_passed_over_is_added_with_what_carries_it():
    others = "A blue tray, a white ball in a blue tray and a red cube."
    backend = Describer("A red cube and a blue tray.", others)
    answer = _look(backend)
    assert answer.text == "A red cube and a white ball in a blue tray."
    assert (len(backend.seen), answer.tokens) == (6, 60)


def test_a_thing_is_told_once_with_what_carries_it():
    assert _look(Describer("A red can.", "A red can in a blue tray.")).text == "A red can in a blue tray."
    backend = Describer("A red can on a green cube.", "A red can in a blue tray and a green cube.")
    assert _look(backend).text == "A red can on a green cube and a blue tray."


@pytest.mark.parametrize(("count", "text"), [(2, "A red can."), (3, "A red can and a red mug.")])
def test_half_of_the_descriptions_decide(count, text):
    backend = Describer("A red can.", *["A red can and a red mug."] * count, "A red can.")
    assert _look(backend).text == text


def test_a_thing_that_few_name_is_left_out_and_what_carries_it_stays():
    assert _look(Describer("A red can in a blue tray.", "A blue tray.")).text == "A blue tray."
    assert _look(Describer("A red can on an orange cube.", "A red can.")).text == "A red can."
    assert _look(Describer("A red can.", "The table is empty.")).text == "The table is empty."


def test_a_thing_taken_for_another_is_replaced():
    backend = Describer(
        "A green ball held by the gripper and a red mug.", "A red mug and a green cube held by the gripper."
    )
    assert _look(backend).text == "A red mug and a green cube held by the gripper."


def test_views_that_are_not_described_do_not_count():
    backend = Describer("A red can and a red mug.", "-", "A red can.", "A cat on a mat.", "A red can.", "A red can.")
    answer = _look(backend)
    assert answer.text == "A red can."
    assert answer.tokens == 40
    assert _look(Describer("A red can.", "-")).text == "A red can."


def test_the_views_are_the_picture_its_mirror_image_and_its_corners():
    backend = Describer("A red can.", "A red mug.")
    _look(backend)
    views = backend.seen
    assert [view.rgb.shape for view in views] == [PICTURE.shape] * 6
    assert np.array_equal(views[0].rgb, PICTURE)
    assert np.array_equal(views[1].rgb, PICTURE[:, ::-1])
    shown = [view.rgb for view in views[2:]]
    shown = [*shown[:2], *(rgb[:, ::-1] for rgb in shown[2:])]
    picture = [PICTURE[0, 0], PICTURE[-1, -1], PICTURE[0, -1], PICTURE[-1, 0]]
    for rgb, at, pixel in zip(shown, ((0, 0), (-1, -1), (0, -1), (-1, 0)), picture, strict=True):
        assert np.abs(rgb[at].astype(int) - pixel).max() < 60
    assert len({view.id for view in views}) == 6


@pytest.mark.parametrize("text", ["A cat on a mat.", "", "Two red cubes.", "A red cube and"])
def test_a_description_in_other_words_stays_as_it_is(text):
    backend = Describer(text, "A red cube.")
    assert _look(backend).text == text
    assert len(backend.seen) == 1


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


class Comparer:
    """Sees a red cube and a blue can first and a red cube and a black mug last; keeps what it is asked of which."""

    name, model, remote = "comparer", "comparer-1", False
    kinds = frozenset(("yes_no",))

    def __init__(self, **chances: float) -> None:
        self.chances = {text.replace("_", " "): p for text, p in chances.items()}
        self.asked: dict[str, str] = {}
        self.looked = 0

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        assert frame is not None
        return [self._answer(frame, question.text) for question in questions]

    def _answer(self, frame: Frame, text: str) -> Answer:
        there = text.removeprefix("Is there a ").removesuffix("?")
        if text.startswith("Is there"):
            self.looked += 1
            yes = 0.9 if there in ("red cube", "blue can" if frame.id == "first" else "black mug") else 0.01
        else:
            self.asked[text] = frame.id
            assert frame.earlier
            yes = next((p for words, p in self.chances.items() if words in text), 0.0)
        return Answer("yes_no", {"yes": yes, "no": 1 - yes}, tokens=1)

    def close(self) -> None:
        pass


THINGS = ("red cube", "blue can")
PAIR = Frame("last", 1.0, PICTURE, (Frame("first", 0.0, PICTURE[:, ::-1]),))
SAID = Answer("yes_no", {"yes": 0.5, "no": 0.5}, tokens=1)


@pytest.mark.parametrize(
    ("asked", "questions"),
    [
        ("any_disappeared", {"Did the red cube disappear?", "Did the blue can disappear?"}),
        ("any_moved", {"Did the red cube move?", "Did the blue can move?"}),
        ("any_appeared", {"Did a red cube appear?", "Did a black mug appear?"}),
    ],
)
def test_a_comparison_of_all_asks_about_each_thing(asked, questions):
    backend = Comparer()
    look = SecondLook(backend, PAIR)
    one = look.over(Meaning(asked), Question("yes_no", "?"), SAID)
    assert backend.asked == dict.fromkeys(questions, "last")
    assert one.tokens == 1 + 2 + 64
    both = look.over(Meaning("same"), Question("yes_no", "?"), SAID)
    assert len(backend.asked) == 6
    assert both.tokens == 1 + 6 + 64  # each picture is looked at once
    assert backend.looked == 2 * 64


@pytest.mark.parametrize(
    ("asked", "chances", "yes"),
    [
        ("any_disappeared", {"can_disappear": 0.9}, 0.75),  # the odds are 9 and 1, their mean by logarithm 3
        ("any_disappeared", {"can_disappear": 0.1}, 0.25),
        ("any_disappeared", {"can_disappear": 0.1, "cube_disappear": 0.9}, 0.75),
        ("any_disappeared", {"can_move": 0.9}, 0.01),
        ("same", {"mug_appear": 0.9}, 0.25),
        ("same", {"can_move": 0.1}, 0.75),
    ],
)
def test_what_is_said_of_each_thing_counts_as_much_as_what_is_said_of_all(asked, chances, yes):
    answer = SecondLook(Comparer(**chances), PAIR).over(Meaning(asked), Question("yes_no", "?"), SAID)
    assert answer.p("yes") == pytest.approx(yes, abs=1e-2)
    assert answer.p("no") == pytest.approx(1 - answer.p("yes"))


class Surveyor:
    """Says what is in front of what by a chance for each question; keeps what it is asked of which picture."""

    name, model, remote = "surveyor", "surveyor-1", False
    kinds = frozenset(("yes_no",))

    def __init__(self, **chances: float) -> None:
        self.chances = chances
        self.asked: list[tuple[bool, str]] = []

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        assert frame is not None
        self.asked += [(np.array_equal(frame.rgb, PICTURE), question.text) for question in questions]
        chances = [self.chances.get("front" if " in front of " in q.text else "behind", 0.5) for q in questions]
        red = [question.text.startswith("Is the red cube") for question in questions]
        said = [p if first else 1 - p for p, first in zip(chances, red, strict=True)]
        kinds = [("yes", "no") if q.kind == "yes_no" else q.choices for q in questions]
        return [
            Answer(q.kind, dict(zip(words, (p, 1 - p), strict=True)), tokens=1)
            for q, words, p in zip(questions, kinds, said, strict=True)
        ]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("predicate", "chances", "yes"),
    [
        ("front", {"front": 0.9, "behind": 0.1}, 0.9),
        ("behind", {"front": 0.1, "behind": 0.9}, 0.9),
        ("front", {"front": 0.9, "behind": 0.9}, 0.5),  # it contradicts itself
        ("behind", {"front": 0.1}, 0.75),
    ],
)
def test_what_is_in_front_is_asked_all_ways(predicate, chances, yes):
    backend, frame = Surveyor(**chances), Frame("table#1", 0.0, PICTURE)
    words = {"front": "in front of", "behind": "behind"}
    question = Question("yes_no", f"Is the red cube {words[predicate]} the blue can?")
    [answer] = backend.ask(frame, [question])
    meaning = Meaning(predicate, Thing("red", "cube"), Thing("blue", "can"))
    looked = SecondLook(backend, frame).over(meaning, question, replace(answer, neither=0.2))
    assert looked.p("yes") == pytest.approx(0.8 * yes, abs=1e-6)
    assert looked.p("no") == pytest.approx(0.8 * (1 - yes), abs=1e-6)
    assert looked.tokens == 8
    ways = {f"Is the {a} {way} the {b}?" for way in words.values() for a, b in (THINGS, THINGS[::-1])}
    assert {text for first, text in backend.asked if first} == ways
    assert {text for first, text in backend.asked if not first} == ways
    assert len(backend.asked) == 8


@pytest.mark.parametrize(
    ("choices", "first", "front"),
    [(("in front of", "behind"), 0.2, 0.8147), (("behind", "in front of"), 0.8, 0.8147), (("left", "right"), 0.2, 0.0)],
)
def test_which_of_both_it_is_gets_a_fifth_of_the_say(choices, first, front):
    """It says that the cube is in front with a chance of 0.2, and asked whether it is, of 0.9."""
    either = " or ".join(("in front of", "behind"))
    question = Question("choice", f"Is the red cube {either} the blue can?", choices)

    class Chooser(Surveyor):
        def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
            said = super().ask(frame, questions)
            chosen = dict(zip(choices, (first, 1 - first), strict=True))
            return [
                replace(one, probabilities=chosen) if q == question else one
                for q, one in zip(questions, said, strict=True)
            ]

    backend, frame = Chooser(front=0.9, behind=0.1), Frame("table#1", 0.0, PICTURE)
    learned = Learned(backend, Knowledge(frozenset(("front", "behind", "which_depth")), frozenset(("choice",))), True)
    [answer] = learned.ask(frame, [question])
    assert tuple(answer.probabilities) == choices
    assert answer.p("in front of") == pytest.approx(front, abs=1e-4)
    assert len(backend.asked) == (10 if front else 1)


def test_a_second_look_needs_what_it_asks_to_be_learned():
    class Empty(Comparer):
        def _answer(self, frame: Frame, text: str) -> Answer:
            self.asked[text] = frame.id
            return Answer("yes_no", {"yes": 0.4, "no": 0.6})

    question = Question("yes_no", "Did anything move?")
    for predicates, count in (({"any_moved", "exists"}, 1), ({"any_moved", "exists", "moved"}, 1 + 64)):
        backend = Empty()
        learned = Learned(backend, Knowledge(frozenset(predicates), frozenset(("yes_no",))), second_look=True)
        [answer] = learned.ask(PAIR, [question])
        assert len(backend.asked) == count
        assert (answer.p("yes") < 0.1) == (count > 1)  # nothing is there that could have moved
        assert not Learned(backend, learned.knowledge).looks_again


def test_the_embedded_model_looks_again_unless_told_not_to():
    opened = [BACKENDS.get("embedded").open(BackendOptions(settings=each)) for each in ({}, {"second_look": False})]
    assert [backend.looks_again == set(NEEDS) for backend in opened] == [True, False]
    for backend in opened:
        backend.close()
    with pytest.raises(BackendError, match=r"second_look.*must be of type bool"):
        BACKENDS.get("embedded").open(BackendOptions(settings={"second_look": "no"}))
    with pytest.raises(BackendError, match="no setting 'second_look'"):
        BACKENDS.get("qwen").open(BackendOptions("/nowhere", {"second_look": True}))
