"""What Foxglove is to show is valid in its own schemas, as its package has them, and hangs together."""

from __future__ import annotations

import base64
import importlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from mcap.reader import make_reader
from PIL import Image

from knothole.tests.traced import seen_run
from knothole.trees.tracing.channels import CHANNELS
from knothole.trees.tracing.recording import Recording, read_trace

EXTRA = {
    "/frames": {"hash", "camera"},
    "/joints": {"tick", "q", "gripper_width", "tcp"},
    "/simulated": {"tick"},
}
"""Fields of ours beside those of the schema."""
TIMES = ("google.protobuf.Timestamp", "google.protobuf.Duration")
REAL = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)
WHOLE = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
    FieldDescriptor.CPPTYPE_ENUM,
)


def descriptor(schema: str) -> Descriptor:
    name = schema.removeprefix("foxglove.")
    module = importlib.import_module(f"foxglove_schemas_protobuf.{name}_pb2")
    found: Descriptor = getattr(module, name).DESCRIPTOR
    return found


def wrong(data: Any, kind: Descriptor, place: str, extra: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    """Return what in a JSON message does not fit a message type of Foxglove."""
    if kind.full_name in TIMES:
        fits = isinstance(data, dict) and set(data) == {"sec", "nsec"}
        fits = fits and all(isinstance(v, int) and v >= 0 for v in data.values()) and data["nsec"] < 10**9
        return [] if fits else [f"{place} is {data!r}"]
    if not isinstance(data, dict):
        return [f"{place} is {data!r}"]
    fields = {field.name: field for field in kind.fields}
    found = [f"{place}.{name} is no field" for name in data if name not in fields and name not in extra]
    for name, field in fields.items():
        if name in data:
            found += wrong_field(data[name], field, f"{place}.{name}")
        elif not field.is_repeated and not field.has_presence:
            found.append(f"{place}.{name} is missing")
    return found


def wrong_field(value: Any, field: FieldDescriptor, place: str) -> list[str]:
    if field.is_repeated:
        if not isinstance(value, list):
            return [f"{place} is {value!r}"]
        return [text for i, each in enumerate(value) for text in wrong_value(each, field, f"{place}[{i}]")]
    return wrong_value(value, field, place)


def wrong_value(value: Any, field: FieldDescriptor, place: str) -> list[str]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        return wrong(value, field.message_type, place)
    fits = {
        FieldDescriptor.CPPTYPE_STRING: isinstance(value, str),
        FieldDescriptor.CPPTYPE_BOOL: isinstance(value, bool),
    }.get(field.cpp_type)
    if fits is None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = number and (field.cpp_type in REAL or (field.cpp_type in WHOLE and isinstance(value, int)))
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM and fits:
        fits = value in field.enum_type.values_by_number
    return [] if fits else [f"{place} is {value!r}"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("foxglove") / "run.mcap"
    assert seen_run(file).status == "SUCCESS"
    return file


@pytest.fixture(scope="module")
def run(path: Path) -> Recording:
    return read_trace(path)


def test_every_message_of_a_foxglove_channel_is_valid(path: Path) -> None:
    checked: dict[str, int] = {}
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            assert schema is not None
            if schema.name.startswith("foxglove."):
                data = json.loads(message.data)
                assert wrong(data, descriptor(schema.name), channel.topic, EXTRA.get(channel.topic, set())) == []
                checked[channel.topic] = checked.get(channel.topic, 0) + 1
    topics = {"/frames", "/annotations", "/transforms", "/joints", "/scene", "/log", "/calibration/table"}
    assert set(checked) == topics


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("properties", {})
    return found


def unknown(schema: Mapping[str, Any], kind: Descriptor, place: str) -> list[str]:
    """Return the properties of a JSON Schema that a message type does not have, or has in another form."""
    if kind.full_name in TIMES:
        return [] if set(properties(schema)) == {"sec", "nsec"} else [place]
    fields = {field.name: field for field in kind.fields}
    found = []
    for name, below in properties(schema).items():
        field = fields.get(name)
        if field is None:
            found.append(f"{place}.{name}")
            continue
        if field.is_repeated != (below.get("type") == "array"):
            found.append(f"{place}.{name} is a list")
        inner = below.get("items", {}) if field.is_repeated else below
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            found += unknown(inner, field.message_type, f"{place}.{name}")
        else:
            kinds = {"number": REAL, "integer": WHOLE, "boolean": (FieldDescriptor.CPPTYPE_BOOL,)}
            if field.cpp_type not in kinds.get(inner["type"], (FieldDescriptor.CPPTYPE_STRING,)):
                found.append(f"{place}.{name} is {inner['type']}")
    return found


@pytest.mark.parametrize("topic", [t for t, (name, _) in CHANNELS.items() if name.startswith("foxglove.")])
def test_the_schemas_in_a_trace_are_those_of_foxglove(topic: str) -> None:
    name, fields = CHANNELS[topic]
    own = {key: value for key, value in fields.items() if key not in EXTRA.get(topic, ())}
    assert unknown({"properties": own}, descriptor(name), topic) == []


def test_boxes_stand_on_the_picture_that_was_asked_about(run: Recording) -> None:
    pictures = {(m.data["timestamp"]["sec"], m.data["timestamp"]["nsec"]): m.data for m in run.topic("/frames")}
    drawn = run.topic("/annotations")
    assert [len(m.data["points"]) for m in drawn] == [2, 1]
    for message in drawn:
        for each in (*message.data["points"], *message.data["texts"], *message.data["circles"]):
            stamp = each["timestamp"]
            assert (stamp["sec"], stamp["nsec"]) in pictures
    box, circle, answer = drawn[0].data["points"][0], drawn[0].data["circles"][0], run.topic("/answers")[1]
    picture = Image.open(io.BytesIO(base64.b64decode(next(iter(pictures.values()))["data"])))
    x1, y1, x2, y2 = answer.data["regions"][0]["box_xyxy"]
    assert (box["points"][0]["x"], box["points"][0]["y"]) == (x1 * picture.width, y1 * picture.height)
    assert (box["points"][2]["x"], box["points"][2]["y"]) == (x2 * picture.width, y2 * picture.height)
    assert circle["position"] == {"x": 0.5 * picture.width, "y": 0.5 * picture.height}
    assert drawn[0].data["texts"][0]["text"] == "red cube 1.00"


def test_each_picture_has_a_place_in_the_world_and_a_lens(run: Recording) -> None:
    children = {row["child_frame_id"] for m in run.topic("/transforms") for row in m.data["transforms"]}
    assert {row["parent_frame_id"] for m in run.topic("/transforms") for row in m.data["transforms"]} == {"world"}
    assert {m.data["frame_id"] for m in run.topic("/frames")} | {"camera/table", "base", "tcp"} == children
    (lens,) = run.topic("/calibration/table")
    assert lens.data["frame_id"] == "camera/table"
    assert lens.data["K"][2] == pytest.approx(lens.data["width"] / 2, abs=1.0)
    assert lens.data["P"][:3] == lens.data["K"][:3]


def test_joints_can_be_plotted_by_name(run: Recording) -> None:
    first, last = run.topic("/joints")[0].data, run.topic("/joints")[-1].data
    names = [joint["name"] for joint in first["joints"]]
    assert names == [*(f"panda_joint{i}" for i in range(1, 8)), "gripper"]
    assert [joint["position"] for joint in last["joints"]] == [*last["q"], last["gripper_width"]]
    assert first["q"] != last["q"]


def test_things_that_were_grounded_stand_in_space(run: Recording) -> None:
    (entity,) = run.topic("/scene")[0].data["entities"]
    assert (entity["id"], entity["frame_id"]) == ("things", "world")
    assert [text["text"] for text in entity["texts"]] == ["red cube", "green can"]
    things = run.blackboard()["things"]
    assert [cube["pose"]["position"]["x"] for cube in entity["cubes"]] == [thing["xyz"][0] for thing in things]
