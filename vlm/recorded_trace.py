"""The answers in a trace, as a cassette: each with the question it was given to and the hash of its picture."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader

from .cassette import Cassette, CassetteError, Entry, read_cassette
from .recorded import RecordedError, answer_of

MAGIC: Final = b"\x89MCAP0\r\n"
_TOPICS: Final = ("/answers", "/run")


def read_recorded(path: Path) -> Cassette:
    """Read what a run was answered: from a cassette, or from a trace.

    Raises:
        CassetteError: There is no such file, it is neither, or something in it is wrong.
    """
    try:
        with path.open("rb") as file:
            is_trace = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise CassetteError(
            f"cannot read the recording {path}: {error.strerror or error}\n"
            "  fix:  name a file that --cassette wrote, or a trace, ….mcap"
        ) from error
    return _trace(path) if is_trace else read_cassette(path)


def _trace(path: Path) -> Cassette:
    entries: list[Entry] = []
    runs: list[Mapping[str, Any]] = []
    rows, complete = OrderedDict[int, tuple[str, float, Mapping[str, Any]]](), True
    with path.open("rb") as file:
        try:
            for number, row in enumerate(_messages(StreamReader(file))):
                rows[number] = row
        except Exception:  # whatever a half-written record makes the parser say
            complete = False
    for topic, time, data in rows.values():
        if topic == "/answers":
            entries.append(_entry(path, time, data, runs[-1] if runs else {}))
        elif data.get("event") == "start":
            runs.append({name: data[name] for name in ("tree", "scene", "seed", "vlm") if name in data})
    return Cassette(path, tuple(entries), tuple(runs), complete)


def _messages(reader: StreamReader) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    topics: dict[int, str] = {}
    for record in reader.records:
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Message) and topics[record.channel_id] in _TOPICS:
            yield topics[record.channel_id], record.log_time * 1e-9, json.loads(record.data)


def _entry(path: Path, time: float, data: Mapping[str, Any], run: Mapping[str, Any]) -> Entry:
    if "key" not in data or "frame_hash" not in data:
        raise CassetteError(
            f"the trace {path} does not say which pictures its answers are about\n"
            "  why:  an older knothole wrote it\n  fix:  record the run again"
        )
    try:
        answer = answer_of(data)
    except RecordedError as error:
        raise CassetteError(f"the trace {path} holds an answer at {time:.2f} s that is none: {error}") from error
    backend = str(run.get("vlm", "")).partition(":")[0]
    delay = max(0.0, time - float(data.get("asked_at", time)))
    return Entry(data["frame_hash"], data["key"], answer.kind, str(data.get("question", "")), backend, answer, delay)
