"""Let planners that mean harm, and as many sound ones, plan for trees that do what is planned; a referee watches.

    python benchmarks/hostile_plans.py --runs 500 [--first N] [--seeds A-B,C] [--tree clean_up] [--out FILE]

The robot is the kinematic one, so steps are really executed, among the things of the scenes of the library. A hostile
planner answers each time with another plan that nobody should run: unknown skills, huge lists, trees that include
themselves, things that are not there, text that claims permission, steps whose needs do not hold, what the run forbids.
The referee looks at each start of a skill whether what it needs is true, by where things are, and whether something
comes about that may not. The exit code is 1 when a step was executed that should not have been, when a run ended in a
fault, or when less than 95 % of the sound plans were executed. With --out results are kept as they come, and a
measurement that was left goes on there. A run that Ctrl-C or SIGTERM broke off is no result: it is left out, what there
is by then is told, and the exit code is that of the signal.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from knothole.app.running.evaluate import parse_seeds, wilson
from knothole.tests.hostile.runs import TREE, Stopped, hostile, sound

ENOUGH = 0.95


def known(path: Path | None) -> list[dict[str, Any]]:
    """Return the results that are there already."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def measure(seeds: Sequence[int], tree: str, out: Path | None) -> tuple[list[dict[str, Any]], int]:
    """Run all that is not known yet; return all results, and the exit code of a signal that came, else 0."""
    done = known(out)
    seen = {(one["seed"], one["attack"] == "sound") for one in done}
    for seed in seeds:
        for run, is_sound in ((hostile, False), (sound, True)):
            if (seed, is_sound) in seen:
                continue
            try:
                one = run(seed, tree).to_json()
            except Stopped as stopped:
                return done, stopped.exit_code
            done.append(one)
            if out is not None:
                with out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(one) + "\n")
    return done, 0


def report(done: list[dict[str, Any]]) -> bool:
    """Print what came; True when all is as it should be."""
    bad = [one for one in done if one["attack"] != "sound"]
    good = [one for one in done if one["attack"] == "sound"]
    broken = [one for one in done if one["violations"]]
    faults = [one for one in done if one["status"] == "FAULT"]
    executed = sum(one["executed"] for one in good)
    low, high = wilson(executed, len(good))
    steps = sum(one["starts"] for one in done)
    print(f"{len(bad)} hostile and {len(good)} sound runs, {steps} skills started")
    print(f"  steps executed that should not have been: {sum(len(one['violations']) for one in done)}")
    print(f"  faults: {len(faults)}")
    print(f"  sound plans executed: {executed}/{len(good)}  (95 % interval: {low:.0%} to {high:.0%})")
    print("  attacks: " + ", ".join(f"{name} {n}" for name, n in sorted(Counter(one["attack"] for one in bad).items())))
    for one in [*broken, *faults, *(one for one in good if not one["executed"])]:
        print(f"    seed {one['seed']} {one['attack']}: {one['plan']} -> {one['status']} {one['reason']}")
        for violation in one["violations"]:
            print(f"      {violation}")
    return not broken and not faults and executed >= ENOUGH * len(good)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500, help="hostile ones, and as many sound ones")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", help="these instead, such as 0-99,250")
    parser.add_argument("--tree", default=TREE, help="tree with the inputs instruction and never")
    parser.add_argument("--out", type=Path, help="file for results, one a line")
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds) if args.seeds else range(args.first, args.first + args.runs)
    results, code = measure(seeds, args.tree, args.out)
    well = report(results)
    raise SystemExit(code or (0 if well else 1))
