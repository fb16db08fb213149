"""A server as a process, whose output is read to its end: a full pipe would stop it in the middle of an answer."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

STARTING = 0.9 * float(os.environ.get("PYTEST_TIMEOUT", "180"))
"""Seconds in which a server has to say that it is ready: a little less than its test has."""


class Program:
    """A process that says on its output when it is ready; killed at the end.

    Args:
        command: How to start it.
        cwd: Its working folder.
        env: Its whole environment; ours by default.
    """

    def __init__(self, command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def find(self, pattern: str, seconds: float = STARTING) -> re.Match[str]:
        """Wait for a line with this in it; fail with all that was said if the process ends or the time is over."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"no {pattern!r} in {seconds:.0f} s:\n{self.tail()}") from None
            if line is None:
                raise AssertionError(f"ended without {pattern!r}:\n{self.tail()}")
            if found := re.search(pattern, line):
                return found

    def tail(self) -> str:
        """Return the end of what it said."""
        return "".join(self.said)[-3000:]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
