"""The messages of a trace as they lie in the file, one after the other, as far as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader
from mcap.writer import MCAP0_MAGIC

from ..._base import parse_json
from ..tracing.recording import TraceError


class Raw(NamedTuple):
    """One message: its channel, run clock [ns], number in the file, and JSON."""

    topic: str
    time_ns: int
    sequence: int
    text: bytes

    def data(self) -> dict[str, Any]:
        """Return what the JSON says.

        Raises:
            TraceError: It is no JSON, or nested too deep.
        """
        try:
            found = parse_json(self.text)
            if not isinstance(found, dict):
                raise ValueError("it is no JSON object")
        except ValueError as error:
            raise TraceError(
                f"the message of {self.topic} at {self.time_ns * 1e-9:.2f} s cannot be read: {error}\n"
                "  fix:  record the run again; knothole did not write this"
            ) from None
        return found


@dataclass
class RawTrace:
    """A trace that is read message by message, as often as wanted; nothing of it is kept in memory.

    Attributes:
        path: The file.
        complete: After it was read: False when the file ends in the middle.
        damage: Why it was not read any further, in the words of the parser; empty for a complete one.
    """

    path: Path
    complete: bool = field(default=True, init=False)
    damage: str = field(default="", init=False)

    def __iter__(self) -> Iterator[Raw]:
        """Read it from the beginning.

        Raises:
            TraceError: There is no such file, or it is no trace.
        """
        self.complete, self.damage = True, ""
        topics: dict[int, str] = {}
        try:
            with self.path.open("rb") as file:
                if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
                    raise TraceError(f"{self.path} is no trace (no MCAP file)")
                file.seek(0)
                records = StreamReader(file, validate_crcs=True).records
                while True:
                    try:
                        record = next(records, None)
                    except Exception as error:  # whatever a half-written record makes the parser say
                        self.complete, self.damage = False, f"{type(error).__name__}: {error}".rstrip(": ")
                        return
                    if record is None:
                        return
                    if isinstance(record, Channel):
                        topics[record.id] = record.topic
                    elif isinstance(record, Message):
                        yield Raw(topics[record.channel_id], record.log_time, record.sequence, record.data)
        except OSError as error:
            raise TraceError(f"cannot read the trace {self.path}: {error.strerror}") from error
