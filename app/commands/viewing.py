"""Commands that show a run in the browser: view."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..settings.arguments import port
from . import Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    view = commands.add(
        "view", "Look into recorded runs in the browser.", "knothole view runs/RUN.mcap runs/OTHER.mcap", _view
    )
    view.add_argument(
        "traces",
        type=Path,
        nargs="*",
        metavar="TRACE",
        help="traces; two can be compared (default: the newest in runs/)",
    )
    view.add_argument("--port", type=port, default=0, metavar="N", help="port (default: any free one)")
    view.add_argument("--no-browser", action="store_true", help="print the address and open nothing")


def _view(args: argparse.Namespace) -> int:
    from ..recorded.view import view_traces
    from ..running.about import RUNS

    view_traces(args.traces, args.port, not args.no_browser, args.json, RUNS)
    return 0
