"""Writes cassettes: every answer of a run goes to the file at once."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from .cassette import HEAD, VERSION, CassetteError, check_head
from .keeping_pictures import jpeg
from .privacy import Frames
from .questions import Answer, Frame
from .recorded import answer_data, compact, question_data
from .tickets import BrokerEvent

_REMEMBERED: Final = 4096


class CassetteWriter:
    """Keep every answer of a run; what ``heard`` is told by the broker goes to the file at once.

    Pictures are encoded on a thread of their own. A disk that is full ends the recording and not the run.

    Args:
        path: The file; a cassette that is there already is added to.
        backend: Name of the backend that answers.
        run: What to note of the run: plain data without settings, which may hold secrets.
        frames: What is done with the pictures of the run.

    Attributes:
        problem: Why writing stopped, empty if it did not.

    Raises:
        CassetteError: The file is something else, or cannot be written.
    """

    def __init__(
        self, path: Path, backend: str = "", run: Mapping[str, Any] | None = None, frames: Frames = "keep"
    ) -> None:
        self.path, self.backend, self.frames, self.problem = path, backend, frames, ""
        self._hashes: OrderedDict[str, str] = OrderedDict()
        self._pictures: queue.SimpleQueue[tuple[str, Frame] | None] = queue.SimpleQueue()
        self._drawn: set[str] = set()
        self._thread: threading.Thread | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise CassetteError(
                f"cannot write the cassette {path}: {error.strerror or error}\n  fix:  name a file that can be written"
            ) from error
        try:
            self._begin(dict(run or {}))
        except OSError as error:
            os.close(self._fd)
            raise CassetteError(f"cannot write the cassette {path}: {error.strerror or error}") from error
        except BaseException:
            os.close(self._fd)
            raise

    def _begin(self, run: dict[str, Any]) -> None:
        """Write the head of a new file; end the line that a killed writer left."""
        with self._locked():
            self._run = 1
            if os.fstat(self._fd).st_size == 0:
                os.write(self._fd, _line({HEAD: VERSION}))
            else:
                with self.path.open("rb") as file:
                    head = file.readline(200)
                    check_head(self.path, head.decode("utf-8", "replace"))
                    if not head.endswith(b"\n"):
                        os.write(self._fd, b"\n")
                        file.seek(len(head) + 1)
                    whole = file.tell()
                    for line in file:
                        self._run += line.startswith(b'{"run":') and b',"of":{' in line[:40]
                        whole += len(line) if line.endswith(b"\n") else 0
                os.ftruncate(self._fd, whole)
            os.write(self._fd, _line({"run": self._run, "of": run}))

    def heard(self, event: BrokerEvent) -> None:
        """Take note of a question, or write an answer; what the broker's listener is called with."""
        if event.what != "answered":
            if event.frame is not None and event.frame.id not in self._hashes:
                self._saw(event.frame)
            return
        ticket, answer = event.ticket, event.ticket.answer
        if answer is not None:
            delay = max(0.0, event.now - ticket.asked_at)
            asked = question_data(ticket.question)
            self.write(self._hashes.get(ticket.frame_id, ""), asked, answer, delay, ticket.backend)

    def write(
        self, frame: str, question: Mapping[str, Any], answer: Answer, delay: float | None = None, backend: str = ""
    ) -> None:
        """Append one answer.

        Args:
            frame: Hash of the picture it is about.
            question: The question as data.
            answer: The answer.
            delay: From asking to delivery on the run clock, [s].
            backend: Who answered; empty for the one that the run names.
        """
        said = compact(answer_data(answer, self.frames))
        row: dict[str, Any] = {"run": self._run, "frame": frame, "question": compact(question), "answer": said}
        row["backend"] = backend or self.backend
        row |= {"delay": round(delay, 6)} if delay is not None else {}
        try:
            line = _line(row)
        except ValueError:  # infinite or no number: JSON has no word for it
            row["answer"] = compact(answer_data(replace(_bare(answer), problem="it held a number that is none")))
            line = _line(row)
        self._append(line)

    def close(self) -> None:
        """Write the pictures that wait and close the file. Idempotent."""
        if self._fd < 0:
            return
        if self._thread is not None:
            self._pictures.put(None)
            self._thread.join()
        os.close(self._fd)
        self._fd = -1

    def _saw(self, frame: Frame) -> None:
        digest = self._hashes[frame.id] = frame.digest()
        if len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)
        if self.frames == "drop" or digest in self._drawn:
            return
        self._drawn.add(digest)
        if self._thread is None:
            self._thread = threading.Thread(target=self._draw, name="cassette", daemon=True)
            self._thread.start()
        self._pictures.put((digest, frame))

    def _draw(self) -> None:
        while (item := self._pictures.get()) is not None:
            digest, frame = item
            shown = [jpeg(each.rgb, self.frames) for each in (*frame.earlier, frame)]
            pictures = [base64.b64encode(each).decode("ascii") for each in shown]
            row: dict[str, Any] = {"run": self._run, "frame": digest, "jpeg": pictures[-1]}
            row |= {"earlier": pictures[:-1]} if frame.earlier else {}
            row |= {"blurred": True} if self.frames == "blur" else {}
            self._append(_line(row))

    def _append(self, line: bytes) -> None:
        if self.problem or self._fd < 0:
            return
        try:
            with self._locked():
                written = os.write(self._fd, line)
            if written < len(line):
                raise OSError(None, "the disk is full")
        except OSError as error:
            self.problem = f"the cassette {self.path} ends early: {error.strerror or error}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)


def _line(row: Mapping[str, Any]) -> bytes:
    text = json.dumps(row, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _bare(answer: Answer) -> Answer:
    return Answer(answer.kind, text=answer.text, model=answer.model)
