"""Read a JSON body: its size, its syntax, and its fields by type."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .refusals import RefusedError, wrong

Json = dict[str, Any]


def parse(body: bytes) -> Json:
    """Return the object that a body holds.

    Raises:
        RefusedError: It is no JSON, no object, or holds text that is no Unicode.
    """
    try:
        raw = json.loads(body.decode("utf-8"), parse_constant=_no_number)
        json.dumps(raw, ensure_ascii=False).encode("utf-8")  # halves of surrogate pairs are no text
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"the body is not JSON: {str(error)[:200]}", code="invalid_json") from error
    if not isinstance(raw, dict):
        raise RefusedError(400, "the body is no JSON object", code="invalid_json")
    return raw


def known(raw: Mapping[str, object], names: Collection[str], where: str = "") -> None:
    """Refuse fields that have no meaning: they would be ignored without a word.

    Raises:
        RefusedError: There is one.
    """
    for name in raw:
        if name not in names:
            param = f"{where}.{name}" if where else name
            raise RefusedError(400, f"{param}: unknown field; known are {', '.join(sorted(names))}"[:600], param)


def text(value: object, where: str, empty: bool = False) -> str:
    """Return a field that is a text.

    Raises:
        RefusedError: It is none, or empty where that has no meaning.
    """
    if not isinstance(value, str):
        raise wrong(where, f"must be a text, not {_kind(value)}")
    if not value.strip() and not empty:
        raise wrong(where, "must not be empty")
    return value


def mapping(value: object, where: str) -> Json:
    """Return a field that is an object.

    Raises:
        RefusedError: It is none.
    """
    if not isinstance(value, dict):
        raise wrong(where, f"must be an object, not {_kind(value)}")
    return value


def items(value: object, where: str, most: int) -> list[Any]:
    """Return a field that is a list with at least one and at most ``most`` members.

    Raises:
        RefusedError: It is none.
    """
    if not isinstance(value, list):
        raise wrong(where, f"must be a list, not {_kind(value)}")
    if not 1 <= len(value) <= most:
        raise wrong(where, f"must have 1 to {most} members, not {len(value)}")
    return value


def whole(value: object, where: str, low: int, high: int) -> int:
    """Return a field that is a whole number.

    Raises:
        RefusedError: It is none, or out of its range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise wrong(where, f"must be a whole number from {low} to {high}")
    return value


def with_meanings(context: str, rows: Iterable[tuple[str, object, str]]) -> str:
    """Return what else a model is told, with a line for each allowed answer whose meaning is described.

    Args:
        context: What it is told anyway.
        rows: Answer, its description (or null, or nothing beyond the answer itself), and the field it stands in.

    Raises:
        RefusedError: A description is no text.

    >>> with_meanings("front camera", [("ok", "the cup stands", ""), ("bad", None, ""), ("gone", "gone", "")])
    'front camera\\n\\nok: the cup stands'
    """
    told = [(name, "" if one is None else text(one, where, empty=True).strip()) for name, one, where in rows]
    lines = "\n".join(f"{name}: {one}" for name, one in told if one not in ("", name))
    return "\n\n".join(part for part in (context, lines) if part)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
