"""What the author gave to a node, as the trace keeps it: so that a reader knows the thresholds and limits it had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...behaviors.ports import CONDITION_KEYS, REQUIRED
from ..builder import BuiltNode
from ..drawing.labels import shown_value
from ..spec import Computed, Literal, Program, Reference, Value
from ..values import moves
from .summary import summary

_PORTS: Final = {"retry": "attempts", "repeat": "times", "timeout": "duration"}
"""Common key → the port of its wrapper."""


def ports_given(built: BuiltNode) -> dict[str, object]:
    """Return port → value, those with a default included.

    A constant stands as it is, everything else as a mapping of one entry: ``entry`` (``$name``), ``expression``,
    ``script`` or ``text``, with its source.
    """
    found: dict[str, object] = {}
    if not _wraps(built):
        for port in built.spec.kind.ports.values():
            if port.direction == "in" and port.default not in (REQUIRED, None) and port.type not in ("node", "nodes"):
                found[port.name] = summary(port.default)
    return found | {name: _shown(value) for name, value in _values(built).items()}


def entries_read(built: BuiltNode) -> dict[str, str]:
    """Return reference → name on the blackboard of the run, for what ports and conditions of a node read."""
    wiring = getattr(built.node, "wiring", None)
    if wiring is None:
        return {}
    found = {}
    for value in _values(built).values():
        entries: Any = (value,) if isinstance(value, Reference) else ()
        entries = value.expression.references if isinstance(value, Computed) else entries
        for entry in entries:
            full = entry.name if entry.root or not wiring.scope else f"{wiring.scope}/{entry.name}"
            found[f"${'@' if entry.root else ''}{entry.name}"] = wiring.board.cell(full).name
    return found


def _wraps(built: BuiltNode) -> bool:
    return "#" in built.path.rpartition("/")[2]


def _values(built: BuiltNode) -> Mapping[str, Value]:
    """Return what was given to a node, or to the wrapper of its common keys."""
    spec = built.spec
    if not _wraps(built):
        return spec.values
    if built.type in _PORTS:
        return {_PORTS[built.type]: spec.common[built.type]}
    return {key: spec.common[key] for key in CONDITION_KEYS if key in spec.common and built.type in CONDITION_KEYS}


def _shown(value: Value) -> object:
    if isinstance(value, Literal) and not moves(value):
        return summary(value.value)
    if isinstance(value, Reference):
        return {"entry": str(value)}
    if isinstance(value, Computed):
        return {"expression": value.expression.source}
    if isinstance(value, Program):
        return {"script": value.script.source}
    return {"text": shown_value(value, "any")}
