"""Constants of any shape: scalars, and the lists and mappings that make points, poses, boxes and plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...behaviors.ports import element_type
from ...robots.pose import Pose
from ..literals import LiteralError, core_value, read_literal, shown, type_words
from ..reading.document import Item, Items, Pairs, Scalar
from .interpolation import whole_entry

_FIXES: Final[Mapping[str, str]] = {
    "text": "write the text in quotes",
    "list": "write [A, B]",
    "mapping": "write {NAME: VALUE}",
    "object": "give an entry, $name",
    "objects": "give an entry, $name",
}
"""Port type → what to write instead of a list or mapping."""


def constant_value(item: Item, type: str) -> object:
    """Return the constant that an item is, in a port type.

    Lists and mappings are for ``list``, ``list[T]`` (elements of type T), ``mapping``, ``any``, and for ``point``
    (three lengths), ``pose`` (``xyz`` and ``quat_xyzw``) and ``box`` (four numbers, xyxy).

    Raises:
        LiteralError: It is none.
    """
    if type == "point":
        return _lengths(item)
    if type == "box":
        return _numbers(item, 4, "a box")
    if type == "pose":
        return _pose(item)
    if isinstance(item, Scalar):
        if type != "any":
            return read_literal(text_of(item), type)
        return _plain_value(item)
    element = element_type(type)
    if isinstance(item, Items) and element and type != "objects":
        return tuple(constant_value(each, element) for each in item.items)
    wanted = "list" if isinstance(item, Items) else "mapping"
    if type not in (wanted, "any"):
        raise LiteralError("K105", f"takes {type_words(type)}, not {kind_of(item)}", fix=_fix_of(type))
    return _plain_value(item)


def _fix_of(type: str) -> str:
    return _FIXES.get("list" if type.startswith("list[") else type, "write one value")


def text_of(item: Scalar) -> str:
    """Return the text of a scalar; the line break that ends a block scalar is not part of it."""
    return item.text.rstrip("\n") if item.style == "block" else item.text


def kind_of(item: Item) -> str:
    """Name an item in a message."""
    if isinstance(item, Scalar):
        return shown(item.text)
    return "a list" if isinstance(item, Items) else "a mapping"


def _plain_value(item: Item) -> object:
    if isinstance(item, Items):
        return tuple(_plain_value(each) for each in item.items)
    if isinstance(item, Pairs):
        return {key.text: _plain_value(value) for key, value in item}
    if whole_entry(item.text) is not None:
        raise LiteralError("K105", f"takes constants here, not {item.text}", fix="make the value with `set` before")
    return core_value(item.text) if item.style == "plain" else text_of(item)


def _lengths(item: Item) -> tuple[float, ...]:
    if not isinstance(item, Items) or len(item.items) != 3:
        raise LiteralError("K105", f"takes a point, not {kind_of(item)}", fix="write [0.4m, 0m, 10cm]: x, y, z")
    return tuple(float(str(constant_value(each, "length"))) for each in item.items)


def _numbers(item: Item, count: int, what: str) -> tuple[float, ...]:
    if not isinstance(item, Items) or len(item.items) != count:
        fix = f"write [{', '.join(['…'] * count)}] with {count} numbers"
        raise LiteralError("K105", f"takes {count} numbers for {what}, not {kind_of(item)}", fix=fix)
    return tuple(float(str(constant_value(each, "number"))) for each in item.items)


def _pose(item: Item) -> Pose:
    position = item.get("xyz") if isinstance(item, Pairs) else None
    if not isinstance(item, Pairs) or position is None or {key.text for key, _ in item} - {"xyz", "quat_xyzw"}:
        raise LiteralError(
            "K105", f"takes a pose, not {kind_of(item)}", fix="write {xyz: [0.4m, 0m, 0.1m], quat_xyzw: [0, 0, 0, 1]}"
        )
    x, y, z = _lengths(position)
    turn = item.get("quat_xyzw")
    if turn is None:
        return Pose((x, y, z))
    qx, qy, qz, qw = _numbers(turn, 4, "a quaternion")
    if abs(qx * qx + qy * qy + qz * qz + qw * qw - 1.0) > 1e-3:
        raise LiteralError(
            "K107", "takes a quaternion xyzw of length 1", fix="divide it by its length; [0, 0, 0, 1] is no turn"
        )
    return Pose((x, y, z), (qx, qy, qz, qw))
