"""The grammar of scripts: from text to a small tree of statements. Chains are lists, so only nesting deepens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .operators import MAX_INT, ExpressionError

MAX_LENGTH: Final = 4000
MAX_DEPTH: Final = 40


class ScriptError(ExpressionError):
    """A script cannot be read or cannot be run; ``column`` is where in the script, from 1."""


@dataclass(frozen=True)
class Constant:
    """A number or a text as written; ``true`` and ``false`` are 1 and 0, and ``word`` then is True."""

    value: int | float | str
    column: int
    word: bool = False


@dataclass(frozen=True)
class Name:
    """A blackboard entry, or the name of a constant; ``root`` for ``@name``."""

    name: str
    root: bool
    column: int

    def __str__(self) -> str:
        return f"@{self.name}" if self.root else self.name


@dataclass(frozen=True)
class Prefix:
    """``-``, ``~`` or ``!`` before an operand."""

    sign: str
    operand: Node
    column: int


@dataclass(frozen=True)
class Chain:
    """Operands between operators of one rank, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node, int], ...]

    @property
    def column(self) -> int:
        """Where it begins."""
        return self.first.column

    @property
    def compares(self) -> bool:
        """True for ``a < b <= c``, which holds when each pair does."""
        return self.rest[0][0] in COMPARISONS


@dataclass(frozen=True)
class Choice:
    """``condition ? then : other``."""

    condition: Node
    then: Node
    other: Node
    column: int


@dataclass(frozen=True)
class Assign:
    """``name := value`` and its relatives; its value is what the entry then holds."""

    target: Name
    sign: str
    value: Node
    column: int


Node = Constant | Name | Prefix | Chain | Choice | Assign

COMPARISONS: Final = ("==", "!=", "<", ">", "<=", ">=")
ASSIGNMENTS: Final = (":=", "=", "+=", "-=", "*=", "/=")
_RANKS: Final = {
    **dict.fromkeys(ASSIGNMENTS, 1), "?": 2, "||": 3, "&&": 4, **dict.fromkeys(COMPARISONS, 5),
    "|": 6, "^": 6, "&": 7, "+": 8, "-": 8, "..": 8, "*": 9, "/": 9,
}  # fmt: skip
_PREFIX_RANK: Final = 10

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)|(?P<number>0[xX][0-9A-Fa-f]+|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"""
    r"""|(?P<text>'[^']*'|"[^"]*")|(?P<name>@?[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<op>\.\.|&&|\|\||[=!<>:+*/-]=|[-+*/&|^~!<>=?:();])""",
)
_WORDS: Final = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "xor": "^"}


@dataclass(frozen=True)
class _Token:
    kind: str  # number text name op end
    text: str
    column: int

    def __str__(self) -> str:
        return repr(self.text) if self.kind != "end" else "the end"


def parse(source: str) -> tuple[Node, ...]:
    """Read a script.

    Raises:
        ScriptError: It is none, is longer than 4000 characters or nested deeper than 40.
    """
    if len(source) > MAX_LENGTH:
        raise ScriptError(f"this script has {len(source)} characters, {MAX_LENGTH} are allowed")
    return _Parser(_tokens(source)).statements()


def _tokens(source: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(source)
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            raise _odd_character(source, at)
        kind, text, start = found.lastgroup or "", found[0], at
        at = found.end()
        if kind == "space":
            continue
        if kind == "number" and (tail := re.match(r"\.(?!\.)\w*|\w+", source[at:])):
            raise ScriptError(f"{text + tail[0]!r} is no number", start + 1)
        tokens.append(_Token(kind, text, start + 1))
    tokens.append(_Token("end", "", end + 1))
    return tokens


def _odd_character(source: str, at: int) -> ScriptError:
    character, column = source[at], at + 1
    if character in "'\"":
        return ScriptError("this text has no closing quote", column)
    if character in "{$":
        name = re.match(r"[{$]+@?(\w*)", source[at:])
        return ScriptError(
            f"the character {character!r} has no meaning in a script",
            column,
            fix=f"write the name alone: {(name[1] if name else '') or 'name'}",
        )
    fix = "write numbers with a digit before the point" if character == "." else ""
    return ScriptError(f"the character {character!r} has no meaning in a script", column, fix=fix)


class _Parser:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self, text: str) -> bool:
        if self.token.kind == "op" and self.token.text == text:
            self.at += 1
            return True
        return False

    def statements(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.token.kind != "end":
            found.append(self.ranked(1))
            if self.token.kind == "end":
                break
            if not self.take(";"):
                raise self.unexpected("';' or an operator")
            while self.take(";"):
                pass
        if not found:
            raise ScriptError("the script is empty")
        return tuple(found)

    def unexpected(self, wanted: str) -> ScriptError:
        token = self.token
        if token.kind == "name" and token.text in _WORDS:
            return ScriptError(f"{token.text!r} is no operator of scripts", token.column, (_WORDS[token.text],))
        near = {"=": ("==",), ":": (":=",)}.get(token.text, ())
        return ScriptError(f"{wanted} is missing before {token}", token.column, near)

    def ranked(self, lowest: int) -> Node:
        """Read operands between operators of rank ``lowest`` and above."""
        self.depth += lowest <= 2
        if self.depth > MAX_DEPTH:
            raise ScriptError(f"nested deeper than {MAX_DEPTH} levels", self.token.column)
        left = self.operand()
        while (rank := self.rank()) >= lowest:
            if rank <= 2:
                left = self.assigned(left) if rank == 1 else self.choice(left)
                break
            rest: list[tuple[str, Node, int]] = []
            while self.rank() == rank:
                sign = self.next()
                rest.append((sign.text, self.ranked(rank + 1), sign.column))
            left = Chain(left, tuple(rest))
        self.depth -= lowest <= 2
        return left

    def rank(self) -> int:
        """Return the rank of the operator that stands next, 0 for anything else."""
        return _RANKS.get(self.token.text, 0) if self.token.kind == "op" else 0

    def next(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def assigned(self, left: Node) -> Assign:
        sign = self.next()
        if not isinstance(left, Name):
            what = "a value" if isinstance(left, Constant) else "an expression"
            guess = ("==",) if sign.text == "=" else ()
            raise ScriptError(f"left of {sign.text!r} stands {what}, it must be a name", left.column, guess)
        return Assign(left, sign.text, self.ranked(1), sign.column)

    def choice(self, condition: Node) -> Choice:
        sign = self.next()
        then = self.ranked(1)
        if not self.take(":"):
            raise self.unexpected("':' of the '?'")
        return Choice(condition, then, self.ranked(2), sign.column)

    def operand(self) -> Node:
        token = self.token
        self.at += 1
        if token.kind == "number":
            return Constant(_number(token), token.column)
        if token.kind == "text":
            return Constant(token.text[1:-1], token.column)
        if token.kind == "name" and token.text in ("true", "false"):
            return Constant(float(token.text == "true"), token.column, word=True)
        if token.kind == "name" and token.text not in _WORDS:
            root = token.text.startswith("@")
            return Name(token.text[root:], root, token.column)
        if token.kind == "op" and token.text in ("-", "~", "!", "+"):
            return self.prefixed(token)
        if token.kind == "op" and token.text == "(":
            inner = self.ranked(1)
            if not self.take(")"):
                raise self.unexpected("')'")
            return inner
        self.at -= 1
        raise self.unexpected("a value")

    def prefixed(self, first: _Token) -> Node:
        signs = [first]
        while self.token.kind == "op" and self.token.text in ("-", "~", "!", "+"):
            signs.append(self.token)
            self.at += 1
        if len(signs) > MAX_DEPTH:
            raise ScriptError(f"nested deeper than {MAX_DEPTH} levels", first.column)
        node = self.operand()
        for sign in reversed(signs):
            node = node if sign.text == "+" else Prefix(sign.text, node, sign.column)
        return node


def _number(token: _Token) -> int | float:
    text = token.text
    if len(text) > 30:
        raise ScriptError("this number has more than 30 characters", token.column)
    if text[:2] in ("0x", "0X"):
        value: int | float = int(text, 16)
    else:
        value = int(text) if text.isdigit() else float(text)
    if isinstance(value, int) and value > MAX_INT:
        raise ScriptError(f"the number {text} does not fit 64 bits", token.column)
    if value == float("inf"):
        raise ScriptError(f"the number {text} is too large", token.column)
    return value
