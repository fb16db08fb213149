"""What loading a tree costs: reading with places, checking, and plain PyYAML on the same text for scale.

    python benchmarks/load.py [--rounds N] [--json]

CPU time of the thread, medians, all ways interleaved in one process. Absolute times follow the machine and its load;
the ratios of one run are the result. Each leaf has four ports, some 110 bytes of YAML.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import yaml

from knothole.behaviors.context import Context
from knothole.trees.builder import build
from knothole.trees.language.reader import read_text
from knothole.trees.loader import load_text


def tree_of(nodes: int) -> str:
    """Return a tree of some ``nodes`` nodes: sequences of nine leaves below one sequence."""
    leaf = '        - see: {{question: "Is object {} {} on the table?", accept: 0.9, max_age: 500ms, camera: table}}\n'
    parts = ["    - sequence:\n" + "".join(leaf.format(i, j) for j in range(9)) for i in range(nodes // 10)]
    return "knothole: 1\ntree: big\nroot:\n  sequence:\n" + "".join(parts)


def measure(text: str, rounds: int, with_pure: bool) -> dict[str, float]:
    """Return milliseconds by way of loading."""
    tree = load_text(text)
    ways: dict[str, Callable[[], object]] = {
        "read with places": lambda: read_text(text),
        "load (read and check)": lambda: load_text(text),
        "build": lambda: build(tree, Context()),
        "yaml.load CSafeLoader": lambda: yaml.load(text, yaml.CSafeLoader),
    }
    if with_pure:
        ways["yaml.load SafeLoader"] = lambda: yaml.load(text, yaml.SafeLoader)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, call in ways.items():
            start = time.thread_time()
            call()
            times[way].append((time.thread_time() - start) * 1e3)
    return {way: round(statistics.median(taken), 1) for way, taken in times.items()}


def main() -> None:
    """Print a table, or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = {nodes: measure(tree_of(nodes), args.rounds, nodes <= 1000) for nodes in (1000, 10000)}
    if args.json:
        print(json.dumps(found))
        return
    for nodes, times in found.items():
        print(f"{nodes} nodes, {len(tree_of(nodes)) / 1e3:.0f} kB")
        for way, taken in times.items():
            print(f"  {way:<24}{taken:>9.1f} ms")


if __name__ == "__main__":
    main()
