"""What the shipped checkpoint is asked, and what not: the language that it has learned ends somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from knothole.app.models.ask import PictureError, ask_image
from knothole.trees.loader import library
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.embedded import Learned, weights
from knothole.vlm.language.grammar import CHOICES, COMPARISONS, PREDICATES, YES_NO
from knothole.vlm.language.planning import UNKNOWN
from knothole.vlm.learned import Knowledge
from knothole.vlm.questions import Frame, Question
from knothole.vlm.runner import answer_all
from knothole.vlm.scripted import Scripted
from knothole.vlm.training.config import ModelShape
from knothole.vlm.training.export import random_checkpoint

FRAME = Frame("table#1", 0.0, np.full((48, 48, 3), 90, np.uint8))
KNOWN = Question("yes_no", "Is there a red cube?")
STRANGE = [
    Question("yes_no", "Is it safe to continue?"),
    Question("yes_no", "How many cubes are there?"),
    Question("ground", "the unicorn", all=True),
]
SHIPPED = Knowledge.read(weights())
assert SHIPPED is not None
PLANNER = Knowledge(SHIPPED.predicates | {"plan", "unsure"}, SHIPPED.kinds | {"plan"})
TREES = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(library().glob("*.yaml"))}


@pytest.fixture(scope="module")
def shipped() -> Iterator[Any]:
    backend = BACKENDS.get("embedded").open(BackendOptions())
    yield backend
    backend.close()


def test_the_shipped_checkpoint_has_no_opinion_on_what_it_never_learned(shipped: Any) -> None:
    answers = shipped.ask(FRAME, STRANGE)
    assert [answer.kind for answer in answers] == ["yes_no", "yes_no", "ground"]
    assert all("the embedded model knows no such" in answer.problem for answer in answers)
    assert not any(answer.probabilities or answer.regions or answer.supported for answer in answers)


def test_what_it_knows_is_answered_among_what_it_does_not(shipped: Any) -> None:
    first, known, last = shipped.ask(FRAME, [STRANGE[0], KNOWN, STRANGE[2]])
    assert first.problem
    assert last.problem
    assert not known.problem
    assert known.p("yes") + known.p("no") + known.neither == pytest.approx(1.0, abs=1e-3)


def test_no_model_runs_for_strange_questions_alone() -> None:
    broker = Broker(Learned(Scripted({"*": "yes"}), SHIPPED), stepped=True, latency=0.0)
    tickets = [broker.ask(question, FRAME, 0.0) for question in STRANGE]
    broker.flush(0.0)
    broker.collect(0.0)
    assert all(ticket.answer is not None and ticket.answer.problem for ticket in tickets)
    assert broker.counters.model_calls == 0


def test_a_checkpoint_is_not_asked_what_it_learned_in_vain() -> None:
    question = Question("yes_no", "Is the cupboard open?")
    assert SHIPPED.covers(question)
    assert not SHIPPED.without({"door_open"}).covers(question)


def test_the_shipped_checkpoint_may_be_asked_all_that_is_taught() -> None:
    assert SHIPPED.predicates >= {*YES_NO, *CHOICES, *COMPARISONS}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("yes_no", "Is the red cube touching the blue can?"),
        ("yes_no", "Is a person near the table?"),
        ("yes_no", "Did the red cube move?"),
        ("yes_no", "Is the cupboard open?"),
        ("yes_no", "Are the things arranged the same in both images?"),
        ("yes_no", "Did anything disappear?"),
        ("choice", "Is the bottle upright or tipped over?"),
        ("choice", "Which one is on the plate: the red cube or the blue can?"),
        ("plan", "Clean up the table."),
    ],
)
def test_the_shipped_checkpoint_is_asked_what_it_learned(kind: Any, text: str) -> None:
    assert SHIPPED.covers(Question(kind, text, choices=("upright", "tipped over")))


def test_words_that_it_never_learned_to_heed_do_not_confuse_it(shipped: Any) -> None:
    picture = Frame("table#2", 0.0, np.full((96, 96, 3), 130, np.uint8))
    for question in (Question("describe", "Describe the image."), KNOWN, Question("plan", "Go home.")):
        plain, told = (
            shipped.ask(picture, [replace(question, context=words)])[0] for words in ("", "You are a helpful robot.")
        )
        assert told == plain
        assert not told.problem


def test_the_shipped_checkpoint_plans(shipped: Any) -> None:
    assert shipped.kinds == SHIPPED.kinds == {"yes_no", "choice", "score", "ground", "describe", "plan"}
    empty, cook = answer_all(shipped, FRAME, [Question("plan", "Tidy up."), Question("plan", "Make coffee.")])
    assert empty.problem == ""
    assert isinstance(empty.data, list | dict)
    assert cook.data == {"cannot": UNKNOWN}, "it says itself that it cannot do what none of its skills does"


def test_an_order_without_a_word_that_was_taught_is_refused_before(shipped: Any) -> None:
    orders = ("Cook.", "Dance for me!", "What is your name?", "Iron my shirt.", "Räum bitte auf.")
    for answer in answer_all(shipped, FRAME, [Question("plan", order) for order in orders]):
        assert "knows no such instruction" in answer.problem
        assert not answer.supported


PLANS = {
    "Clean up the table.": [{"skill": "pick", "args": {"object": "the red cube"}}],
    "Tidy up.": [{"skill": "pick", "args": {"object": "the green"}}],
    "Sort by color.": {"ask": "Which blue container: the plate or the tray?"},
}


ARRAY = {"type": "array"}
CLOSED = {"type": "object", "additionalProperties": False}
PLANNED = [
    ("", PLANS["Clean up the table."]),
    (ARRAY, PLANS["Clean up the table."]),
    ({"type": "object"}, {"answer": PLANS["Clean up the table."]}),
    (
        {**CLOSED, "properties": {"steps": ARRAY}, "required": ["steps"]},
        {"steps": PLANS["Clean up the table."]},
    ),
    ({**CLOSED, "properties": {"a": ARRAY, "b": ARRAY}, "required": ["a", "b"]}, PLANS["Clean up the table."]),
    ("{broken", PLANS["Clean up the table."]),
]


@pytest.mark.parametrize(("schema", "data"), PLANNED, ids=range(len(PLANNED)))
def test_a_plan_stands_in_the_object_that_a_client_asks_for(schema: Any, data: Any) -> None:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    backend = Learned(Scripted(PLANS), PLANNER)
    plan, ask = backend.ask(
        FRAME, [Question("plan", t, schema=text) for t in ("Clean up the table.", "Sort by color.")]
    )
    assert plan.data == data
    wrapped = isinstance(data, dict) and "steps" in data
    assert ask.data == ({"steps": PLANS["Sort by color."]} if wrapped else PLANS["Sort by color."])


def test_a_checkpoint_that_learned_to_plan_is_asked_for_plans_in_any_words() -> None:
    """Words that no training had may mean what it knows: whether they do is for the model to say."""
    backend = Learned(Scripted({**PLANS, "Make coffee.": {"cannot": UNKNOWN}}), PLANNER)
    assert "plan" in backend.kinds
    known, broken, asks, strange = backend.ask(
        FRAME, [*(Question("plan", t) for t in PLANS), Question("plan", "Make coffee.")]
    )
    assert (known.data, known.problem) == (PLANS["Clean up the table."], "")
    assert broken.problem == "the plan names no thing: 'the green'"
    assert asks.data == {"ask": "Which blue container: the plate or the tray?"}
    assert (strange.data, strange.problem) == ({"cannot": UNKNOWN}, "")


def test_a_checkpoint_that_did_not_learn_to_plan_is_asked_for_no_plan() -> None:
    knows = replace(PLANNER, kinds=PLANNER.kinds - {"plan"})
    assert not knows.covers(Question("plan", "Tidy up."))
    assert PLANNER.covers(Question("plan", "Make this table clean."))


def test_a_choice_is_asked_for_in_the_words_of_its_question() -> None:
    text = "Which one is on the plate: the red cube or the blue can?"
    backend = Learned(Scripted({text: {"the red cube": 0.9}}), replace(PLANNER, predicates=frozenset(PREDICATES)))
    for choices in (("red cube", "blue can"), ("the blue can", "The red cube"), ("the red cube", "the blue can")):
        (answer,) = backend.ask(FRAME, [Question("choice", text, choices=choices)])
        assert answer.problem == ""
        assert {choice: answer.p(choice) for choice in choices} == {c: 0.9 * ("red" in c) for c in choices}
        assert answer.neither == pytest.approx(0.1)


BOTH = Frame("table#1, table#2", 1.0, FRAME.rgb, (FRAME,))
MOVED = Question("yes_no", "Did the red cube move?")


def test_two_pictures_are_compared_by_a_checkpoint_that_learned_to() -> None:
    backend = Learned(Scripted({"*": "yes"}), replace(SHIPPED, predicates=SHIPPED.predicates - {"any_appeared"}))
    appeared = Question("yes_no", "Did something appear?")
    moved, single, strange, where = backend.ask(BOTH, [MOVED, KNOWN, appeared, Question("ground", "the red cube")])
    assert (moved.problem, moved.p("yes")) == ("", 1.0)
    assert single.problem == (
        "the embedded model compares two pictures, but 'Is there a red cube?' asked about 2 compares nothing"
    )
    assert strange.problem.startswith("the embedded model knows no such question: 'Did something appear?'")
    assert where.problem.startswith("the embedded model compares two pictures, but 'the red cube'")
    for frame, many in ((FRAME, "1"), (None, "none"), (replace(BOTH, earlier=(FRAME, FRAME)), "3")):
        (answer,) = backend.ask(frame, [MOVED])
        assert answer.problem == f"'Did the red cube move?' compares two pictures, but was asked about {many}"
    assert not any(answer.supported for answer in (single, strange, where, answer))


def test_the_shipped_checkpoint_compares_two_pictures(shipped: Any) -> None:
    same = Question("yes_no", "Are the things arranged the same in both images?")
    for answer in shipped.ask(BOTH, [MOVED, same]):
        assert answer.problem == ""
        assert answer.p("yes") + answer.p("no") + answer.neither == pytest.approx(1.0, abs=1e-3)


def test_two_picture_files_reach_the_model_together(tmp_path: Path) -> None:
    for name in ("before.png", "after.png"):
        Image.fromarray(FRAME.rgb).save(tmp_path / name)
    said = ask_image(tmp_path / "after.png", KNOWN.text, before=tmp_path / "before.png")
    assert "'Is there a red cube?' asked about 2 compares nothing" in said.answer.problem
    with pytest.raises(PictureError, match=r"there is no file .*gone\.png"):
        ask_image(tmp_path / "after.png", KNOWN.text, before=tmp_path / "gone.png")


def test_what_was_taught_says_what_was_learned() -> None:
    taught = {
        "exists/yes": 400,
        "exists/no": 500,
        "person/no": 300,
        "count": 90,
        "plan": 40,
        "unsure": 9,
        "held/yes": 7,
        "moved/yes": 5,
        "moved/no": 6,
        "same/yes": 12,
    }
    learned = Knowledge.of(taught)
    assert learned.predicates == {"exists", "count", "plan", "unsure", "moved"}
    assert learned.kinds == {"yes_no", "choice", "score", "plan"}
    assert Knowledge.of({}) == Knowledge(frozenset(), frozenset())


def test_what_was_learned_is_a_fact_of_the_checkpoint(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "own", shape=ModelShape(image_size=64, vision_depth=4, layers=4, width=64))
    everything = BACKENDS.get("embedded").open(BackendOptions(str(folder)))
    assert everything.ask(FRAME, [STRANGE[0]])[0].problem == ""
    assert "plan" not in everything.kinds
    everything.close()
    learned = Knowledge(frozenset({"exists", "plan"}), frozenset({"yes_no", "plan"}))
    learned.write(folder)
    assert Knowledge.read(folder) == learned
    backend = BACKENDS.get("embedded").open(BackendOptions(str(folder), {"max_tokens": 4, "constrained": False}))
    known, other, plan = backend.ask(
        FRAME, [KNOWN, Question("yes_no", "Is the table empty?"), Question("plan", "Tidy up.")]
    )
    assert (known.problem, known.supported) == ("", True)
    assert (other.problem != "", other.supported) == (True, False)
    assert plan.problem.startswith("the plan is no JSON")
    assert backend.kinds == {"yes_no", "plan"}
    backend.close()
    (folder / "learned.json").write_text('{"kinds": ["dance"], "predicates": []}', encoding="utf-8")
    with pytest.raises(BackendError, match="does not say what was learned: ValueError: unknown kinds"):
        BACKENDS.get("embedded").open(BackendOptions(str(folder)))


def test_the_shipped_file_names_predicates_that_exist() -> None:
    assert SHIPPED.predicates <= {*PREDICATES, *COMPARISONS, "plan", "unsure"}
    assert {"exists", "in", "all_in", "hand", "held"} <= SHIPPED.predicates & set(YES_NO)


def asked(name: str, values: dict[str, str]) -> Iterator[Question]:
    """Every question of a tree of the library and of the trees it uses, its inputs filled in."""
    tree = TREES[name]
    given = {key: str(one["default"]) for key, one in tree.get("inputs", {}).items() if "default" in one} | values
    yield from _below(tree["root"], given)


def _below(part: Any, given: dict[str, str]) -> Iterator[Question]:
    for item in part if isinstance(part, list) else []:
        yield from _below(item, given)
    for key, value in part.items() if isinstance(part, dict) else []:
        if key == "ask_human":
            continue
        if key == "use" and isinstance(value, dict):
            yield from asked(value["tree"], {k: _filled(v, given) for k, v in value.get("inputs", {}).items()})
        elif isinstance(value, str) and not value.startswith("$thing"):
            if key in ("see", "question"):
                yield Question("yes_no", _filled(value, given))
            elif key == "things":
                yield Question("choice", f"How many {_filled(value, given)} are there?")
            elif key in ("query", "pick", "object", "into", "onto") and not value.startswith("$"):
                yield Question("ground", _filled(value, given))
        yield from _below(value, given)


def _filled(text: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        text = text.replace(f"${{{name}}}", value)
    return text


WITHOUT = ("put_away", "put_into", "make_plan", "plan_and_act", "clean_up", "set_the_table", "watch_and_stop")
"""Trees whose questions are their inputs, the plan's, or a guard's alone."""


def test_the_layout_of_the_library_asks_only_what_was_learned() -> None:
    for wish in TREES["set_the_table"]["inputs"]["layout"]["default"]:
        assert SHIPPED.covers(Question("yes_no", wish["seen"])), wish
        assert SHIPPED.covers(Question("ground", f"the {wish['thing']}")), wish


@pytest.mark.parametrize("name", [name for name in TREES if name not in WITHOUT])
def test_the_library_asks_only_what_was_learned(name: str) -> None:
    questions = set(asked(name, {}))
    assert "ground" in {question.kind for question in questions} <= SHIPPED.kinds
    assert not [question.text for question in questions if "$" in question.text]
    assert [question.text for question in questions if not SHIPPED.covers(question)] == []
