"""The process that tests talk to: what it says never stops it, and what it does not say ends the wait."""

from __future__ import annotations

import sys

import pytest

from knothole.tests.servers.program import Program


def test_what_is_said_after_it_is_ready_does_not_stop_it() -> None:
    """A pipe holds 64 kB; ``transformers serve`` once waited for ever in the middle of an answer."""
    with Program([sys.executable, "-c", "print('ready 7', flush=True); print('x' * 1_000_000)"]) as program:
        assert program.find(r"^ready (\d)")[1] == "7"
        assert program.process.wait(60) == 0


def test_a_wait_ends_with_the_process_and_tells_what_it_said() -> None:
    silent = r"ended without 'ready':\nno room"
    with (
        Program([sys.executable, "-c", "raise SystemExit('no room')"]) as program,
        pytest.raises(AssertionError, match=silent),
    ):
        program.find("ready")


def test_a_wait_for_what_is_never_said_ends() -> None:
    with Program([sys.executable, "-c", "import sys; print('busy', flush=True); sys.stdin.read()"]) as program:
        program.find("busy")
        with pytest.raises(AssertionError, match="no 'ready' in 0 s:\nbusy"):
            program.find("ready", 0.05)
