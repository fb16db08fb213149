"""Wishes for where things shall be, as an author writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..._base import KnotholeError, near_misses
from ...robots.arranging import Wish
from .grounded import GroundedObject

_KEYS = ("object", "at", "into", "onto", "yaw")
_LENGTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)) ?(mm|cm|m)")
_ANGLE = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)) ?(deg|rad)")
_METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0}
_RADIANS = {"deg": 0.017453292519943295, "rad": 1.0}


class WishError(KnotholeError):
    """Something that is no wish."""


def read_wishes(value: object) -> list[Wish]:
    """Read a list of mappings, ``{object: red cube, into: blue tray}`` or ``{object: $thing, at: [0.5m, 10cm]}``.

    Numbers in it are metres and radians, as entries hold them; a text has a unit.

    Raises:
        WishError: Something in it is no wish.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise WishError("an arrangement is a list of wishes\n  fix:  write [{object: red cube, into: blue tray}]")
    return [_wish(each, number) for number, each in enumerate(value)]


def _wish(value: object, number: int) -> Wish:
    where = f"arrangement[{number}]"
    if not isinstance(value, Mapping):
        raise WishError(f"{where} is {value!r}, no wish\n  fix:  write {{object: red cube, into: blue tray}}")
    for key in value:
        if key not in _KEYS:
            guess = near_misses(str(key), _KEYS)
            hint = f"\n  did you mean:  {guess[0]}" if guess else ""
            raise WishError(f"{where} has the unknown key {key!r}{hint}\n  fix:  its keys are {', '.join(_KEYS)}")
    if "object" not in value or sum(key in value for key in ("at", "into", "onto")) != 1:
        raise WishError(f"{where} needs `object` and one of at, into, onto\n  fix:  say what shall be where")
    thing = value["object"]
    near = thing.xyz if isinstance(thing, GroundedObject) else None
    yaw = _number(value["yaw"], _ANGLE, _RADIANS, f"{where}.yaw", "30deg") if "yaw" in value else None
    at = _spot(value["at"], where) if "at" in value else None
    return Wish(_name(thing), near, at, _name(value.get("into", "")), _name(value.get("onto", "")), yaw)


def _name(thing: object) -> str:
    return thing.label if isinstance(thing, GroundedObject) else str(thing)


def _spot(value: object, where: str) -> tuple[float, float]:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) in (2, 3):
        x, y = (_number(each, _LENGTH, _METRES, f"{where}.at", "0.5m") for each in value[:2])
        return x, y
    raise WishError(f"{where}.at is {value!r}, no place\n  fix:  write world x and y, such as [0.5m, 10cm]")


def _number(value: object, form: re.Pattern[str], units: Mapping[str, float], where: str, example: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = form.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise WishError(f"{where} has {value!r}\n  fix:  write a number with a unit, such as {example}")
    return float(match[1]) * units[match[2]]
