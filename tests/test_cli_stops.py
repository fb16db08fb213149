"""Ctrl-C and SIGTERM in the middle of a run, and output that nobody reads: the trace and the exit code are right."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from knothole.trees.tracing.trace import read_trace

TREE = """\
knothole: 1
tree: back_and_forth
root:
  repeat:
    times: -1
    child:
      sequence:
        - move_to: {point: [0.5m, 0.2m, 0.3m], speed: 0.5}
        - say: there
        - move_to: {point: [0.5m, -0.2m, 0.3m], speed: 0.5}
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_arm_and_leaves_a_readable_trace(tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "tree.yaml").write_text(TREE, encoding="utf-8")
    command = [sys.executable, "-m", "knothole.cli", "run", "tree.yaml", "--trace", "run.mcap", "--max-time", "60min"]
    run = subprocess.Popen(
        [*command, "--vlm", "oracle"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "robot: there" in line:
            break
    run.send_signal(number)
    out, err = run.communicate(timeout=120)
    assert run.returncode == code, err
    assert "Traceback" not in err
    assert "RUNNING  back_and_forth" in out
    recording = read_trace(tmp_path / "run.mcap")
    assert recording.complete
    end = recording.end
    assert end["outcome"] == {130: "INTERRUPTED", 143: "TERMINATED"}[code]
    assert end["problems"] == []
    assert len(recording.topic("/joints")) >= 2
    assert recording.last_tick == end["ticks"]
    assert {status for status, _ in recording.statuses().values()} <= {"INVALID", "SUCCESS"}


TALKS = """\
knothole: 1
tree: talks
root:
  repeat:
    times: -1
    child:
      sequence:
        - say: hello
        - wait: 50ms
"""


class Talking:
    """The command line in a folder with a tree that talks, its output being lost in some way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "talks.yaml").write_text(TALKS, encoding="utf-8")
        run = "run talks.yaml --robot none --max-time 1 --trace run.mcap"
        self.lines = {"run": run, "run --json": f"{run} --json", "why": "why first.mcap", "missing": "why nothing.mcap"}
        main = "import sys; from knothole.cli import main; sys.exit(main(sys.argv[1:]))"
        self.command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(main)}"

    def start(self, name: str, redirection: str = "", **files: Any) -> subprocess.Popen[str]:
        env = {**os.environ, "NO_COLOR": "1"}
        env.pop("PYTHONUNBUFFERED", None)
        line = f"{self.command} {self.lines[name]} {redirection}"
        return subprocess.Popen(line, shell=True, cwd=self.folder, env=env, text=True, stderr=subprocess.PIPE, **files)

    def has_a_whole_trace(self, name: str) -> None:
        if name.startswith("run"):
            end = read_trace(self.folder / "run.mcap").end
            assert (end["outcome"], end["ticks"]) == ("TIME_LIMIT", 21)


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Talking:
    made = Talking(tmp_path_factory.mktemp("talks"))
    assert made.start("run", stdout=subprocess.DEVNULL).communicate() == (None, "")
    (made.folder / "run.mcap").rename(made.folder / "first.mcap")
    return made


CODES = [("run", 4), ("run --json", 4), ("why", 0), ("missing", 2)]


@pytest.mark.parametrize(("name", "code"), CODES, ids=[name for name, _ in CODES])
def test_what_nobody_reads_changes_nothing(talking: Talking, name: str, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = talking.start(name, stdout=writing)
    os.close(writing)
    _, err = process.communicate()
    assert process.returncode == code, err
    assert err.replace("robot: hello\n", "").partition(":")[0] == ("error" if code == 2 else "")
    talking.has_a_whole_trace(name)


def test_a_run_goes_on_when_its_reader_leaves(talking: Talking) -> None:
    process = talking.start("run", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("talks")
    process.stdout.close()
    _, err = process.communicate()
    assert (process.returncode, err) == (4, "")
    talking.has_a_whole_trace("run")


@pytest.mark.parametrize(("name", "code"), CODES, ids=[name for name, _ in CODES])
def test_without_an_output_the_exit_code_is_right(talking: Talking, name: str, code: int) -> None:
    process = talking.start(name, ">&-")
    _, err = process.communicate()
    assert process.returncode == code, err
    assert err.replace("robot: hello\n", "").partition(":")[0] == ("error" if code == 2 else "")
    talking.has_a_whole_trace(name)
    quiet = talking.start(name, ">&- 2>&-")
    quiet.communicate()
    assert quiet.returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_run_goes_on_when_its_output_has_no_room(talking: Talking) -> None:
    process = talking.start("run", ">/dev/full")
    _, err = process.communicate()
    assert (process.returncode, err) == (4, "knothole: nothing more can be shown: No space left on device\n")
    talking.has_a_whole_trace("run")
    why = talking.start("why", ">/dev/full")
    _, err = why.communicate()
    assert (why.returncode, err.splitlines()[0]) == (3, "fault: OSError: [Errno 28] No space left on device")
