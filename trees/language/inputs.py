"""The value of a tree's input that is given as text outside of a file, as with ``--set``."""

from __future__ import annotations

from typing import Final

from ..literals import LiteralError
from ..problems import Problem, TreeError
from ..reading.document import Item, Scalar, Source
from ..reading.reader import read_text
from ..spec import InputSpec
from .port_values import ValueReader

_STRUCTURED: Final = ("list", "mapping", "point", "pose", "box")
"""Types that are written as lists and mappings; so is ``list[T]``."""


def read_input(entry: InputSpec, text: str) -> object:
    """Return the value of an input from its text; lists and mappings are written as in a file, ``[1cm, 2cm]``.

    Raises:
        LiteralError: It is no value of that type, or out of its range.
    """
    source = Source("", "")
    problems: list[Problem] = []
    item: Item = Scalar(text, "plain" if entry.type == "any" else "quoted", 1, 1, 1, 1 + len(text))
    if entry.type in _STRUCTURED or entry.type.startswith("list["):
        try:
            documents = read_text(text)
        except TreeError as error:
            problems.extend(error.problems)
        else:
            problems.extend(documents.problems)
            item = documents.roots[0]
    value = None if problems else ValueReader(source, problems).constant(item, entry.port, repr(entry.name))
    if value is None:
        first = problems[0]
        raise LiteralError(first.code, first.message, first.why, first.guess, first.fix)
    return value.value
