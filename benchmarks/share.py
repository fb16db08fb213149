"""What share of a millisecond a reactive tree takes, its guards reading the blackboard and the change log on.

    python benchmarks/share.py [--rounds N] [--json]

The tree has 105 nodes: 20 guards with recoveries, decided anew in each tick from two entries each, before a RUNNING
leaf. It is read from YAML and built as every tree is, once with ``check`` and its expressions and once with a leaf
written in Python that reads two ports; py_trees has the same shape, its guards reading two keys through their
``Client``. A ``tick`` is the tree with its change log, a ``loop tick`` also time, digest and all else of ``Loop.tick``.
``moving`` is a loop tick after every one of the entries changed; what the writes themselves cost is not in it.

All take turns in one process, CPU time of the thread, medians, the collector off inside a round. The exit code is 1
when a loop tick takes more than 2 % of a millisecond, or when the tick of a tree of 10,000 leaves takes more than
three times as long as that of a small tree of the same depth (second table).
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import py_trees
from py_trees.common import Access, Status

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, behavior
from knothole.behaviors.ports import Port
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop

GUARDS: Final = 20
PERIOD: Final = 1000.0
"""A millisecond, [us]."""
MOST_SHARE: Final = 0.02
MOST_GROWTH: Final = 3.0


@behavior("wider")
class Wider(Leaf):
    """A guard as somebody writes it in Python.

    Ports:
        gap (in, number): What is measured.
        least (in, number): What it must exceed.

    Status:
        SUCCESS: It does.
        FAILURE: It does not.

    Halt:
        Nothing to halt.
    """

    ports = (Port("gap", "number", "what is measured"), Port("least", "number", "what it must exceed"))

    def step(self) -> Status:
        """Compare them."""
        gap, least = self.get("gap"), self.get("least")
        return self.succeed("wide enough") if gap > least else self.fail("too narrow")  # type: ignore[operator]


class TheirWider(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """The same for py_trees."""

    def __init__(self, number: int) -> None:
        super().__init__(f"guard {number}")
        self.board = self.attach_blackboard_client(f"guard {number}")
        self.gap, self.least = f"gap{number}", f"least{number}"
        for key in (self.gap, self.least):
            self.board.register_key(key, Access.READ)

    def update(self) -> Status:
        if getattr(self.board, self.gap) > getattr(self.board, self.least):
            self.feedback_message = "wide enough"
            return Status.SUCCESS
        self.feedback_message = "too narrow"
        return Status.FAILURE


def text_of(guard: str) -> str:
    """Return the tree with its guards spelt as ``guard``, N standing for their numbers."""
    entries = "".join(f"  gap{n}: 0.5\n  least{n}: 0.2\n" for n in range(GUARDS))
    branches = "".join(
        f"    - reactive_selector:\n        - {guard.replace('N', str(n))}\n        - sequence: [home, home]\n"
        for n in range(GUARDS)
    )
    task = "    - sequence:\n        - say: begin\n        - say: go\n        - wait: 1000h\n"
    return f"knothole: 1\ntree: reactive\nparams:\n{entries}root:\n  reactive_sequence:\n{branches}{task}"


GUARDED: Final = {"check": "check: $gapN > $leastN", "python": "wider: {gap: $gapN, least: $leastN}"}


def theirs() -> Any:
    """Build the tree of py_trees' classes, its blackboard filled."""
    sequence, selector = py_trees.composites.Sequence, py_trees.composites.Selector
    success, running = py_trees.behaviours.Success, py_trees.behaviours.Running
    branches = [
        selector("either", False, [TheirWider(n), sequence("recover", True, [success("a"), success("b")])])
        for n in range(GUARDS)
    ]
    task = sequence("task", True, [success("begin"), success("go"), running("wait")])
    for n in range(GUARDS):
        py_trees.blackboard.Blackboard.set(f"gap{n}", 0.5)
        py_trees.blackboard.Blackboard.set(f"least{n}", 0.2)
    return sequence("reactive", False, [*branches, task])


def loop_of(text: str) -> Loop:
    """Build a tree and tick it once in a loop of its own, on a stepped clock."""
    loop = Loop(build(load_text(text), Context()))
    loop.tick()
    return loop


def tree_tick(loop: Loop) -> Callable[[], object]:
    """Return the tick of the tree with its change log, without the rest of the loop."""
    root, changes = loop.tree.root, loop.record.changes

    def tick() -> None:
        root._t()
        changes.fetch()

    return tick


def timed(ways: dict[str, Callable[[], object]], rounds: int, budget: float = 0.03) -> dict[str, list[float]]:
    """Return CPU times of a call in each round, [us], by way; all take turns of about ``budget`` [s]."""
    counts = {}
    for name, call in ways.items():
        call()
        start = time.thread_time()
        for _ in range(10):
            call()
        counts[name] = max(10, int(10 * budget / max(1e-6, time.thread_time() - start)))
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            gc.collect()
            gc.disable()
            start = time.thread_time()
            for _ in range(counts[name]):
                call()
            found[name].append((time.thread_time() - start) / counts[name] * 1e6)
            gc.enable()
    return found


def moving(loop: Loop, rounds: int, ticks: int = 500) -> float:
    """Return the CPU time of a loop tick, [us], whose guards meet other values than in the tick before."""
    cells = [cell for cell in loop.tree.blackboard if cell.name.startswith("gap")]
    found = []
    for _ in range(rounds):
        taken = 0.0
        gc.collect()
        gc.disable()
        for number in range(ticks):
            for cell in cells:
                cell.value, cell.version = 0.5 + number * 1e-3, cell.version + 1
            start = time.thread_time()
            loop.tick()
            taken += time.thread_time() - start
        gc.enable()
        found.append(taken / ticks * 1e6)
    return statistics.median(found)


def share(rounds: int) -> dict[str, float]:
    """Return medians of the first table, [us]."""
    ticked = py_trees.trees.BehaviourTree(theirs())
    once = theirs()
    loops = {name: loop_of(text_of(guard)) for name, guard in GUARDED.items()}
    ways: dict[str, Callable[[], object]] = {"BehaviourTree.tick": ticked.tick, "tick_once": once.tick_once}
    for name, loop in loops.items():
        nodes = len(loop.tree.nodes)
        assert nodes == sum(1 for _ in once.iterate()) == 105, nodes
        ways[f"{name} tick"] = tree_tick(loop_of(text_of(GUARDED[name])))
        ways[f"{name} loop tick"] = loop.tick
    medians = {name: statistics.median(times) for name, times in timed(ways, rounds).items()}
    for name, loop in loops.items():
        medians[f"{name} moving"] = moving(loop, rounds)
    return medians


def nested(widths: tuple[int, ...], on_way: bool = True) -> list[str]:
    """Return the lines of sequences in sequences with one RUNNING leaf, in the middle."""
    if not widths:
        return ["- wait: 1000h" if on_way else "- say: done"]
    lines = ["- sequence:"]
    for number in range(widths[0]):
        lines += ["    " + line for line in nested(widths[1:], on_way and number == widths[0] // 2)]
    return lines


def size(rounds: int) -> dict[str, float]:
    """Return medians of the second table, [us]: loop ticks of trees of one depth, by number of nodes."""
    loops = {}
    for widths in ((2, 2, 2, 2), (10, 10, 10, 10)):
        root = "\n".join("  " + line for line in nested(widths))[4:]
        loop = loop_of(f"knothole: 1\ntree: nested\nroot:\n  {root}\n")
        loops[f"{len(loop.tree.nodes)} nodes"] = loop.tick
    return {name: statistics.median(times) for name, times in timed(dict(loops), rounds).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (default 9)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    shares, sizes = share(args.rounds), size(args.rounds)
    small, large = sizes.values()
    met = large <= MOST_GROWTH * small
    met = met and all(shares[f"{name} loop tick"] <= MOST_SHARE * PERIOD for name in GUARDED)
    if args.json:
        print(json.dumps({"share": shares, "size": sizes, "met": met}))
        return 0 if met else 1
    peers = ("BehaviourTree.tick", "tick_once")
    print(f"105 nodes, {GUARDS} guards that read two entries each; times faster than py_trees' two ways to tick\n")
    print(f"{'':<22}{'us':>8}{'of 1 ms':>10}" + "".join(f"{peer:>20}" for peer in peers))
    for name, taken in shares.items():
        ratios = "".join(f"{shares[peer] / taken:>20.1f}" for peer in peers)
        over = "   > 2 %" if name.endswith("loop tick") and taken > MOST_SHARE * PERIOD else ""
        print(f"{name:<22}{taken:>8.1f}{taken / PERIOD:>10.2%}{ratios}{over}")
    print("\nsequences in sequences, 5 deep, one leaf RUNNING; a loop tick\n")
    for name, taken in sizes.items():
        print(f"{name:<22}{taken:>8.2f} us{taken / small:>8.2f} x")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
