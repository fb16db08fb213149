"""The commands of ``knothole trace``: info, export, cut, diff, verify."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..settings.arguments import moment
from . import Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    trace = commands.add("trace", "Look into recorded runs.", "knothole trace info", _info)
    below = commands.below(trace)
    info = below.add("info", "Say what is in a trace.", "knothole trace info runs/RUN.mcap", _info)
    _newest(info)

    export = below.add(
        "export", "Write a trace in another form.", "knothole trace export runs/RUN.mcap -o report.html", _export
    )
    export.add_argument("trace", type=Path, metavar="TRACE", help="trace")
    export.add_argument(
        "-o", dest="output", type=Path, required=True, metavar="FILE", help="file; its end says the form"
    )
    export.add_argument(
        "--to",
        default="",
        choices=["jsonl", "csv", "btlog", "png", "html", "mcap"],
        help="form, where the file's end does not say it",
    )
    export.add_argument("--force", action="store_true", help="replace a file that is there")

    cut = below.add(
        "cut",
        "Cut a piece out of a trace that is a whole trace.",
        "knothole trace cut runs/RUN.mcap --from 3s --to 9s -o piece.mcap",
        _cut,
    )
    cut.add_argument("trace", type=Path, metavar="TRACE", help="trace")
    cut.add_argument("--from", dest="begin", type=moment, metavar="T", help="a tick (340, @340) or a time (3s)")
    cut.add_argument("--to", dest="end", type=moment, metavar="T", help="a tick or a time, itself included")
    cut.add_argument("-o", dest="output", type=Path, required=True, metavar="FILE", help="file to write, ….mcap")
    cut.add_argument("--force", action="store_true", help="replace a file that is there")

    diff = below.add(
        "diff", "Say where two runs first differ.", "knothole trace diff runs/ONE.mcap runs/OTHER.mcap", _diff
    )
    diff.add_argument("first", type=Path, metavar="TRACE", help="trace")
    diff.add_argument("second", type=Path, metavar="TRACE", help="another one")

    verify = below.add("verify", "Check a trace and say what is missing.", "knothole trace verify RUN.mcap", _verify)
    _newest(verify)


def _newest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", type=Path, nargs="?", metavar="TRACE", help="trace (default: the newest in runs/)")


def _info(args: argparse.Namespace) -> int:
    from ..recorded.traces import look
    from ..running.about import RUNS

    found = look(args.trace, RUNS)
    print(json.dumps(found.to_json()) if args.json else found)
    return 0


def _export(args: argparse.Namespace) -> int:
    from ..recorded.traces import export, find_trace
    from ..running.about import RUNS

    said = export(find_trace(args.trace, RUNS), args.output, args.to, args.force)
    print(json.dumps({"trace": str(args.trace), "file": str(args.output), "said": said}) if args.json else said)
    return 0


def _cut(args: argparse.Namespace) -> int:
    from ..recorded.traces import cut_trace, find_trace
    from ..running.about import RUNS

    said = cut_trace(find_trace(args.trace, RUNS), args.output, args.begin, args.end, args.force)
    print(json.dumps({"trace": str(args.trace), "file": str(args.output), "said": said}) if args.json else said)
    return 0


def _diff(args: argparse.Namespace) -> int:
    from ..recorded.traces import compare
    from ..running.about import RUNS

    found = compare(args.first, args.second, RUNS)
    print(json.dumps(found.to_json()) if args.json else found)
    return 0 if found.compared and not found.differs else 1


def _verify(args: argparse.Namespace) -> int:
    from ..recorded.traces import check
    from ..running.about import RUNS

    found = check(args.trace, RUNS)
    print(json.dumps(found.to_json()) if args.json else found)
    return 0 if found.whole else 1
