"""Why a leaf failed is known at the root, whatever composites and decorators stand in between, of whatever dialect."""

from __future__ import annotations

import json

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES
from knothole.tests.script_nodes import play
from knothole.trees.builder import build
from knothole.trees.loader import load_text

LEAF = {"check": "1 > 2"}
WHY = "1 > 2 is false"
HELD = {"check": "2 > 1"}

PORTS: dict[str, dict[str, object]] = {
    "bt.ConsumeQueue": {"queue": "1;2"},
    "bt.Delay": {"delay_msec": 0},
    "bt.IfThenElse": {"children": [LEAF, HELD, LEAF]},
    "bt.LoopBool": {"queue": "true;false"},
    "bt.LoopDouble": {"queue": "1;2"},
    "bt.LoopInt": {"queue": "1;2"},
    "bt.LoopString": {"queue": "a;b"},
    "bt.Precondition": {"if": "true"},
    "bt.Repeat": {"num_cycles": 2},
    "bt.RetryUntilSuccessful": {"num_attempts": 2},
    "bt.SkipUnlessUpdated": {"entry": "$made"},
    **{f"bt.Switch{n}": {"variable": "?", "children": [LEAF] * (n + 1)} for n in range(2, 7)},
    "bt.Timeout": {"msec": 1000},
    "bt.WaitValueUpdate": {"entry": "$made"},
    "bt.WhileDoElse": {"children": [LEAF, HELD, LEAF]},
    "for_each": {"item": "$each", "in": "$made"},
    "guard": {"check": HELD},
    "nav2.PersistentSequence": {"current_child_idx": "$zero"},
    "pt.EternalGuard": {"condition": "2 > 1"},
    "pt.ForEach": {"source_key": "$made", "target_key": "$each"},
    "pt.OneShot": {"policy": "ON_COMPLETION"},
    "pt.Parallel": {"policy": "SuccessOnAll"},
    "pt.Repeat": {"num_success": 2},
    "pt.Retry": {"num_failures": 2},
    "pt.Selector": {"memory": True},
    "pt.Sequence": {"memory": True},
    "pt.StatusToBlackboard": {"variable_name": "$status"},
    "pt.oneshot": {"behaviour": LEAF, "children": None},
    "pt.pick_up_where_you_left_off": {"tasks": [LEAF], "children": None},
    "repeat": {"times": 2},
    "timeout": {"duration": "5s"},
}
"""What a node needs so that its children are ticked."""

ELSEWHERE = {"bt.SubTree", "use", "bt.ManualSelector", "pt.either_or", "pt.Condition", "nav2.DistanceController"}
"""These need another tree, somebody who chooses, or a robot, or wait."""
CONTENT = {
    "bt.ConsumeQueue", "bt.ForceSuccess", "bt.Inverter", "inverter", "nav2.PathLongerOnApproach", "pt.FailureIsRunning",
    "pt.FailureIsSuccess", "pt.Inverter",
}  # fmt: skip
"""These never fail because a child does."""
INNER = [name for name in sorted(NODES) if getattr(NODES.get(name), "kind", "leaf") != "leaf"]


def tree_of(name: str) -> dict[str, object]:
    """Return a tree of one node whose children fail at once."""
    composite = getattr(NODES.get(name), "kind", "") == "composite"
    below: dict[str, object] = {"children": [LEAF, LEAF]} if composite else {"child": LEAF}
    ports = {key: value for key, value in {**below, **PORTS.get(name, {})}.items() if value is not None}
    inputs = {"made": {"type": "list", "default": [1, 2]}, "zero": {"type": "int", "default": 0}}
    return {"knothole": 1, "tree": "t", "inputs": inputs, "root": {name: ports}}


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize("name", sorted({*INNER} - ELSEWHERE))
def test_the_reason_of_a_leaf_travels_up(name: str, generator: bool) -> None:
    tree = build(load_text(json.dumps(tree_of(name))), Context())
    for _ in range(4):
        said = play(tree.root, 1, tree.context, generator=generator)
        if said == "F":
            assert WHY in tree.root.feedback_message
            assert name not in CONTENT
            return
    assert name in CONTENT
