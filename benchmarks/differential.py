"""Compare our nodes with the engines they come from, over random trees.

    python benchmarks/differential.py --engine btcpp|py_trees [--trees N] [--ticks T] [--seed FIRST]

``btcpp`` is BehaviorTree.CPP through ``behaviortreepy``; every fourth tree has subtrees and is loaded from XML.
``py_trees`` is py_trees itself. Each tick of each tree compares statuses, the calls of the leaves in order and the
blackboard. The exit code is 1 if anything differs; each difference is printed with the seed that shows it again.
"""

from __future__ import annotations

import argparse
import subprocess
from importlib.metadata import version
from pathlib import Path

from knothole.tests import btcpp, pytrees_side

PACKAGES = {"btcpp": "behaviortreepy", "py_trees": "py_trees"}


def compare(engine: str, seed: int, ticks: int) -> tuple[int, str]:
    """Return how many ticks of one tree were equal, and the first difference if there is one."""
    if engine == "btcpp":
        result = btcpp.compare(seed, ticks, loaded=seed % 4 == 0)
        return result.ticks, result.difference
    difference = pytrees_side.compare(seed, ticks)
    return (0 if difference else ticks), difference or ""


def commit() -> str:
    """Return the commit at hand, with ``+`` if files differ from it."""

    def git(*words: str) -> str:
        folder = Path(__file__).parent
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compare our nodes with the engines they come from.")
    parser.add_argument("--engine", choices=tuple(PACKAGES), default="btcpp")
    parser.add_argument("--trees", type=int, default=1000, help="how many random trees")
    parser.add_argument("--ticks", type=int, default=15, help="ticks of each")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first tree; the next has the next number")
    options = parser.parse_args()
    ticks = differences = 0
    for seed in range(options.seed, options.seed + options.trees):
        equal, difference = compare(options.engine, seed, options.ticks)
        ticks += equal
        if difference:
            differences += 1
            print(f"seed {seed}: {difference}", flush=True)
    package = PACKAGES[options.engine]
    print(
        f"{options.engine} ({package} {version(package)}): {options.trees} trees from seed {options.seed}, "
        f"{ticks} ticks, {differences} differences, commit {commit()}"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
