"""What a tick costs, beside py_trees' own ways to tick the same shapes.

    python benchmarks/ticks.py [--rounds N] [--json]

All engines run interleaved in one process (A B C, A B C, …), measured in CPU time of the thread with the collector off
inside a round. Absolute times follow the machine and its load; the ratios of one run are the result. Leaves return a
constant status.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import py_trees
from py_trees.common import Status

from knothole._base import Place
from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.composites import ReactiveSelector, ReactiveSequence, Selector, Sequence
from knothole.behaviors.context import Context
from knothole.behaviors.decorators import Inverter, Retry
from knothole.behaviors.node import Leaf, Wiring
from knothole.trees.builder import BuiltNode, BuiltTree
from knothole.trees.node_types import NodeType
from knothole.trees.spec import NodeSpec, TreeSpec
from knothole.trees.tracing.changes import Changes

Shape = Any
"""``S``, ``F``, ``R``, or ``(kind, memory, children)`` with kind ``seq sel inv retry``."""

STATUS = {"S": Status.SUCCESS, "F": Status.FAILURE, "R": Status.RUNNING}


class Plain(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """A py_trees leaf with a constant status."""

    def __init__(self, status: Status) -> None:
        super().__init__("leaf")
        self.constant = status

    def update(self) -> Status:
        return self.constant


class Constant(Leaf):
    """Our leaf with a constant status."""

    def __init__(self, status: Status) -> None:
        super().__init__(Wiring("leaf"))
        self.constant = status

    def step(self) -> Status:
        return self.constant


class Failing(Leaf):
    """Our leaf that fails, with its reason, as each must."""

    def step(self) -> Status:
        return self.fail("constant")


def seq(memory: bool, *children: Shape) -> Shape:
    return ("seq", memory, list(children))


def sel(memory: bool, *children: Shape) -> Shape:
    return ("sel", memory, list(children))


def task() -> Shape:
    """Recovery branches above a pick-and-place task whose motion is RUNNING: 70-odd nodes."""

    def pick(motion: str) -> Shape:
        reach = ("retry", True, [seq(True, "S", "S", motion)])
        return seq(True, "S", sel(True, "S", seq(True, "S", "S")), reach, "S", "S")

    def place() -> Shape:
        return seq(True, "S", sel(True, "S", seq(True, "S", "S")), ("retry", True, [seq(True, "S", "S", "S")]), "S")

    work = seq(True, "S", pick("S"), place(), pick("R"), place(), "S")
    return sel(
        False,
        seq(False, "F", "S", "S"),
        seq(False, "F", seq(True, "S", "S", "S")),
        seq(False, "S", ("inv", True, ["F"]), work),
        "S",
    )


def big(memory: bool, widths: tuple[int, ...] = (10, 10, 10, 9), on_way: bool = True) -> Shape:
    """10,000 leaves, one of them RUNNING in the middle."""
    if not widths:
        return "R" if on_way else "S"
    children = [big(memory, widths[1:], on_way and k == 5) for k in range(widths[0])]
    return seq(memory, *children)


def reactive(guards: int = 20) -> Shape:
    """Twenty conditions with recoveries, checked anew in each tick, before a RUNNING motion."""
    return seq(False, *[sel(False, "S", seq(True, "S", "S")) for _ in range(guards)], seq(True, "S", "S", "R"))


def chain(depth: int, leaf: str) -> Shape:
    return leaf if depth == 0 else seq(True, chain(depth - 1, leaf))


SHAPES: dict[str, Callable[[], Shape]] = {
    "flat1000": lambda: seq(True, *["S"] * 1000),
    "chain200R": lambda: chain(200, "R"),
    "task": task,
    "reactive20": reactive,
    "big10k": lambda: big(True),
    "big10k-reactive": lambda: big(False),
}


def theirs(shape: Shape) -> Any:
    """Build a shape of py_trees' own classes."""
    if isinstance(shape, str):
        return Plain(STATUS[shape])
    kind, memory, below = shape
    children = [theirs(each) for each in below]
    if kind == "inv":
        return py_trees.decorators.Inverter("inverter", children[0])
    if kind == "retry":
        return py_trees.decorators.Retry("retry", children[0], 3)
    made = py_trees.composites.Sequence if kind == "seq" else py_trees.composites.Selector
    return made(kind, memory, children)


def ours(shape: Shape) -> Any:
    """Build a shape of our classes."""
    if isinstance(shape, str):
        return Failing(Wiring("leaf")) if shape == "F" else Constant(STATUS[shape])
    kind, memory, below = shape
    children = [ours(each) for each in below]
    if kind == "inv":
        return Inverter(Wiring("inverter", children=children))
    if kind == "retry":
        return Retry(Wiring("retry", inputs={"attempts": lambda: 3}, children=children))
    classes = {"seq": (ReactiveSequence, Sequence), "sel": (ReactiveSelector, Selector)}
    return classes[kind][memory](Wiring(kind, children=children))


def logged(root: Any) -> Changes:
    """Hang the change log of a run into a tree."""
    place = Place("benchmark", 1, 1)
    spec = NodeSpec("sequence", NodeType("sequence", "composite", {}), place, "root", "root")
    nodes = []
    for index, node in enumerate(root.iterate()):
        node.index = index
        kind = "composite" if node.children else "leaf"
        nodes.append(BuiltNode(index, str(index), "node", node.name, kind, place, -1, node, spec))
    return Changes(BuiltTree(TreeSpec("benchmark", "", spec), root, tuple(nodes), Blackboard(), Context()))


@dataclass(frozen=True)
class Row:
    """Median CPU time of a tick of each engine, [us]."""

    shape: str
    nodes: int
    behaviour_tree: float
    tick_once: float
    knothole: float
    logged: float


def measure(name: str, rounds: int, budget: float = 0.03) -> Row:
    """Tick one shape with all engines in turns; each turn takes about ``budget`` [s] of CPU time."""
    shape = SHAPES[name]()
    with_tree = py_trees.trees.BehaviourTree(theirs(shape))
    plain, fast, watched = theirs(shape), ours(shape), ours(shape)
    changes = logged(watched)

    def tick_logged() -> None:
        watched._t()
        changes.fetch()

    engines: list[Callable[[], object]] = [with_tree.tick, plain.tick_once, fast._t, tick_logged]
    counts = []
    for engine in engines:
        engine()
        start = time.thread_time()
        engine()
        counts.append(max(1, int(budget / max(1e-6, time.thread_time() - start))))
    times: list[list[float]] = [[] for _ in engines]
    for _ in range(rounds):
        for engine, count, found in zip(engines, counts, times, strict=True):
            gc.collect()
            gc.disable()
            start = time.thread_time()
            for _ in range(count):
                engine()
            found.append((time.thread_time() - start) / count * 1e6)
            gc.enable()
    nodes = sum(1 for _ in fast.iterate())
    return Row(name, nodes, *(statistics.median(found) for found in times))


def main() -> None:
    parser = argparse.ArgumentParser(description="What a tick costs, beside py_trees.")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each engine (default 9)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    if not options.json:
        print("CPU time of one tick [us]; x: how many times faster than BehaviourTree.tick / than tick_once\n")
        engines = f"{'BehaviourTree':>15}{'tick_once':>11}{'knothole':>10}{'+ log':>9}"
        print(f"{'shape':<16}{'nodes':>7}{engines}{'x':>9}{'x':>7}")
    for name in SHAPES:
        row = measure(name, options.rounds)
        if options.json:
            print(json.dumps(row.__dict__))
            continue
        ratios = f"{row.behaviour_tree / row.knothole:>9.1f}{row.tick_once / row.knothole:>7.1f}"
        numbers = f"{row.behaviour_tree:>15.1f}{row.tick_once:>11.1f}{row.knothole:>10.2f}{row.logged:>9.2f}"
        print(f"{row.shape:<16}{row.nodes:>7}{numbers}{ratios}")


if __name__ == "__main__":
    main()
