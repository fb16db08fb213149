"""Expressions over blackboard entries: small, without side effects, bounded, compiled once to closures.

Python's precedence: ``a if c else b``, ``or``, ``and``, ``not``, comparisons and ``in`` (chained), ``+ -``,
``* / // %``, unary ``-``. Values are numbers (with a unit they become SI), texts in either quote, ``true false none``,
lists ``[1, 2]``, references ``$name.field[0]`` and the functions ``len abs min max round``. ``and``, ``or`` and ``not``
give true or false. Nothing else is callable, so hostile text can do nothing but fail: no loops, no powers, whole
numbers of 64 bits, texts of 100 000 characters, lists of 10 000 values. A text of 4000 characters is done in bounded
time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..._base import near_misses
from .expression_tokens import MAX_LENGTH, UNITS, Token, read_tokens
from .operators import ExpressionError, arithmetic, as_number, bounded, call, comparison, shown, truth
from .references import Entry, follow

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "UNITS", "Expression", "ExpressionError", "Getter", "Lookup"]

MAX_DEPTH: Final = 40

Lookup = Callable[[Entry], object]
"""Gives the present value of a reference, fields and indices followed."""
Getter = Callable[[Lookup], object]

_FUNCTIONS: Final = ("len", "abs", "min", "max", "round")
_WORDS: Final = ("and", "or", "not", "in", "if", "else", "true", "false", "none", *_FUNCTIONS)


@dataclass(frozen=True)
class _Part:
    """A compiled piece and the type of its value: ``bool number text list none any``."""

    get: Getter
    type: str


class Expression:
    """One compiled expression.

    Args:
        source: The text.
        types: Port types of entries by name, for the type of the result; unknown names count as ``any``.

    Attributes:
        references: The entries it reads, in order, each once per mention.
        type: ``bool``, ``number``, ``text``, ``list``, ``none`` or ``any``.

    Raises:
        ExpressionError: The text is no expression, is longer than 4000 characters or nested deeper than 40.

    >>> Expression("$battery > 0.2 and not $held").evaluate({"battery": 0.5, "held": False})
    True
    """

    __slots__ = ("_get", "references", "source", "type")

    def __init__(self, source: str, types: Mapping[str, str] | None = None) -> None:
        self.source = source
        parser = _Parser(read_tokens(source), types or {})
        part = parser.whole()
        self._get: Getter = part.get
        self.type: str = part.type
        self.references: tuple[Entry, ...] = tuple(parser.references)

    def evaluate(self, lookup: Lookup | Mapping[str, object]) -> object:
        """Compute the value; ``lookup`` gives each reference's value, or maps entry names to values.

        Raises:
            ExpressionError: Values do not fit the operators, or a number is divided by zero.
        """
        if isinstance(lookup, Mapping):
            values = lookup

            def from_mapping(entry: Entry) -> object:
                return follow(values[entry.name], entry.accessors)

            return self._get(from_mapping)
        return self._get(lookup)

    def bind(self, resolve: Callable[[Entry], Callable[[], object]]) -> Callable[[], object]:
        """Resolve each reference once and return a function without arguments that computes the value."""
        getters = {id(entry): resolve(entry) for entry in self.references}
        get = self._get

        def lookup(entry: Entry) -> object:
            return getters[id(entry)]()

        return lambda: get(lookup)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)


class _Parser:
    """Recursive descent; chains are loops, so only nesting deepens."""

    def __init__(self, tokens: Sequence[Token], types: Mapping[str, str]) -> None:
        self.tokens, self.types = tokens, types
        self.at = 0
        self.depth = 0
        self.references: list[Entry] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self, *texts: str) -> Token | None:
        token = self.token
        if token.kind in ("op", "word") and token.text in texts:
            self.at += 1
            return token
        return None

    def need(self, text: str) -> None:
        if self.take(text) is None:
            raise ExpressionError(f"{text!r} is missing here", self.token.column)

    def whole(self) -> _Part:
        if self.token.kind == "end":
            raise ExpressionError("the expression is empty")
        part = self.chosen()
        if self.token.kind != "end":
            raise ExpressionError(f"{self.token.text!r} does not belong here", self.token.column)
        return part

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", self.token.column)

    def chosen(self) -> _Part:
        """Read ``a if condition else b``; it groups to the right."""
        links: list[tuple[_Part, _Part]] = []
        part = self.either()
        while self.take("if"):
            condition = self.either()
            self.need("else")
            links.append((condition, part))
            part = self.either()
        if not links:
            return part
        kinds = {part.type, *(value.type for _, value in links)}
        pairs = [(condition.get, value.get) for condition, value in links]
        return _Part(_choice(pairs, part.get), kinds.pop() if len(kinds) == 1 else "any")

    def either(self) -> _Part:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else _Part(_any_of([p.get for p in parts]), "bool")

    def both(self) -> _Part:
        parts = [self.inverted()]
        while self.take("and"):
            parts.append(self.inverted())
        return parts[0] if len(parts) == 1 else _Part(_all_of([p.get for p in parts]), "bool")

    def inverted(self) -> _Part:
        times = 0
        while self.take("not"):
            times += 1
        part = self.compared()
        if times == 0:
            return part
        get, odd = part.get, times % 2 == 1
        return _Part(lambda look: truth(get(look)) is not odd, "bool")

    def compared(self) -> _Part:
        first = self.summed()
        rest: list[tuple[Callable[[object, object], bool], Getter]] = []
        while True:
            token = self.token
            word = self.take("==", "!=", "<", "<=", ">", ">=", "in")
            if word is None and token.text == "not" and self.tokens[self.at + 1].text == "in":
                self.at += 2
                compare = comparison("not in", token.column)
            elif word is None:
                break
            else:
                compare = comparison(word.text, word.column)
            rest.append((compare, self.summed().get))
        return _Part(_chain(first.get, rest), "bool") if rest else first

    def summed(self) -> _Part:
        return self.folded(("+", "-"), self.multiplied)

    def multiplied(self) -> _Part:
        return self.folded(("*", "/", "//", "%"), self.signed)

    def folded(self, signs: tuple[str, ...], operand: Callable[[], _Part]) -> _Part:
        first = operand()
        rest: list[tuple[Callable[[object, object], object], Getter]] = []
        kinds = {first.type}
        while (sign := self.take(*signs)) is not None:
            part = operand()
            kinds.add(part.type)
            rest.append((arithmetic(sign.text, sign.column), part.get))
            if "bool" in kinds or "none" in kinds or ("text" in kinds and ("number" in kinds or sign.text != "+")):
                raise ExpressionError(f"{sign.text!r} does not fit {' and '.join(sorted(kinds))}", sign.column)
        if not rest:
            return first
        known = "number" if signs[0] == "*" or kinds <= {"number"} else "text" if "text" in kinds else "any"
        return _Part(_fold(first.get, rest), known)

    def signed(self) -> _Part:
        times, signs, column = 0, 0, self.token.column
        while sign := self.take("-", "+"):
            times += sign.text == "-"
            signs += 1
        part = self.single()
        if signs == 0:
            return part
        get, negative = part.get, times % 2 == 1

        def value(look: Lookup) -> object:
            number = as_number(get(look), "-", column)
            return -number if negative else number

        return _Part(value, "number")

    def single(self) -> _Part:
        token = self.token
        self.at += 1
        if token.kind in ("number", "text"):
            return _Part(_constant(token.value), token.kind)
        if token.kind == "ref" and isinstance(token.value, Entry):
            return self.reference(token.value)
        if token.kind == "word" and token.text in ("true", "false", "none"):
            value = {"true": True, "false": False, "none": None}[token.text]
            return _Part(_constant(value), "none" if value is None else "bool")
        if token.kind == "word" and token.text in _FUNCTIONS:
            return self.called(token)
        if token.kind == "op" and token.text in "([":
            self.deeper()
            part = self.listed(token.column) if token.text == "[" else self.chosen()
            self.need("]" if token.text == "[" else ")")
            self.depth -= 1
            return part
        self.at -= 1
        raise _unexpected(token)

    def listed(self, column: int) -> _Part:
        parts = self.several("]")
        return _Part(lambda look: bounded([get(look) for get in parts], column), "list")

    def several(self, closing: str) -> list[Getter]:
        """Read values with commas between them, up to the closing sign."""
        parts: list[Getter] = []
        while self.token.text != closing or self.token.kind != "op":
            parts.append(self.chosen().get)
            if not self.take(","):
                break
        return parts

    def reference(self, entry: Entry) -> _Part:
        self.references.append(entry)
        known = "any" if entry.accessors or entry.root else self.types.get(entry.name, "any")
        return _Part(lambda look: look(entry), _RESULT.get(known, "any"))

    def called(self, token: Token) -> _Part:
        name, column = token.text, token.column
        self.need("(")
        self.deeper()
        parts = self.several(")")
        self.need(")")
        self.depth -= 1
        if name == "len" and len(parts) == 1:
            return _Part(_length(parts[0], column), "number")
        if name == "len" or not parts:
            raise ExpressionError(f"{name}() needs {'one value' if name == 'len' else 'a number'}", column)
        return _Part(lambda look: call(name, [get(look) for get in parts], column), "number")


_RESULT: Final[Mapping[str, str]] = {
    "text": "text", "number": "number", "int": "number", "duration": "number", "length": "number", "angle": "number",
    "bool": "bool", "objects": "list", "list": "list",
}  # fmt: skip


def _unexpected(token: Token) -> ExpressionError:
    if token.kind == "end":
        return ExpressionError("the expression ends too early", token.column)
    if token.kind == "word":
        near = near_misses(token.text, _WORDS)
        return ExpressionError(
            f"{token.text!r} is no word of expressions", token.column, near, f"write ${token.text} or '{token.text}'"
        )
    return ExpressionError(f"a value is missing before {token.text!r}", token.column)


def _constant(value: object) -> Getter:
    return lambda look: value


def _length(get: Getter, column: int) -> Getter:
    def value(look: Lookup) -> object:
        thing = get(look)
        if not isinstance(thing, Sequence | Mapping | set | frozenset):
            raise ExpressionError(f"len() needs a list or a text, this is {shown(thing)}", column)
        return len(thing)

    return value


def _choice(pairs: Sequence[tuple[Getter, Getter]], last: Getter) -> Getter:
    def value(look: Lookup) -> object:
        for condition, get in pairs:
            if truth(condition(look)):
                return get(look)
        return last(look)

    return value


def _any_of(getters: Sequence[Getter]) -> Getter:
    return lambda look: any(truth(get(look)) for get in getters)


def _all_of(getters: Sequence[Getter]) -> Getter:
    return lambda look: all(truth(get(look)) for get in getters)


def _chain(first: Getter, rest: Sequence[tuple[Callable[[object, object], bool], Getter]]) -> Getter:
    def value(look: Lookup) -> object:
        left = first(look)
        for compare, get in rest:
            right = get(look)
            if not compare(left, right):
                return False
            left = right
        return True

    return value


def _fold(first: Getter, rest: Sequence[tuple[Callable[[object, object], object], Getter]]) -> Getter:
    def value(look: Lookup) -> object:
        total = first(look)
        for combine, get in rest:
            total = combine(total, get(look))
        return total

    return value
