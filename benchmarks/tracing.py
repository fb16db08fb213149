"""What recording costs: CPU of whole runs with and without it, and its share of a tick.

    python benchmarks/tracing.py [--turns N] [--seed N] [--rounds N] [--seconds S] [--json]

Runs are of ``tidy_table`` with the oracle on the simulated Panda, for so many seconds of its clock. One that records
and one that does not go side by side in one process, a second of their clock each in turn, the order changing: a
machine that gets faster or slower meanwhile does so for both. What counts is CPU time from the first tick until the
trace is closed: that of the ticking thread, for each run by itself, and that of all other threads, of which the
writing one does nearly all and which are counted as recording. Told are the means of a run and their ratio, with the
least and the most of a turn.

Ticks are of the tree of ``benchmarks/share.py``, 105 nodes with 20 guards, in which each tick changes the status of a
guard and its recovery; CPU time of the ticking thread, medians, with and without a trace. The exit code is 1 when a
recording run takes more than 5 % more CPU, or the statuses of a tick cost more than 2 % of a millisecond.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import knothole
from knothole.app.running.run import Run
from knothole.behaviors.context import Context
from knothole.behaviors.step import RUNNING
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter

GUARDS: Final = 20
PIECE: Final = 1.0
"""How much one run goes ahead of the other, [s] of its clock."""
PERIOD: Final = 1000.0
"""A millisecond, [us]."""
MOST_CPU: Final = 0.05
MOST_SHARE: Final = 0.02


def advance(run: Run, until: float) -> float:
    """Tick a run up to a time of its clock, [s], or to its end; return the CPU time of the ticking thread, [s]."""
    begin = time.thread_time()
    context, root = run.loop.context, run.loop.tree.root
    while context.now < until and (not context.tick or root.status is RUNNING):
        run.loop.tick()
    return time.thread_time() - begin


def ended(run: Run) -> float:
    """Close a run and its trace; return the CPU time of the ticking thread, [s]."""
    begin = time.thread_time()
    result = run.loop.close()
    if result.fault is not None:
        raise result.fault
    return time.thread_time() - begin


def pair_cpu(seed: int, seconds: float, trace: Path) -> tuple[float, float, float]:
    """Return the CPU time of a run without and one with a trace that go side by side, and of all other threads, [s]."""

    def bind(path: Path | None) -> Run:
        return tree.bind(robot="panda", vlm="oracle", scene="tidy_table", seed=seed, max_time=seconds, trace=path)

    tree = knothole.load("tidy_table")
    taken = [0.0, 0.0]
    with bind(None) as plain, bind(trace) as recorded:
        runs = (plain, recorded)
        writer = recorded.loop.trace
        assert writer is not None
        gc.collect()
        others = time.process_time() - time.thread_time()
        for piece in range(math.ceil(seconds / PIECE)):
            for which in (0, 1) if piece % 2 else (1, 0):
                taken[which] += advance(runs[which], min((piece + 1) * PIECE, seconds))
                while writer.waiting:
                    time.sleep(0.01)
        for which in (0, 1):
            taken[which] += ended(runs[which])
        others = time.process_time() - time.thread_time() - others
    return taken[0], taken[1], others


def runs(turns: int, seed: int, seconds: float, folder: Path) -> dict[str, float]:
    """Return CPU of both ways and of writing, means of a run [s], their ratio, its range, and bytes of a trace."""
    trace = folder / "run.mcap"
    pair_cpu(seed, min(seconds, 2 * PIECE), trace)
    found = [pair_cpu(seed, seconds, trace) for _ in range(turns)]
    ratios = [(recorded + others) / plain for plain, recorded, others in found]
    plain, recorded, others = (statistics.mean(each) for each in zip(*found, strict=True))
    return {
        "plain_s": plain,
        "ticking_s": recorded,
        "writing_s": others,
        "ratio": (recorded + others) / plain,
        "least_ratio": min(ratios),
        "most_ratio": max(ratios),
        "bytes": float(trace.stat().st_size),
    }


def tree_text() -> str:
    """Return the tree: guards that read two entries each and have a recovery."""
    entries = "".join(f"  gap{n}: 0.5\n  least{n}: 0.2\n" for n in range(GUARDS))
    branches = "".join(
        f"    - reactive_selector:\n        - check: $gap{n} > $least{n}\n        - sequence:\n"
        f"            - check: $gap{n} > 0\n            - check: $least{n} > 0\n"
        for n in range(GUARDS)
    )
    task = "    - sequence:\n        - say: begin\n        - say: go\n        - wait: 1000h\n"
    return f"knothole: 1\ntree: reactive\nparams:\n{entries}root:\n  reactive_sequence:\n{branches}{task}"


def tick_cpu(rounds: int, trace: Path | None, changing: bool, ticks: int = 400) -> float:
    """Return the CPU time of the ticking thread for a tick, [us], with or without a status that changes."""
    writer = TraceWriter(trace) if trace is not None else None
    loop = Loop(build(load_text(tree_text()), Context()), trace=writer, rate=1000.0)
    loop.tick()
    cell = next(cell for cell in loop.tree.blackboard if cell.name == "gap0")
    found = []
    for _ in range(rounds):
        while writer is not None and writer.waiting:
            time.sleep(0.001)
        gc.collect()
        gc.disable()
        begin = time.thread_time()
        for number in range(ticks):
            if changing:
                cell.value, cell.version = (0.5 if number % 2 else 0.1), cell.version + 1
            loop.tick()
        found.append((time.thread_time() - begin) / ticks * 1e6)
        gc.enable()
    loop.close()
    return statistics.median(found)


def shares(rounds: int, folder: Path) -> dict[str, float]:
    """Return the CPU of a tick, [us], in four ways, and what recording adds."""
    found = {}
    for name, changing in (("still", False), ("changing", True)):
        found[f"{name} plain"] = tick_cpu(rounds, None, changing)
        found[f"{name} recorded"] = tick_cpu(rounds, folder / "tick.mcap", changing)
        found[f"{name} added"] = found[f"{name} recorded"] - found[f"{name} plain"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="pairs of runs (default 7)")
    parser.add_argument("--seed", type=int, default=3, help="seed of the scene (default 3)")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a run, [s] of its clock (default 12)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of ticks (default 15)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ticks = shares(args.rounds, Path(name))
        cpu = runs(args.turns, args.seed, args.seconds, Path(name))
    met = cpu["ratio"] <= 1 + MOST_CPU and ticks["changing added"] <= MOST_SHARE * PERIOD
    if args.json:
        print(json.dumps({"runs": cpu, "ticks": ticks, "met": met}))
        return 0 if met else 1
    print(f"tidy_table, oracle, panda, {args.seconds:g} s of the run clock, {args.turns} turns, CPU of the process\n")
    print(
        f"plain {cpu['plain_s']:.2f} s, recorded {cpu['ticking_s']:.2f} s and {cpu['writing_s']:.2f} s of writing",
        end="",
    )
    print(f", trace {cpu['bytes'] / 1e6:.1f} MB")
    print(f"ratio {cpu['ratio']:.3f} (at most {1 + MOST_CPU:.2f}), {cpu['least_ratio']:.3f} to {cpu['most_ratio']:.3f}")
    print("\n105 nodes, 20 guards; a loop tick, CPU of the ticking thread\n")
    for label, taken in ticks.items():
        over = "   > 2 %" if label == "changing added" and taken > MOST_SHARE * PERIOD else ""
        print(f"{label:<20}{taken:>8.1f} us{taken / PERIOD:>9.2%} of 1 ms{over}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
