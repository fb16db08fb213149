"""A run that monitors watch, from the command line: they see it, and Ctrl-C still ends it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from knothole.tests.groot import LONG, Client, bound
from knothole.viewer.groot.ports import Ports
from knothole.viewer.groot.shown import GrootError

LONG_RUN = "knothole: 1\ntree: t\nroot: {sequence: [{set: {name: $cups, to: '3'}}, {wait: 1000000s}]}\n"


@contextmanager
def running(folder: Path, *args: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a tree that waits for long as a process, and give its port."""
    (folder / "t.yaml").write_text(LONG_RUN)
    command = [sys.executable, "-m", "knothole.cli", "run", "t.yaml", "--robot", "none", "--max-time", "1000000"]
    for _ in range(20):
        port = random.randint(20_000, 60_000)
        process = subprocess.Popen(
            [*command, *args, "--groot2", str(port)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                error = process.communicate()[1]
                assert "cannot be listened at" in error, error
                continue
            hooks = "" if "--control" in args else "; hooks need --control"
            assert line == f"Groot2 protocol at 127.0.0.1, ports {port} and {port + 1}{hooks}\n"
            with Client(port) as client:
                while client.statuses()[0] != (1, 1):
                    assert process.poll() is None
            yield process, port
            return
        finally:
            process.kill()
            process.communicate()
    raise AssertionError("no two ports in a row are free")


def test_ctrl_c_ends_a_run_that_is_watched(tmp_path: Path) -> None:
    with running(tmp_path) as (process, port), Client(port) as client:
        assert client.xml().index("<sequence ") < client.xml().index("<wait ")
        assert client.entries("t") == {"t": {"cups": 3}}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONG / 1000)
        assert process.returncode == 130


def test_ctrl_c_ends_a_run_that_stands_at_a_breakpoint(tmp_path: Path) -> None:
    with running(tmp_path, "--control") as (process, port), Client(port) as client:
        hook = {"enabled": True, "uid": 3, "mode": 0, "once": False, "desired_status": "SKIPPED", "position": 0}
        assert client.send_json("I", hook) == []
        assert client.news() == ("N", "3")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONG / 1000)
        assert process.returncode == 130


def test_a_port_that_is_taken_is_told_before_the_run(tmp_path: Path, knothole: Any) -> None:
    (tmp_path / "t.yaml").write_text(LONG_RUN)
    with bound(Ports, GrootError) as ports:
        ran = knothole("run", "t.yaml", "--robot", "none", "--groot2", str(ports.port))
    assert ran.returncode == 2
    assert f"port {ports.port} cannot be listened at: Address already in use" in ran.stderr
    assert not (tmp_path / "runs").exists()


def test_btview_shows_the_tree_the_statuses_and_the_blackboard_of_a_live_run(tmp_path: Path) -> None:
    def btview(*args: str, port: int) -> str:
        command = [sys.executable, "-m", "btview", *args, "--port", str(port), "--timeout", "20"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
        return ran.stdout

    with running(tmp_path) as (_, port):
        shown = btview("snapshot", "--ascii", "--uid", "--ports", "--no-legend", port=port)
        entries = btview("blackboard", "--json", "t", port=port)
    lines = [" ".join(line.split()) for line in shown.splitlines()[:3]]
    assert lines == [
        "[-] sequence #1 * RUNNING",
        "+- --> set #2 port_name={cups} to=3 o SUCCESS",
        "`- --> wait #3 duration=1000000 * RUNNING",
    ]
    assert '"cups": 3' in entries
