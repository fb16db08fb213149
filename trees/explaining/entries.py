"""Which values the entries had that a node read, by whom they were written: from the trace, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..formulas.references import Entry, FollowError, follow, scan_entry
from ..tracing.history import Event, History, Node
from ..values import as_words
from .expressions import Written

_MOST_STEPS = 16


def entries_at(history: History, node: Node, event: Event) -> dict[str, Written]:
    """Return the entries that a node reads, with their values when an event came about.

    Within a tick the trace does not tell what was written before a node was ticked and what after. There the reason of
    the node decides, which shows what it read; an entry stays out where that does not settle it.

    Args:
        history: What happened.
        node: Whose entries.
        event: An event of it.
    """
    found = {}
    for name, full in node.reads.items():
        known = _written(history, full, event)
        shown = _shown(event.reason, name)
        if shown is not None:
            known = [each for each in known if _same(each.value, shown)]
        elif len(known) > 1 and any(each.value != known[0].value for each in known):
            known = []
        if known:
            found[name] = known[0]
    return found


def value_of(history: History, node: Node, port: str, event: Event) -> Any:
    """Return the value that a port had; None where it was computed or is not known."""
    given = node.ports.get(port)
    if not isinstance(given, Mapping):
        return given
    source = str(given.get("entry", ""))
    scanned = scan_entry(source, 1, 1) if source else None
    if scanned is None:
        return None
    entry: Entry = scanned[0]
    written = entries_at(history, node, event).get(f"${'@' if entry.root else ''}{entry.name}")
    try:
        return None if written is None else follow(written.value, entry.accessors)
    except FollowError:
        return None


def number_of(history: History, node: Node, event: Event, *ports: str) -> float | None:
    """Return the value of the first of some ports that has a number; None if none has."""
    for port in ports:
        value = value_of(history, node, port, event)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _written(history: History, name: str, event: Event) -> list[Written]:
    """Return what may have been the value when an event came about, newest first: of its tick, and the last before."""
    found = []
    for data in reversed(history.writes(name)):
        if data["message"] > event.message:
            continue
        found.append(Written(data["value"], history.writer(str(data["writer"])), int(data["tick"])))
        if data["tick"] < event.tick or len(found) == _MOST_STEPS:
            break
    return found


def _shown(reason: str, name: str) -> str | None:
    """Return the value of an entry that a reason shows: ``… ($n is 3, $m is 4) is false``."""
    match = re.search(rf"[(,] ?{re.escape(name)} is (.*?)(?=, \$[\w@.\[\]]+ is |\)(?: is false)?$)", reason, re.S)
    return match[1] if match else None


def _same(value: Any, shown: str) -> bool:
    if as_words(value) == shown:
        return True
    try:
        return abs(float(shown) - float(value)) <= 1e-4 * max(1.0, abs(float(value)))
    except (TypeError, ValueError):
        return isinstance(value, list | dict)
