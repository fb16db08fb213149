"""What a run holds does not grow with the ticks it makes, and nothing is left of it."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from knothole.app.running.crew import each_seed
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


@contextmanager
def littering() -> Iterator[Callable[[int], list[bytes]]]:
    """Work that frees 200 MB in pieces of a size that the allocator keeps, and leaves a few between them."""

    def work(seed: int) -> list[bytes]:
        pieces = [bytes(100_000) for _ in range(2000)]
        return pieces[99::100]

    yield work


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to give memory back")
def test_what_a_seed_has_freed_is_given_back_before_the_next_one() -> None:
    before = psutil.Process().memory_info().rss
    kept = [(psutil.Process().memory_info().rss, left) for _, left in each_seed(littering, range(3))]
    assert max(held for held, _ in kept) - before < 50e6
