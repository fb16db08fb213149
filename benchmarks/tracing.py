"""What recording costs: CPU of whole runs with and without it, and its share of a tick.

    python benchmarks/tracing.py [--turns N] [--seed N] [--rounds N] [--seconds S] [--json]

Runs are of ``tidy_table`` with the oracle on the simulated Panda, for so many seconds of its clock. One that records
and one that does not take turns in one process, the order changing, after one that is not counted, as a first run also
pays for what is loaded only once. What counts is the CPU time of the process from the first tick until the trace is
closed, the writing thread with it. Told are the ratio of the least CPU times of both ways, as other work on the machine
only adds to them, the median of the ratios of neighbours, and the CPU time of the other threads, which write.

Ticks are of the tree of ``benchmarks/share.py``, 105 nodes with 20 guards, in which each tick changes the status of a
guard and its recovery; CPU time of the ticking thread, medians, with and without a trace. The exit code is 1 when a
recording run takes more than 5 % more CPU, or the statuses of a tick cost more than 2 % of a millisecond.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import knothole
from knothole.behaviors.context import Context
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter

GUARDS: Final = 20
PERIOD: Final = 1000.0
"""A millisecond, [us]."""
MOST_CPU: Final = 0.05
MOST_SHARE: Final = 0.02


def run_cpu(seed: int, seconds: float, trace: Path | None) -> tuple[float, float]:
    """Return the CPU time of a run, first tick to closed trace, and what of it other threads took, [s]."""
    tree = knothole.load("tidy_table")
    with tree.bind(robot="panda", vlm="oracle", scene="tidy_table", seed=seed, max_time=seconds, trace=trace) as run:
        gc.collect()
        begin, ticking = time.process_time(), time.thread_time()
        result = run.loop.run()
        taken, ticked = time.process_time() - begin, time.thread_time() - ticking
    if result.fault is not None:
        raise result.fault
    return taken, taken - ticked


def runs(turns: int, seed: int, seconds: float, folder: Path) -> dict[str, float]:
    """Return least CPU of both ways [s] and their ratio, the median ratio, and the size of a trace [bytes]."""
    trace = folder / "run.mcap"
    run_cpu(seed, seconds, trace)
    plain: list[tuple[float, float]] = []
    recorded: list[tuple[float, float]] = []
    for turn in range(turns):
        ways = [(plain, None), (recorded, trace)]
        for times, path in ways if turn % 2 else reversed(ways):
            times.append(run_cpu(seed, seconds, path))
    ratios = [b / a for (a, _), (b, _) in zip(plain, recorded, strict=True)]
    return {
        "plain_s": min(plain)[0],
        "recorded_s": min(recorded)[0],
        "ratio": min(recorded)[0] / min(plain)[0],
        "median_ratio": statistics.median(ratios),
        "writing_s": min(other for _, other in recorded),
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
    print(f"plain {cpu['plain_s']:.2f} s, recorded {cpu['recorded_s']:.2f} s, ratio {cpu['ratio']:.3f}", end="")
    print(f" (at most {1 + MOST_CPU:.2f}), trace {cpu['bytes'] / 1e6:.1f} MB")
    print(f"median of the ratios {cpu['median_ratio']:.3f}, writing thread {cpu['writing_s']:.2f} s", end="")
    print(f", {cpu['writing_s'] / cpu['plain_s']:.1%}")
    print("\n105 nodes, 20 guards; a loop tick, CPU of the ticking thread\n")
    for label, taken in ticks.items():
        over = "   > 2 %" if label == "changing added" and taken > MOST_SHARE * PERIOD else ""
        print(f"{label:<20}{taken:>8.1f} us{taken / PERIOD:>9.2%} of 1 ms{over}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
