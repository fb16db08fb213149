"""Tables: what the children say, tick by tick, and what the composite makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from knothole.behaviors.composites import (
    Parallel,
    ReactiveParallel,
    ReactiveSelector,
    ReactiveSequence,
    Selector,
    Sequence,
)
from knothole.behaviors.node import NODES, NodeFault
from knothole.behaviors.step import INVALID, RUNNING, Status
from knothole.tests.script_nodes import Script, letter, play, wiring

TABLE = [
    # node, children's scripts, result by tick; K is SKIPPED
    (Sequence, ["S", "S"], "SSS"),
    (Sequence, ["S", "RS", "S"], "RSS"),
    (Sequence, ["S", "F", "S"], "FF"),
    (Sequence, ["K", "S"], "SS"),
    (Sequence, ["K", "K"], "KK"),
    (Sequence, ["K", "RF"], "RF"),
    (Sequence, ["S", "K", "RS", "K"], "RS"),
    (Sequence, [], "S"),
    (ReactiveSequence, ["SSF", "R"], "RRF"),
    (ReactiveSequence, ["SKS", "R"], "RRR"),
    (ReactiveSequence, ["SR", "RRS"], "RR"),
    (ReactiveSequence, ["K", "K"], "KK"),
    (Selector, ["F", "S"], "SS"),
    (Selector, ["F", "RS"], "RS"),
    (Selector, ["F", "F"], "FF"),
    (Selector, ["K", "S"], "SS"),
    (Selector, ["K", "F"], "FF"),
    (Selector, ["K", "K"], "KK"),
    (Selector, [], "F"),
    (ReactiveSelector, ["FFS", "R"], "RRS"),
    (ReactiveSelector, ["FK", "R"], "RR"),
    (Parallel, ["S", "RS"], "RS"),
    (Parallel, ["RRRS", "RF"], "RF"),
    (Parallel, ["K", "S"], "S"),
    (Parallel, ["K", "RS"], "RS"),
    (Parallel, ["K", "K"], "KK"),
    (Parallel, [], "S"),
    (ReactiveParallel, ["SRS", "RRS"], "RRS"),
]


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize(("node", "scripts", "said"), TABLE, ids=[f"{n.__name__}-{'.'.join(c)}" for n, c, _ in TABLE])
def test_a_composite_says(node: Any, scripts: list[str], said: str, generator: bool) -> None:
    children = [Script(letters, f"c{k}") for k, letters in enumerate(scripts)]
    assert play(node(wiring(children)), len(said), generator=generator) == said


PARALLEL = [
    ("all", ["S", "S", "R"], "R"),
    ("one", ["R", "S", "R"], "S"),
    ("one", ["F", "S", "R"], "F"),
    ("one", ["K", "K"], "K"),
    ("2", ["S", "R", "S"], "S"),
    ("2", ["S", "R", "RS"], "RS"),
    ("2", ["S", "K", "K"], "F"),
    ("2", ["K", "K", "K"], "K"),
]


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize(("success", "scripts", "said"), PARALLEL, ids=[f"{s}-{'.'.join(c)}" for s, c, _ in PARALLEL])
def test_a_parallel_counts(success: str, scripts: list[str], said: str, generator: bool) -> None:
    children = [Script(letters, f"c{k}") for k, letters in enumerate(scripts)]
    parallel = Parallel(wiring(children, success=success))
    assert play(parallel, len(said), generator=generator) == said
    assert all(child.calls.count("halt") <= 1 for child in children)


def test_a_parallel_with_too_few_children_left_says_so() -> None:
    parallel = Parallel(wiring([Script("S"), Script("K"), Script("K")], success="2"))
    assert play(parallel, 1) == "F"
    assert parallel.feedback_message == "only 1 children are not skipped, 2 must succeed"


def test_a_parallel_refuses_a_number_it_cannot_reach() -> None:
    with pytest.raises(NodeFault, match=r"success is '3'\n  fix:  write all, one, or a number from 1 to 2"):
        play(Parallel(wiring([Script("S"), Script("S")], success="3")), 1)


def test_a_parallel_halts_what_runs_in_order_and_once() -> None:
    heard: list[str] = []

    class Heard(Script):
        def halt(self) -> None:
            heard.append(self.name)

    children = [Heard("R", "a"), Heard("RF", "b"), Heard("R", "c")]
    assert play(Parallel(wiring(children)), 2) == "RF"
    assert heard == ["a", "c"]


def test_a_memory_sequence_does_not_tick_finished_children_again() -> None:
    first, second = Script("S"), Script("RRS")
    play(Sequence(wiring([first, second])), 3)
    assert first.calls == ["start", "S"]


def test_a_reactive_sequence_halts_what_ran_when_its_condition_fails() -> None:
    condition, motion = Script("SSFS"), Script("R")
    assert play(ReactiveSequence(wiring([condition, motion])), 4) == "RRFR"
    assert motion.calls == ["start", "R", "R", "halt", "start", "R"]


def test_the_reason_of_the_decisive_child_travels_up() -> None:
    inner = Sequence(wiring([Script("S", "look"), Script("F", "grasp")], name="inner"))
    other = Sequence(wiring([Script("F", "first")], name="other"))
    root = Selector(wiring([other, inner], name="root"))
    play(root, 1)
    assert inner.feedback_message == root.feedback_message == "grasp said F"


def test_a_reason_is_gone_when_the_node_runs_again() -> None:
    root = Sequence(wiring([Script("FR")]))
    play(root, 1)
    assert root.feedback_message == "leaf said F"
    play(root, 1)
    assert root.feedback_message == ""


def test_a_halt_reaches_the_running_leaf_exactly_once() -> None:
    leaf = Script("R")
    root = Sequence(wiring([Selector(wiring([leaf]))]))
    play(root, 2)
    root.stop(INVALID)
    root.stop(INVALID)
    assert leaf.calls == ["start", "R", "R", "halt"]
    assert letter(leaf) == "-"


def test_aliases_name_the_same_nodes() -> None:
    assert NODES.get("fallback") is NODES.get("selector") is Selector
    assert NODES.get("reactive_fallback") is NODES.get("reactive_selector") is ReactiveSelector


def test_visitors_and_displays_of_py_trees_work() -> None:
    import py_trees

    root = Sequence(wiring([Script("S", "see the cup"), Script("K", "maybe"), Script("R", "pick it")], name="tidy"))
    tree = py_trees.trees.BehaviourTree(root)
    snapshot = py_trees.visitors.SnapshotVisitor()
    tree.visitors.append(snapshot)
    tree.tick()
    visited = [node.name for node in root.iterate() if node.id in snapshot.visited]
    assert visited == ["see the cup", "pick it", "tidy"]
    shown = py_trees.display.ascii_tree(root, show_status=True)
    assert "see the cup" in shown
    assert root.tip().name == "pick it"


class Stopped(Sequence):
    """A composite that overrides py_trees' own tick and stop."""

    def __init__(self, *children: Any) -> None:
        super().__init__(wiring(list(children)))
        self.calls: list[str] = []

    def tick(self) -> Any:
        self.calls.append("tick")
        yield from super().tick()

    def stop(self, new_status: Status = INVALID) -> None:
        self.calls.append(f"stop {new_status.name}")
        super().stop(new_status)


def test_a_class_that_overrides_tick_and_stop_has_them_called_in_a_run() -> None:
    inside = Stopped(Script("R", "leaf"))
    root = Sequence(wiring([inside]))
    assert root._t() is RUNNING
    assert root._t() is RUNNING
    root._x(INVALID)
    assert inside.calls == ["tick", "tick", "stop INVALID"]
    assert inside.status is INVALID
    assert inside.children[0].status is INVALID
