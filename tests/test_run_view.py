"""A run that is shown in the browser while it goes on: a real process, its page asked as a browser asks it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from knothole.tests.calling import call
from knothole.tests.steering import PATIENCE
from knothole.trees.tracing.trace import read_trace

TREE = """\
knothole: 1
tree: asks
params: {count: 0}
root:
  sequence:
    - repeat: {times: 5, child: {set: {name: $count, to: "$count + 1"}}}
    - ask_human: {question: "Go on?", options: ["yes", "no"], expect: "yes"}
"""


class Live:
    """A process that runs a tree with ``--view``, and the way to its page."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self.process, self.lines = process, list[str]()
        self.url = ""
        while not self.url:
            line = process.stderr.readline()
            assert line, f"it ended: {self.lines}"
            self.lines.append(line)
            self.url = line.removeprefix("live at ").strip() if line.startswith("live at ") else ""
        self._parts = urlsplit(self.url)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._parts.hostname or "", self._parts.port or 0, timeout=PATIENCE)

    def post(self, **command: object) -> tuple[int, Any]:
        """Send a command; return HTTP status and reply."""
        with_page = self.connect()
        headers = {"content-type": "application/json", "origin": f"http://{self._parts.netloc}"}
        with_page.request("POST", f"{self._parts.path}command", json.dumps(command), headers)
        reply = with_page.getresponse()
        text = reply.read().decode()
        with_page.close()
        return reply.status, json.loads(text) if reply.status == 200 else text

    @contextmanager
    def page(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """Follow the run as an open page does; give what comes, kind and data."""
        with_page = self.connect()
        with_page.request("GET", f"{self._parts.path}events?source=0&from=0")
        reply = with_page.getresponse()
        assert reply.status == 200
        try:
            yield _events(reply)
        finally:
            reply.close()
            with_page.close()


def _events(reply: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    kind = "messages"
    for raw in reply:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
            kind = "messages"


@contextmanager
def live(folder: Path, *more: str, text: str = TREE) -> Iterator[Live]:
    (folder / "tree.yaml").write_text(text, encoding="utf-8")
    given = ["run", "tree.yaml", "--robot", "kinematic", "--trace", "run.mcap", "--view", "--no-browser", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "knothole.cli", *given, *more],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Live(process)
    finally:
        process.kill()
        process.communicate()


def test_a_run_is_steered_from_its_page_and_prints_one_line_of_json(tmp_path: Path) -> None:
    with live(tmp_path, "--control", "--paused") as run:
        with run.page() as news:
            assert run.post(do="break", when="$count == 3")[1]["ok"]
            assert run.post(do="resume")[1]["ok"]
            next(state for kind, state in news if kind == "state" and state["standing"] and state["tick"] == 3)
            assert run.post(do="set", name="count", value="10")[1]["ok"]
            assert run.post(do="resume")[1]["ok"]
            (asked,) = next(s["questions"] for kind, s in news if kind == "state" and s["questions"])
            assert (asked["prompt"], asked["options"]) == ("Go on?", ["yes", "no"])
            status, reply = run.post(do="answer", question=asked["id"], text="perhaps")
            assert (status, reply["ok"]) == (200, False)
            assert run.post(do="answer", question=asked["id"], text="Yes")[1]["ok"]
            topics = [row[1] for kind, rows in _until_the_end(news) for row in rows]
            assert "/interventions" in topics
            line = run.process.stdout.readline() if run.process.stdout is not None else ""
            assert run.process.stderr is not None
            assert run.process.stderr.readline().startswith("the run has ended; the page stays while it is open")
            run.process.send_signal(signal.SIGINT)
        assert run.process.wait(PATIENCE) == 0
        assert run.process.stdout is not None
        assert run.process.stdout.read() == ""
    result = json.loads(line)
    assert (result["status"], result["interventions"]) == ("SUCCESS", 5)
    recording = read_trace(tmp_path / "run.mcap")
    obeyed = [each.data["do"] for each in recording.topic("/interventions") if each.data["do"] != "stands"]
    assert obeyed == ["break", "resume", "set", "resume", "answer"]
    assert recording.end["interventions"] == 5


def _until_the_end(news: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for kind, data in news:
        if kind == "end":
            return
        if kind == "messages":
            yield kind, data


def test_without_control_the_page_only_looks_and_nobody_is_waited_for(tmp_path: Path) -> None:
    text = "knothole: 1\ntree: t\nroot: {repeat: {times: -1, child: {wait: 1s}}}\n"
    with live(tmp_path, "--max-time", "60min", text=text) as run:
        status, reply = run.post(do="stop")
        assert (status, reply) == (403, "this view is read-only; start the run with --control\n")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(PATIENCE) == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_that_is_paused(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with live(tmp_path, "--control", "--paused") as run:
        run.post(do="state")
        run.process.send_signal(number)
        assert run.process.wait(PATIENCE) == code
    assert read_trace(tmp_path / "run.mcap").end["outcome"] == {130: "INTERRUPTED", 143: "TERMINATED"}[code]


def test_stop_from_the_page_ends_the_run_and_the_process(tmp_path: Path) -> None:
    with live(tmp_path, "--control", "--paused") as run:
        assert run.post(do="stop")[1]["ok"]
        assert run.process.wait(PATIENCE) == 130


MISUSED = [
    (
        "--control",
        "--control needs --view or --groot2\n  fix:  give --view or --groot2 as well, or leave --control out",
    ),
    (
        "--view --paused",
        "--paused needs --view and --control\n  fix:  give --view and --control as well, or leave --paused out",
    ),
    ("--port 8000", "--port needs --view\n  fix:  give --view as well, or leave --port out"),
    ("--no-browser", "--no-browser needs --view\n  fix:  give --view as well, or leave --no-browser out"),
]


@pytest.mark.parametrize(("options", "error"), MISUSED, ids=[options for options, _ in MISUSED])
def test_options_of_the_view_need_the_view(options: str, error: str) -> None:
    code, out, err = call(f"run tidy_table {options}")
    assert (code, out) == (2, "")
    assert error in err
