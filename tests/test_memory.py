"""What a run holds does not grow with the ticks it makes, and nothing is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.benchmarks.memory import MODES, run
from knothole.trees.tracing import trace
from knothole.vlm import broker

SOME = 100
"""Objects that come and go with the state of the tree, and messages on their way to the disk."""


@pytest.mark.parametrize("mode", MODES)
def test_a_run_holds_no_more_after_twice_the_ticks(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_WAITING", 10)
    monkeypatch.setattr(trace, "REMEMBERED", 10)
    monkeypatch.setattr(broker, "_REMEMBERED", 10)
    period = 500 if mode == "seeing" else 1000  # the tree counts to 1000
    before, warm, end, after = run(mode, (period, 2 * period), tmp_path)
    assert end.objects - warm.objects < SOME
    assert (after.files, after.threads) == (before.files, before.threads)
