"""A trace read back, also one whose writer was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mcap.records import Channel
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader
from mcap.writer import MCAP0_MAGIC

from ..._base import KnotholeError


class TraceError(KnotholeError):
    """A trace cannot be written or read."""


class Message(NamedTuple):
    """One message: its channel, run clock [s], and its data."""

    topic: str
    time: float
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Recording:
    """What a trace holds.

    Attributes:
        messages: All messages in the order in which they were written.
        complete: False when the file ends in the middle: its writer was killed, or it is being written now.
    """

    messages: tuple[Message, ...]
    complete: bool

    def topic(self, name: str) -> list[Message]:
        """Return the messages of one channel, such as ``/status``."""
        return [message for message in self.messages if message.topic == name]

    @property
    def began(self) -> float:
        """When the run began, run clock, [s]; on a robot that is the monotonic clock of its machine."""
        return next((m.time for m in self.messages if m.topic in ("/run", "/tree")), 0.0)

    @property
    def start(self) -> Mapping[str, Any]:
        """What the run was started with (versions, seed, scene, backend, robot, arguments); empty if missing."""
        return self._run("start")

    @property
    def end(self) -> Mapping[str, Any]:
        """How the run ended (status, digest, ticks); empty when it was killed."""
        return self._run("end")

    def _run(self, event: str) -> Mapping[str, Any]:
        return next((m.data for m in self.topic("/run") if m.data.get("event") == event), {})

    @property
    def tree(self) -> Mapping[str, Any]:
        """The tree that the run began with: name, text, nodes; empty if missing."""
        return next((m.data for m in self.topic("/tree")), {})

    def tree_at(self, tick: int | None = None) -> Mapping[str, Any]:
        """Return the tree that was ticked in a tick (default: the last one); statuses of that tick are of its nodes."""
        trees = self.topic("/tree")
        changed = sum(1 for m in self.topic("/run") if _reloaded_before(m, tick))
        return trees[min(changed, len(trees) - 1)].data if trees else {}

    def before_change(self, tick: int) -> Recording:
        """Return the messages up to the first change of the tree after a tick, all of them where there is none."""
        for number, message in enumerate(self.messages):
            if is_reload(message) and int(message.data["tick"]) >= tick:
                return Recording(self.messages[:number], False)
        return self

    @property
    def last_tick(self) -> int:
        """Number of the last tick in which anything is known to have happened."""
        return max((int(m.data.get("tick", 0)) for m in self.messages), default=0)

    def statuses(self, tick: int | None = None) -> dict[int, tuple[str, str]]:
        """Return node index, in ``tree_at(tick)``, → status and reason at the end of a tick (default: the last one)."""
        found: dict[int, tuple[str, str]] = {}
        for message in self.messages:
            if _reloaded_before(message, tick):
                found = {new: found[old] for new, old in enumerate(message.data["came_from"]) if old in found}
            if message.topic != "/status":
                continue
            if tick is not None and message.data["tick"] > tick:
                break
            for change in message.data["changes"]:
                found[change["node"]] = (change["status"], change["reason"])
        return found

    def blackboard(self, tick: int | None = None) -> dict[str, Any]:
        """Return entry name → summarised value at the end of a tick (default: the last one)."""
        found: dict[str, Any] = {}
        for message in self.topic("/blackboard"):
            if tick is not None and message.data["tick"] > tick:
                break
            found[message.data["name"]] = message.data["value"]
        return found


def is_reload(message: Message) -> bool:
    """Tell whether a message says that the tree was changed."""
    return message.topic == "/run" and message.data.get("event") == "reload"


def is_end(message: Message) -> bool:
    """Tell whether a message says how the run ended."""
    return message.topic == "/run" and message.data.get("event") == "end"


def _reloaded_before(message: Message, tick: int | None) -> bool:
    """Tell whether a message says that the tree was changed before a tick, so that the tick had the new one."""
    return is_reload(message) and (tick is None or int(message.data["tick"]) < tick)


def read_trace(path: str | Path) -> Recording:
    """Read a trace, as far as it goes. Messages of others that are no JSON object are left out.

    Raises:
        TraceError: There is no such file, or it is no trace.
    """
    path = Path(path)
    messages: list[Message] = []
    complete = True
    try:
        with path.open("rb") as file:
            if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
                raise TraceError(f"{path} is no trace (no MCAP file)")
            file.seek(0)
            try:
                for message in _messages(StreamReader(file)):
                    messages.append(message)
            except Exception:  # whatever a half-written record makes the parser say
                complete = False
    except OSError as error:
        raise TraceError(f"cannot read the trace {path}: {error.strerror}") from error
    return Recording(tuple(messages), complete)


def _messages(reader: StreamReader) -> Iterator[Message]:
    topics: dict[int, str] = {}
    for record in reader.records:
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, McapMessage):
            data = json.loads(record.data)
            if isinstance(data, dict):
                yield Message(topics[record.channel_id], record.log_time * 1e-9, data)
