"""What the reader makes of YAML text: scalars, lists and mappings, each with its place, nothing typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from ..._base import Place
from ..problems import Problem

Style = Literal["plain", "quoted", "block"]
NULLS: Final = ("", "~", "null", "Null", "NULL")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Scalar(NamedTuple):
    """A text as written, with style and place; line and column count from 1, the end is exclusive."""

    text: str
    style: Style
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def is_null(self) -> bool:
        """True for a value left out, ``~`` and ``null``."""
        return self.style == "plain" and self.text in NULLS

    @property
    def width(self) -> int:
        """Columns to underline: the whole of a one-line scalar."""
        return max(1, self.end_column - self.column) if self.end_line == self.line else 1


def place_inside(scalar: Scalar, index: int, width: int, source: Source) -> tuple[int, int, int]:
    """Return line, column and width of a part of a scalar's text.

    Of a scalar that stands in the file otherwise than its text reads (folded lines, escapes), it is the whole.
    """
    shift = 1 if scalar.style == "quoted" else 0
    if scalar.line == scalar.end_line and scalar.end_column - scalar.column == len(scalar.text) + 2 * shift:
        return scalar.line, scalar.column + shift + index, width
    if scalar.style == "block":
        before = scalar.text[:index].split("\n")
        number, at = scalar.line + len(before), len(before[-1])
        line, written = source.line(number), scalar.text.split("\n")[len(before) - 1]
        if written.strip() and line.endswith(written):
            return number, len(line) - len(written) + at + 1, width
    return scalar.line, scalar.column, scalar.width


@dataclass(slots=True)  # not frozen: that would take a tenth of the time of reading; nothing changes them
class Items:
    """A list."""

    items: tuple[Item, ...]
    line: int
    column: int
    flow: bool = False
    width: int = 1


@dataclass(slots=True)
class Pairs:
    """A mapping: keys and values in the order they are written, no key twice."""

    pairs: tuple[tuple[Scalar, Item], ...]
    line: int
    column: int
    flow: bool = False
    width: int = 1

    def __iter__(self) -> Iterator[tuple[Scalar, Item]]:
        return iter(self.pairs)

    def get(self, key: str) -> Item | None:
        """Return the value of ``key``, None when it is absent."""
        for name, value in self.pairs:
            if name.text == key:
                return value
        return None


Item = Scalar | Items | Pairs


class Source:
    """The text of one file, for snippets.

    Attributes:
        file: Path as given.
        text: Whole text.
        lines: Split where YAML splits.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        simple = text.isascii() and "\r" not in text
        self.lines: list[str] = text.split("\n") if simple else _BREAK.split(text)

    def line(self, number: int) -> str:
        """Return line ``number``, from 1; empty outside the file."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def place(self, item: Item) -> Place:
        """Return where an item stands."""
        return Place(self.file, item.line, item.column)

    def comment_after(self, scalar: Scalar) -> str:
        """Return the comment that follows a scalar on its last line, with ``#``; empty when there is none."""
        if scalar.style == "block":
            return ""
        rest = self.line(scalar.end_line)[scalar.end_column - 1 :]
        return rest.strip() if re.match(r"\s+#", rest) else ""

    def problem(
        self,
        at: Item | tuple[int, int],
        code: str,
        message: str,
        *,
        why: str = "",
        guess: tuple[str, ...] = (),
        fix: str = "",
        width: int | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Make a problem at an item or a (line, column), with its source line."""
        line, column = (at.line, at.column) if isinstance(at, Scalar | Items | Pairs) else at
        if width is None:
            width = at.width if isinstance(at, Scalar | Items | Pairs) else 1
        return Problem(Place(self.file, line, column), code, message, why, guess, fix, self.line(line), width, severity)


@dataclass
class Comments:
    """The comments of a file, each hung on the item that it stands at. Items are told apart by identity.

    A *block* is the text of consecutive comment lines without their ``#`` and the one space behind it, joined by line
    breaks; a blank line between two comments makes two blocks. Of an element of a list, the comment above it hangs on
    the element, not on its first key.

    Attributes:
        above: ``id(item)`` → blocks on lines of their own before the item (a list element, or the key of a mapping).
        beside: ``id(item)`` → comment at the end of the line of a key, a scalar or the ``-`` of an element.
        below: ``id(list or mapping)`` → blocks after its last element, indented as its elements are.
        first: Blocks before everything else in the file that belong to no item (above a ``---``).
        last: Blocks at the end of the file.
        spaced: ``id(item)`` of what a blank line stands before: a list element, or the key of a mapping, with what
            hangs above it.
        apart: ``id(item)`` of what a blank line parts from the comment above it.
    """

    above: dict[int, list[str]] = field(default_factory=dict)
    beside: dict[int, str] = field(default_factory=dict)
    below: dict[int, list[str]] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    spaced: set[int] = field(default_factory=set)
    apart: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Documents:
    """All documents of one file, and what the reader itself has to say about them.

    Attributes:
        source: The text.
        roots: One item a document.
        problems: Mistakes that leave the rest readable: a key twice, text that YAML cut, a tag.
        comments: Comments where the reader keeps them (XML); those of YAML are found by ``editing/comments.py``.
        anchors: ``id(item)`` → ``&name`` of what is marked, ``*name`` of its copies. A copy is an item of its own, with
            the place and the very parts of what it repeats.
    """

    source: Source
    roots: tuple[Item, ...]
    problems: list[Problem] = field(default_factory=list)
    comments: Comments | None = None
    anchors: Mapping[int, str] = field(default_factory=dict)
