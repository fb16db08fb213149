"""What a picture says beside the tree: the color of each box, a note in it, and the legend that explains both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .style import LEGEND, MARKS, STATUSES, Ink, ink

_SIGNS: Final = {"SUCCESS": "✓", "FAILURE": "✗", "RUNNING": "…", "SKIPPED": "-"}
_MARK_SIGNS: Final = {"covered": "●", "partly": "◐", "never": "○"}


@dataclass(frozen=True)
class Paint:
    """Colors and notes by the path of a node.

    Attributes:
        inks: Path → colors, instead of those of the kind of box.
        notes: Path → a short line in the box, such as ``12 visits``.
        signs: Path → what stands before the node in text.
        data: Path → attributes for scripts, such as ``status``.
        legend: Colors and what they mean, in order; empty for none.
        about: A line below the heading; empty for none.
    """

    inks: Mapping[str, Ink] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    legend: tuple[tuple[Ink, str], ...] = ()
    about: str = ""

    def ink(self, path: str, shape: str) -> Ink:
        """Return the colors of a box."""
        return self.inks.get(path) or ink(shape, None)


PLAIN: Final = Paint()
"""Boxes in the colors of their kind."""


def painted(statuses: Mapping[str, object], marks: Mapping[str, str], legend: bool = False) -> Paint:
    """Return the paint of statuses and of marks of coverage; a mark goes before a status.

    Args:
        statuses: Path → a name or a py_trees status.
        marks: Path → ``covered``, ``partly`` or ``never``.
        legend: Explain the statuses; marks are always explained.
    """
    names = {path: str(getattr(status, "name", status or "")) for path, status in statuses.items()}
    inks = {path: STATUSES[name] for path, name in names.items() if name in STATUSES}
    inks |= {path: MARKS[mark] for path, mark in marks.items() if mark in MARKS}
    signs = {path: _SIGNS[name] for path, name in names.items() if name in _SIGNS}
    signs |= {path: _MARK_SIGNS[mark] for path, mark in marks.items() if mark in _MARK_SIGNS}
    data: dict[str, dict[str, str]] = {path: {"status": name} for path, name in names.items() if name}
    for path, mark in marks.items():
        data.setdefault(path, {})["mark"] = mark
    rows = [(MARKS[mark], text) for mark, text in LEGEND.items()] if marks else []
    if legend:
        rows += [(STATUSES[name], name) for name in STATUSES]
    return Paint(inks, {}, signs, data, tuple(rows))
