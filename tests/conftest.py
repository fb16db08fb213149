"""Shared by all tests: runs write below the test's own folder, and a process call that returns what a user sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tqdm import tqdm

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
