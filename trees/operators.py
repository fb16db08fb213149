"""What the operators of expressions do with values: nothing surprising, and one kind of error for what does not fit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from .._base import KnotholeError


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
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return bool(value)
    try:
        return len(value) > 0  # type: ignore[arg-type]
    except TypeError:
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
    try:
        return bool(a == b)
    except (ValueError, TypeError):
        return a is b


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
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod
    }[sign]  # fmt: skip

    def combine(a: object, b: object) -> object:
        if sign == "+" and isinstance(a, str) and isinstance(b, str):
            return a + b
        try:
            return operate(as_number(a, sign, column), as_number(b, sign, column))
        except ZeroDivisionError:
            raise ExpressionError("division by zero", column) from None
        except OverflowError:
            raise ExpressionError("the number is too large", column) from None

    return combine


def as_number(value: object, sign: str, column: int) -> int | float:
    """Return ``value`` if it is a number; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"{sign!r} needs numbers, this is {shown(value)}", column)
    return value


def shown(value: object) -> str:
    """Name a value in a message."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"the text {value[:30]!r}" if isinstance(value, str) else f"a {type(value).__name__}"
