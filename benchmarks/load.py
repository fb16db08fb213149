"""What loading a tree costs: reading with places, checking, and plain PyYAML on the same text for scale.

    python benchmarks/load.py [--rounds N] [--json] [--check]

CPU time of the thread, medians, all ways interleaved in one process. Absolute times follow the machine and its load;
the ratios of one run are the result: that of reading and checking to PyYAML's ``SafeLoader`` alone is printed, round by
round and its median. Each leaf has four ports, some 110 bytes of YAML; every third one reads an entry.

With ``--check`` the exit code is 1 unless 1,000 nodes take at most 100 ms, 10,000 at most 1 s, and both at most a
fifth of ``SafeLoader``.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable

import yaml

from knothole.behaviors.context import Context
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.reading.reader import read_text


def tree_of(nodes: int) -> str:
    """Return a tree of some ``nodes`` nodes: sequences of nine leaves below one sequence."""
    leaf = '        - see: {{question: "Is {} {} on the table?", accept: 0.9, max_age: 500ms, camera: table}}\n'
    parts = []
    for i in range(nodes // 10):
        words = ["object" if j % 3 else "the ${thing}, not" for j in range(9)]
        parts.append("    - sequence:\n" + "".join(leaf.format(word, 10 * i + j) for j, word in enumerate(words)))
    head = "knothole: 1\ntree: big\ninputs: {thing: {type: text, default: cup}}\nroot:\n  sequence:\n"
    return head + "".join(parts)


LOAD, PURE = "load (read and check)", "yaml.load SafeLoader"
LIMITS = {1000: 100.0, 10000: 1000.0}
"""Nodes → most milliseconds."""
SHARE = 0.2


def measure(text: str, rounds: int) -> dict[str, list[float]]:
    """Return milliseconds of each round by way of loading."""
    tree = load_text(text)
    ways: dict[str, Callable[[], object]] = {
        "parser events alone": lambda: events(text),
        "read with places": lambda: read_text(text),
        LOAD: lambda: load_text(text),
        "build": lambda: build(tree, Context()),
        "yaml.load CSafeLoader": lambda: yaml.load(text, yaml.CSafeLoader),
        PURE: lambda: yaml.load(text, yaml.SafeLoader),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, call in ways.items():
            gc.collect()
            start = time.thread_time()
            call()
            times[way].append((time.thread_time() - start) * 1e3)
    return times


def events(text: str) -> int:
    """Take all events of the C parser: no reader that is built on it can be faster."""
    parser = yaml.CSafeLoader(text)
    count = 1
    while type(parser.get_event()) is not yaml.StreamEndEvent:
        count += 1
    return count


def main() -> int:
    """Print a table, or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    met = True
    found: dict[int, dict[str, float]] = {}
    for nodes, limit in LIMITS.items():
        text = tree_of(nodes)
        times = measure(text, args.rounds)
        shares = [load / pure for load, pure in zip(times[LOAD], times[PURE], strict=True)]
        medians = {way: round(statistics.median(taken), 1) for way, taken in times.items()}
        found[nodes] = {**medians, "share of SafeLoader": round(statistics.median(shares), 3)}
        met = met and medians[LOAD] <= limit and statistics.median(shares) <= SHARE
        if not args.json:
            print(f"{nodes} nodes, {len(text) / 1e3:.0f} kB")
            for way, taken in medians.items():
                print(f"  {way:<24}{taken:>9.1f} ms")
            print(f"  load / SafeLoader: {statistics.median(shares):.3f}, by round", *(f"{s:.3f}" for s in shares))
    if args.json:
        print(json.dumps(found))
    return 1 if args.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
