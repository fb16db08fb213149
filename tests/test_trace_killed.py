"""SIGKILL at any moment: the trace opens, lacks the last second at most, and says what is missing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from knothole.app.traces import export
from knothole.tests.killed_run import NOTE
from knothole.trees.recorded.verifying import verify
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.why import explain

LOST = 1.0
"""Most that may be lost: what the process did in its last second of CPU time."""


def killed_at(ticks: int, folder: Path, *more: str) -> tuple[Path, list[tuple[int, float]]]:
    """Kill a recording process after so many ticks; return its trace, and its own notes of all ticks."""
    trace = folder / "killed.mcap"
    for file in folder.iterdir():
        file.unlink()
    command = [sys.executable, "-m", "knothole.tests.killed_run", str(trace), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        data = process.stdout.read(ticks * NOTE.size)
        process.kill()
        rest, problem = process.communicate()
        assert process.returncode == -signal.SIGKILL, problem
    data += rest
    return trace, [NOTE.unpack_from(data, at) for at in range(0, len(data) - NOTE.size + 1, NOTE.size)]


def check(trace: Path, noted: list[tuple[int, float]], target: Path) -> None:
    before = trace.read_bytes()
    recording = read_trace(trace)
    assert not recording.complete
    found = verify(trace)
    texts = [finding.text for finding in found.findings if finding.what != "note"]
    assert any(text.startswith("index and summary: the file ends in the middle") for text in texts)
    assert any(text.startswith("how the run ended") for text in texts)
    assert all(finding.what != "wrong" for finding in found.findings), found
    last_tick, last_time = noted[-1]
    safe = max((tick for tick, time in noted if time <= last_time - LOST), default=0)
    assert recording.last_tick >= safe, f"known up to {recording.last_tick}, killed in {last_tick}"
    if recording.messages:
        assert recording.tree["name"] == "t"
        assert recording.start
    if recording.topic("/status"):
        assert recording.statuses()[0] == ("RUNNING", "")
        assert "UNFINISHED" in str(explain(recording))
    export(trace, target, "mcap", force=True)
    again = read_trace(target)
    assert (again.complete, again.messages) == (True, recording.messages)
    assert trace.read_bytes() == before


@pytest.mark.parametrize("ticks", [1, 40, 700, 6000])
def test_a_killed_run_leaves_a_trace_up_to_its_last_second(ticks: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    check(*killed_at(ticks, folder), tmp_path / "whole.mcap")


def test_a_run_that_keeps_only_its_end_is_readable_when_it_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    trace, noted = killed_at(9000, folder, "1")
    check(trace, noted, tmp_path / "whole.mcap")
    assert read_trace(trace).start["cut"]["from"] > 1.0


@pytest.mark.long
def test_sigkill_at_fifty_random_moments(tmp_path: Path) -> None:
    rng = random.Random(7)
    folder = tmp_path / "run"
    folder.mkdir()
    for number in range(50):
        trace, noted = killed_at(rng.randint(1, 30_000), folder, *(["2"] if number % 5 == 0 else []))
        check(trace, noted, tmp_path / "whole.mcap")
