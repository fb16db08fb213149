"""Ctrl-C and SIGTERM in the middle of a run: the arm stops, the trace can be read, the exit code is right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

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
