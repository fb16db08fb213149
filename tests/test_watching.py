"""Freshness: what ``see`` and other watches share. What a look costs, who goes first, what a busy backend is asked."""

from __future__ import annotations

import os
from typing import Any

import pytest
from rich.console import Console

from knothole.app.humans.human import TerminalHuman
from knothole.app.running.terminal import Watcher
from knothole.behaviors.context import Glance
from knothole.behaviors.means.asking import urgency
from knothole.behaviors.means.watching import region_of
from knothole.behaviors.node import NodeFault
from knothole.behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS
from knothole.robots.pose import Pose
from knothole.tests.rig import PERIOD, Bench
from knothole.tests.script_nodes import Script
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted
from knothole.vlm.tickets import GUARD, USUAL

QUESTION = "Is the tray full?"


def move(bench: Bench, number: int) -> None:
    """Put the cube where it was not before."""
    bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (number % 12), 0.025)))


def together(bench: Bench, leaves: list[Any]) -> None:
    """Let one tick pass, in which all leaves are ticked."""
    bench.robot.advance(bench.context.now + PERIOD)
    bench.context.tick += 1
    bench.context.now = bench.robot.now()
    bench.broker.collect(bench.context.now)
    for leaf in leaves:
        leaf._t()
    bench.broker.flush(bench.context.now)


def test_a_guards_question_goes_out_before_others():
    text = f"""\
knothole: 1
tree: t
root:
  guard:
    check:
      parallel:
        - see: "{QUESTION}"
        - inverter: {{child: {{see: "{QUESTION}"}}}}
    child:
      pt.Sequence:
        memory: false
        children:
          - see: "{QUESTION}"
          - see: "{QUESTION}"
"""
    tree = build(load_text(text), Bench().context)
    leaves = [built.node for built in tree.nodes if built.type == "see"]
    assert [urgency(leaf) for leaf in leaves] == [GUARD, GUARD, GUARD, USUAL]


def test_watches_come_to_look_at_the_same_pictures():
    bench = Bench({"*": "yes"}, latency=0.1)
    leaves = [bench.leaf("see", question=f"Is it {n}?", max_age=1.0) for n in range(5)]
    for begun in range(1, 6):  # one after the other
        together(bench, leaves[:begun])
    for number in range(80):
        move(bench, number)
        together(bench, leaves)
    assert bench.broker.counters.questions > 35
    assert bench.broker.counters.model_calls <= 5 + 2 * 4 + 1


def test_twenty_watches_of_a_scene_that_stands_still_cost_next_to_nothing():
    bench = Bench({"*": "yes"}, latency=0.1)
    leaves = [bench.leaf("see", question=f"Is it {n}?", max_age=1.0) for n in range(20)]
    for _ in range(20 * 60):
        together(bench, leaves)
    counters = bench.broker.counters
    assert counters.model_calls <= 20 * 10 * 60 / 200
    assert counters.spared > 20 * 60


def test_what_changes_outside_the_region_of_interest_costs_no_call():
    bench = Bench({"*": "yes"})
    elsewhere = bench.leaf("see", question=QUESTION, max_age=0.5, roi=[0.0, 0.0, 0.1, 0.1])
    anywhere = bench.leaf("see", question="Is it empty?", max_age=0.5)
    for number in range(40):
        move(bench, number)
        together(bench, [elsewhere, anywhere])
    assert elsewhere.watching.frame.stamp < 0.2
    assert anywhere.watching.frame.stamp > 1.0


def test_a_region_is_a_grounded_object_or_a_box_and_nothing_else():
    leaf = Bench().leaf("see", question=QUESTION)
    assert region_of(leaf, None, "table") is None
    assert region_of(leaf, [0.4, 0.4, 0.6, 0.5], "table") == pytest.approx((0.3, 0.35, 0.7, 0.55))
    for wrong in ("the cup", [0.1, 0.2, 0.3], [0.5, 0.1, 0.4, 0.2], [0.0, 0.0, 2.0, 1.0], [True, 0.0, 1.0, 1.0]):
        with pytest.raises(NodeFault, match="give an object from ground, or a box"):
            region_of(leaf, wrong, "table")


def test_while_the_backend_is_busy_the_waiting_question_is_about_the_newest_picture():
    bench = Bench()
    slow = Scripted({"*": "yes"}, latency=2.0)
    bench.broker = bench.context.broker = Broker(slow, stepped=True)
    bench.broker._chain.links[0].most = 1
    first, second = bench.leaf("see", question=QUESTION), bench.leaf("see", question="Is it empty?", max_age=5.0)
    bench.tick(first)
    for number in range(45):
        move(bench, number)
        bench.tick(second)
    frame = second.watching._asking.frame
    assert second.status is RUNNING
    assert 1.5 < frame.stamp <= 2.05
    assert bench.broker.counters.cancelled >= 3
    assert bench.broker.counters.model_calls == 2


def test_a_halted_watch_drops_its_question_before_it_is_sent():
    bench = Bench({"*": "yes"}, latency=1.0)
    bench.broker._chain.links[0].most = 1
    first, second = bench.leaf("see", question="Is it empty?"), bench.leaf("see", question=QUESTION)
    bench.tick(first)
    bench.tick(second)
    second._x(INVALID)
    for _ in range(30):
        bench.tick(first)
    assert bench.broker.counters.model_calls == 1
    assert bench.broker.counters.cancelled == 1


def test_an_answer_that_is_too_late_is_unsure_and_says_so():
    bench = Bench({QUESTION: "yes"}, latency=2.0)
    leaf = bench.leaf("see", question=QUESTION, deadline=0.5, on_unsure="failure")
    assert bench.run(leaf) is FAILURE
    assert bench.context.now == pytest.approx(0.5)
    assert leaf.feedback_message == f"unsure about {QUESTION!r}: no answer within 0.5 s"


def test_a_node_that_has_spent_its_budget_is_unsure_and_says_so():
    bench = Bench({QUESTION: "yes"})
    leaf = bench.leaf("see", question=QUESTION, budget=2, on_unsure="failure")
    for expected in (SUCCESS, SUCCESS, FAILURE):
        assert bench.run(leaf) is expected
        bench.run(bench.leaf("wait", duration=0.2))
    assert "this node has spent its budget of 2 model calls" in leaf.feedback_message


def test_every_look_is_told_with_what_came_of_it():
    bench = Bench({QUESTION: "yes"})
    told: list[Glance] = []
    bench.context.glances = told.append
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5)
    bench.ticks(leaf, 20)
    assert [(g.asked, g.judged) for g in told][:2] == [(True, ""), (False, "table#1")]
    assert {g.max_age for g in told} == {0.5}


def test_debounce_waits_for_answers_that_agree():
    bench = Bench({QUESTION: {"calls": ["yes", "no", "yes", "yes", "yes"]}})
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5, debounce=3)
    statuses = "".join(bench.ticks(leaf, 40))
    assert statuses.startswith("RR")
    assert statuses.lstrip("R").strip("S") == ""
    assert bench.broker.counters.model_calls == 5


class TestAskHuman:
    """``on_unsure: ask_human``."""

    @pytest.fixture
    def desk(self) -> Any:
        source, sink = os.pipe()
        yield TerminalHuman(Watcher(Console(quiet=True)), source), sink
        os.close(source)
        os.close(sink)

    def bench(self, human: Any, **script: object) -> tuple[Bench, Any]:
        bench = Bench(script or {QUESTION: 0.5})
        bench.context.human = human
        return bench, bench.leaf("see", question=QUESTION, on_unsure="ask_human", max_age=0.5)

    @pytest.mark.parametrize(("typed", "status"), [("yes", "S"), ("n", "F")])
    def test_the_human_decides_and_that_stands_while_the_model_is_unsure(self, desk: Any, typed: str, status: str):
        bench, leaf = self.bench(desk[0])
        assert set(bench.ticks(leaf, 5)) == {"R"}
        os.write(desk[1], f"{typed}\n".encode())
        for number in range(30):
            move(bench, number)
            assert bench.tick(leaf).name[0] == status
        assert "says the human" in leaf.feedback_message

    def test_the_model_overrules_the_human_once_it_is_sure(self, desk: Any):
        bench, leaf = self.bench(desk[0], **{QUESTION: {"times": {"0s": 0.5, "1s": "no"}}})
        bench.ticks(leaf, 3)
        os.write(desk[1], b"yes\n")
        assert bench.tick(leaf) is SUCCESS
        for number in range(40):
            move(bench, number)
            bench.tick(leaf)
        assert leaf.status is FAILURE

    def test_the_question_is_withdrawn_when_the_model_is_sure_or_the_leaf_is_halted(self, desk: Any):
        bench, leaf = self.bench(desk[0], **{QUESTION: {"times": {"0s": 0.5, "0.5s": "yes"}}})
        bench.ticks(leaf, 3)
        assert len(desk[0]._open) == 1
        for number in range(20):
            move(bench, number)
            bench.tick(leaf)
        assert leaf.status is SUCCESS
        assert len(desk[0]._open) == 0
        bench, leaf = self.bench(desk[0])
        bench.ticks(leaf, 3)
        leaf._x(INVALID)
        assert len(desk[0]._open) == 0

    def test_a_human_who_is_silent_or_absent_leaves_it_unsure(self, desk: Any):
        bench, leaf = self.bench(desk[0])
        leaf.wiring.inputs["ask_deadline"] = lambda: 1.0
        bench.ticks(leaf, 30)
        assert leaf.feedback_message == "unsure, the human did not answer: p(yes) = 0.50"
        bench, leaf = self.bench(None)
        bench.ticks(leaf, 5)
        assert leaf.feedback_message == "unsure, and there is no human to ask: p(yes) = 0.50"


def test_urgency_of_a_leaf_without_a_tree_is_usual():
    assert urgency(Script("S")) == USUAL
