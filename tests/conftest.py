"""Shared by all tests: runs write below the test's own folder, and a process call that returns what a user sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tqdm import tqdm

if TYPE_CHECKING:
    from playwright.sync_api import Browser

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell lets its background jobs ignore Ctrl-C, and all processes that the tests start would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)

tqdm.monitor_interval = 0  # its watcher thread outlives the bars of transformers and trips over warnings as errors

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]


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
