"""Text in ports of BehaviorTree.CPP's nodes: how it becomes a value of the port's type, in a file and while ticking."""

from __future__ import annotations

import re
from typing import Final

from ..behaviors.ports import element_type
from .literals import LiteralError, shown, type_words

_INT = re.compile(r"\s*[-+]?[0-9]{1,30}\s*\Z")
_NUMBER = re.compile(r"\s*[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?|inf|nan)\s*\Z", re.IGNORECASE)
_BOOLS: Final = {
    "1": True, "true": True, "True": True, "TRUE": True,
    "0": False, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBERS: Final = ("number", "duration", "length", "angle")
"""Ports of these types take plain numbers: a node of BehaviorTree.CPP says its unit in the name of the port."""


def read_bt_text(text: str, type: str) -> object:
    """Return what a text is as ``type`` by the rules of BehaviorTree.CPP; types it has no rule for stay text.

    Raises:
        LiteralError: The text is no value of that type.

    >>> read_bt_text("1;2;3", "list[int]"), read_bt_text("1", "bool"), read_bt_text("no", "text")
    ((1, 2, 3), True, 'no')
    """
    if type == "int":
        if not _INT.match(text):
            raise _wrong(text, type, "write digits alone, such as 3, or an entry, $name")
        return int(text)
    if type in _NUMBERS:
        if not _NUMBER.match(text):
            fix = "write digits alone, such as 0.5, or an entry, $name"
            raise _wrong(text, "number", fix, "ports of this node take numbers without a unit")
        value = float(text)
        return int(text) if type == "number" and _INT.match(text) else value
    if type == "bool":
        if text not in _BOOLS:
            raise _wrong(text, type, "write true, false, 1, 0 or an entry, $name")
        return _BOOLS[text]
    element = element_type(type)
    if type == "list" or element:
        pieces = text.split(";") if text else []
        return tuple(read_bt_text(piece, element or "text") for piece in pieces)
    return text


def number_or_text(text: str) -> object:
    """Return the number that a whole text is, else the text: what a subtree sees of a literal it is given."""
    if _INT.match(text) and text.strip() == text and not text.startswith("+"):
        return int(text)
    return float(text) if _NUMBER.match(text) and text.strip() == text else text


def _wrong(text: str, type: str, fix: str, why: str = "") -> LiteralError:
    return LiteralError("K105", f"takes {type_words(type)}, not {shown(text)}", why, fix=fix)
