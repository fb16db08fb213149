"""Scalars become values of the type that their port declares: units, YAML 1.2, interpolation."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.robots.pose import Pose
from knothole.trees.language.constants import constant_value
from knothole.trees.language.interpolation import InterpolationError, split_text, whole_entry
from knothole.trees.literals import LiteralError, core_value, read_literal
from knothole.trees.reading.document import Item
from knothole.trees.reading.reader import read_text

GOOD = [
    ("no", "text", "no"),
    ("1:30", "text", "1:30"),
    ("010", "text", "010"),
    ("0.5", "number", 0.5),
    ("-3", "number", -3),
    ("1e3", "number", 1000.0),
    (".5", "number", 0.5),
    ("+7", "int", 7),
    ("true", "bool", True),
    ("false", "bool", False),
    ("20s", "duration", 20.0),
    ("500ms", "duration", 0.5),
    ("2min", "duration", 120.0),
    ("1.5h", "duration", 5400.0),
    ("0.1m", "length", 0.1),
    ("5cm", "length", 0.05),
    ("3mm", "length", 0.003),
    ("-2km", "length", -2000.0),
    ("30deg", "angle", math.pi / 6),
    ("0.5rad", "angle", 0.5),
]


@pytest.mark.parametrize(("text", "type", "value"), GOOD, ids=[f"{t}:{k}" for t, k, _ in GOOD])
def test_literal(text: str, type: str, value: object) -> None:
    found = read_literal(text, type)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)
    assert isinstance(found, bool) is isinstance(value, bool)


BAD = [
    ("yes", "bool", "K105", "takes true or false, not 'yes'", ("true",)),
    ("True", "bool", "K105", "takes true or false, not 'True'", ("true",)),
    ("1", "bool", "K105", "takes true or false, not '1'", ()),
    ("010", "number", "K105", "takes a number, not '010'", ("10",)),
    ("0x10", "number", "K105", "takes a number, not '0x10'", ()),
    ("1:30", "number", "K105", "takes a number, not '1:30'", ()),
    (".inf", "number", "K105", "takes a number, not '.inf'", ()),
    ("1e999", "number", "K107", "takes a finite number, not '1e999'", ()),
    ("80%", "number", "K105", "takes a number, not '80%'", ("0.8",)),
    ("5cm", "number", "K105", "takes a number, not '5cm'", ("5",)),
    ("1.5", "int", "K105", "takes a whole number, not '1.5'", ()),
    ("20", "duration", "K106", "takes a duration such as 20s; 20 has no unit", ("20s",)),
    ("500", "duration", "K106", "takes a duration such as 20s; 500 has no unit", ("500ms", "500s")),
    ("20sec", "duration", "K106", "takes a duration such as 20s; 'sec' is no unit of time", ("20s",)),
    ("20 s", "duration", "K106", "takes a duration such as 20s; a space stands before the unit", ("20s",)),
    ("20cm", "duration", "K106", "takes a duration such as 20s; 'cm' is no unit of time", ()),
    ("3 meters", "length", "K106", "takes a length such as 5cm; 'meters' is no unit of length", ("3m",)),
    ("30°", "angle", "K106", "takes an angle such as 30deg; '°' is no unit of angle", ("30deg",)),
    ("soon", "duration", "K105", "takes a duration such as 20s, not 'soon'", ()),
    ("cup", "object", "K105", "takes a grounded object, not 'cup'", ()),
]


@pytest.mark.parametrize(("text", "type", "code", "message", "guess"), BAD, ids=[f"{b[0]}:{b[1]}" for b in BAD])
def test_wrong_literal_says_what_fits(text: str, type: str, code: str, message: str, guess: tuple[str, ...]) -> None:
    with pytest.raises(LiteralError) as caught:
        read_literal(text, type)
    assert (caught.value.code, str(caught.value), caught.value.guess) == (code, message, guess)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("True", True), ("yes", "yes"), ("12", 12),
        ("TRUE", True), ("False", False), ("FALSE", False), ("Null", None), ("NULL", None), ("tRUE", "tRUE"),
        ("-0.5", -0.5), ("010", "010"), ("1:30", "1:30"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("1e400", "1e400"),
        ("2026-01-01", "2026-01-01"),
    ],
)  # fmt: skip
def test_ports_of_any_type_follow_the_core_schema(text: str, value: object) -> None:
    assert core_value(text) == value


def item(text: str) -> Item:
    return read_text(text).roots[0]


def test_points_poses_boxes_and_plain_data() -> None:
    assert constant_value(item("[0.4m, -10cm, 5mm]"), "point") == pytest.approx((0.4, -0.1, 0.005))
    assert constant_value(item("{xyz: [1m, 0m, 0m]}"), "pose") == Pose((1.0, 0.0, 0.0))
    turned = constant_value(item("{xyz: [1m, 0m, 0m], quat_xyzw: [0, 0, 1, 0]}"), "pose")
    assert turned == Pose((1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    assert constant_value(item("[0, 0.5, 1, 1]"), "box") == (0.0, 0.5, 1.0, 1.0)
    assert constant_value(item('[1, no, "2", {a: ~}]'), "list") == (1, "no", "2", {"a": None})


@pytest.mark.parametrize(
    ("text", "type", "message"),
    [
        ("[0.4, 0m, 0m]", "point", "takes a length such as 5cm; 0.4 has no unit"),
        ("[1m, 2m]", "point", "takes a point, not a list"),
        ("{xyz: [1m, 0m, 0m], quat: [0, 0, 0, 1]}", "pose", "takes a pose, not a mapping"),
        ("{xyz: [1m, 0m, 0m], quat_xyzw: [0, 0, 2, 0]}", "pose", "takes a quaternion xyzw of length 1"),
        ("[1, 2]", "text", "takes text, not a list"),
        ("{a: 1}", "list", "takes a list, not a mapping"),
        ("[$a]", "list", "takes constants here, not $a"),
    ],
)
def test_wrong_shapes_are_told(text: str, type: str, message: str) -> None:
    with pytest.raises(LiteralError) as caught:
        constant_value(item(text), type)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ["plain"]),
        ("", [""]),
        ("${a}", ["$a"]),
        ("put ${thing.name} into ${ box[0] }!", ["put ", "$thing.name", " into ", "$box[0]", "!"]),
        ("${@a}", ["$@a"]),
        ("costs $$5 or $5", ["costs $5 or $5"]),
        ("$$name", ["$name"]),
        ("$${a}", ["${a}"]),
        ("100 $", ["100 $"]),
    ],
)
def test_interpolation(text: str, parts: list[str]) -> None:
    assert [str(part) for part in split_text(text)] == parts


@pytest.mark.parametrize(
    ("text", "column", "message", "fix"),
    [
        ("put $thing away", 5, "'$thing' inside longer text",
         "write ${thing} to insert the value, or $$thing for a dollar sign"),
        ("a $@b.c", 3, "'$@b.c' inside longer text", "write ${@b.c} to insert the value, or $$@b.c for a dollar sign"),
        ("a ${b", 3, "'${' without '}'", "write ${name}; $$ is a dollar"),
        ("${$b}", 1, "a second dollar in '${$b}'", "write ${b}"),
        ("${a + 1}", 1, "'${a + 1}' holds no reference",
         "write ${name}, ${name.field} or ${name[0]}; compute anything else with `set` before"),
    ],
)  # fmt: skip
def test_wrong_interpolation_says_what_to_write(text: str, column: int, message: str, fix: str) -> None:
    with pytest.raises(InterpolationError) as caught:
        split_text(text)
    assert (caught.value.column, str(caught.value), caught.value.fix) == (column, message, fix)


def test_whole_references() -> None:
    assert str(whole_entry("$a.b[0]")) == "$a.b[0]"
    assert str(whole_entry("$@a")) == "$@a"
    assert whole_entry("$a b") is None
    assert whole_entry("$$a") is None
    assert whole_entry("$a.") is None


@given(st.text())
def test_doubling_dollars_keeps_any_text(text: str) -> None:
    assert split_text(text.replace("$", "$$")) == (text,)


@given(st.text(max_size=30), st.sampled_from(["number", "int", "bool", "duration", "length", "angle", "any", "pose"]))
def test_any_text_is_a_value_or_a_told_mistake(text: str, type: str) -> None:
    with contextlib.suppress(LiteralError):
        read_literal(text, type)
