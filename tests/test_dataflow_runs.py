"""What the checker says of reads before writes is what the engine does: random trees are checked, then run."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, Wiring
from knothole.behaviors.step import Status
from knothole.trees.builder import build
from knothole.trees.loader import Loader
from knothole.trees.ticking.loop import Loop

RUNS = 8
SHAPES = (
    "sequence: [{}, {}]", "sequence: [{}, {}, {}]", "selector: [{}, {}]", "selector: [{}, {}, {}]",
    "reactive_sequence: [{}, {}]", "reactive_selector: [{}, {}]", "parallel: [{}, {}]",
    "parallel: {{success: one, children: [{}, {}]}}", "inverter: {{child: {}}}", "retry: {{attempts: 2, child: {}}}",
    "repeat: {{times: 2, child: {}}}", "timeout: {{duration: 5s, child: {}}}", "bt.IfThenElse: [{}, {}]",
    "bt.IfThenElse: [{}, {}, {}]", "bt.WhileDoElse: [{}, {}, {}]", "bt.TryCatch: [{}, {}]",
    "bt.ForceSuccess: {{child: {}}}", "bt.ForceFailure: {{child: {}}}", "bt.Fallback: [{}, {}]",
    "bt.SequenceWithMemory: [{}, {}]",
    "bt.Inverter: {{child: {}}}", "sequence: [{}, {}], when: $@coin", "sequence: [{}, {}], success_if: $@coin",
    "selector: [{}, {}], failure_if: $@coin", "sequence: [{}], on_success: {}", "sequence: [{}], on_failure: {}",
    "sequence: [{}], post: {}", "selector: [{}, {}], retry: 2",
)  # fmt: skip


class Coin(Leaf):
    """Succeeds or fails as it falls."""

    draws: random.Random

    def step(self) -> Status:
        return self.succeed() if self.draws.random() < 0.5 else self.fail("tails")


def tossed(draws: random.Random) -> Any:
    def make(wiring: Wiring) -> Coin:
        coin = Coin(wiring)
        coin.draws = draws
        return coin

    return make


def written(draws: random.Random, levels: int, reads: list[int]) -> str:
    """Return a random node that sets, reads, and leaves things to chance."""
    if levels == 0 or draws.random() < 0.15:
        kind = draws.choice(("set", "read", "coin", "coin"))
        if kind == "read":
            reads.append(len(reads))
            return f'{{say: "#{len(reads) - 1} ${{x}}"}}'
        return "{set: {name: $x, to: '1'}}" if kind == "set" else "home"
    shape = draws.choice(SHAPES)
    return "{" + shape.format(*(written(draws, levels - 1, reads) for _ in range(shape.count("{}")))) + "}"


@pytest.mark.parametrize("seed", range(12))
def test_reads_before_writes_are_those_of_the_engine(seed: int) -> None:
    draws = random.Random(seed)
    told = {"K202": 0, "K203": 0, "": 0}
    for _ in range(40):
        reads: list[int] = []
        text = f"knothole: 1\ntree: t\nroot: {{sequence: [{written(draws, 3, reads)}, {written(draws, 1, reads)}]}}\n"
        loader = Loader()
        (tree,) = loader.text(text, "t.yaml")
        found = {p.code: p for p in loader.problems if p.code in ("K201", "K202", "K203")}
        assert tree is not None
        never = [
            re.findall(r"#(\d+) ", text.split("\n")[p.place.line - 1][: p.place.column - 1])[-1]
            for p in loader.problems
            if p.code in ("K201", "K202")
        ]
        told["K202" if never else "K203" if found else ""] += 1
        for _ in range(RUNS):
            said: list[str] = []
            coins = {node.path: tossed(draws) for node in tree.walk() if node.type == "home"}
            built = build(tree, Context(say=said.append), overrides=coins, params={"coin": draws.random() < 0.5})
            fault = Loop(built, max_time=10.0).run().fault
            if not found:
                assert fault is None or "was skipped" in str(fault), (text, fault)
            assert not [line for line in said if line[1:].split(" ")[0] in never], (text, said)
    assert min(told.values()) > 0  # all three were met
