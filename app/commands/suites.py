"""``knothole eval instructions``: the suite of instructions, planned or carried out."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path

from . import UsageError

_OPTIONS = {
    "see": "--see",
    "plans_only": "--plans-only",
    "unchecked": "--unchecked",
    "words": "--words",
    "results": "--results",
    "via": "--via",
}
_OTHERS = ("scene", "cassette", "frames", "keep", "pictures", "firewall", "truth")
"""Options of the evaluation of a tree that the suite does not have."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the suite to ``knothole eval``."""
    group = parser.add_argument_group("the suite `instructions`")
    group.add_argument("--plans-only", action="store_true", help="have plans made and checked, and move nothing")
    group.add_argument("--unchecked", action="store_true", help="with --plans-only: the backend's first answers count")
    group.add_argument("--see", default="", choices=["oracle"], help="let the truth of the simulator say what is seen")
    group.add_argument("--words", default="", choices=["both", "training", "apart"], help="wordings (default both)")
    group.add_argument("--via", default="", metavar="TREE", help="tree that carries them out (default clean_up)")
    group.add_argument("--results", type=Path, metavar="FILE", help="keep results there as they come; go on from them")


def is_suite(args: argparse.Namespace) -> bool:
    """Tell whether the suite is meant and not a tree.

    Raises:
        UsageError: Options of the suite are given for a tree.
    """
    from ..instructing.options import SUITE

    if args.tree == SUITE:
        return True
    wrong = [name for key, name in _OPTIONS.items() if getattr(args, key)]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)} cannot be given for a tree\n  fix:  leave it out, or write `knothole eval {SUITE}`"
        )
    return False


def run(args: argparse.Namespace) -> int:
    """Run the suite."""
    from ..instructing.options import TREE, SuiteOptions
    from ..instructing.suite import carried_out, plans_only
    from ..running.evaluate import parse_seeds

    if wrong := [f"--{name}" for name in _OTHERS if getattr(args, name)]:
        raise UsageError(f"{', '.join(wrong)} cannot be given for a suite\n  fix:  leave it out")
    options = SuiteOptions(
        vlm=args.vlm,
        see=args.see,
        tree=args.via or TREE,
        inputs=dict(args.set),
        disturb=args.disturb,
        words=args.words or "both",
        max_time=args.max_time,
        robot=args.robot or "panda",
    )
    if options.see and not options.vlm:
        raise UsageError("--see oracle needs --vlm\n  fix:  say who plans, such as --vlm embedded")
    seeds = parse_seeds(args.seeds)
    progress = partial(print, file=sys.stderr if args.json else sys.stdout, flush=True)
    if args.unchecked and (options.see or options.inputs or not args.plans_only):
        raise UsageError("--unchecked is for the plans of one backend\n  fix:  give --plans-only and --vlm with it")
    if args.plans_only:
        if options.disturb or args.results or args.via or args.traces:
            raise UsageError("--plans-only moves nothing\n  fix:  leave out --disturb, --results, --traces and --via")
        planned = plans_only(options, seeds, progress, not args.unchecked)
        print(json.dumps(planned.to_json()) if args.json else planned)
        hits = planned.right("steps").hits
    else:
        acted = carried_out(options, seeds, progress, args.workers, args.results, args.traces)
        print(json.dumps(acted.to_json()) if args.json else acted)
        hits = acted.success.hits
    return 1 if args.at_least and hits < args.at_least else 0
