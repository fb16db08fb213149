"""Values, entries, subtrees and stubs of BehaviorTree.CPP's nodes, read from the sources of 4.10.0."""

from __future__ import annotations

from typing import Any

import pytest

from knothole.behaviors.blackboard import Blackboard, Cell
from knothole.behaviors.bt.values import as_type_of, equal, truth
from knothole.behaviors.node import NODES, NodeFault, Wiring
from knothole.behaviors.stub import STUBS
from knothole.tests.script_nodes import Script, play


def make(name: str, given: Wiring) -> Any:
    return NODES.get(f"bt.{name}")(given)


@pytest.mark.parametrize(
    ("value", "case", "same"),
    [
        # switch_node.cpp, lines 17 to 85
        ("red", "red", True),
        ("1", "01", True),
        ("1", "1.0", True),
        (1.0, "1", True),
        (True, "1", True),
        ("1", "1x", False),
        ("0.30000001", "0.3", True),
        ("0.3001", "0.3", False),
        ("red", "Red", False),
        ("", "0", False),
    ],
)
def test_a_switch_compares_as_the_original(value: object, case: str, same: bool) -> None:
    assert equal(value, case) is same


def test_truth_is_that_of_the_original() -> None:
    # convert_impl.hpp, lines 159 to 171; basic_types.cpp, lines 380 to 404
    assert [truth(v) for v in (True, 0.5, 1, "TRUE", "0", 0.0)] == [True, True, True, True, False, False]
    for value in (2, "yes", None):
        with pytest.raises(TypeError):
            truth(value)


def test_set_blackboard_keeps_the_type_that_an_entry_has() -> None:
    # set_blackboard_node.h, lines 87 to 101
    board = Blackboard()
    board["count"], board["name"] = 3, "red"
    for key, value in (("count", "4"), ("name", "5"), ("new", "6")):
        inputs = {"value": lambda value=value: value, "output_key": lambda key=key: key}
        assert play(make("SetBlackboard", Wiring("set", inputs=inputs, board=board)), 1) == "S"
    assert (board["count"], board["name"], board["new"]) == (4, "5", "6")
    with pytest.raises(ValueError, match="the entry holds 3, and the text 'red' cannot become such a value"):
        as_type_of(3, "any", "red")


def test_unset_blackboard_leaves_entries_of_other_trees_alone() -> None:
    # blackboard.h, lines 256 to 269
    board = Blackboard()
    board["x"], board["sub/own"] = 1, 2
    board.alias("sub/x", board.cell("x"))
    for key in ("x", "@x", "own", "never"):
        play(make("UnsetBlackboard", Wiring("unset", inputs={"key": lambda key=key: key}, board=board, scope="sub")), 1)
    assert "x" in board
    assert "sub/own" not in board


def test_an_update_is_noticed_once_by_each_who_looks() -> None:
    board = Blackboard()
    first, second = (
        make("WasEntryUpdated", Wiring("was", inputs={"entry": lambda: "pose"}, board=board)) for _ in range(2)
    )
    assert play(first, 1) == "F"
    board["pose"] = 1
    assert play(first, 2) + play(second, 2) == "SFSF"
    board["pose"] = 1
    assert play(first, 1) == "S"


def test_a_subtree_is_given_its_texts_once() -> None:
    # xml_parsing.cpp, lines 1160 to 1214: when the tree is made
    cell = Cell("sub/speed")
    child = Script("S")
    node = make("SubTree", Wiring("sub", children=[child], options={"inputs": [(cell, lambda: 5)]}))
    play(node, 1)
    assert cell.value == 5
    cell.set(7)
    play(node, 1)
    assert cell.value == 7


@pytest.mark.parametrize(
    ("kind", "noun"),
    [
        ("action", "action"),
        ("condition", "condition"),
        ("control", "control node"),
        ("decorator", "decorator"),
        ("subtree", "subtree"),
    ],
)
def test_a_stub_says_that_it_is_one(kind: str, noun: str) -> None:
    children = [Script("S")] if kind in ("control", "decorator") else []
    node: Any = STUBS[kind](Wiring("look", "tidy/ClearSnapshot[2]", children=children))
    with pytest.raises(NodeFault) as caught:
        play(node, 1)
    assert str(caught.value).startswith(f"tidy/ClearSnapshot[2] 'look': the {noun} ClearSnapshot is only declared, ")
    assert "\n  fix:  run with --mock, or " in str(caught.value)
    assert not any(child.calls for child in children)
