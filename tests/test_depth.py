"""Deep trees: 2,000 levels built in Python are ticked, halted, recorded and drawn; the reader stops at 500."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.step import INVALID, RUNNING, SUCCESS
from knothole.trees.builder import BuiltTree, build
from knothole.trees.drawing.labels import label_tree
from knothole.trees.drawing.paint import PLAIN
from knothole.trees.drawing.words import to_text
from knothole.trees.loader import load_text
from knothole.trees.problems import TreeError
from knothole.trees.recursion import MAX_LEVELS, deep_recursion
from knothole.trees.spec import TreeSpec
from knothole.trees.ticking.loop import Loop, Outcome
from knothole.trees.tracing.trace import TraceWriter, read_trace
from knothole.trees.tracing.why import explain

DEPTH = 2000
KINDS = ("sequence", "selector", "reactive_sequence", "parallel", "inverter", "retry")


def deep(kind: str, leaf: str = "wait: 100ms") -> TreeSpec:
    """Nest a node 2,000 times, as a program does; each has a short path of its own."""
    ports = {"inverter": "{child: %s}", "retry": "{attempts: 2, child: %s}"}.get(kind, "[%s]")
    spec = load_text(f"knothole: 1\ntree: t\nroot:\n  {kind}: {ports % f'{{{leaf}}}'}\n")
    (below,) = spec.root.children or tuple(spec.root.parts.values())
    node = replace(below, path="t/leaf")
    for level in reversed(range(DEPTH)):
        path = f"t/{level}"
        if spec.root.children:
            node = replace(spec.root, path=path, children=(node,))
        else:
            (name,) = spec.root.parts
            node = replace(spec.root, path=path, parts={name: node})
    return replace(spec, root=node)


@pytest.mark.parametrize("kind", KINDS)
def test_a_deep_tree_runs_to_its_end_and_is_halted_at_a_time_limit(kind: str) -> None:
    limit = sys.getrecursionlimit()
    result = Loop(build(deep(kind), Context())).run()
    assert result.outcome is Outcome.SUCCESS
    assert result.ticks == 3
    halted = build(deep(kind), Context())
    result = Loop(halted, max_time=0.05).run()
    assert (result.outcome, result.problems) == (Outcome.TIME_LIMIT, ())
    assert {built.node.status for built in halted.nodes} == {INVALID}
    assert sys.getrecursionlimit() == limit


def test_a_deep_tree_without_a_loop_is_ticked_and_halted() -> None:
    tree = build(deep("sequence"), Context())
    tree.tick()
    assert tree.root.status is RUNNING
    assert tree.halt() == []
    assert tree.root.status is INVALID


def test_a_deep_tree_is_ticked_in_a_thread() -> None:
    done: list[object] = []

    def play() -> None:
        tree: BuiltTree = build(deep("sequence", "say: hi"), Context())
        tree.tick()
        done.append(tree.root.status)

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert done == [SUCCESS]


def test_a_deep_tree_is_recorded_explained_and_drawn(tmp_path: Path) -> None:
    spec = deep("sequence", "check: 1 > 2")
    result = Loop(build(spec, Context()), trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert (result.outcome, result.reason) == (Outcome.FAILURE, "1 > 2 is false")
    assert len(explain(read_trace(tmp_path / "t.mcap")).links) == DEPTH + 1
    with deep_recursion():
        text = to_text(label_tree(spec), "t", "", PLAIN)
    assert len(text.splitlines()) > DEPTH


def test_the_reader_stops_at_500_levels() -> None:
    def nested(levels: int) -> str:
        return "knothole: 1\ntree: t\nroot: " + "{inverter: {child: " * levels + "{say: hi}" + "}}" * levels + "\n"

    with pytest.raises(TreeError, match=f"{MAX_LEVELS} levels"):
        load_text(nested(MAX_LEVELS))
