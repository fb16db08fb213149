"""A human, or a program, who answers through a file: lines are read from an inbox, questions go to an outbox.

Questions are lines of JSON: ``{"id": N, "question": …, "options": […], "default": …, "deadline": …}``, and when one
is over ``{"id": N, "over": "answered"}`` or ``"withdrawn"``. A line of the inbox is the answer to the oldest open
question, as at the terminal, or ``{"id": N, "answer": "red"}``; where no open question has that id it answers none, and
``{"id": N, "ignored": "red"}`` says so. ``stop`` and ``go on`` are heard at any time.

No other run has the ids of this one: they count on from the time at which the inbox was opened, [µs] since 1970.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from ..._base import KnotholeError, parse_json
from ...behaviors.means.calls import Calls
from ...behaviors.means.understanding import understand
from ...behaviors.stop_sign import means_stop

_SLICE = 0.05
_MOST = 1 << 20
_KNOWN = 4096
"""So many bytes before the end of what was read have to be the same, or the file was written anew."""


class InboxError(KnotholeError):
    """The inbox or outbox cannot be opened."""


class FileInquiry:
    """One question that a file answers."""

    def __init__(
        self, inbox: Inbox, id: int, prompt: str, options: tuple[str, ...], default: str, deadline: float | None
    ) -> None:
        self._inbox, self.id = inbox, id
        self.prompt, self.options, self.default, self.deadline = prompt, options, default, deadline
        self.until = float("inf") if deadline is None else time.monotonic() + deadline
        self.said: str | None = None
        self.refused = 0

    @property
    def answer(self) -> str | None:
        """What the file says, None while it says nothing."""
        self._inbox.read()
        return self.said

    @property
    def gone(self) -> bool:
        """True while the inbox is not there, or the outbox cannot be written."""
        return self._inbox.gone and self.said is None

    def withdraw(self) -> None:
        """Take the question back."""
        self._inbox.over(self, "withdrawn")


class Inbox:
    """Ask through files.

    What stands in the inbox when it is opened was meant for an earlier run, and is not read.

    Args:
        inbox: File that other programs append lines to; made where it is missing.
        outbox: File that questions are appended to; by default the inbox with ``.out`` added.
        tell: Told, once each time, that the inbox cannot be read, and that it can be again.

    Attributes:
        inbox: The file of answers.
        where: How guards call it who were told to stop.
        outbox: The file of questions.
        lost: Why nobody can be heard now; empty while the inbox can be read. One that comes back is read.

    Raises:
        InboxError: One of them cannot be opened, or the inbox is a folder or a pipe.
    """

    where = "inbox"

    def __init__(
        self, inbox: Path, outbox: Path | None = None, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self.inbox, self.outbox = inbox, outbox or inbox.parent / f"{inbox.name}.out"
        self._open: list[FileInquiry] = []
        self._next, self._asked = time.time_ns() // 1000, False
        self._rest, self._mute = b"", False
        self.lost, self._tell = "", tell
        self._calls = Calls()
        try:
            inbox.touch()
            found = os.stat(inbox)
            before = b""
            if stat.S_ISREG(found.st_mode):
                self.outbox.touch()
                with inbox.open("rb") as file:
                    before = _before(file, found.st_size)
        except OSError as error:
            raise InboxError(
                f"cannot open the inbox {inbox}: {error.strerror or error}\n  fix:  name a file that can be written"
            ) from error
        if not stat.S_ISREG(found.st_mode):  # a pipe has no size, so nothing would ever be read
            raise InboxError(f"the inbox {inbox} is no file\n  fix:  name a file that can be written, such as answers")
        self._file, self._at, self._before, self._when = found.st_ino, found.st_size, before, found.st_mtime_ns

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> FileInquiry:
        """Put a question into the outbox. What was said late to one before it answers nothing."""
        if self._asked and not self._open:
            self.read()
        inquiry = FileInquiry(self, self._next, prompt, tuple(options), default, deadline)
        self._asked, self._next = True, self._next + 1
        self._open.append(inquiry)
        told = {"question": prompt, "options": list(options), "default": default, "deadline": deadline}
        self._write({"id": inquiry.id, **told})
        return inquiry

    def read(self) -> None:
        """Take the lines that were appended, or all of a file that was written anew."""
        try:
            found = os.stat(self.inbox)
            if (found.st_ino, found.st_size, found.st_mtime_ns) == (self._file, self._at, self._when):
                self._miss("")
                return
            with self.inbox.open("rb") as file:
                if found.st_ino != self._file or found.st_size < self._at or _before(file, self._at) != self._before:
                    self._file, self._at, self._rest = found.st_ino, 0, b""
                same = found.st_size == self._at
                file.seek(self._at)
                data = file.read(_MOST)
                self._at += len(data)
                self._before, self._when = _before(file, self._at), found.st_mtime_ns
        except OSError as error:
            self._miss(f"the inbox {self.inbox} cannot be read: {error.strerror or error}")
            return
        self._miss("")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))
        if same and not data:  # touched, or the same was written once more: then a stop is meant once more
            last = self._before.rstrip(b"\n").rpartition(b"\n")[2].decode(errors="replace")
            if means_stop(self._read_line(last)[0] or ""):
                self._take(last)

    @property
    def gone(self) -> bool:
        """True while nobody can answer: the inbox cannot be read, or the outbox not be written."""
        return bool(self.lost) or self._mute

    def _miss(self, why: str) -> None:
        if bool(why) != bool(self.lost):
            self._tell(why or f"the inbox {self.inbox} can be read again")
        self.lost = why

    def overheard(self) -> list[str]:
        """Return the lines that answered no question but tell the robot to stop, or to go on; each once."""
        self.read()
        return self._calls.overheard()

    @property
    def called(self) -> bool:
        """True while there is something that ``overheard`` would return."""
        return self._calls.waiting

    def over(self, inquiry: FileInquiry, how: str) -> None:
        """Forget a question."""
        if inquiry in self._open:
            self._open.remove(inquiry)
            self._write({"id": inquiry.id, "over": how})

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Give time to answer; see ``Human.wait``."""
        while self._open and not self.gone and not self.called and not stopped():
            self.read()
            if all(time.monotonic() >= inquiry.until for inquiry in self._open):
                return
            if self._open:
                time.sleep(_SLICE)

    def _take(self, line: str) -> None:
        text, inquiry, id = self._read_line(line)
        words = (text if text is not None else line).strip()
        if self._calls.take(words, inquiry.options if inquiry is not None else None):
            return
        if inquiry is None:
            if isinstance(id, int | str):
                self._write({"id": id, "ignored": words})
            return
        if text is None:
            inquiry.said = None
        elif not words:
            inquiry.said = inquiry.default or None
        else:
            inquiry.said = understand(words, inquiry.options) if inquiry.options else words
        if inquiry.said is None:
            inquiry.refused += 1
            self._write({"id": inquiry.id, "refused": words, "options": list(inquiry.options)})
        else:
            self.over(inquiry, "answered")

    def _read_line(self, line: str) -> tuple[str | None, FileInquiry | None, object]:
        """Return an answer, None where a line of JSON holds none, the question it is for, and the id that it names."""
        first = self._open[0] if self._open else None
        try:
            data = parse_json(line)
        except ValueError:
            return line, first, None
        if not isinstance(data, dict):
            return line, first, None
        id, answer = data.get("id"), data.get("answer")
        said = answer if isinstance(answer, str | None) else json.dumps(answer)
        if "id" not in data:
            return said, first, None
        return said, next((one for one in self._open if one.id == id), None), id

    def _write(self, data: dict[str, object]) -> None:
        try:
            with self.outbox.open("a", encoding="utf-8") as file:
                file.write(json.dumps(data) + "\n")
            self._mute = False
        except OSError:
            self._mute = True


def _before(file: BinaryIO, at: int) -> bytes:
    """Return the last bytes before a place."""
    first = max(0, at - _KNOWN)
    file.seek(first)
    return file.read(at - first)
