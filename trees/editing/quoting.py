"""Write one text so that YAML reads the same: bare, in quotes, folded or literal."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from ..reading.document import Scalar

FOLD: Final = 96
"""Columns of folded text, without its indentation."""
_FORBIDDEN: Final = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_UNREADABLE: Final = re.compile("[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BARE_START: Final = re.compile(r"(?![-?:](?:\s|$))(?!---|\.\.\.)[^\s!@%`&*|>#\"'{}\[\],]")
_SHORT: Final = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x1b": "\\e", '"': '\\"', "\\": "\\\\"}


def inline(scalar: Scalar, flow: bool = False, prose: bool = False) -> str:
    """Return a scalar on one line: plain text stays bare where that is readable and safe, all else is quoted.

    Args:
        scalar: Its style ``plain`` means that it may be bare; ``quoted`` and ``block`` that it must not.
        flow: Whether it stands between braces or brackets.
        prose: Whether several words may be bare, as after ``about:``.
    """
    text = scalar.text
    if scalar.style == "plain" and (not text or bare(text, flow)) and (prose or " " not in text):
        return text
    if scalar.style == "block":
        text = text.rstrip("\n")
    return quoted(text)


def bare(text: str, flow: bool = False) -> bool:
    """Tell whether plain text is read back as it is."""
    if _FORBIDDEN.search(text) or not _BARE_START.match(text) or text != text.strip():
        return False
    if ": " in text or " #" in text or text.endswith(":") or "{" in text or "}" in text:
        return False
    return not (flow and any(mark in text for mark in "[],:?\"'"))


def quoted(text: str) -> str:
    """Return a text in double quotes; in single quotes where double ones would need a backslash before a quote."""
    if ('"' in text or "\\" in text) and "'" not in text and not _FORBIDDEN.search(text):
        return f"'{text}'"
    body = re.sub(r'["\\]', lambda found: _SHORT[found[0]], text)
    return f'"{_FORBIDDEN.sub(_escaped, body)}"'


def key_text(key: Scalar, flow: bool = False) -> str:
    """Return the key of a mapping, without its colon."""
    if key.style == "plain" and key.text and bare(key.text, flow) and ":" not in key.text:
        return key.text
    return quoted(key.text.rstrip("\n") if key.style == "block" else key.text)


def folded(text: str) -> list[str] | None:
    """Return a text of one paragraph as lines below ``>``, None where YAML would read something else.

    >>> folded("one two")
    ['one two']
    >>> folded("two  spaces") is None
    True
    """
    if not text or text != text.strip() or "  " in text or _FORBIDDEN.search(text):
        return None
    return textwrap.wrap(text, FOLD, break_long_words=False, break_on_hyphens=False)


def literal(text: str) -> list[str] | None:
    """Return a text as lines below ``|``, None where they would not show what it is."""
    lines = text.split("\n")
    if any(_FORBIDDEN.search(line.replace("\t", " ")) or (line and not line.strip()) for line in lines):
        return None
    if not lines[-1] or any(line.startswith("\t") for line in lines):
        return None
    return lines


def block(scalar: Scalar) -> tuple[str, list[str]] | None:
    """Return a text as a header (``>``, ``|-`` …) and lines, None where only quotes can hold it."""
    text = scalar.text
    chomp = "-"
    if scalar.style == "block" and text.endswith("\n"):
        text, chomp = text.rstrip("\n"), ""
    lines = literal(text) if "\n" in text else folded(text)
    if lines is None:
        return None
    if "\n" not in text:
        return f">{chomp}", lines
    begins = next(line for line in lines if line)
    return f"|{'2' if begins.startswith(' ') else ''}{chomp}", lines


def printable(text: str) -> str:
    """Return a line of a comment with what YAML refuses replaced by question marks."""
    return _UNREADABLE.sub("?", text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] in _SHORT:
        return _SHORT[found[0]]
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
