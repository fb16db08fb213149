"""Keep only the end of a long run: the file is written anew without its oldest part, and takes the old one's place."""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path

from ..recorded.cutting import cut
from ..recorded.raw import RawTrace
from .amount import Amount
from .trace_file import TraceFile

_GROWTH = 1.5
"""A file whose start and tree alone nearly fill the limit may grow by this before it is written anew."""


class Ring:
    """What is given up of a trace, and when.

    The file under the trace's name is readable at any moment: a new one is written beside it and then renamed. While
    that lasts both are on disk.

    Args:
        path: The trace.
        amount: How much is kept.
    """

    def __init__(self, path: Path, amount: Amount) -> None:
        self._path, self._amount = path, amount
        self._part = path.with_name(f".{path.name}.part")
        self._begin: int | None = None
        self._newest = 0
        self._marks: deque[tuple[int, int]] = deque()
        self._full = amount.size or 0

    def is_due(self, time_ns: int, file: TraceFile) -> bool:
        """Tell, after a message was written, whether it is time to write the file anew."""
        self._newest = max(self._newest, time_ns)
        if self._begin is None:
            self._begin = time_ns
        if self._amount.seconds is not None:
            return self._newest - self._begin >= 2e9 * self._amount.seconds
        size = file.size
        if not self._marks or size > self._marks[-1][1]:
            self._marks.append((time_ns, size))
        return size >= self._full

    def turn(self, file: TraceFile) -> tuple[TraceFile, set[str]]:
        """Write the file anew; return it, to be written on, and the ids of the pictures in it.

        Raises:
            OSError: It cannot be written; the old one stays.
        """
        begin, pictures = self._first(file), set()
        file.flush()
        new = TraceFile(self._part)
        try:
            for raw in cut(RawTrace(self._path), begin, None):
                new.add(raw.topic, raw.time_ns, raw.text)
                if raw.topic == "/frames":
                    pictures.add(str(json.loads(raw.text)["frame_id"]))
            new.flush()
            os.replace(self._part, self._path)
        except BaseException:
            new.close()
            self._part.unlink(missing_ok=True)
            raise
        file.close()
        self._begin, self._full = begin, max(self._amount.size or 0, int(_GROWTH * new.size))
        self._marks.clear()
        return new, pictures

    def last(self, file: TraceFile) -> TraceFile:
        """Give up what is still too old when the run has ended."""
        seconds = self._amount.seconds
        if seconds is None or self._begin is None or self._newest - self._begin <= 1e9 * seconds:
            return file
        return self.turn(file)[0]

    def _first(self, file: TraceFile) -> int:
        """Return the time of the first message that is kept, [ns]."""
        if self._amount.seconds is not None:
            return self._newest - round(1e9 * self._amount.seconds)
        half = file.size - (self._amount.size or 0) // 2
        return next((time for time, size in self._marks if size >= half), self._newest)
