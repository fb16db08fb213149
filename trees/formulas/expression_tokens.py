"""The tokens of expressions: numbers with units, texts, words, signs and references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..._base import near_misses
from .operators import MAX_INT, ExpressionError
from .references import scan_entry

MAX_LENGTH: Final = 4000
UNITS: Final[Mapping[str, float]] = {
    "s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0,
    "m": 1.0, "cm": 1e-2, "mm": 1e-3, "km": 1e3,
    "rad": 1.0, "deg": 0.017453292519943295,
}  # fmt: skip
"""Unit → factor to the SI unit."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?P<unit>[A-Za-z]*)"""
    r"""|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<op>==|!=|<=|>=|//|&&|\|\||[-+*/%<>()\[\],!=])|(?P<dollar>\$))""",
    re.DOTALL,
)
_FOREIGN: Final[Mapping[str, str]] = {
    "&&": "and", "||": "or", "!": "not", "=": "==", "True": "true", "False": "false", "None": "none", "null": "none",
    "AND": "and", "OR": "or", "NOT": "not",
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    """One token; ``column`` is where it begins, from 1."""

    kind: str  # number text word op ref end
    text: str
    column: int
    value: object = None


def read_tokens(source: str) -> list[Token]:
    """Split an expression into tokens, the last one of kind ``end``.

    Raises:
        ExpressionError: A character has no meaning, a number is too large or has an unknown unit, or it is too long.
    """
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"this expression has {len(source)} characters, {MAX_LENGTH} are allowed")
    tokens: list[Token] = []
    at = 0
    end = len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            column = at + len(source[at:]) - len(source[at:].lstrip()) + 1
            raise ExpressionError(_odd_character(source[column - 1]), column)
        kind = found.lastgroup or ""
        if found["number"] is not None:
            kind = "number"
        column = found.start(kind) + 1
        text, at = found[kind], found.end()
        value: object = None
        if kind == "number":
            value = _number(text, found["unit"], column)
        elif kind == "text":
            value = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
        elif kind == "dollar":
            scanned = scan_entry(source, at, column)
            if scanned is None:
                raise ExpressionError("a name must follow the dollar", column, fix="write $name")
            kind = "ref"
            value, at = scanned
        elif text in _FOREIGN:
            raise ExpressionError(f"{text!r} is no word of expressions", column, (_FOREIGN[text],))
        tokens.append(Token(kind, text, column, value))
    tokens.append(Token("end", "", len(source) + 1))
    return tokens


def _odd_character(character: str) -> str:
    if character in "'\"":
        return "this text has no closing quote"
    return f"the character {character!r} has no meaning in an expression"


def _number(text: str, unit: str, column: int) -> int | float:
    if len(text) > 30:
        raise ExpressionError("this number has more than 30 characters", column)
    value: int | float = int(text) if text.isdigit() else float(text)
    if value > MAX_INT and (isinstance(value, int) or value == float("inf")):
        raise ExpressionError("the number is too large", column)
    if not unit:
        return value
    if unit not in UNITS:
        raise ExpressionError(f"unknown unit {unit!r}", column, near_misses(unit, UNITS), f"use {', '.join(UNITS)}")
    return value * UNITS[unit]
