"""Which entries of an expression would have had to be different, and how, for it to be true, or false."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ..formulas.clauses import Clause, clauses
from ..formulas.expressions import Expression, ExpressionError
from ..formulas.references import Entry, FollowError, follow
from ..values import as_words

_MOST_WAYS: Final = 4
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_WORDS: Final = {
    "<": "below {}", "<=": "at most {}", ">": "above {}", ">=": "at least {}", "==": "{}", "!=": "other than {}",
    "in": "one of {}", "not in": "none of {}",
}  # fmt: skip


class Written(NamedTuple):
    """The value of an entry, and who wrote it when."""

    value: Any
    writer: str
    tick: int


@dataclass(frozen=True)
class Change:
    """One change that a comparison needs.

    Attributes:
        words: What would have had to be, and what was.
        entry: The entry that changes as a whole, such as ``$n``; empty where a computed value has to.
        values: Values of it to try.
    """

    words: str
    entry: str = ""
    values: tuple[Any, ...] = ()


def changes_needed(source: str, wanted: bool, entries: Mapping[str, Written]) -> str:
    """Say what would have had to be different for an expression to have another value.

    What is said was tried: the expression is computed again with the changed values, and must come out as wanted.

    Args:
        source: The expression.
        wanted: The value that it did not have.
        entries: Each reference without fields, such as ``$n`` → its value when the expression was computed.

    Returns:
        One line; the expression as a whole where no change of single entries is known to do.
    """
    whole = f"{source} would have had to be {str(wanted).lower()}"
    try:
        expression = Expression(source)
        if not expression.references:
            return f"nothing could have made it so: {source} is {str(not wanted).lower()} whatever happens"
        if expression.evaluate(_lookup(entries)) is wanted:
            return whole  # the trace keeps values in short: these are not those that were computed with
        ways = _Ways(entries).of(clauses(source), wanted)
    except (ExpressionError, FollowError, KeyError):
        return f"{whole}{_unset(source, entries)}"
    ways = [way for way in ways if _does(expression, wanted, way, entries)]
    if not ways or len(ways) > _MOST_WAYS:
        return whole
    return ", or ".join(" and ".join(change.words for change in way) for way in ways)


def _unset(source: str, entries: Mapping[str, Written]) -> str:
    try:
        missing = [f"${'@' if e.root else ''}{e.name}" for e in Expression(source).references]
    except ExpressionError:
        return ""
    names = [name for name in dict.fromkeys(missing) if name not in entries]
    return f"; {', '.join(names)} had no value that is known" if names else ""


def _lookup(entries: Mapping[str, Written], changed: Mapping[str, Any] | None = None) -> Callable[[Entry], object]:
    new = changed or {}

    def look(entry: Entry) -> object:
        name = f"${'@' if entry.root else ''}{entry.name}"
        return new[str(entry)] if str(entry) in new else follow(entries[name].value, entry.accessors)

    return look


def _does(expression: Expression, wanted: bool, way: tuple[Change, ...], entries: Mapping[str, Written]) -> bool:
    """Try whether a way leads where it is said to; where a computed value changes, whether no other change is in it."""
    names = [change.entry for change in way if change.entry]
    if len(set(names)) < len(way):
        return len(way) == 1 and not names
    for values in itertools.product(*(change.values for change in way)):
        try:
            if expression.evaluate(_lookup(entries, dict(zip(names, values, strict=True)))) is wanted:
                return True
        except (ExpressionError, FollowError, KeyError):
            continue
    return False


class _Ways:
    def __init__(self, entries: Mapping[str, Written]) -> None:
        self.entries = entries

    def value(self, text: str) -> Any:
        return Expression(text).evaluate(_lookup(self.entries))

    def of(self, clause: Clause, wanted: bool) -> list[tuple[Change, ...]]:
        """Return the ways to give a clause a value that it does not have, each as the changes that it takes."""
        if clause.kind == "not":
            return self.of(clause.parts[0], not wanted)
        if clause.kind in ("all", "any"):
            wrong = [part for part in clause.parts if bool(self.value(part.text)) is not wanted]
            each = [self.of(part, wanted) for part in wrong]
            if (clause.kind == "any") is wanted:
                return [way for ways in each for way in ways]
            if sum(1 for ways in each if len(ways) > 1) > 1:
                return []
            return [tuple(itertools.chain(*ways)) for ways in itertools.product(*each)]
        if clause.kind == "compare":
            return [(self.compared(clause, wanted),)]
        return [(self.plain(clause.text, wanted),)]

    def compared(self, clause: Clause, wanted: bool) -> Change:
        left, right = clause.parts
        sign = clause.sign if wanted else _OPPOSITE[clause.sign]
        if not _entry(left.text) and _entry(right.text) and sign in _MIRRORED:
            left, right, sign = right, left, _MIRRORED[sign]
        bound = self.value(right.text)
        said = as_words(bound) if right.text[:1] not in "'\"" else right.text
        if _references(right.text):
            said += f" ({right.text})"
        words = f"{left.text} would have had to be {_WORDS[sign].format(said)}; it was {self.was(left.text)}"
        if not _entry(left.text):
            return Change(words)
        return Change(words, str(_references(left.text)[0]), _examples(sign, bound))

    def plain(self, text: str, wanted: bool) -> Change:
        words = f"{text} would have had to be {str(wanted).lower()}; it was {self.was(text)}"
        return Change(words, str(_references(text)[0]), (wanted,)) if _entry(text) else Change(words)

    def was(self, text: str) -> str:
        """Write the value of a piece, and who wrote the entries in it when."""
        found = []
        for entry in _references(text):
            name = f"${'@' if entry.root else ''}{entry.name}"
            written = self.entries[name]
            by = f"written by {written.writer} in tick {written.tick}" if written.tick else f"from {written.writer}"
            said = "" if str(entry) == text else f"{name} "
            if f"{said}{by}" not in found:
                found.append(f"{said}{by}")
        value = as_words(self.value(text))
        value = value if len(value) <= 80 else f"{value[:79]}…"
        return f"{value} ({', '.join(found)})" if found else value


def _references(text: str) -> tuple[Entry, ...]:
    return Expression(text).references


def _entry(text: str) -> bool:
    """Tell whether a text is one reference and nothing else."""
    found = _references(text)
    return len(found) == 1 and str(found[0]) == text


def _examples(sign: str, bound: Any) -> tuple[Any, ...]:
    """Return values that compare so with a bound."""
    number = isinstance(bound, int | float) and not isinstance(bound, bool)
    if sign in ("==", "<=", ">="):
        return (bound,)
    if sign in ("<", ">", "!=") and number:
        step = -1 if sign == "<" else 1
        return bound + step, bound + step * 1e-6 * max(1.0, abs(bound))
    if sign == "!=":
        return (not bound,) if isinstance(bound, bool) else (f"{bound}…",)
    if sign == "in":
        return (bound[0],) if isinstance(bound, list | tuple | str) and bound else ()
    return ("…",) if sign == "not in" else (f"{bound}…", "")
