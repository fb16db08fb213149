"""What the operators of expressions do with values: nothing surprising, and one kind of error for what does not fit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ..._base import KnotholeError

MAX_TEXT: Final = 100_000
"""Longest text that an expression or a script makes."""
MAX_VALUES: Final = 10_000
"""Most values that a list made by an expression holds, lists in it included."""
MAX_NESTING: Final = 40
"""Deepest nesting of such a list."""
MAX_INT: Final = 2**63 - 1
"""Largest whole number; floats go on to infinity."""


class ExpressionError(KnotholeError):
    """An expression cannot be read or cannot be computed.

    Attributes:
        column: Where in the expression, from 1.
        guess: What was probably meant.
        fix: What to do.
    """

    def __init__(self, message: str, column: int = 1, guess: tuple[str, ...] = (), fix: str = "") -> None:
        super().__init__(message)
        self.column, self.guess, self.fix = column, guess, fix


def truth(value: object) -> bool:
    """Tell whether a value counts as true: none, false, zero, empty text and empty collections do not."""
    if value is True or value is False:
        return value  # nearly always
    if value is None or isinstance(value, int | float | str | bytes):
        return bool(value)
    try:
        return len(value) > 0  # type: ignore[arg-type]
    except Exception:  # a class of somebody else may raise anything
        return True


def comparison(sign: str, column: int) -> Callable[[object, object], bool]:
    """Return the function of a comparison sign, ``in`` and ``not in`` included; ``column`` is for its errors."""
    if sign in ("==", "!="):
        return _same if sign == "==" else lambda a, b: not _same(a, b)
    if sign in ("in", "not in"):
        wanted = sign == "in"
        return lambda a, b: _holds(b, a, column) is wanted
    order = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[sign]

    def compare(a: object, b: object) -> bool:
        if isinstance(a, str) and isinstance(b, str):
            return bool(order(a, b))
        return bool(order(as_number(a, sign, column), as_number(b, sign, column)))

    return compare


def _same(a: object, b: object) -> bool:
    if isinstance(a, bool) is not isinstance(b, bool):
        return False
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and (a is b or all(_same(x, y) for x, y in zip(a, b, strict=True)))
    try:
        return bool(a == b)
    except Exception:  # arrays, and classes of somebody else
        return a is b


def bounded(made: list[object], column: int) -> list[object]:
    """Return a list that an expression made, unless it holds too much: ``[$a, $a]`` put into ``$a`` doubles it.

    Raises:
        ExpressionError: It holds too many values, or is nested too deep.
    """
    left, level = MAX_VALUES, [made]
    for _ in range(MAX_NESTING):
        inner: list[list[object]] = []
        for each in level:
            left -= len(each)
            if left < 0:
                raise ExpressionError(f"the list holds more than {MAX_VALUES} values", column)
            inner.extend(value for value in each if isinstance(value, list))
        if not inner:
            return made
        level = inner
    raise ExpressionError(f"the list is nested deeper than {MAX_NESTING} levels", column)


def _holds(container: object, thing: object, column: int) -> bool:
    if isinstance(container, str):
        if not isinstance(thing, str):
            raise ExpressionError(f"only a text can be in a text, not {shown(thing)}", column)
        return thing in container
    if isinstance(container, Mapping):
        return isinstance(thing, str) and thing in container
    if isinstance(container, Sequence):
        return any(_same(thing, each) for each in container)
    raise ExpressionError(f"'in' needs a list or a text, this is {shown(container)}", column)


def arithmetic(sign: str, column: int) -> Callable[[object, object], object]:
    """Return the function of an arithmetic sign; texts can only be added."""
    operate: Callable[[float, float], float] = {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
        "%": operator.mod,
    }[sign]  # fmt: skip

    def combine(a: object, b: object) -> object:
        if sign == "+" and isinstance(a, str) and isinstance(b, str):
            if len(a) + len(b) > MAX_TEXT:
                raise ExpressionError(f"the text has more than {MAX_TEXT} characters", column)
            return a + b
        try:
            return checked(operate(as_number(a, sign, column), as_number(b, sign, column)), column)
        except ZeroDivisionError:
            raise ExpressionError("division by zero", column) from None

    return combine


def checked(number: int | float, column: int) -> int | float:
    """Return a number that is not too large; whole numbers have 64 bits."""
    if isinstance(number, int) and not -MAX_INT - 1 <= number <= MAX_INT:
        raise ExpressionError("the number is too large", column)
    return number


def call(name: str, arguments: Sequence[object], column: int) -> int | float:
    """Compute ``abs``, ``min``, ``max`` or ``round``, as Python does; ``min`` and ``max`` also take one list."""
    values = arguments
    if name in ("min", "max") and len(values) == 1 and isinstance(values[0], list | tuple):
        values = values[0]
    numbers = [as_number(value, f"{name}()", column) for value in values]
    if name in ("min", "max"):
        if not numbers:
            raise ExpressionError(f"{name}() needs at least one number", column)
        return min(numbers) if name == "min" else max(numbers)
    if len(numbers) != 1 and (name == "abs" or len(numbers) != 2):
        raise ExpressionError(f"{name}() takes one number{'' if name == 'abs' else ', and maybe the digits'}", column)
    if name == "abs":
        return abs(numbers[0])
    digits = numbers[1] if len(numbers) == 2 else None
    if digits is not None and (not isinstance(digits, int) or abs(digits) > 30):
        raise ExpressionError("the digits of round() must be a whole number from -30 to 30", column)
    try:
        return checked(round(numbers[0], digits), column)
    except (OverflowError, ValueError):
        raise ExpressionError(f"round() cannot round {numbers[0]:g}", column) from None


def as_number(value: object, sign: str, column: int) -> int | float:
    """Return ``value`` if it is a number; a bool is none."""
    if type(value) is float:
        return value
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ExpressionError(f"{sign!r} needs numbers, this is {shown(value)}", column)
    return checked(value, column)


def shown(value: object) -> str:
    """Name a value in a message."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"the text {value[:30]!r}" if isinstance(value, str) else f"a {type(value).__name__}"
