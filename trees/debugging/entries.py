"""Values for entries of the blackboard from outside: the text that a tree file would have, or plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from ..._base import KnotholeError
from ...behaviors.blackboard import Cell
from ..language.constants import constant_value
from ..literals import LiteralError, type_words
from ..problems import TreeError
from ..reading.reader import read_text
from ..values import WrongValueError, typed

_GROUNDED: Final = ("object", "objects", "list[object]", "image", "list[image]")
_WRITTEN: Final = {"point": "[0.4m, 0m, 10cm]", "box": "[0.1, 0.1, 0.5, 0.5]", "pose": "{xyz: [0.4m, 0m, 10cm]}"}
"""Types of several numbers, with their text in a tree file."""
_COUNTS: Final = {"point": 3, "box": 4}
"""Those of them that are a list in plain data, with how many numbers that has."""
_SHAPES: Final = {"list": tuple, "mapping": dict}


class EntryValueError(KnotholeError):
    """A value does not fit the entry it is meant for."""


def value_for(cell: Cell, given: object) -> object:
    """Return the value that an entry gets.

    Args:
        cell: The entry.
        given: A text is read as at a port of the entry's type in a tree file (``20s``, ``[1, 2]``, ``"quoted"``);
            other plain data is taken as it is, numbers in SI.

    Raises:
        EntryValueError: It does not fit.
    """
    name = f"${cell.name.rpartition('/')[2]}"
    if given is None:
        return None
    if cell.type in _GROUNDED:
        fix = "set another entry, or null for nothing"
        raise EntryValueError(f"{name} holds {type_words(cell.type)}, which cannot be written down\n  fix:  {fix}")
    if not isinstance(given, str):
        plain = _plain(given)
        if cell.type in _WRITTEN:
            if isinstance(plain, tuple) and len(plain) == _COUNTS.get(cell.type) and all(map(_is_finite, plain)):
                return tuple(float(each) for each in plain)
            fix = f"give it as the text of a tree file, such as {_WRITTEN[cell.type]!r}"
            raise EntryValueError(f"{name} holds {type_words(cell.type)}, not {given!r}\n  fix:  {fix}")
        try:
            if not isinstance(plain, _SHAPES.get(cell.type, object)):
                raise WrongValueError(f"{name} must be {type_words(cell.type)}, it is {given!r}")
            return typed(lambda: plain, cell.type, name)()
        except WrongValueError as error:
            fix = f"give {type_words(cell.type)}"
            raise EntryValueError(f"{error}\n  fix:  {fix}") from None
    return _read(given, cell.type, name)


def _read(text: str, type: str, name: str) -> object:
    try:
        documents = read_text(text, name)
    except TreeError as error:
        if type in ("text", "any") and not text.strip():
            return text
        raise EntryValueError(str(error)) from None
    if documents.problems:
        raise EntryValueError(str(TreeError(documents.problems)))
    if len(documents.roots) > 1:
        raise EntryValueError(f"{name} takes one value, this is two documents\n  fix:  write one value")
    try:
        return constant_value(documents.roots[0], type)
    except LiteralError as error:
        fix = f"write {type_words(type)}" if "$name" in error.fix else error.fix
        lines = [f"{name} {error}", error.why and f"  why:  {error.why}"]
        lines += [
            f"  did you mean:  {', '.join(error.guess)}" if error.guess else "",
            fix and f"  fix:  {fix}",
        ]
        raise EntryValueError("\n".join(line for line in lines if line)) from None


def _is_finite(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


def _plain(given: Any) -> object:
    """Return plain data as constants of a tree file are: lists as tuples, nothing that is shared."""
    if isinstance(given, Mapping):
        return {str(key): _plain(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return tuple(_plain(each) for each in given)
    return given
