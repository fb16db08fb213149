"""Decorators: what the child says, and what they make of it."""

from __future__ import annotations

from typing import Any

import pytest

from knothole.behaviors.blackboard import Blackboard, UnsetError
from knothole.behaviors.composites import Sequence
from knothole.behaviors.conditions import Conditions
from knothole.behaviors.context import Context
from knothole.behaviors.decorators import Inverter, Repeat, Retry, Timeout
from knothole.behaviors.for_each import ForEach
from knothole.behaviors.node import NodeFault, Wiring
from knothole.behaviors.step import INVALID
from knothole.tests.script_nodes import Script, letter, play, wiring

TABLE = [
    (Inverter, {}, "SFRK", "FSRK"),
    (Retry, {"attempts": 3}, "FFS", "RRS"),
    (Retry, {"attempts": 3}, "FFFS", "RRFS"),
    (Retry, {"attempts": 1}, "F", "F"),
    (Retry, {"attempts": 2}, "K", "K"),
    (Repeat, {"times": 2}, "SRSF", "RRSF"),
    (Repeat, {"times": -1}, "SSSF", "RRRF"),
    (Repeat, {"times": 2}, "K", "K"),
    (Timeout, {"duration": 2.0}, "RRRRR", "RRRFR"),
    (Timeout, {"duration": 2.0}, "RRS", "RRS"),
    (Timeout, {"duration": 2.0}, "K", "K"),
]


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize(
    ("node", "ports", "script", "said"), TABLE, ids=[f"{n.__name__}-{p}-{s}" for n, p, s, _ in TABLE]
)
def test_a_decorator_says(node: Any, ports: dict[str, Any], script: str, said: str, generator: bool) -> None:
    context = Context()
    decorator = node(wiring([Script(script)], context, **ports))
    assert play(decorator, len(said), context, generator=generator) == said


def test_reasons_name_attempt_time_and_child() -> None:
    context = Context()
    retry = Retry(wiring([Script("F", "grasp")], attempts=2))
    play(retry, 1)
    assert retry.feedback_message == "attempt 1 of 2 failed: grasp said F"
    play(retry, 1)
    assert retry.feedback_message == "grasp said F (attempt 2 of 2)"
    timeout = Timeout(wiring([Script("R", "arm")], context, duration=1.5))
    play(timeout, 3, context)
    assert timeout.feedback_message == "not done within 1.5 s (arm said R)"
    inverter = Inverter(wiring([Script("S", "hand")]))
    play(inverter, 1)
    assert inverter.feedback_message == "hand succeeded: hand said S"


def test_a_timeout_halts_the_child_once() -> None:
    context, child = Context(), Script("R")
    play(Timeout(wiring([child], context, duration=1.0)), 3, context)
    assert child.calls == ["start", "R", "R", "R", "halt"]


def test_repeat_tells_each_round_on_the_way() -> None:
    repeat, told = Repeat(wiring([Script("SRSS")], times=3)), []
    repeat._log = lambda node: told.append((node.status.name, node.feedback_message))
    play(repeat, 4)
    assert told == [("RUNNING", "1 of 3"), ("RUNNING", "2 of 3"), ("SUCCESS", "3 of 3")]


def test_repeat_refuses_zero() -> None:
    with pytest.raises(NodeFault, match="times is 0"):
        play(Repeat(wiring([Script("S")], times=0)), 1)


def test_a_skipped_child_is_passed_over_inside_its_decorators() -> None:
    skipped = Conditions(wiring([Script("S")], when=False))
    root = Sequence(wiring([Retry(wiring([skipped], attempts=3)), Script("S")]))
    assert play(root, 1) == "S"


def loop_over(items: object, child: Any) -> tuple[ForEach, Blackboard]:
    board = Blackboard()
    outputs = {"item": board.cell("thing"), "index": board.cell("k")}
    return ForEach(wiring([child], outputs=outputs, in_=items)), board


class Collect(Script):
    board: Blackboard
    seen: list[object]

    def start(self) -> None:
        super().start()
        self.seen.append((self.board["k"], self.board["thing"]))


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
def test_for_each_runs_the_child_once_per_element_one_a_tick(generator: bool) -> None:
    child = Collect("SRSS")
    node, child.board = loop_over(["a", "b", "c"], child)
    child.seen = []
    assert play(node, 4, generator=generator) == "RRRS"
    assert child.seen == [(0, "a"), (1, "b"), (2, "c")]


def test_for_each_stops_at_the_first_failure_and_says_where() -> None:
    node, _ = loop_over(["a", "b", "c"], Script("SFS", "put away"))
    assert play(node, 2) == "RF"
    assert node.feedback_message == "put away said F (element 2 of 3)"


@pytest.mark.parametrize(
    ("items", "script", "said"), [([], "F", "S"), (["a", "b"], "K", "RK"), (["a", "b"], "KS", "RS")]
)
def test_for_each_over_nothing_and_over_skipped_elements(items: list[str], script: str, said: str) -> None:
    child = Script(script)
    node, _ = loop_over(items, child)
    assert play(node, len(said)) == said
    assert items or child.calls == []


def test_for_each_reads_its_list_once() -> None:
    items = ["a", "b"]
    node, board = loop_over(items, Script("S"))
    play(node, 1)
    items.append("c")
    assert play(node, 1) == "S"
    assert board["thing"] == "b"


def test_for_each_over_something_else_is_a_fault() -> None:
    node, _ = loop_over("abc", Script("S"))
    with pytest.raises(NodeFault, match="in must be a list, it is str 'abc'"):
        play(node, 1)


def test_an_entry_that_was_never_set_names_itself_and_the_node() -> None:
    cell = Blackboard().cell("tidy/held")
    node = Retry(Wiring("retry", path="tidy/retry", inputs={"attempts": cell.get}, children=[Script("S")]))
    with pytest.raises(NodeFault, match=r"tidy/retry: \$held is read before it is set") as caught:
        play(node, 1)
    assert isinstance(caught.value.__cause__, UnsetError)


def test_a_leaf_that_raises_names_its_path_and_place_and_can_still_be_halted() -> None:
    leaf = Script("R!", "grasp")
    leaf.path = "tidy/sequence[1]/pick"
    root = Sequence(wiring([leaf]))
    play(root, 1)
    with pytest.raises(NodeFault, match=r"tidy/sequence\[1\]/pick 'grasp': OSError: the gripper is gone") as caught:
        play(root, 1)
    assert isinstance(caught.value.__cause__, OSError)
    root.stop(INVALID)
    assert leaf.calls == ["start", "R", "!", "halt"]
    assert letter(leaf) == "-"


def test_a_leaf_that_returns_no_status_is_a_fault() -> None:
    class Forgetful(Script):
        def step(self) -> Any:
            return None

    with pytest.raises(NodeFault, match=r"step\(\) of Forgetful returned nothing, which is no status"):
        play(Forgetful("S"), 1)
