"""Read the value of a port: a constant in the port's type, a reference, text with references, or an expression."""

from __future__ import annotations

from typing import Final

from ..._base import near_misses
from ...behaviors.ports import Port
from ..expressions import Expression
from ..literals import NAMES, LiteralError, shown
from ..operators import ExpressionError
from ..problems import Problem
from ..references import Entry
from ..spec import Computed, Literal, Reference, Template, Value
from .constants import constant_value, kind_of, text_of
from .document import Item, Scalar, Source
from .interpolation import InterpolationError, split_text, whole_entry

_TEXTUAL: Final = ("text", "any")


class ValueReader:
    """Reads port values of one file; what is wrong goes to ``problems``.

    Args:
        source: The file.
        problems: Collects mistakes.
    """

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems

    def read(self, item: Item, port: Port, label: str) -> Value | None:
        """Return the value of an input port, or None after reporting why it is none.

        Args:
            item: What stands in the file.
            port: What is wanted.
            label: What messages call the port, such as ``"port 'accept' of 'see'"``.
        """
        if port.type == "expression":
            return self.expression(item, label)
        if not isinstance(item, Scalar):
            return self._constant(item, port, label)
        return None if self._is_missing(item, label) else self._scalar(item, port, label)

    def entry(self, item: Item, label: str) -> Reference | None:
        """Return the entry that an output or ``variable`` port binds: ``$name`` and nothing else."""
        written = item.text.strip() if isinstance(item, Scalar) else ""
        entry = whole_entry(written)
        if entry is not None and not entry.accessors:
            return self._reference(item, entry)
        bare = written.isidentifier() and written.isascii()
        self._report(
            item,
            "K121",
            f"{label} takes the name of an entry, $name",
            why="it is written here, so it must be a whole entry" if entry is not None else "",
            guess=(f"${entry.name}",) if entry is not None else (f"${written}",) if bare else (),
            fix="write a dollar and a name, nothing else",
        )
        return None

    def text(self, item: Item, label: str) -> str | None:
        """Return a constant text without interpolation, as for ``name`` and ``about``."""
        if not isinstance(item, Scalar):
            self._report(item, "K105", f"{label} takes text, not {kind_of(item)}", fix="write the text in quotes")
            return None
        if self._is_missing(item, label):
            return None
        self._check_cut(item, label)
        return text_of(item)

    def expression(self, item: Item, label: str) -> Computed | None:
        """Compile an expression."""
        if not isinstance(item, Scalar):
            self._report(
                item,
                "K105",
                f"{label} takes an expression, not {kind_of(item)}",
                fix="quote it if it begins with a bracket or brace",
            )
            return None
        if self._is_missing(item, label):
            return None
        try:
            return Computed(Expression(item.text.rstrip()), self.source.place(item))
        except ExpressionError as error:
            fix = error.fix or "correct the expression, such as `$count > 0 and not $done`"
            self._report_inside(item, error.column, 1, "K119", f"{label}: {error}", guess=error.guess, fix=fix)
            return None

    def constant(self, item: Item, port: Port, label: str) -> Literal | None:
        """Return a constant; references are refused, as in the default of an input."""
        if isinstance(item, Scalar) and port.type != "any" and self._is_missing(item, label):
            return None
        return self._constant(item, port, label)

    def _scalar(self, item: Scalar, port: Port, label: str) -> Value | None:
        text = text_of(item)
        entry = whole_entry(text)
        if entry is not None:
            return self._reference(item, entry)
        if "$" not in text:
            return self._constant(item, port, label)
        try:
            parts = split_text(text)
        except InterpolationError as error:
            self._report_inside(item, error.column, error.width, "K120", str(error), fix=error.fix)
            return None
        if port.type not in _TEXTUAL:
            self._refuse_text(item, parts, port, label)
            return None
        self._check_cut(item, label)
        if len(parts) == 1 and isinstance(parts[0], str):
            return self._checked(item, parts[0], port, label)
        pieces = tuple(part if isinstance(part, str) else self._reference(item, part) for part in parts)
        return Template(pieces, self.source.place(item))

    def _refuse_text(self, item: Scalar, parts: tuple[str | Entry, ...], port: Port, label: str) -> None:
        only = parts[0] if len(parts) == 1 else None
        self._report(
            item,
            "K105",
            f"{label} takes {NAMES[port.type]}, not {shown(item.text)}",
            why="${} makes text of a value",
            guess=(str(only),) if isinstance(only, Entry) else (),
            fix="give the entry alone, $name",
        )

    def _constant(self, item: Item, port: Port, label: str) -> Literal | None:
        if isinstance(item, Scalar) and port.type == "text":
            self._check_cut(item, label)
        try:
            value = constant_value(item, port.type)
        except LiteralError as error:
            self._report(item, error.code, f"{label} {error}", why=error.why, guess=error.guess, fix=error.fix)
            return None
        return self._checked(item, value, port, label)

    def _checked(self, item: Item, value: object, port: Port, label: str) -> Literal | None:
        if port.choices and value not in port.choices:
            self._report(
                item,
                "K108",
                f"{label} takes {' or '.join(port.choices)}, not {shown(str(value))}",
                guess=near_misses(str(value), port.choices),
                fix=f"write one of {', '.join(port.choices)}",
            )
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = port.minimum, port.maximum
            if (low is not None and value < low) or (high is not None and value > high):
                written = item.text if isinstance(item, Scalar) else str(value)
                self._report(item, "K107", f"{label} is out of range: {written}", fix=f"give {_range(low, high, port)}")
                return None
        return Literal(value, self.source.place(item))

    def _is_missing(self, item: Scalar, label: str) -> bool:
        if not item.is_null:
            return False
        rest = self.source.line(item.end_line)[item.end_column - 1 :].strip()
        if rest.startswith("#") and not rest.startswith("# "):
            self._report_comment(
                item, rest, f"{label} has no value: '#' begins a comment", f'quote it if it is text: "{_short(rest)}"'
            )
        else:
            self._report(item, "K110", f"{label} has no value", fix="give one, or delete the key")
        return True

    def _check_cut(self, item: Scalar, label: str) -> None:
        """Report plain text that a comment follows on its line, where the comment may be the rest of the text."""
        if item.style != "plain":
            return
        comment = self.source.comment_after(item)
        if comment and (" " in item.text or not comment.startswith(("# ", "##"))):
            whole = _short(f"{item.text} {comment}")
            self._report_comment(
                item,
                comment,
                f"{label} ends before '#', which begins a comment",
                f'quote the text, "{_short(item.text)}" or "{whole}"',
            )

    def _report_comment(self, item: Scalar, comment: str, message: str, fix: str) -> None:
        column = self.source.line(item.end_line).index("#", item.end_column - 1) + 1
        self.problems.append(
            self.source.problem(
                (item.end_line, column),
                "K013",
                message,
                why="in plain text YAML drops everything from ' #' to the end of the line",
                fix=fix,
                width=len(comment),
            )
        )

    def _reference(self, item: Item, entry: Entry) -> Reference:
        return Reference(entry.name, self.source.place(item), entry.accessors, entry.root)

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))

    def _report_inside(
        self,
        item: Scalar,
        column: int,
        width: int,
        code: str,
        message: str,
        *,
        guess: tuple[str, ...] = (),
        fix: str = "",
    ) -> None:
        """Report a place inside a scalar; scalars of several lines or with escapes are underlined as a whole."""
        shift = 1 if item.style == "quoted" else 0
        exact = item.line == item.end_line and item.end_column - item.column == len(item.text) + 2 * shift
        at = (item.line, item.column + shift + column - 1) if exact else (item.line, item.column)
        self.problems.append(
            self.source.problem(at, code, message, guess=guess, fix=fix, width=width if exact else item.width)
        )


def _short(text: str) -> str:
    return text if len(text) <= 50 else text[:47] + "…"


def _range(low: float | None, high: float | None, port: Port) -> str:
    unit = {"duration": "s", "length": "m", "angle": "rad"}.get(port.type, "")
    if low is None:
        return f"at most {high:g}{unit}"
    if high is None:
        return f"at least {low:g}{unit}"
    return f"{low:g}{unit} to {high:g}{unit}"
