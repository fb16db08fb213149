"""SIGKILL at any moment: the trace opens, lacks the last second at most, and says what is missing."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from knothole.app.recorded.traces import export
from knothole.tests.killed_run import NOTE, record
from knothole.trees.recorded.verifying import verify
from knothole.trees.tracing.recording import read_trace
from knothole.trees.tracing.why import explain

LOST = 1.0
"""Most that may be lost: what the process did in its last second of CPU time."""


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Start processes quickly: they come from one that has imported everything."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["knothole.tests.killed_run"])
    return found


def killed_at(
    ticks: int, forks: ForkServerContext, folder: Path, seconds: float | None = None
) -> tuple[Path, list[tuple[int, float]]]:
    """Kill a recording process after so many ticks; return its trace, and what it told of all its ticks."""
    trace = folder / "killed.mcap"
    for file in folder.iterdir():
        file.unlink()
    ours, theirs = forks.Pipe(duplex=False)
    process = forks.Process(target=record, args=(trace, seconds, theirs))
    process.start()
    theirs.close()
    data = bytearray()
    with ours:
        while len(data) < ticks * NOTE.size:
            some = os.read(ours.fileno(), 1 << 16)
            assert some, "it ended by itself"
            data += some
        process.kill()
        while some := os.read(ours.fileno(), 1 << 16):
            data += some
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
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
    if recording.topic("/status"):
        assert recording.tree["name"] == "t"
        assert recording.start
        assert recording.statuses()[0] == ("RUNNING", "")
        assert "UNFINISHED" in str(explain(recording))
    export(trace, target, "mcap", force=True)
    again = read_trace(target)
    assert (again.complete, again.messages) == (True, recording.messages)
    assert trace.read_bytes() == before


@pytest.mark.parametrize("ticks", [1, 40, 700, 6000])
def test_a_killed_run_leaves_a_trace_up_to_its_last_second(
    ticks: int, forks: ForkServerContext, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    check(*killed_at(ticks, forks, folder), tmp_path / "whole.mcap")


def test_a_run_that_keeps_only_its_end_is_readable_when_it_is_killed(forks: ForkServerContext, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    trace, noted = killed_at(9000, forks, folder, 1.0)
    check(trace, noted, tmp_path / "whole.mcap")
    assert read_trace(trace).start["cut"]["from"] >= 1.0


@pytest.mark.long(minutes=0.4)
def test_sigkill_at_fifty_random_moments(forks: ForkServerContext, tmp_path: Path) -> None:
    rng = random.Random(7)
    folder = tmp_path / "run"
    folder.mkdir()
    for number in range(50):
        trace, noted = killed_at(rng.randint(1, 20_000), forks, folder, 2.0 if number % 5 == 0 else None)
        check(trace, noted, tmp_path / "whole.mcap")
