"""Shared by all tests: runs write below the test's own folder, and a process call that returns what a user sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from tqdm import tqdm

if TYPE_CHECKING:
    from playwright.sync_api import Browser

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell lets its background jobs ignore Ctrl-C, and all processes that the tests start would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)

tqdm.monitor_interval = 0  # its watcher thread outlives the bars of transformers and trips over warnings as errors

hypothesis.settings.register_profile("knothole", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("knothole")

PATIENCE = 4.0
"""How many times its CPU time a long test may take, on top of the limit of all tests, before it counts as hung."""

_USUAL = sys.getrecursionlimit()

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give long tests their limit, and let the longest begin first, so that two workers end together.

    What the command line or the environment gives as a limit holds for all tests alike.
    """
    if config.getoption("timeout") is None and "PYTEST_TIMEOUT" not in os.environ:
        usual = float(config.getini("timeout"))
        for item in items:
            if _minutes(item) > 0 and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(usual + PATIENCE * 60 * _minutes(item)))
    items.sort(key=_minutes, reverse=True)


def _minutes(item: pytest.Item) -> float:
    mark = item.get_closest_marker("long")
    return float(mark.kwargs.get("minutes", 0.0)) if mark else 0.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Fail where a file leaves a loop open: other tests would have its limit of recursion until it is collected."""
    yield
    if nextitem is None or nextitem.path != item.path:
        assert sys.getrecursionlimit() == _USUAL, "a test of this file began a Loop and did not close it"


@pytest.fixture
def knothole(tmp_path: Path) -> Knothole:
    """Run the command line as a process in an empty folder; no terminal, no color."""

    def run(*args: str, cwd: Path = tmp_path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "knothole.cli", *args],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **env},
        )

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine; the tests of a file share it, and are skipped by name where there is none."""
    from playwright.sync_api import sync_playwright

    from knothole.tests.browsing import CHROMIUM, launch

    if CHROMIUM is None and "browser" not in os.environ.get("KNOTHOLE_REQUIRES", ""):
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()
