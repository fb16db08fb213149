"""The command that tries a plan or a tree before it is carried out: rehearse."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings.arguments import REHEARSALS, seed, setting
from . import Commands, UsageError

if TYPE_CHECKING:
    from ...behaviors.rehearsing import RehearsalVerdict

_WAYS = tuple(mode for mode in REHEARSALS if mode != "never")


def add(commands: Commands) -> None:
    """Add the command of this file."""
    parser = commands.add(
        "rehearse",
        "Try a plan or a tree in a simulated scene, and say step by step what would happen.",
        "knothole rehearse tidy_table --seed 3",
        _rehearse,
    )
    parser.add_argument("plan", metavar="TREE|PLAN.json", help="tree by file or name, or JSON file of a plan")
    parser.add_argument(
        "--scene", default="", metavar="S", help="scene by name or file (default: the tree's, or table)"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the scene (default 0)")
    parser.add_argument("--how", default="auto", choices=_WAYS, help="way to try it (default auto: with physics)")
    parser.add_argument("--skills", default="", metavar="A,B", help="skills of a plan (default: those of `plan`)")
    parser.add_argument("--vlm", default="", metavar="B", help="who is asked by a tree (default: oracle, the truth)")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="K=V", help="give a tree input")


def _rehearse(args: argparse.Namespace) -> int:
    return _plan(args) if args.plan.lower().endswith(".json") else _tree(args)


def _plan(args: argparse.Namespace) -> int:
    from ...behaviors.means.skills import DEFAULT_SKILLS
    from ..authoring.inspect import project
    from ..rehearsing.command import read_plan, rehearse_plan

    if args.vlm or args.set:
        raise UsageError("--vlm and --set are for trees, not for a plan\n  fix:  leave them out")
    project()
    allowed = [name.strip() for name in args.skills.split(",") if name.strip()] or DEFAULT_SKILLS
    try:
        plan = read_plan(Path(args.plan), allowed)
    except ValueError as error:
        raise UsageError(f"--skills: {error}\n  fix:  name leaves that `plan` may use") from error
    began = time.monotonic()
    verdict = rehearse_plan(plan, args.scene, args.seed, args.how, allowed)
    wall = time.monotonic() - began
    print(json.dumps({**verdict.to_json(), "wall_s": round(wall, 3)}) if args.json else _said(verdict, wall))
    return 0 if verdict.ok else 1


def _said(verdict: RehearsalVerdict, wall: float) -> str:
    if not verdict.ok:
        end = f"rejected: {verdict}"
    else:
        end = "it would work" if verdict.finished else f"not finished, which says nothing against it: {verdict}"
    how = f"{verdict.kind}, {verdict.seconds:.1f} s of simulated time in {wall:.1f} s"
    return "\n".join((*verdict.steps, f"{end} ({how})"))


def _tree(args: argparse.Namespace) -> int:
    from rich.console import Console

    from ..rehearsing.command import rehearse_tree

    if args.skills:
        raise UsageError("--skills is for a plan, not for a tree\n  fix:  leave it out")
    if args.how == "symbolic":
        raise UsageError("a tree cannot be tried symbolically\n  fix:  write --how kinematic or physics")
    inputs = dict(args.set)
    if len(inputs) < len(args.set):
        raise UsageError("--set gives an input twice\n  fix:  give each input once")
    console = Console(quiet=args.json, highlight=False)
    result = rehearse_tree(args.plan, args.scene, args.seed, args.how, args.vlm, inputs, console)
    if args.json:
        print(json.dumps(result.to_json()))
    else:
        why = f": {result.reason}" if result.reason else ""
        truth = "; answers from simulator truth" if not args.vlm or "oracle" in args.vlm else ""
        print(f"{result.status}{why} ({result.sim_time_s:.1f} s of simulated time in {result.wall_s:.1f} s{truth})")
    return result.exit_code
