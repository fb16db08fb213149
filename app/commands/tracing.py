"""Commands that look into a recorded run: why, report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..settings.arguments import moment
from . import Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    why = commands.add(
        "why", "Say why a recorded run ended as it did.", "knothole why runs/RUN.mcap pick --at 12.4s", _why
    )
    why.add_argument("trace", type=Path, nargs="?", metavar="TRACE", help="trace (default: the newest in runs/)")
    why.add_argument("node", nargs="?", default="", metavar="NODE", help="explain this node: path, its end, or name")
    why.add_argument("--at", type=moment, metavar="T", help="explain this moment: a tick (340, @340) or a time (12.4s)")
    why.add_argument("--frame", type=Path, metavar="FILE", help="write the picture that decided, with its boxes (.png)")

    report = commands.add(
        "report", "Say in words what a recorded run has done.", "knothole report runs/RUN.mcap", _report
    )
    report.add_argument("trace", type=Path, nargs="?", metavar="TRACE", help="trace (default: the newest in runs/)")


def _report(args: argparse.Namespace) -> int:
    from ..recorded.progress import report_run
    from ..recorded.traces import find_trace
    from ..running.about import RUNS

    trace = find_trace(args.trace, RUNS)
    said = report_run(trace)
    print(json.dumps({"trace": str(trace), "report": said}) if args.json else said)
    return 0


def _why(args: argparse.Namespace) -> int:
    from ..recorded.why import explain_run
    from ..running.about import RUNS

    trace, found = explain_run(args.trace, args.node, args.at, RUNS, args.frame)
    if args.json:
        print(json.dumps({"trace": str(trace), **found.to_json()}))
    else:
        print(found if args.trace is not None else f"{trace}\n{found}")
    return 0
