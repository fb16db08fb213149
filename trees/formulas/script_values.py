"""What the operators of scripts do with values: as BehaviorTree.CPP, where a value is an int64, a double or a text.

A Python int stands for the first, a float for the second, and a bool counts as an int. Arithmetic is done in doubles
and gives doubles; an int takes part only up to 53 bits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .operators import MAX_INT, MAX_TEXT
from .script_syntax import ScriptError

_EXACT: Final = 2**53 - 1
_EPSILON: Final = 2.0**-23
_PLAIN = re.compile(r"[ \t\n\r\f\v]*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|nan))", re.I)
_HEX = re.compile(r"[ \t\n\r\f\v]*([-+]?0x[0-9a-f]+)", re.I)


@dataclass(frozen=True)
class Empty:
    """The value of an entry that exists and was not set yet; nothing can use it."""

    name: str


def is_number(value: object) -> bool:
    """Tell whether a value is a number to a script."""
    return isinstance(value, int | float)


def as_double(value: object, column: int) -> float:
    """Return a number as a double, or the number that a text begins with.

    Raises:
        ScriptError: It is neither, or an int of more than 53 bits.
    """
    if isinstance(value, float):
        return value
    if isinstance(value, int):
        if abs(value) > _EXACT:
            raise ScriptError(f"{value} is too large to be calculated with exactly", column)
        return float(value)
    if isinstance(value, str):
        return _parsed(value, column)
    raise ScriptError(f"a number is needed, this is {shown(value)}", column)


def _parsed(text: str, column: int) -> float:
    head = text[:400]
    found = _HEX.match(head)
    if found is not None:
        return float(min(int(found[1], 16), 2**1000))
    found = _PLAIN.match(head)
    value = float(found[1]) if found is not None else math.inf
    if found is None or (math.isinf(value) and "inf" not in found[1].lower()):
        raise ScriptError(f"{shown(text)} is no number", column)
    return value


def as_compared(text: str, constants: Mapping[str, float], column: int) -> float:
    """Return the number that a text stands for beside a number: ``true``, ``false``, a constant's name, or digits."""
    if text in ("true", "false"):
        return float(text == "true")
    return float(constants[text]) if text in constants else _parsed(text, column)


def as_int(value: object, column: int, problem: str = "") -> int:
    """Return a number as an int of 64 bits.

    Raises:
        ScriptError: It is no whole number, or too large.
    """
    if isinstance(value, float) and value.is_integer() and -(2.0**63) <= value < 2.0**63:
        return int(value)
    if isinstance(value, int) and -MAX_INT - 1 <= value <= MAX_INT:
        return int(value)
    raise ScriptError(problem or f"{as_script_text(value, column)} is no whole number", column)


def as_condition(value: object, column: int = 1) -> bool:
    """Return the verdict of a script that is a condition.

    Raises:
        ScriptError: It is a text, below zero, or a whole number other than 0 and 1.
    """
    if isinstance(value, float) and not value < 0.0:
        return value != 0.0
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ScriptError(f"a condition must be true or false, this is {shown(value)}", column)


def as_script_text(value: object, column: int) -> str:
    """Write a value into a text: doubles with six decimals."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, int):
        return str(int(value))
    raise ScriptError(f"{shown(value)} cannot be written into a text", column)


def shown(value: object) -> str:
    """Name a value in a message."""
    if isinstance(value, str):
        return f"the text {value[:30]!r}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Empty):
        return f"{value.name} (not set)"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return "nothing" if value is None else f"a {type(value).__name__}"


def prefixed(sign: str, value: object, column: int) -> float:
    """Apply ``-``, ``~`` or ``!``."""
    if not is_number(value):
        raise ScriptError(f"{sign!r} needs a number, this is {shown(value)}", column)
    number = as_double(value, column)
    if sign == "-":
        return -number
    if sign == "!":
        return float(not number)
    if not -(2.0**63) <= number < 2.0**63:
        raise ScriptError("the number is too large for '~'", column)
    return float(~int(number))


def combined(sign: str, left: object, right: object, column: int) -> float | str | None:
    """Apply an operator that is no comparison. Two numbers joined by ``..`` give nothing, which nothing can use."""
    if is_number(left) and is_number(right):
        as_double(left, column), as_double(right, column)  # also of operators that do not need doubles
        return _NUMERIC[sign](left, right, column) if sign != ".." else None
    texts = isinstance(left, str) and isinstance(right, str)
    mixed = sign == ".." and (isinstance(left, str) or isinstance(right, str))
    if mixed or (texts and sign == "+"):
        return bounded(as_script_text(left, column) + as_script_text(right, column), column)
    raise ScriptError(f"{sign!r} does not fit {shown(left)} and {shown(right)}", column)


def bounded(text: str, column: int) -> str:
    """Return a text that is not too long."""
    if len(text) > MAX_TEXT:
        raise ScriptError(f"the text has more than {MAX_TEXT} characters", column)
    return text


def _arithmetic(operate: Callable[[float, float], float]) -> Callable[[object, object, int], float]:
    return lambda a, b, column: operate(as_double(a, column), as_double(b, column))


def _divided(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _bits(operate: Callable[[int, int], int], sign: str) -> Callable[[object, object, int], float]:
    problem = f"{sign!r} needs whole numbers"
    return lambda a, b, column: float(operate(as_int(a, column, problem), as_int(b, column, problem)))


def _logic(sign: str) -> Callable[[object, object, int], float]:
    def both(a: object, b: object, column: int) -> float:
        left, right = as_condition(a, column), as_condition(b, column)
        return float(left or right) if sign == "||" else float(left and right)

    return both


_NUMERIC: Final[Mapping[str, Callable[[object, object, int], float]]] = {
    "+": _arithmetic(lambda a, b: a + b), "-": _arithmetic(lambda a, b: a - b), "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(_divided), "&": _bits(lambda a, b: a & b, "&"), "|": _bits(lambda a, b: a | b, "|"),
    "^": _bits(lambda a, b: a ^ b, "^"), "&&": _logic("&&"), "||": _logic("||"),
}  # fmt: skip


def compared(sign: str, left: object, right: object, constants: Mapping[str, float], column: int) -> bool:
    """Apply a comparison. Doubles closer than a float's epsilon are equal; a text beside a number is read as one."""
    if isinstance(left, str) and isinstance(right, str):
        return {"==": left == right, "!=": left != right, "<": left < right, ">": left > right,
                "<=": left <= right, ">=": left >= right}[sign]  # fmt: skip
    if not all(isinstance(each, int | float | str) for each in (left, right)):
        raise ScriptError(f"{sign!r} does not fit {shown(left)} and {shown(right)}", column)
    a = as_compared(left, constants, column) if isinstance(left, str) else as_double(left, column)
    b = as_compared(right, constants, column) if isinstance(right, str) else as_double(right, column)
    if sign in ("==", "!="):
        return (abs(a - b) <= _EPSILON) is (sign == "==")
    # Each is false only where the opposite holds: with a NaN all four are true.
    return {"<": not a >= b, ">": not a <= b, "<=": not a > b, ">=": not a < b}[sign]
