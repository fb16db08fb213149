"""The human at the terminal: questions of the tree are printed, lines that are typed are their answers."""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...behaviors.means.calls import Calls
from ...behaviors.means.understanding import understand
from ..running.terminal import Watcher

_SLICE = 0.1


class TerminalInquiry:
    """One question to the human at the terminal."""

    def __init__(
        self, human: TerminalHuman, prompt: str, options: tuple[str, ...], default: str, deadline: float | None
    ) -> None:
        self._human = human
        self.prompt, self.options, self.default, self.deadline = prompt, options, default, deadline
        self.said: str | None = None
        self.until = float("inf")
        self.shown = False
        self.refused = 0

    @property
    def answer(self) -> str | None:
        """What was typed, None while nothing was."""
        self._human.read(0.0)
        return self.said

    @property
    def gone(self) -> bool:
        """True once the terminal was closed."""
        return self._human.ended

    def withdraw(self) -> None:
        """Take the question back."""
        self._human.withdraw(self)

    def understand(self, line: str) -> str | None:
        """Return the option that a line means (its number, or words that only it has), None when it means none."""
        words = line.strip()
        if not words:
            return self.default or None
        return understand(words, self.options) if self.options else words

    def __str__(self) -> str:
        choices = "  ".join(f"[{number}] {option}" for number, option in enumerate(self.options, start=1))
        rest = [f"{self.deadline:g} s" if self.deadline is not None else "", self.default and f"else {self.default}"]
        limit = ", ".join(part for part in rest if part)
        return f"robot asks: {self.prompt}{f'  {choices}' if choices else ''}{f'  ({limit})' if limit else ''}"


class TerminalHuman:
    """Ask whoever sits at the terminal. Nothing here waits but ``wait``, which simulated runs call between ticks.

    Args:
        watcher: Prints the questions; its live display rests while one is open.
        source: File descriptor that lines come from; standard input unless given.

    Attributes:
        ended: True once no more lines can come.
    """

    def __init__(self, watcher: Watcher, source: int | None = None) -> None:
        self._watcher = watcher
        self._source = sys.stdin.fileno() if source is None else source
        self._open: deque[TerminalInquiry] = deque()
        self._typed, self.ended = "", False
        self._calls = Calls()

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> TerminalInquiry:
        """Put a question; it is shown once those before it have their answer."""
        if not self._open and os.isatty(self._source):
            self._forget_typed()
        inquiry = TerminalInquiry(self, prompt, tuple(options), default, deadline)
        self._open.append(inquiry)
        self._show()
        return inquiry

    def read(self, timeout: float) -> None:
        """Take the lines that were typed, waiting at most ``timeout`` [s] for one; each answers the first question."""
        while self._open and self._lines(timeout):
            timeout = 0.0

    def overheard(self) -> list[str]:
        """Return the lines that answered no question but tell the robot to stop, or to go on; each once."""
        while self._lines(0.0):
            pass
        return self._calls.overheard()

    @property
    def called(self) -> bool:
        """True while there is something that ``overheard`` would return."""
        return self._calls.waiting

    @property
    def lost(self) -> str:
        """Why nobody can be heard any more; empty while somebody can."""
        return "nobody can type any more: the terminal was closed" if self.ended else ""

    def _forget_typed(self) -> None:
        """Let nothing that was typed before a question answer it, but a stop; what a program sends keeps its order."""
        while self._lines(0.0):
            pass
        self._typed = ""

    def _lines(self, timeout: float) -> bool:
        """Take what was typed; False when there was nothing within ``timeout`` [s]."""
        if self.ended or not select.select([self._source], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._source, 4096)
        except OSError:  # the other end of a pseudo-terminal is gone
            data = b""
        if not data and not os.isatty(self._source):  # at a terminal that is Ctrl-D: more can be typed
            self.ended = True
            with suppress(OSError):  # what shows it may be the same terminal
                self._watcher.tell(self.lost)
        *lines, self._typed = (self._typed + data.decode(errors="replace")).split("\n")
        for line in lines:
            first = self._open[0] if self._open else None
            if not self._calls.take(line, first.options if first is not None else None) and first is not None:
                self._take(line)
        return True

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Wait until nothing is open, the time of each question is over, ``stopped()``, or a stop is for the guards."""
        while self._open and not self.ended and not self.called and not stopped():
            if all(time.monotonic() >= inquiry.until for inquiry in self._open if inquiry.shown):
                return
            self.read(_SLICE)

    def withdraw(self, inquiry: TerminalInquiry) -> None:
        """Forget a question."""
        if inquiry in self._open:
            self._open.remove(inquiry)
            if inquiry.shown:
                self._watcher.say("the question is withdrawn")
            self._show()

    def _take(self, line: str) -> None:
        first = self._open[0]
        first.said = first.understand(line)
        if first.said is None:
            first.refused += 1
            wanted = f"write one of: {', '.join(first.options)}" if first.options else "write an answer"
            self._watcher.say(wanted)
            return
        self._open.popleft()
        self._show()

    def _show(self) -> None:
        self._watcher.hold(bool(self._open))
        if self._open and not self._open[0].shown:
            first = self._open[0]
            first.shown = True
            first.until = time.monotonic() + first.deadline if first.deadline is not None else float("inf")
            self._watcher.tell(str(first))


def human_at(watcher: Watcher) -> TerminalHuman | None:
    """Return the human at the terminal; None when nobody types there (a pipe, a build server)."""
    try:
        there = sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it is closed
        there = False
    return TerminalHuman(watcher) if there else None
