"""Read the value of a port: a constant in the port's type, a reference, text with references, or an expression."""

from __future__ import annotations

from typing import Final

from ..._base import Place, near_misses
from ...behaviors.ports import Port, element_type
from ..bt_text import read_bt_text
from ..formulas.expressions import Expression
from ..formulas.operators import ExpressionError
from ..formulas.references import Entry
from ..formulas.script_syntax import ScriptError
from ..formulas.scripts import Script
from ..limits import choice_words, has_range, in_range, range_words
from ..literals import LiteralError, shown, type_words
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source, place_inside
from ..spec import Computed, Literal, Program, Reference, Template, Value
from .constants import constant_value, kind_of, text_of
from .interpolation import InterpolationError, split_text, whole_entry

_SHORT: Final = 40
_MANY: Final = 10_000
"""Constants that are remembered: their length and their number."""
_TEXTUAL: Final = ("text", "any")


class ValueReader:
    """Reads port values of one file; what is wrong goes to ``problems``.

    Args:
        source: The file.
        problems: Collects mistakes.
    """

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems
        self._constants: dict[tuple[int, str, str], object] = {}

    def quick(self, item: Item, port: Port) -> Literal | None:
        """Return what a port takes as it stands: text in quotes, or a constant that ``keep`` knows; None for the rest.

        The values of a large tree are mostly these.
        """
        if type(item) is not Scalar:
            return None
        text, style, line, column, end_line, end_column = item
        if style == "quoted" and port.type == "text" and "$" not in text and not port.choices:
            return Literal(text, Place(self.source.file, line, column))
        key = (id(port), style, text)
        if key not in self._constants or self.source.lines[end_line - 1].find("#", end_column - 1) >= 0:
            return None
        return Literal(self._constants[key], Place(self.source.file, line, column))

    def keep(self, item: Item, port: Port, value: Value) -> None:
        """Remember the value of a short constant, for the next time that it stands at the same port."""
        if type(item) is not Scalar or type(value) is not Literal:
            return
        if len(item.text) <= _SHORT and len(self._constants) < _MANY:
            self._constants[(id(port), item.style, item.text)] = value.value

    def read(self, item: Item, port: Port, label: str) -> Value | None:
        """Return the value of an input port, or None after reporting why it is none.

        Args:
            item: What stands in the file.
            port: What is wanted.
            label: What messages call the port, such as ``"port 'accept' of 'see'"``.
        """
        if port.type == "expression":
            return self.expression(item, label)
        if port.type == "script":
            return self.script(item, label)
        if not isinstance(item, Scalar):
            return self._constant(item, port, label)
        return None if self._is_missing(item, label) else self._scalar(item, port, label)

    def bt_text(self, item: Item, port: Port, label: str) -> Value | None:
        """Return the value of an input port of a node that takes the text of BehaviorTree.CPP.

        ``$name`` and ``$@name`` are entries, ``$=`` is the entry with the name of the port; any other text stands for
        itself, ``$$`` for a dollar.
        """
        if port.type == "script":
            return self.script(item, label)
        if not isinstance(item, Scalar):
            self._report(
                item, "K105", f"{label} takes text, not {kind_of(item)}", fix="write it as text, such as 1;2;3"
            )
            return None
        text = text_of(item)
        if text.startswith("$"):
            entry = whole_entry(text)
            if entry is not None:
                return self._reference(item, entry)
            if text == "$=":
                return Reference(port.name, self.source.place(item))
        elif not text and self._is_missing(item, label):
            return None
        try:
            value = read_bt_text(text.replace("$$", "$"), port.type)
        except LiteralError as error:
            self._report(item, error.code, f"{label} {error}", why=error.why, guess=error.guess, fix=error.fix)
            return None
        return self._checked(item, value, port, label)

    def entry(self, item: Item, label: str, same: str = "", fields: bool = False) -> Reference | None:
        """Return the entry that an output or ``variable`` port binds: ``$name`` and nothing else.

        Args:
            item: What stands in the file.
            label: What messages call the port.
            same: The entry that ``$=`` means, empty where it means none.
            fields: Whether it may be a field of an entry.
        """
        written = item.text.strip() if isinstance(item, Scalar) else ""
        if same and written == "$=":
            return Reference(same, self.source.place(item))
        entry = whole_entry(written)
        if entry is not None and (fields or not entry.accessors) and all(isinstance(a, str) for a in entry.accessors):
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

    def condition(self, item: Item, label: str) -> Value | None:
        """Return an expression, or the script of ``{script: TEXT}``."""
        if isinstance(item, Pairs):
            script = item.get("script")
            if script is None or len(item.pairs) != 1:
                guess = near_misses(item.pairs[0][0].text, ("script",)) if len(item.pairs) == 1 else ()
                fix = "write an expression in quotes, or {script: TEXT}"
                self._report(item, "K105", f"{label} takes an expression, not a mapping", guess=guess, fix=fix)
                return None
            return self.script(script, label)
        return self.expression(item, label)

    def script(self, item: Item, label: str) -> Program | None:
        """Compile statements in the script language of BehaviorTree.CPP."""
        if not isinstance(item, Scalar):
            self._report(item, "K105", f"{label} takes a script, not {kind_of(item)}", fix="quote its text")
            return None
        if self._is_missing(item, label):
            return None
        try:
            return Program(Script(text_of(item)), self.source.place(item))
        except ScriptError as error:
            fix = error.fix or "correct the script, such as `count := count + 1`"
            self._report_inside(item, error.column, 1, "K133", f"{label}: {error}", guess=error.guess, fix=fix)
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
            f"{label} takes {type_words(port.type)}, not {shown(item.text)}",
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
            at = _culprit(item, port.type)
            self._report(at, error.code, f"{label} {error}", why=error.why, guess=error.guess, fix=error.fix)
            return None
        return self._checked(item, value, port, label)

    def _checked(self, item: Item, value: object, port: Port, label: str) -> Literal | None:
        if port.choices and value not in port.choices:
            self._report(
                item,
                "K108",
                f"{label} takes {choice_words(port)}, not {shown(str(value))}",
                guess=near_misses(str(value), port.choices),
                fix=f"write one of {', '.join(port.choices)}{', or a node below it' * port.or_node}",
            )
            return None
        if has_range(port) and not self._in_range(item, value, port, label):
            return None
        return Literal(value, self.source.place(item))

    def _in_range(self, item: Item, value: object, port: Port, label: str) -> bool:
        """Report a number outside the range of its port; of a list, the first such element."""
        items = item.items if isinstance(item, Items) else (item,) * (len(value) if isinstance(value, tuple) else 1)
        for each, number in zip(items, value if isinstance(value, tuple) else (value,), strict=False):
            if not in_range(number, port):
                written = each.text if isinstance(each, Scalar) else str(number)
                self._report(each, "K107", f"{label} is out of range: {written}", fix=f"give {range_words(port)}")
                return False
        return True

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
        """Report a place inside a scalar, ``column`` from 1."""
        line, at, wide = place_inside(item, column - 1, width, self.source)
        self.problems.append(self.source.problem((line, at), code, message, guess=guess, fix=fix, width=wide))


def _culprit(item: Item, type: str) -> Item:
    """Return the first element of a list that has not the type it must have, or the whole."""
    element = element_type(type)
    if isinstance(item, Items) and element and type != "objects":
        for each in item.items:
            try:
                constant_value(each, element)
            except LiteralError:
                return _culprit(each, element)
    return item


def _short(text: str) -> str:
    return text if len(text) <= 50 else text[:47] + "…"
