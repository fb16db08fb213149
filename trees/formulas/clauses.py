"""An expression taken apart where ``and``, ``or``, ``not`` and comparisons join it: for those who explain its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from .expression_tokens import Token, read_tokens

COMPARISONS: Final = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
_MOST_DEPTH: Final = 40


@dataclass(frozen=True)
class Clause:
    """One piece of an expression.

    Attributes:
        kind: ``all`` and ``any`` of the parts, ``not`` of its only part, ``compare`` of two parts by ``sign``, or
            ``plain``: taken as a whole.
        text: Its source.
        parts: The pieces it is made of.
        sign: How it compares; empty for other kinds.
    """

    kind: Literal["all", "any", "not", "compare", "plain"]
    text: str
    parts: tuple[Clause, ...] = ()
    sign: str = ""


def clauses(source: str) -> Clause:
    """Take an expression apart.

    Args:
        source: A text that ``Expression`` accepts.

    >>> clauses("$a > 1 and not $b").parts[1].kind
    'not'
    """
    tokens = read_tokens(source)
    return _read(source, tokens[:-1], tokens[-1].column, 0)


def _read(source: str, tokens: Sequence[Token], end: int, depth: int) -> Clause:
    text = source[tokens[0].column - 1 : end - 1].strip()
    levels = _levels(tokens)
    outer = [token.text if level == 0 and token.kind in ("word", "op") else "" for token, level in levels]
    if depth > _MOST_DEPTH or "if" in outer:
        return Clause("plain", text)
    for word, kind in (("or", "any"), ("and", "all")):
        if word in outer:
            parts = _split(source, tokens, end, [i for i, each in enumerate(outer) if each == word], depth)
            return Clause("any" if kind == "any" else "all", text, parts)
    if outer[0] == "not":
        return Clause("not", text, (_read(source, tokens[1:], end, depth + 1),))
    if tokens[0].text == "(" and tokens[0].kind == "op" and all(level for _, level in levels[:-1]):
        return _read(source, tokens[1:-1], tokens[-1].column, depth + 1)
    return _compared(source, tokens, end, outer, text, depth)


def _levels(tokens: Sequence[Token]) -> list[tuple[Token, int]]:
    """Return each token with the number of brackets that are open after it, or before it where it closes one."""
    found, level = [], 0
    for token in tokens:
        if token.kind == "op" and token.text in "([":
            level += 1
        elif token.kind == "op" and token.text in ")]":
            level -= 1
        found.append((token, level))
    return found


def _split(source: str, tokens: Sequence[Token], end: int, at: Sequence[int], depth: int) -> tuple[Clause, ...]:
    begins = [0, *(i + 1 for i in at)]
    ends = [*at, len(tokens)]
    borders = [tokens[i].column if i < len(tokens) else end for i in ends]
    pieces = zip(begins, ends, borders, strict=True)
    return tuple(_read(source, tokens[begin:stop], border, depth + 1) for begin, stop, border in pieces)


def _compared(source: str, tokens: Sequence[Token], end: int, outer: Sequence[str], text: str, depth: int) -> Clause:
    """Read comparisons; a chain ``a < b < c`` is all of its neighbours."""
    signs: list[tuple[int, int, str]] = []
    for i, each in enumerate(outer):
        if each == "in" and i and outer[i - 1] == "not":
            signs[-1] = (i - 1, i + 1, "not in")
        elif each in COMPARISONS or each == "not":
            signs.append((i, i + 1, each))
    if not signs:
        return Clause("plain", text)
    begins, ends = [0, *(after for _, after, _ in signs)], [*(first for first, _, _ in signs), len(tokens)]
    sides = [
        Clause("plain", source[tokens[a].column - 1 : (tokens[b].column if b < len(tokens) else end) - 1].strip())
        for a, b in zip(begins, ends, strict=True)
    ]
    pairs = tuple(
        Clause("compare", f"{left.text} {sign} {right.text}", (left, right), sign)
        for (_, _, sign), (left, right) in zip(signs, pairwise(sides), strict=True)
    )
    return pairs[0] if len(pairs) == 1 else Clause("all", text, pairs)
