"""The inputs of a tree: given as text or as values, converted to what the tree declares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ..._base import KnotholeError, UnknownNameError
from ...behaviors.ports import element_type
from ...trees.language.inputs import read_input
from ...trees.literals import LiteralError, type_words
from ...trees.spec import InputSpec, TreeSpec


class InputError(KnotholeError):
    """An input given to a tree does not fit it, or a run cannot have this rate or time limit."""


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_there(value: object) -> bool:
    return value is not None


_FITS: Mapping[str, Callable[[object], bool]] = {
    "any": lambda value: True,
    "text": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int | float) and is_number(value) and value == int(value),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list | tuple),
    "objects": lambda value: isinstance(value, list | tuple),
    "mapping": lambda value: isinstance(value, Mapping),
    **dict.fromkeys(("number", "duration", "length", "angle"), is_number),
}


def _fits(entry: InputSpec, value: object) -> bool:
    """Tell whether a value that is not text is one of an input: its type, its choices, its range."""
    element = element_type(entry.type) if entry.type != "objects" else ""
    if element:
        each_fits = _FITS.get(element, _is_there)
        return isinstance(value, list | tuple) and all(each_fits(each) and _in_range(entry, each) for each in value)
    return _FITS.get(entry.type, _is_there)(value) and _in_range(entry, value)


def _in_range(entry: InputSpec, value: object) -> bool:
    if not is_number(value) or not isinstance(value, int | float):
        return True
    low, high = entry.minimum, entry.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _wanted(entry: InputSpec) -> str:
    bounds = (("at least", entry.minimum), ("at most", entry.maximum))
    limits = " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)
    return type_words(entry.type) + (f", {limits}" if limits else "")


def read_inputs(tree: TreeSpec, given: Mapping[str, object]) -> dict[str, object]:
    """Convert inputs given as text to their declared types; other values must have them and stay as they are.

    Raises:
        UnknownNameError: The tree has no such input.
        InputError: A value does not fit, or an input without a default is missing.
    """
    known = {entry.name: entry for entry in tree.inputs}
    values: dict[str, object] = {}
    for name, text in given.items():
        if name not in known:
            has = ", ".join(known) or "none"
            raise UnknownNameError("input", name, known, f"inputs of {tree.name!r}: {has}")
        if not isinstance(text, str):
            if not _fits(known[name], text):
                raise InputError(
                    f"input {name!r} of {tree.name!r} takes {_wanted(known[name])}, not {text!r}\n"
                    f"  fix:  give a value of that type, or its text as for --set {name}=VALUE"
                )
            values[name] = text
            continue
        try:
            values[name] = read_input(known[name], text)
        except LiteralError as error:
            guess = f"\n  did you mean:  {', '.join(error.guess)}" if error.guess else ""
            fix = f"\n  fix:  {error.fix}" if error.fix else ""
            raise InputError(f"--set {name}={text}: {error}{guess}{fix}") from error
    missing = [entry.name for entry in tree.inputs if entry.default is None and entry.name not in values]
    if missing:
        fix = f"give it with --set {missing[0]}=VALUE"
        raise InputError(f"{tree.name!r} needs the input {missing[0]!r}, which has no default\n  fix:  {fix}")
    return values
