"""The command that ticks a recorded run again: replay."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import Commands, UsageError


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    replay = commands.add(
        "replay",
        "Tick a recorded run again, or ask what if.",
        "knothole replay runs/RUN.mcap --answer guard/see=no@340",
        _replay,
    )
    replay.add_argument("trace", type=Path, nargs="?", metavar="TRACE", help="trace (default: the newest in runs/)")
    replay.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="NODE=ANSWER@T",
        help="give see, which, score or ask_human another answer at T, a tick (340) or a time (12.4s); may be repeated",
    )
    replay.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="NODE=STATUS@T",
        help="give a node another status at T; may be repeated",
    )
    replay.add_argument("--tree", default="", metavar="TREE", help="tick this edited tree instead")
    replay.add_argument(
        "--continue",
        dest="go_on",
        action="store_true",
        help="run the simulated world again from its seed, so that the run goes on where the recording knows no more",
    )
    replay.add_argument("-o", type=Path, dest="output", metavar="FILE", help="record the replayed run there, ….mcap")
    replay.add_argument("--force", action="store_true", help="with -o: replace a file that is there")


def _replay(args: argparse.Namespace) -> int:
    from ..recorded.replay import ReplayOptions, replay_run
    from ..recorded.traces import find_trace
    from ..running.about import RUNS

    if args.force and args.output is None:
        raise UsageError(
            "--force replaces a file, and -o names none\n  fix:  give -o FILE as well, or leave --force out"
        )
    report = replay_run(
        ReplayOptions(
            find_trace(args.trace, RUNS),
            tuple(args.answer),
            tuple(args.status),
            args.tree,
            args.output,
            args.force,
            args.go_on,
        )
    )
    print(json.dumps(report.to_json()) if args.json else report)
    return report.exit_code
