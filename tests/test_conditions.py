"""The pre-conditions of a node: what is looked at when, and what it decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from knothole.behaviors.composites import Sequence
from knothole.behaviors.conditions import Conditions
from knothole.behaviors.node import NodeFault, Wiring
from knothole.behaviors.step import INVALID
from knothole.tests.script_nodes import Script, play, wiring

BOTH = pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])

# Conditions as T and F, one letter a look (the last one for ever) → child's script → statuses by tick.
TABLE: list[tuple[dict[str, str], str, str]] = [
    ({"failure_if": "T"}, "S", "FF"),
    ({"failure_if": "F"}, "S", "SS"),
    ({"failure_if": "FT"}, "RS", "RSF"),  # not looked at while RUNNING
    ({"success_if": "T"}, "F", "SS"),
    ({"success_if": "F"}, "F", "FF"),
    ({"success_if": "FT"}, "RF", "RFS"),
    ({"skip_if": "TF"}, "RS", "KRS"),
    ({"when": "FT"}, "RS", "KRS"),
    ({"when": "TF"}, "RRS", "RRSK"),
    ({"while": "F"}, "S", "KK"),
    ({"while": "TTF"}, "R", "RRKK"),  # looked at in every tick
    ({"while": "TFT"}, "RRS", "RKRS"),
    ({"failure_if": "T", "success_if": "T"}, "S", "F"),
    ({"success_if": "T", "skip_if": "T"}, "F", "S"),
    ({"skip_if": "T", "while": "T"}, "S", "K"),
    ({"failure_if": "T", "when": "F"}, "S", "F"),
    ({"when": "T", "while": "F"}, "S", "K"),
]


def asks(answers: dict[str, str]) -> dict[str, Callable[[], object]]:
    getters: dict[str, Callable[[], object]] = {}
    for key, letters in answers.items():
        looks = itertools.chain(letters, itertools.repeat(letters[-1]))
        getters[key] = lambda looks=looks: next(looks) == "T"  # type: ignore[misc]
    return getters


def conditions(answers: dict[str, str], child: Any, **options: object) -> Conditions:
    return Conditions(Wiring("cond", path="t/leaf#when", inputs=asks(answers), children=[child], options=options))


@BOTH
@pytest.mark.parametrize(("answers", "script", "said"), TABLE, ids=[f"{a}-{s}" for a, s, _ in TABLE])
def test_a_condition_decides(answers: dict[str, str], script: str, said: str, generator: bool) -> None:
    assert play(conditions(answers, Script(script)), len(said), generator=generator) == said


@BOTH
def test_while_halts_the_child_once_and_starts_it_anew(generator: bool) -> None:
    child = Script("R")
    assert play(conditions({"while": "TTFT"}, child), 4, generator=generator) == "RRKR"
    assert child.calls == ["start", "R", "R", "halt", "start", "R"]


@BOTH
def test_a_decided_tick_does_not_touch_the_child(generator: bool) -> None:
    child = Script("S")
    play(conditions({"failure_if": "T"}, child), 2, generator=generator)
    assert child.calls == []


def test_only_the_conditions_before_the_deciding_one_are_looked_at() -> None:
    seen: list[str] = []

    def look(key: str, value: bool) -> Callable[[], object]:
        return lambda: seen.append(key) or value  # type: ignore[func-returns-value]

    given = {"while": look("while", True), "when": look("when", False), "failure_if": look("failure_if", False)}
    assert play(Conditions(Wiring("c", inputs=given, children=[Script("S")])), 1) == "K"
    assert seen == ["failure_if", "when"]


def test_a_condition_that_fails_the_node_is_its_reason() -> None:
    node = conditions({"failure_if": "T"}, Script("S"), **{"shown.failure_if": lambda: "$n > 3 ($n is 4)"})
    play(node, 1)
    assert node.feedback_message == "failure_if: $n > 3 ($n is 4)"


@BOTH
def test_the_childs_reason_is_passed_up_and_a_halt_passed_down(generator: bool) -> None:
    child = Script("RF", "grasp")
    node = conditions({"when": "T"}, child)
    assert play(node, 2, generator=generator) == "RF"
    assert node.feedback_message == "grasp said F"
    running = Script("R")
    node = conditions({"when": "T"}, running)
    play(node, 1, generator=generator)
    node.stop(INVALID)
    assert running.calls == ["start", "R", "halt"]
    assert not node.skipped


def test_a_condition_that_is_no_bool_is_a_fault() -> None:
    node = Conditions(Wiring("when", path="t/see#when", inputs={"when": lambda: 3}, children=[Script("S")]))
    with pytest.raises(NodeFault, match=r"t/see#when.*: TypeError: when must be true or false, it is 3"):
        play(node, 1)


@BOTH
def test_skipped_nodes_are_passed_over(generator: bool) -> None:
    root = Sequence(wiring([conditions({"skip_if": "T"}, Script("F")), Script("S")]))
    assert play(root, 1, generator=generator) == "S"
    root = Sequence(wiring([conditions({"while": "F"}, Script("F"))]))
    assert play(root, 1, generator=generator) == "K"
