"""What the shipped checkpoint is asked, and what not: the language that it has learned ends somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml

from knothole.trees.loader import library
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.embedded import Learned, understood
from knothole.vlm.questions import Frame, Question
from knothole.vlm.scripted import Scripted

FRAME = Frame("table#1", 0.0, np.full((48, 48, 3), 90, np.uint8))
KNOWN = Question("yes_no", "Is there a red cube?")
STRANGE = [
    Question("yes_no", "Is it safe to continue?"),
    Question("yes_no", "How many cubes are there?"),
    Question("ground", "the unicorn", all=True),
]
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
    broker = Broker(Learned(Scripted({"*": "yes"})), stepped=True, latency=0.0)
    tickets = [broker.ask(question, FRAME, 0.0) for question in STRANGE]
    broker.flush(0.0)
    broker.collect(0.0)
    assert all(ticket.answer is not None and ticket.answer.problem for ticket in tickets)
    assert broker.counters.model_calls == 0


def asked(name: str, values: dict[str, str]) -> Iterator[Question]:
    """Every question of a tree of the library and of the trees it uses, its inputs filled in."""
    tree = TREES[name]
    given = {key: str(one["default"]) for key, one in tree.get("inputs", {}).items() if "default" in one} | values
    yield from _below(tree["root"], given)


def _below(part: Any, given: dict[str, str]) -> Iterator[Question]:
    for item in part if isinstance(part, list) else []:
        yield from _below(item, given)
    for key, value in part.items() if isinstance(part, dict) else []:
        if key == "use" and isinstance(value, dict):
            yield from asked(value["tree"], {k: _filled(v, given) for k, v in value.get("inputs", {}).items()})
        elif isinstance(value, str) and not value.startswith("$thing"):
            if key in ("see", "question"):
                yield Question("yes_no", _filled(value, given))
            elif key in ("query", "pick", "object", "into", "onto"):
                yield Question("ground", _filled(value, given))
        yield from _below(value, given)


def _filled(text: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        text = text.replace(f"${{{name}}}", value)
    return text


@pytest.mark.parametrize("name", [name for name in TREES if name not in ("put_away", "put_into", "plan_and_act")])
def test_the_library_asks_only_what_was_learned(name: str) -> None:
    questions = set(asked(name, {}))
    assert {question.kind for question in questions} == {"yes_no", "ground"}
    assert not [question.text for question in questions if "$" in question.text]
    assert [question.text for question in questions if not understood(question)] == []
