"""Slips of the finger in names of entries that may be set from outside, so that nothing surer can be said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from ..._base import Place, slips
from .entries import Read, Write
from .reporting import Report

_SHORT: Final = 4
_DIGITS: Final = "0123456789"


def warn_of_slips(
    needs: Mapping[str, Place], counts: Mapping[str, int], writes: Mapping[str, Sequence[Write]], report: Report
) -> None:
    """Warn of a name that is read once, that nothing in its tree sets, and that is nearly one that is set there.

    Args:
        needs: The entries that the tree reads before it sets them, each with the place of a reader.
        counts: How often an entry is read.
        writes: What sets an entry.
        report: Collects problems.
    """
    known = [name for name, setters in writes.items() if setters]
    for name, place in needs.items():
        if writes.get(name) or counts.get(name, 0) != 1 or place.file != report.source.file:
            continue
        near = _likely(name, known, report)
        if near:
            setter = report.where(writes[near[0]][0].place)
            report.entry(
                place,
                name,
                "K207",
                f"${name} is never set in this tree",
                why=f"it stands here only, and {setter} sets ${near[0]}",
                guess=tuple(f"${each}" for each in near),
                fix="correct the name; if it is set from outside, declare it under `inputs`",
                severity="warning",
            )


def warn_of_root_slips(reads: Iterable[Read], known: Collection[str], report: Report) -> None:
    """Warn of ``$@name`` that nothing sets and that is nearly one of the known names of the root blackboard."""
    for read in reads:
        near = () if read.name in known else _likely(read.name, known, report)
        if near:
            report.entry(
                read.place,
                read.name,
                "K207",
                f"$@{read.name} is never set",
                why="no tree here sets an entry of the root blackboard with this name",
                guess=tuple(f"$@{name}" for name in near),
                fix="correct the name",
                severity="warning",
            )


def _likely(name: str, known: Collection[str], report: Report) -> tuple[str, ...]:
    """Return names of which one is a slip of the finger: not short ones, and not another number at the end."""
    if len(name) < _SHORT:
        return ()
    near = report.near(name, list(known), cutoff=0.8)
    return tuple(each for each in near if slips(name, each) <= 2 and each.rstrip(_DIGITS) != name.rstrip(_DIGITS))
