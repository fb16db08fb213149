"""Text of strangers made fit for a picture: control characters are written out, what is endless is cut."""

from __future__ import annotations

import unicodedata
from typing import Final

MOST: Final = 4000
"""Longest text of one line of a label, [characters]."""
_BREAKS: Final = "\n"


def clean(text: str) -> str:
    r"""Return text without anything that moves a cursor, turns the direction of writing or is no character of XML.

    >>> clean("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    short = text if len(text) <= MOST else f"{text[:MOST]}… ({len(text) - MOST} more)"
    return short if short.isascii() and short.isprintable() else "".join(_written(each) for each in short)


def _written(character: str) -> str:
    if character in _BREAKS:
        return character
    if character == "\t" or character in ("\r", "\x0b", "\x0c"):
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        code = ord(character)
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    return character
