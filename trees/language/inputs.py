"""The value of a tree's input that is given as text outside of a file, as with ``--set``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..literals import LiteralError
from ..problems import Problem, TreeError
from ..reading.document import Item, Scalar, Source
from ..reading.reader import read_text
from ..recursion import deep_recursion
from ..spec import InputSpec
from .port_values import ValueReader

_SAMPLES: Final[Mapping[str, str]] = {
    "mapping": "{} for an empty mapping",
    "point": "a point, such as [0.4m, 0m, 10cm]",
    "pose": "a pose, such as {xyz: [0.4m, 0m, 10cm]}",
    "box": "a box, such as [10, 20, 110, 220]",
}
_STRUCTURED: Final = ("list", *_SAMPLES)
"""Types that are written as lists and mappings; so is ``list[T]``."""


def read_input(entry: InputSpec, text: str) -> object:
    """Return the value of an input from its text; lists and mappings are written as in a file, ``[1cm, 2cm]``.

    Raises:
        LiteralError: It is no value of that type, or out of its range.
    """
    problems: list[Problem] = []
    item: Item = Scalar(text, "plain" if entry.type == "any" else "quoted", 1, 1, 1, 1 + len(text))
    with deep_recursion():
        if entry.type in _STRUCTURED or entry.type.startswith("list["):
            item = _structure(entry, text)
        value = ValueReader(Source("", ""), problems).constant(item, entry.port, repr(entry.name))
    if value is None:
        raise _first(problems)
    return value.value


def _structure(entry: InputSpec, text: str) -> Item:
    try:
        documents = read_text(text)
    except TreeError as error:
        if error.problems[0].code == "K005":
            raise LiteralError("K110", f"{entry.name!r} has no value", fix=f"write {_sample(entry)}") from None
        raise _first(error.problems) from None
    if documents.problems:
        raise _first(documents.problems)
    if len(documents.roots) > 1:
        message = f"{entry.name!r} takes one value, and this has a second YAML document"
        raise LiteralError("K105", message, fix="delete all from '---' on")
    return documents.roots[0]


def _sample(entry: InputSpec) -> str:
    return "[] for an empty list" if entry.type.startswith("list") else _SAMPLES[entry.type]


def _first(problems: Sequence[Problem]) -> LiteralError:
    first = problems[0]
    return LiteralError(first.code, first.message, first.why, first.guess, first.fix)
