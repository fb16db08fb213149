"""Make problems of nodes and values that stand in a tree."""

from __future__ import annotations

from typing import Final, Literal

from ..._base import Place, near_misses
from ..problems import Problem
from ..reading.document import Source
from ..spec import NodeSpec
from .locating import locate

Severity = Literal["error", "warning"]
_NEAR: Final = 300
"""Names that are compared for a guess, and names that get one; a hostile file has more, which would take minutes."""


class Report:
    """Collects the problems of the entries of one tree.

    Args:
        source: The file of the tree.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._guesses = 0

    def entry(
        self,
        place: Place,
        name: str,
        code: str,
        message: str,
        *,
        why: str = "",
        guess: tuple[str, ...] = (),
        fix: str = "",
        severity: Severity = "error",
    ) -> None:
        """Add a problem of an entry that a value mentions: its name is underlined, wherever it stands in the value."""
        line, column, width = locate(self.source, place, name)
        self.problems.append(
            self.source.problem(
                (line, column), code, message, why=why, guess=guess, fix=fix, width=width, severity=severity
            )
        )

    def at(
        self,
        place: Place,
        width: int,
        code: str,
        message: str,
        *,
        why: str = "",
        guess: tuple[str, ...] = (),
        fix: str = "",
        severity: Severity = "error",
    ) -> None:
        """Add a problem at a place."""
        at = (place.line, place.column)
        self.problems.append(
            self.source.problem(at, code, message, why=why, guess=guess, fix=fix, width=width, severity=severity)
        )

    def near(self, name: str, known: list[str], cutoff: float = 0.55) -> tuple[str, ...]:
        """Return the names that may be meant, closest first."""
        self._guesses += 1
        return near_misses(name, known[:_NEAR], cutoff=cutoff) if self._guesses <= _NEAR else ()

    def where(self, place: Place) -> str:
        """Name a place in a message, seen from this file."""
        return f"line {place.line}" if place.file == self.source.file else f"line {place.line} of {place.file}"


def at_node(
    source: Source,
    node: NodeSpec,
    code: str,
    message: str,
    *,
    why: str = "",
    fix: str = "",
    severity: Severity = "error",
) -> Problem:
    """Return a problem of a node: its type key is underlined."""
    return at_place(source, node.place, code, message, why=why, fix=fix, width=len(node.type), severity=severity)


def at_place(
    source: Source,
    place: Place,
    code: str,
    message: str,
    *,
    why: str = "",
    fix: str = "",
    width: int = 1,
    severity: Severity = "error",
) -> Problem:
    """Return a problem at a place in the file."""
    return source.problem((place.line, place.column), code, message, why=why, fix=fix, width=width, severity=severity)
