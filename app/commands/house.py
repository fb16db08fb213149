"""Commands around the work: new, doctor, runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..settings.arguments import count
from . import Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    new = commands.add("new", "Write a first tree or leaf to start from.", "knothole new tree my_task", _new)
    new.add_argument("what", choices=["tree", "leaf"], help="what to write")
    new.add_argument("name", metavar="NAME", help="its name, lower-case words joined by underscores")

    commands.add("doctor", "Show what is installed and what is missing.", "knothole doctor", _doctor)

    runs = commands.add("runs", "List recorded runs, or remove old ones.", "knothole runs prune --keep 20", _runs)
    runs.add_argument("what", choices=["list", "prune"], help="what to do")
    runs.add_argument("--keep", type=count, default=20, metavar="N", help="prune: newest runs to keep (default 20)")
    runs.add_argument("--folder", type=Path, default=Path("runs"), metavar="DIR", help="where runs are (default runs/)")


def _new(args: argparse.Namespace) -> int:
    from ..authoring.scaffold import new_leaf, new_tree

    if args.what == "tree":
        path = new_tree(args.name, Path())
        print(f"wrote {path}\nnext:  knothole check {path}")
    else:
        path = new_leaf(args.name, Path())
        print(
            f'wrote {path}\nnext:  add it to knothole.toml:  behaviors = ["{path}"]\n       knothole nodes {args.name}'
        )
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from ..doctor import examine

    report = examine()
    print(json.dumps(report.to_json()) if args.json else report)
    return 0 if report.healthy else 1


def _runs(args: argparse.Namespace) -> int:
    from ..recorded.runs import list_runs, prune_runs

    done = prune_runs(args.folder, args.keep) if args.what == "prune" else list_runs(args.folder)
    print(json.dumps(done.to_json()) if args.json else done)
    return 0
