"""The file of a trace while it is written: MCAP in chunks, readable up to the last one whatever happens."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from mcap.writer import Writer

from .channels import schema
from .spool import spool_index

CHUNK: Final = 256 * 1024


class TraceFile:
    """An MCAP file that messages are added to. One thread uses it.

    Args:
        path: File to write; one that is there is replaced.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file: io.BufferedWriter = path.open("wb")
        self._writer = Writer(self._file, chunk_size=CHUNK)
        self._index = spool_index(self._writer)
        self._writer.start(profile="", library="knothole")
        self._file.flush()
        self._channels: dict[str, int] = {}
        self._schemas: dict[tuple[str, bytes], int] = {}
        self._sequence = 0

    @property
    def size(self) -> int:
        """Bytes written so far; the chunk that is being filled is not among them."""
        return self._file.tell()

    def add(self, topic: str, time_ns: int, text: bytes) -> None:
        """Add a message: its channel, run clock [ns], JSON."""
        if topic not in self._channels:
            name, document = known = schema(topic)  # fields of ours may stand beside those of a name that others have
            if known not in self._schemas:
                self._schemas[known] = self._writer.register_schema(name=name, encoding="jsonschema", data=document)
            self._channels[topic] = self._writer.register_channel(
                topic=topic, message_encoding="json", schema_id=self._schemas[known]
            )
        self._sequence += 1
        self._writer.add_message(
            channel_id=self._channels[topic],
            log_time=time_ns,
            publish_time=time_ns,
            sequence=self._sequence,
            data=text,
        )

    def flush(self) -> None:
        """Write the chunk that is being filled, so that a reader sees it."""
        self._writer.flush()

    def finish(self) -> None:
        """Write index and summary; nothing may be added any more."""
        self._writer.finish()
        self._file.flush()

    def close(self) -> None:
        """Close the file as it is. Idempotent."""
        self._file.close()
        self._index.close()
