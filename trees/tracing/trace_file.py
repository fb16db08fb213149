"""The file of a trace while it is written: MCAP in chunks, readable up to the last one whatever happens.

Messages, which are many, are packed here; the writer of ``mcap`` takes several times as long for one. All other records
are those of ``mcap``.

Source: MCAP format specification, https://mcap.dev/spec.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC

from .channels import schema
from .spool import Spool

CHUNK: Final = 256 * 1024
_LEVEL: Final = 1
"""Of zstd: the usual 3 makes a trace 4 % smaller and takes a third longer to write."""
_MESSAGE: Final = struct.Struct("<BQHIQQ")
"""Begin of a message: opcode, length of what follows, channel, sequence, log time, publish time."""
_INDEX: Final = struct.Struct("<BQHI")
"""Begin of the index of a channel in a chunk: opcode, length of what follows, channel, length of its rows."""
_FOOTER: Final = struct.Struct("<BQQQ")
"""What of the footer its check sum covers: opcode, length, begin of the summary, begin of its offsets."""
_HEAD: Final = 9
"""Length of opcode and length of a record, [bytes]."""


class TraceFile:
    """An MCAP file that messages are added to. One thread uses it.

    Args:
        path: File to write; one that is there is replaced.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file: io.BufferedWriter = path.open("wb")
        self._index = Spool()
        self._zstd = zstandard.ZstdCompressor(level=_LEVEL)
        self._channels: dict[str, Channel] = {}
        self._schemas: dict[tuple[str, bytes], Schema] = {}
        self._counts: dict[int, int] = {}
        self._chunks = self._sequence = 0
        self._begin: int | None = None
        self._end = 0
        self._parts: list[bytes] = []
        self._filled = 0
        self._rows: dict[int, list[int]] = {}
        self._file.write(MCAP0_MAGIC + _packed([Header(profile="", library="knothole")]))
        self._file.flush()

    @property
    def size(self) -> int:
        """Bytes written so far; the chunk that is being filled is not among them."""
        return self._file.tell()

    def add(self, topic: str, time_ns: int, text: bytes) -> None:
        """Add a message: its channel, run clock [ns], JSON."""
        number = (self._channels.get(topic) or self._channel(topic)).id
        self._sequence += 1
        self._counts[number] += 1
        self._rows.setdefault(number, []).extend((time_ns, self._filled))
        length = _MESSAGE.size - _HEAD + len(text)
        self._put(_MESSAGE.pack(Opcode.MESSAGE, length, number, self._sequence, time_ns, time_ns))
        self._put(text)
        if self._filled > CHUNK:
            self._end_chunk()

    def _put(self, part: bytes) -> None:
        self._parts.append(part)
        self._filled += len(part)

    def _channel(self, topic: str) -> Channel:
        """Begin a channel, and its schema where no other channel has it."""
        known = name, document = schema(topic)  # fields of ours may stand beside those of a name that others have
        if known not in self._schemas:
            new = Schema(id=len(self._schemas) + 1, data=document, encoding="jsonschema", name=name)
            self._schemas[known] = new
            self._put(_packed([new]))
        channel = Channel(
            id=len(self._channels) + 1,
            topic=topic,
            message_encoding="json",
            metadata={},
            schema_id=self._schemas[known].id,
        )
        self._channels[topic] = channel
        self._counts[channel.id] = 0
        self._put(_packed([channel]))
        return channel

    def _end_chunk(self) -> None:
        """Write the chunk that is being filled, if anything is in it."""
        if not self._rows:
            return
        data = b"".join(self._parts)
        times = [time for rows in self._rows.values() for time in rows[::2]]
        begin, end, compressed = min(times), max(times), self._zstd.compress(data)
        self._begin = begin if self._begin is None else min(self._begin, begin)
        self._end = max(self._end, end)
        start = self._file.tell()
        chunk = _packed(
            [
                Chunk(
                    compression="zstd",
                    data=compressed,
                    message_end_time=end,
                    message_start_time=begin,
                    uncompressed_crc=zlib.crc32(data),
                    uncompressed_size=len(data),
                )
            ]
        )
        indices, offsets = b"", {}
        for number, rows in self._rows.items():
            offsets[number] = start + len(chunk) + len(indices)
            size = 8 * len(rows)
            head = _INDEX.pack(Opcode.MESSAGE_INDEX, _INDEX.size - _HEAD + size, number, size)
            indices += head + struct.pack(f"<{len(rows)}Q", *rows)
        self._file.write(chunk + indices)
        self._index.append(
            ChunkIndex(
                chunk_length=len(chunk),
                chunk_start_offset=start,
                compression="zstd",
                compressed_size=len(compressed),
                message_end_time=end,
                message_index_length=len(indices),
                message_index_offsets=offsets,
                message_start_time=begin,
                uncompressed_size=len(data),
            )
        )
        self._chunks += 1
        self._parts, self._filled, self._rows = [], 0, {}

    def flush(self) -> None:
        """Write the chunk that is being filled, so that a reader sees it."""
        self._end_chunk()
        self._file.flush()

    def finish(self) -> None:
        """Write index and summary; nothing may be added any more."""
        self._end_chunk()
        self._file.write(_packed([DataEnd(data_section_crc=0)]))
        start = self._file.tell()
        groups: list[tuple[int, Iterable[McapRecord]]] = [
            (Opcode.SCHEMA, self._schemas.values()),
            (Opcode.CHANNEL, self._channels.values()),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, self._index),
        ]
        summary, offsets = b"", []
        for opcode, records in groups:
            group = _packed(records)
            if group:
                begin = start + len(summary)
                offsets.append(SummaryOffset(group_opcode=opcode, group_start=begin, group_length=len(group)))
            summary += group
        lists = start + len(summary)
        summary += _packed(offsets)
        check = zlib.crc32(_FOOTER.pack(Opcode.FOOTER, 20, start, lists), zlib.crc32(summary))
        footer = Footer(summary_start=start, summary_offset_start=lists, summary_crc=check)
        self._file.write(summary + _packed([footer]) + MCAP0_MAGIC)
        self._file.flush()

    def _statistics(self) -> Statistics:
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=self._chunks,
            message_count=self._sequence,
            message_end_time=self._end,
            message_start_time=self._begin or 0,
            metadata_count=0,
            schema_count=len(self._schemas),
        )

    def close(self) -> None:
        """Close the file as it is. Idempotent."""
        self._file.close()
        self._index.close()


def _packed(records: Iterable[McapRecord]) -> bytes:
    """Return records as they stand in a file."""
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    packed: bytes = builder.end()
    return packed
