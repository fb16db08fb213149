"""Check the file of a trace against the MCAP format, record by record: lengths, checksums, times, indexes, summary."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from mcap import records
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.stream_reader import breakup_chunk
from mcap.writer import MCAP0_MAGIC

from ..tracing.recording import TraceError

_HEAD: Final = 9
"""Bytes of opcode and length before each record."""
_CRC: Final = 4


@dataclass
class Structure:
    """What a file is made of.

    Attributes:
        size: Bytes of the file.
        problems: What breaks the format, one line each.
        complete: Whether it has an end, with index and summary.
        rest: Bytes behind the last whole record, of a file that ends in the middle.
        chunks: Number of chunks.
        messages: Topic → number of messages.
        bytes: Topic → bytes of their JSON.
        first: Time of the first message in time, [ns].
        last: Time of the last message in time, [ns].
        gaps: Numbers of the messages that are missing in the middle, as (first, last).
    """

    size: int = 0
    problems: list[str] = field(default_factory=list)
    complete: bool = False
    rest: int = 0
    chunks: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)


def structure(path: Path) -> Structure:
    """Read a file from its first to its last byte and check it.

    Raises:
        TraceError: There is no such file, or it is no trace.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
                raise TraceError(f"{path} is no trace (no MCAP file)")
            return _Check(file, path.stat().st_size).found
    except OSError as error:
        raise TraceError(f"cannot read the trace {path}: {error.strerror}") from error


class _Check:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.found = Structure(size)
        self._file = file
        self._topics: dict[int, records.Channel] = {}
        self._schemas: set[int] = set()
        self._expected = 1
        self._counts: Counter[int] = Counter()
        self._chunks: list[records.ChunkIndex] = []
        self._summary_from = 0
        self._stated: list[records.ChunkIndex] = []
        self._positions: dict[int, list[tuple[int, int]]] = {}
        self._indexed: dict[int, int] = {}
        for at, opcode, body in self._records():
            try:
                self._take(at, opcode, body)
            except Exception as error:  # whatever a damaged record makes the parser say
                self._say(f"the record at byte {at} cannot be read: {type(error).__name__}: {error}".rstrip(": "))
        self._close_chunk()

    def _say(self, text: str) -> None:
        if len(self.found.problems) < 100:
            self.found.problems.append(text)

    def _records(self) -> Iterator[tuple[int, int, bytes]]:
        at = len(MCAP0_MAGIC)
        while True:
            head = self._file.read(_HEAD)
            if len(head) < _HEAD:
                break
            opcode, length = struct.unpack("<BQ", head)
            if length > self.found.size - at - _HEAD:
                break
            body = self._file.read(length)
            yield at, opcode, body
            at += _HEAD + length
            if opcode == Opcode.FOOTER:
                tail = self._file.read()
                self.found.complete = tail.startswith(MCAP0_MAGIC)
                if tail != MCAP0_MAGIC:
                    self._say(f"the file ends with {len(tail)} bytes that are not the mark of an MCAP file's end")
                return
        self.found.rest = self.found.size - at

    def _take(self, at: int, opcode: int, body: bytes) -> None:
        stream = ReadDataStream(io.BytesIO(body))
        if opcode == Opcode.CHUNK:
            self._close_chunk()
            self._chunk(at, records.Chunk.read(stream), len(body))
        elif opcode == Opcode.MESSAGE_INDEX:
            self._message_index(at, records.MessageIndex.read(stream), len(body))
        elif opcode == Opcode.DATA_END:
            self._close_chunk()
            self._summary_from = at + _HEAD + len(body)
        elif opcode == Opcode.CHUNK_INDEX:
            self._stated.append(records.ChunkIndex.read(stream))
        elif opcode == Opcode.STATISTICS:
            self._statistics(records.Statistics.read(stream))
        elif opcode == Opcode.FOOTER:
            self._footer(at, records.Footer.read(stream))
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL) and self._summary_from:
            self._repeated(opcode, stream)
        elif opcode == Opcode.HEADER and at != len(MCAP0_MAGIC):
            self._say(f"a second header stands at byte {at}")

    def _chunk(self, at: int, chunk: records.Chunk, length: int) -> None:
        self.found.chunks += 1
        try:
            inside = breakup_chunk(chunk, validate_crc=True)
        except Exception as error:  # a wrong checksum, or data that cannot be unpacked
            self._say(f"the chunk at byte {at} is damaged: {type(error).__name__}: {error}".rstrip(": "))
            self._chunks.append(_index_of(at, chunk, length))
            return
        times = []
        for record in inside:
            if isinstance(record, records.Schema):
                self._schemas.add(record.id)
            elif isinstance(record, records.Channel):
                self._topics[record.id] = record
                if record.schema_id and record.schema_id not in self._schemas:
                    self._say(f"the channel {record.topic} has a schema that is not there")
            elif isinstance(record, records.Message):
                times.append(record.log_time)
                self._message(record)
        if times and (min(times), max(times)) != (chunk.message_start_time, chunk.message_end_time):
            self._say(f"the chunk at byte {at} does not tell the times of its messages")
        self._chunks.append(_index_of(at, chunk, length))

    def _message(self, record: records.Message) -> None:
        channel = self._topics.get(record.channel_id)
        if channel is None:
            self._say(f"message {record.sequence} is of a channel that is not there")
            return
        found = self.found
        found.messages[channel.topic] += 1
        found.bytes[channel.topic] += len(record.data)
        found.first = record.log_time if found.first is None else min(found.first, record.log_time)
        found.last = record.log_time if found.last is None else max(found.last, record.log_time)
        if record.sequence > self._expected:
            found.gaps.append((self._expected, record.sequence - 1))
        self._expected = record.sequence + 1
        self._counts[record.channel_id] += 1
        self._indexed[record.channel_id] = self._indexed.get(record.channel_id, 0) + 1

    def _message_index(self, at: int, index: records.MessageIndex, length: int) -> None:
        if not self._chunks:
            self._say(f"an index of messages stands at byte {at} without a chunk before it")
            return
        chunk = self._chunks[-1]
        chunk.message_index_offsets[index.channel_id] = at
        chunk.message_index_length += _HEAD + length
        here = self._indexed.pop(index.channel_id, 0)
        if len(index.records) != here:
            name = self._topics[index.channel_id].topic if index.channel_id in self._topics else index.channel_id
            self._say(f"the index at byte {at} tells {len(index.records)} messages of {name}; there are {here}")

    def _close_chunk(self) -> None:
        if self._indexed and (self._summary_from or self.found.complete or self._chunks[-1].message_index_offsets):
            self._say(f"the chunk at byte {self._chunks[-1].chunk_start_offset} has messages without an index")
        self._indexed = {}

    def _repeated(self, opcode: int, stream: ReadDataStream) -> None:
        if opcode == Opcode.SCHEMA:
            if records.Schema.read(stream).id not in self._schemas:
                self._say("the summary has a schema that the data has not")
            return
        channel = records.Channel.read(stream)
        if self._topics.get(channel.id) != channel:
            self._say(f"the summary has a channel {channel.topic} that the data has not")

    def _statistics(self, stated: records.Statistics) -> None:
        found = self.found
        for what, there, told in (
            ("messages", sum(self._counts.values()), stated.message_count),
            ("chunks", found.chunks, stated.chunk_count),
            ("channels", len(self._topics), stated.channel_count),
            ("schemas", len(self._schemas), stated.schema_count),
            ("the first time", found.first or 0, stated.message_start_time),
            ("the last time", found.last or 0, stated.message_end_time),
        ):
            if there != told:
                self._say(f"the summary tells {told} as {what}; the data has {there}")
        if dict(stated.channel_message_counts) != dict(self._counts):
            self._say("the summary tells other numbers of messages of each channel than the data has")

    def _footer(self, at: int, footer: records.Footer) -> None:
        if [vars(index) for index in self._stated] != [vars(index) for index in self._chunks]:
            self._say("the index of chunks in the summary is not that of the chunks in the data")
        if footer.summary_start not in (0, self._summary_from):
            self._say("the footer does not point to the summary")
        elif footer.summary_crc:
            self._file.seek(self._summary_from)
            summary = self._file.read(at + _HEAD + 16 - self._summary_from)
            self._file.seek(at + _HEAD + 16 + _CRC)
            if zlib.crc32(summary) != footer.summary_crc:
                self._say("the checksum of the summary is wrong")


def _index_of(at: int, chunk: records.Chunk, length: int) -> records.ChunkIndex:
    return records.ChunkIndex(
        chunk_length=_HEAD + length,
        chunk_start_offset=at,
        compression=chunk.compression,
        compressed_size=len(chunk.data),
        message_end_time=chunk.message_end_time,
        message_index_length=0,
        message_index_offsets={},
        message_start_time=chunk.message_start_time,
        uncompressed_size=chunk.uncompressed_size,
    )
