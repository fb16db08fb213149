"""What a tick costs, beside py_trees' own ways to tick the same shapes and BehaviorTree.CPP's Python bindings.

    python benchmarks/ticks.py [--rounds N] [--json]

All engines run interleaved in one process (A B C, A B C, …), measured in CPU time of the thread with the collector off
inside a round. Absolute times follow the machine and its load; the ratios of one run are the result. Leaves return a
constant status. ``behaviortreepy`` is BehaviorTree.CPP itself, once with leaves that are Python functions and once
with its own in C++ (``AlwaysSuccess``, ``AlwaysFailure``, and ``Sleep`` for one that is RUNNING). The second table is
the same with our change log on, fetched once a tick as a run does; failure reasons are always on.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import behaviortreepy
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


def task60() -> Shape:
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


def reactive20g(guards: int = 20) -> Shape:
    """Twenty conditions with recoveries, checked anew in each tick, before a RUNNING motion."""
    return seq(False, *[sel(False, "S", seq(True, "S", "S")) for _ in range(guards)], seq(True, "S", "S", "R"))


def chain(depth: int, leaf: str) -> Shape:
    return leaf if depth == 0 else seq(True, chain(depth - 1, leaf))


SHAPES: Final[dict[str, Callable[[], Shape]]] = {
    "flat1000": lambda: seq(True, *["S"] * 1000),
    "chain200": lambda: chain(200, "S"),
    "chain200R": lambda: chain(200, "R"),
    "task60": task60,
    "reactive20g": reactive20g,
    "big10k": lambda: big(True),
    "big10k-reactive": lambda: big(False),
}
ENGINES: Final = ("BehaviourTree", "tick_once", "bt python", "bt c++", "knothole", "+ log")
"""``BehaviourTree.tick`` and ``tick_once`` of py_trees, ``behaviortreepy`` twice, ours without and with the log."""
TARGETS: Final[dict[str, dict[str, float]]] = {
    "BehaviourTree": {"task60": 15, "reactive20g": 25, "flat1000": 45, "big10k": 1000},
    "bt python": {"task60": 0.9, "reactive20g": 3, "flat1000": 3.5},
    "bt c++": {"task60": 0.5, "reactive20g": 1.2, "flat1000": 1.2},
}
"""Peer → shape → how many times faster a tick shall be, at least; with the change log on 0.6 of it."""
WITH_LOG: Final = 0.6


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


BT_NODES: Final = {"seq": ("ReactiveSequence", "Sequence"), "sel": ("ReactiveFallback", "Fallback")}
CPP_LEAVES: Final = {"S": "<AlwaysSuccess/>", "F": "<AlwaysFailure/>", "R": '<Sleep msec="1000000000"/>'}


def xml(shape: Shape, leaves: dict[str, str]) -> str:
    """Write a shape as BehaviorTree.CPP's XML."""
    if isinstance(shape, str):
        return leaves[shape]
    kind, memory, below = shape
    inside = "".join(xml(each, leaves) for each in below)
    if kind == "inv":
        return f"<Inverter>{inside}</Inverter>"
    if kind == "retry":
        return f'<RetryUntilSuccessful num_attempts="3">{inside}</RetryUntilSuccessful>'
    tag = BT_NODES[kind][memory]
    return f"<{tag}>{inside}</{tag}>"


def bindings(shape: Shape, leaves: dict[str, str]) -> Any:
    """Build a shape with BehaviorTree.CPP; the factory stays with the tree, which needs it."""
    status = behaviortreepy.NodeStatus
    factory = behaviortreepy.BehaviorTreeFactory()
    factory.register_simple_condition("PyS", lambda node: status.SUCCESS)
    factory.register_simple_condition("PyF", lambda node: status.FAILURE)
    factory.register_simple_stateful_action(
        "PyR", lambda node: status.RUNNING, lambda node: status.RUNNING, lambda node: None
    )
    name = quoteattr("Main")
    text = f'<root BTCPP_format="4"><BehaviorTree ID={name}>{xml(shape, leaves)}</BehaviorTree></root>'
    factory.register_behavior_tree_from_text(text)
    tree = factory.create_tree("Main", behaviortreepy.Blackboard.create())
    return tree, factory


@dataclass(frozen=True)
class Row:
    """Median CPU time of a tick of each engine, [us], by its name in ``ENGINES``."""

    shape: str
    nodes: int
    times: dict[str, float]

    def ratio(self, peer: str, ours: str) -> float:
        """Return how many times faster ours is."""
        return self.times[peer] / self.times[ours]


def measure(name: str, rounds: int, budget: float = 0.03) -> Row:
    """Tick one shape with all engines in turns; each turn takes about ``budget`` [s] of CPU time."""
    shape = SHAPES[name]()
    with_tree = py_trees.trees.BehaviourTree(theirs(shape))
    plain, fast, watched = theirs(shape), ours(shape), ours(shape)
    changes = logged(watched)
    with_python, _kept = bindings(shape, {letter: f"<Py{letter}/>" for letter in "SFR"})
    with_cpp, _too = bindings(shape, CPP_LEAVES)

    def tick_logged() -> None:
        watched._t()
        changes.fetch()

    engines: list[Callable[[], object]] = [
        with_tree.tick,
        plain.tick_once,
        with_python.tick_exactly_once,
        with_cpp.tick_exactly_once,
        fast._t,
        tick_logged,
    ]
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
    medians = map(statistics.median, times)
    return Row(name, nodes, dict(zip(ENGINES, medians, strict=True)))


def table(rows: list[Row], ours: str, share: float) -> str:
    """Return times and ratios as text; a ratio that misses its target has the target behind it."""
    peers = ENGINES[:4]
    lines = [f"{'shape':<16}{'nodes':>7}" + "".join(f"{e:>14}" for e in (*peers, ours)) + "   times faster than these"]
    for row in rows:
        times = "".join(f"{row.times[engine]:>14.2f}" for engine in (*peers, ours))
        ratios = ""
        for peer in peers:
            ratio, target = row.ratio(peer, ours), share * TARGETS.get(peer, {}).get(row.shape, 0)
            ratios += f"{ratio:>10.2f}" + (f" (< {target:g})" if ratio < target else "")
        lines.append(f"{row.shape:<16}{row.nodes:>7}{times}{ratios}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a tick costs, beside py_trees and BehaviorTree.CPP's bindings.")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each engine (default 9)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    rows = [measure(name, options.rounds) for name in SHAPES]
    if options.json:
        for row in rows:
            print(json.dumps(asdict(row)))
        return
    print("CPU time of one tick [us], and how many times faster knothole is than each; (< n) marks a missed target n\n")
    print(table(rows, "knothole", 1.0))
    print(f"\nwith the change log on; targets are {WITH_LOG:g} of those above\n")
    print(table(rows, "+ log", WITH_LOG))


if __name__ == "__main__":
    main()
