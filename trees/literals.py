"""Turn the text of a scalar into a value of a port type: YAML 1.2 scalars, units to SI, errors that say what fits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from .._base import KnotholeError, near_misses
from ..behaviors.ports import element_type
from .colors import COLORS, read_color
from .formulas.expressions import UNITS

_NUMBER = r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_WORDS: Final[Mapping[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
"""The words of the core schema of YAML 1.2 that are no text."""
_IS_NUMBER = re.compile(_NUMBER + r"\Z")
_IS_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_QUANTITY = re.compile(rf"({_NUMBER})(\s*)([A-Za-zµ°]*)\Z")
DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "duration": ("s", "ms", "min", "h", "us"),
    "length": ("m", "cm", "mm", "km"),
    "angle": ("deg", "rad"),
}
"""Port type → its units, the usual one first."""
_SPELLED: Final[Mapping[str, str]] = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "S": "s", "msec": "ms", "millis": "ms", "µs": "us",
    "minute": "min", "minutes": "min", "mins": "min", "hour": "h", "hours": "h", "hr": "h", "H": "h",
    "meter": "m", "meters": "m", "metre": "m", "metres": "m", "M": "m", "°": "deg", "degree": "deg", "degrees": "deg",
    "radian": "rad", "radians": "rad",
}  # fmt: skip
NAMES: Final[Mapping[str, str]] = {
    "text": "text", "number": "a number", "int": "a whole number", "bool": "true or false",
    "duration": "a duration such as 20s", "length": "a length such as 5cm", "angle": "an angle such as 30deg",
    "object": "a grounded object", "objects": "a list of grounded objects", "pose": "a pose", "point": "a point",
    "box": "a box", "list": "a list", "mapping": "a mapping", "any": "a value", "expression": "an expression",
    "node": "a node", "nodes": "a list of nodes", "variable": "the name of an entry, $name",
    "color": "a color", "image": "a camera image", "script": "a script",
}  # fmt: skip
"""Port type → how messages call it; see ``type_words`` for lists."""
_PLURALS: Final[Mapping[str, str]] = {
    "text": "texts", "number": "numbers", "int": "whole numbers", "bool": "true and false", "duration": "durations",
    "length": "lengths", "angle": "angles", "color": "colors", "object": "grounded objects", "pose": "poses",
    "point": "points", "box": "boxes", "image": "camera images", "list": "lists", "mapping": "mappings",
    "any": "values", "objects": "lists of grounded objects",
}  # fmt: skip


class LiteralError(KnotholeError):
    """A text is no value of the wanted type.

    Attributes:
        code: Problem code.
        why: The rule that is broken.
        guess: What was probably meant.
        fix: What to write.
    """

    def __init__(self, code: str, message: str, why: str = "", guess: tuple[str, ...] = (), fix: str = "") -> None:
        super().__init__(message)
        self.code, self.why, self.guess, self.fix = code, why, guess, fix


def type_words(type: str) -> str:
    """Return how messages call a port type.

    >>> type_words("list[pose]"), type_words("length")
    ('a list of poses', 'a length such as 5cm')
    """
    if "|" in type:
        return " or ".join(type_words(each) for each in type.split("|"))
    if type not in NAMES and (element := element_type(type)):
        return f"a list of {_PLURALS.get(element, element)}"
    return NAMES.get(type, type)


def read_literal(text: str, type: str) -> object:
    """Return the value of ``text`` as ``type``: seconds, metres, radians, bool, number or text.

    Raises:
        LiteralError: It is none; types that have no scalar form (``object``, ``list`` …) always raise.

    >>> read_literal("500ms", "duration"), read_literal("no", "text"), read_literal("1:30", "any")
    (0.5, 'no', '1:30')
    """
    reader = _READERS.get(type)
    if reader is not None:
        return reader(text)
    if type in DIMENSIONS:
        return _quantity(text, type)
    fix = "write [A, B], or give an entry, $name" if type.startswith("list") else "give an entry, $name"
    raise LiteralError("K105", f"takes {type_words(type)}, not {shown(text)}", fix=fix)


def core_value(text: str) -> object:
    """Return what a plain scalar is by the core schema of YAML 1.2, for ports of any type; ``010`` is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _IS_INT.match(text) and len(text) < 30:
        return int(text)
    if _IS_NUMBER.match(text):
        value = float(text)
        return value if math.isfinite(value) else text
    return text


def shown(text: str) -> str:
    """Quote a text for a message, cut to a readable length."""
    return repr(text if len(text) <= 40 else text[:37] + "…")


def _text(text: str) -> str:
    return text


def _number(text: str) -> float:
    if not _IS_NUMBER.match(text):
        why, guess = _number_why(text), _number_guess(text)
        raise LiteralError(
            "K105", f"takes a number, not {shown(text)}", why, guess, "write digits, such as 0.5, or an entry, $name"
        )
    value = float(text)
    if not math.isfinite(value):
        raise LiteralError("K107", f"takes a finite number, not {shown(text)}", fix="write a smaller number")
    return int(text) if _IS_INT.match(text) and len(text) < 30 else value


def _number_why(text: str) -> str:
    if re.match(r"[-+]?0[0-9]", text):
        return "a number has no leading zero"
    if _QUANTITY.match(text):
        return "this number has no unit"
    return ""


def _number_guess(text: str) -> tuple[str, ...]:
    bare = re.sub(r"\A([-+]?)0+(?=[0-9])", r"\1", text.strip())
    found = _QUANTITY.match(bare)
    if found:
        return (found[1],)
    if re.match(r"[-+]?[0-9.]+%\Z", bare):
        return (f"{float(bare[:-1]) / 100:g}",) if bare.count(".") < 2 else ()
    return ()


def _int(text: str) -> int:
    if not _IS_INT.match(text) or len(text) > 30:
        fix = "write digits alone, such as 3, or an entry, $name"
        raise LiteralError("K105", f"takes a whole number, not {shown(text)}", _number_why(text), fix=fix)
    return int(text)


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower(), text.lower())
        guess = (meant,) if meant in ("true", "false") else ()
        fix = "write true, false or an entry, $name"
        raise LiteralError("K105", f"takes true or false, not {shown(text)}", guess=guess, fix=fix)
    return text == "true"


def _color(text: str) -> object:
    color = read_color(text)
    if color is None:
        fix = 'write a name such as red, or "#rrggbb" in quotes'
        raise LiteralError(
            "K105", f"takes a color, not {shown(text)}", guess=near_misses(text.lower(), COLORS), fix=fix
        )
    return color


def _quantity(text: str, type: str) -> float:
    units = DIMENSIONS[type]
    choice = ", ".join(units[:-1]) + f" or {units[-1]}"
    found = _QUANTITY.match(text)
    if found is None:
        raise LiteralError("K105", f"takes {NAMES[type]}, not {shown(text)}", fix=f"write a number with {choice}")
    number, gap, unit = found[1], found[2], found[3]
    if not unit:
        raise LiteralError(
            "K106",
            f"takes {NAMES[type]}; {number} has no unit",
            f"a bare number could be {units[0]} as well as {units[1]}",
            _with_unit(number, units),
            f"write the number with {choice}",
        )
    if unit not in units:
        meant = _SPELLED.get(unit, "")
        near = (meant,) if meant in units else near_misses(unit, units) if unit not in UNITS else ()
        raise LiteralError(
            "K106",
            f"takes {NAMES[type]}; {unit!r} is no unit of {'time' if type == 'duration' else type}",
            guess=tuple(number + each for each in near),
            fix=f"write the number with {choice}",
        )
    if gap:
        raise LiteralError(
            "K106",
            f"takes {NAMES[type]}; a space stands before the unit",
            guess=(number + unit,),
            fix="delete the space",
        )
    value = float(number) * UNITS[unit]
    if not math.isfinite(value):
        raise LiteralError("K107", f"takes a finite value, not {shown(text)}", fix="write a smaller number")
    return value


def _with_unit(number: str, units: tuple[str, ...]) -> tuple[str, ...]:
    """Guess the unit: a large bare number was rather meant in the small one."""
    return (number + units[1], number + units[0]) if abs(float(number)) >= 100 else (number + units[0],)


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "text": _text,
    "number": _number,
    "int": _int,
    "bool": _bool,
    "color": _color,
    "any": core_value,
}
