"""What ``knothole view`` does: serve the page of recorded runs until Ctrl-C."""

from __future__ import annotations

import json
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from ...trees.tracing.recording import TraceError
from ...viewer.serving import ViewerServer
from ...viewer.source import RecordedSource
from .runs import newest_run
from .why import NoRunError


def view_traces(traces: Sequence[Path], port: int, browser: bool, as_json: bool, folder: Path) -> None:
    """Serve the page of some traces; returns only by the exception of a signal.

    Args:
        traces: What to show; none takes the newest in ``folder``.
        port: Port, 0 for a free one.
        browser: Open the page.
        as_json: Print the address as a line of JSON.
        folder: Where runs are.

    Raises:
        NoRunError: No trace was given and there is none in the folder.
        TraceError: A file is no trace, or holds no tree.
        ViewerError: The port is taken.
        MissingExtraError: The extra ``view`` is not installed.
    """
    server = ViewerServer([_source(trace) for trace in traces or [_newest(folder)]], port=port)
    with server:
        if as_json:
            print(json.dumps({"url": server.url, "traces": [source.name for source in server.sources]}), flush=True)
        else:
            names = ", ".join(source.name for source in server.sources)
            print(f"viewing {names}\n  {server.url}\nCtrl-C ends it", flush=True)
        if browser:
            webbrowser.open(server.url)
        threading.Event().wait()


def _newest(folder: Path) -> Path:
    newest = newest_run(folder)
    if newest is None:
        what = "there is no run in" if folder.is_dir() else "there is no folder"
        raise NoRunError(f"{what} {folder}/\n  fix:  run a tree first, or name a trace: knothole view TRACE")
    return newest


def _source(trace: Path) -> RecordedSource:
    source = RecordedSource(trace)
    if not any(message.topic == "/tree" for message in source.messages(0, 1000)):
        raise TraceError(f"{trace} holds no tree\n  fix:  name a file that `knothole run` wrote, ….mcap")
    return source
