"""Mistakes in a tree file: found all at once, shown with place, snippet, reason, guess and fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .._base import KnotholeError, Place

_WIDEST: Final = 140


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        place: File, line, column.
        code: Stable code, such as ``K101``.
        message: What is wrong, one line.
        why: The rule that is broken, empty if the message says it.
        guess: What was probably meant, closest first.
        fix: What to do.
        snippet: The source line.
        width: Columns to underline.
        severity: ``error`` stops a run, ``warning`` does not.
    """

    place: Place
    code: str
    message: str
    why: str = ""
    guess: tuple[str, ...] = ()
    fix: str = ""
    snippet: str = ""
    width: int = 1
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.severity} {self.code}: {self.message}"]
        if self.snippet:
            number = f"{self.place.line:>5} | "
            source, column = _window(self.snippet, self.place.column)
            underline = "^" * min(max(1, self.width), max(1, len(source) - column + 1))
            lines.append(number + source)
            lines.append(" " * (len(number) - 2) + "| " + " " * (column - 1) + underline)
        if self.why:
            lines.append(f"  why:  {self.why}")
        if self.guess:
            lines.append(f"  did you mean:  {', '.join(self.guess)}")
        if self.fix:
            lines.append(f"  fix:  {self.fix}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return ``{file, line, column, severity, code, message, hint}``."""
        hint = "; ".join(part for part in (", ".join(self.guess), self.fix) if part)
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": hint,
        }


def _window(line: str, column: int) -> tuple[str, int]:
    """Cut a long line to what stands around ``column``; a tab becomes one space, the unprintable a question mark."""
    start = max(0, min(column - _WIDEST // 2, len(line) - _WIDEST))
    head, tail = "…" if start else "", "…" if start + _WIDEST < len(line) else ""
    shown = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in line[start : start + _WIDEST])
    return (head + shown + tail).rstrip(), column - start + len(head)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems top to bottom, each once."""
    return tuple(sorted(set(problems), key=lambda p: (p.place, p.code, p.message)))


class TreeError(KnotholeError):
    """A tree file has mistakes.

    Attributes:
        problems: All of them, top to bottom.
        looked: Files and folders whose change may mend them, where somebody kept account of them.
    """

    def __init__(self, problems: Sequence[Problem], looked: Collection[str] = ()) -> None:
        self.problems, self.looked = in_order(problems), frozenset(looked)
        super().__init__("\n\n".join(str(problem) for problem in self.problems))
