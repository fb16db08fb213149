"""What the page shows: a recorded trace, or a run as its trace is being written, as one list of messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ..trees.tracing.recording import Message, Recording, read_trace
from .moments import up_to
from .pictures import Pictures

MOST_MESSAGES: Final = 2_000_000
"""So many messages of a live run are held; of what comes after them only how the run went."""
_BULKY: Final = ("/joints", "/simulated")
"""Channels that are left out before, once three quarters of that are there."""
_ALWAYS: Final = ("/run", "/tree", "/status", "/interventions")
"""Channels that are held however long the run is."""
_LEFT_OUT: Final = ("/checkpoint", "/annotations", "/transforms", "/scene", "/calibration", "/replay")


def is_shown(topic: str) -> bool:
    """Tell whether the page uses a channel: not those to resume and replay from, nor those for Foxglove alone.

    >>> is_shown("/status"), is_shown("/calibration/table")
    (True, False)
    """
    return not any(topic == each or topic.startswith(f"{each}/") for each in _LEFT_OUT)


class Source:
    """One run as messages in the order in which they were written; pictures are kept apart.

    Args:
        name: How the page calls it.

    Attributes:
        live: Whether more is to come while the run goes on.
        ended: Nothing is to come any more.
        complete: The trace has its end; False for one whose writer was killed, or could not go on.
        pictures: The pictures of its messages.
        full: More came than is held.
        problem: Why the trace could not be written to its end; empty where it could.
    """

    live = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended, self.complete, self.full, self.problem = False, True, False, ""
        self.pictures = Pictures()
        self._messages: list[Message] = []
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._cut: tuple[int, int, Recording] | None = None

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, topic: str, time: float, data: Mapping[str, Any]) -> None:
        """Add a message.

        Args:
            topic: Its channel.
            time: Run clock, [s].
            data: What it says.
        """
        if not is_shown(topic):
            return
        number = len(self._messages)
        if not self._has_room(topic, number):
            self.full = True
            return
        self._messages.append(Message(topic, time, self.pictures.take_out(topic, data, number)))

    def _has_room(self, topic: str, number: int) -> bool:
        """Tell whether a message is held after so many others; ``read_trace`` has those of a trace already."""
        return True

    def messages(self, begin: int, most: int) -> list[Message]:
        """Return at most so many messages from a position on."""
        return self._messages[begin : begin + most]

    def robot(self) -> str:
        """Return the name of the driver that the run was started with, empty where it is not told."""
        for message in self._messages[:20]:
            if message.topic == "/run":
                return str(message.data.get("robot") or "").partition(":")[0]
        return ""

    def at(self, tick: int) -> Recording:
        """Return what was known at the end of a tick, before nodes that had ended were reset; see ``up_to``."""
        with self._lock:
            count = len(self._messages)
            if self._cut is None or self._cut[:2] != (count, tick):
                self._cut = (count, tick, up_to(self._messages[:count], tick))
            return self._cut[2]

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each message that comes, on the thread it comes on; returns what ends that."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard) if heard in self._listeners else None

    def _tell(self) -> None:
        for heard in tuple(self._listeners):
            heard()


class RecordedSource(Source):
    """A trace that was written before.

    Args:
        path: The trace.

    Raises:
        TraceError: There is no such file, or it is no trace.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(Path(path).name)
        recording = read_trace(path)
        for message in recording.messages:
            if isinstance(message.data, Mapping):
                self.add(*message)
        self.ended, self.complete = True, recording.complete


class LiveSource(Source):
    """A run while it goes on: ``TraceWriter.listen(source.take, source.broke)`` feeds it what the trace will hold.

    Args:
        name: How the page calls it.
    """

    live = True

    def take(self, topic: str, time_ns: int, text: bytes) -> None:
        """Take one message as it is written, on the writing thread.

        Args:
            topic: Its channel.
            time_ns: Run clock, [ns].
            text: Its JSON.
        """
        data = json.loads(text)
        if isinstance(data, dict):
            self.add(topic, time_ns * 1e-9, data)
            if topic == "/run" and data.get("event") == "end":
                self.ended = True
            self._tell()

    def _has_room(self, topic: str, number: int) -> bool:
        if topic in _ALWAYS or number < MOST_MESSAGES * 3 // 4:
            return True
        return number < MOST_MESSAGES and topic not in _BULKY

    def broke(self, why: str) -> None:
        """Note that nothing more is written, from any thread.

        Args:
            why: A sentence.
        """
        self.complete, self.problem = False, why
        self._tell()

    def end(self) -> None:
        """Note that nothing comes any more, also where the run did not say so. Idempotent."""
        if not self.ended:
            self.complete, self.ended = False, True
        self._tell()
