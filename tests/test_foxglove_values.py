"""What Foxglove is told makes sense: times, places, colors; also where a trace was cut, kept in part, or cut off."""

from __future__ import annotations

import base64
import io
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import NonSeekingReader, make_reader
from PIL import Image

from knothole.app.recorded.traces import export
from knothole.tests.calling import call
from knothole.tests.traced import seen_run
from knothole.trees.recorded.verifying import verify
from knothole.trees.tracing.amount import Amount
from knothole.trees.tracing.recording import read_trace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of one run: whole, a piece of it, its end, what a killed process leaves, and that with a new index."""
    made = tmp_path_factory.mktemp("traces")
    seen_run(made / "whole.mcap")
    seen_run(made / "ringed.mcap", Amount(seconds=0.5))
    code, _, err = call(f"trace cut {made}/whole.mcap --from 100ms --to 1s -o {made}/piece.mcap")
    assert code == 0, err
    whole = (made / "whole.mcap").read_bytes()
    (made / "killed.mcap").write_bytes(whole[: len(whole) * 9 // 10])
    export(made / "killed.mcap", made / "again.mcap", "mcap")
    return made


def objects(data: object, key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return each object in a message with the name of its field."""
    if isinstance(data, Mapping):
        yield key, data
    for name, each in data.items() if isinstance(data, Mapping) else ():
        yield from objects(each, str(name))
    for each in data if isinstance(data, list) else ():
        yield from objects(each, key)


def numbers(data: object) -> Iterator[float]:
    for each in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        if isinstance(each, float | int):
            yield each
        yield from numbers(each)


def odd(topic: str, data: Mapping[str, Any], time_ns: int, frames: set[str]) -> list[str]:
    """Return what a message says that cannot be."""
    found = [f"{topic}: {each} is no number" for each in numbers(data) if not math.isfinite(each)]
    for key, each in objects(data):
        if key == "timestamp" and each["sec"] * 10**9 + each["nsec"] > time_ns:
            found.append(f"{topic}: a time after that of its message")
        if key in ("rotation", "orientation") and abs(math.hypot(*each.values()) - 1.0) > 1e-3:
            found.append(f"{topic}: {each} is not of unit length")
        if key.endswith("color") and not all(0.0 <= part <= 1.0 for part in each.values()):
            found.append(f"{topic}: {each} is no color")
        if key == "size" and not all(side > 0.0 for side in each.values()):
            found.append(f"{topic}: {each} is no size")
        for name in ("frame_id", "parent_frame_id"):
            if name in each and each[name] not in frames:
                found.append(f"{topic}: nobody knows the frame {each[name]!r}")
    return found


@pytest.mark.parametrize("name", ["whole", "ringed", "piece", "again"])
def test_times_places_and_colors_make_sense(folder: Path, name: str) -> None:
    trace = read_trace(folder / f"{name}.mcap")
    frames = {row["child_frame_id"] for m in trace.topic("/transforms") for row in m.data["transforms"]} | {"world"}
    pictures = {(m.data["timestamp"]["sec"], m.data["timestamp"]["nsec"]): m.data for m in trace.topic("/frames")}
    with (folder / f"{name}.mcap").open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            if schema is not None and schema.name.startswith("foxglove."):
                assert odd(channel.topic, json.loads(message.data), message.log_time, frames) == []
    opened = {at: Image.open(io.BytesIO(base64.b64decode(data["data"]))).size for at, data in pictures.items()}
    assert opened
    assert trace.topic("/annotations") or name == "ringed"  # its end has no boxes
    for message in trace.topic("/annotations"):
        for each in (*message.data["points"], *message.data["circles"], *message.data["texts"]):
            width, height = opened[each["timestamp"]["sec"], each["timestamp"]["nsec"]]
            for point in each.get("points", [each.get("position")]):
                assert 0 <= point["x"] <= width
                assert 0 <= point["y"] <= height
    lenses = trace.topic("/calibration/table")
    assert {(m.data["width"], m.data["height"]) for m in lenses} == set(opened.values())
    assert all(m.data["K"][0] > 0 and m.data["K"][4] > 0 and m.data["K"][8] == 1 for m in lenses)


@pytest.mark.parametrize("name", ["whole", "ringed", "piece", "again"])
def test_a_reader_of_mcap_finds_index_and_statistics_as_the_data_are(folder: Path, name: str) -> None:
    with (folder / f"{name}.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        indexed = [(c.topic, m.sequence, m.log_time, m.data) for _, c, m in reader.iter_messages(log_time_order=False)]
        file.seek(0)
        plain = NonSeekingReader(file, validate_crcs=True)
        read = [(c.topic, m.sequence, m.log_time, m.data) for _, c, m in plain.iter_messages(log_time_order=False)]
    assert sorted(indexed) == sorted(read)
    counts = Counter(topic for topic, *_ in read)
    told = summary.statistics
    assert {summary.channels[id].topic: n for id, n in told.channel_message_counts.items() if n} == counts
    assert (told.message_count, told.channel_count) == (len(read), len(summary.channels))
    assert (told.schema_count, told.chunk_count) == (len(summary.schemas), len(summary.chunk_indexes))
    times = [time for _, _, time, _ in read]
    assert (told.message_start_time, told.message_end_time) == (min(times), max(times))
    assert all(
        each.message_encoding == "json" and each.schema_id in summary.schemas for each in summary.channels.values()
    )
    assert all(json.loads(each.data)["type"] == "object" for each in summary.schemas.values())


def test_what_a_killed_process_leaves_is_told_to_be_that_and_nothing_in_it_is_wrong(folder: Path) -> None:
    found = verify(folder / "killed.mcap")
    assert not found.whole
    assert [each for each in found.findings if each.what == "wrong"] == []
    killed, again = read_trace(folder / "killed.mcap"), read_trace(folder / "again.mcap")
    assert (killed.complete, again.complete) == (False, True)
    assert again.messages == killed.messages
    assert len(killed.messages) > 10
