"""How BehaviorTree.CPP turns text and numbers into what a node needs."""

from __future__ import annotations

import re
from typing import Any, Final

from ..blackboard import Cell
from ..node import Wiring
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status

STATUSES: Final = {"SUCCESS": SUCCESS, "FAILURE": FAILURE, "SKIPPED": INVALID, "RUNNING": RUNNING}
"""Statuses by their names in BehaviorTree.CPP; SKIPPED is py_trees' INVALID. IDLE can't be returned."""
NUMBERS: Final = {0: "IDLE", 1: "RUNNING", 2: "SUCCESS", 3: "FAILURE", 4: "SKIPPED"}
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_REAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TRUE, _FALSE = ("1", "true", "TRUE", "True"), ("0", "false", "FALSE", "False")
_EPSILON = 1.1920928955078125e-07  # that of a 32-bit float


def truth(value: object) -> bool:
    """Return a value as a condition.

    Raises:
        TypeError: It is neither true nor false.

    >>> truth(0.5), truth("true"), truth(0)
    (True, True, False)
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value != 0.0
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    if isinstance(value, str) and value in (*_TRUE, *_FALSE):
        return value in _TRUE
    raise TypeError(f"the condition must be true or false, it is {value!r}")


def whole(text: str) -> int | None:
    """Return the whole number that all of a text is, None where it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def real(text: str) -> float | None:
    """Return the number that all of a text is, None where it is none."""
    return float(text) if _REAL.fullmatch(text) else None


def equal(value: object, case: object) -> bool:
    """Tell whether the variable of a switch is one of its cases: as text, as whole numbers, as numbers.

    >>> equal(1.0, "1"), equal("01", "1"), equal("red", "red"), equal(1.2, "1")
    (True, True, True, False)
    """
    left, right = _text(value), _text(case)
    if left == right:
        return True
    a, b = real(left), real(right)
    return a is not None and b is not None and abs(a - b) <= _EPSILON


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def as_type_of(old: object, type: str, text: str) -> object:
    """Return a text as the type that an entry has already.

    Args:
        old: The entry's value.
        type: The entry's port type.
        text: What is to be written.

    Raises:
        ValueError: The text is no value of that type.
    """
    found: object = text
    if isinstance(old, bool) or type == "bool":
        found = truth(text) if text in (*_TRUE, *_FALSE) else None
    elif isinstance(old, float) or type == "number":
        found = real(text)
    elif isinstance(old, int) or type == "int":
        found = whole(text)
    if found is None:
        raise ValueError(f"the entry holds {old!r}, and the text {text!r} cannot become such a value")
    return found


def named_cell(wiring: Wiring, name: str) -> Cell:
    """Return the entry that a text names, seen from a node; ``@name`` is one of the root."""
    if name.startswith("@") or not wiring.scope:
        return wiring.board.cell(name.removeprefix("@"))
    return wiring.board.cell(f"{wiring.scope}/{name}")


def entry_of(wiring: Wiring, port: str) -> Cell:
    """Return the entry of a port: the one it is bound to, or the one that its text names."""
    cell = wiring.outputs.get(port)
    return cell if cell is not None else named_cell(wiring, str(wiring.inputs[port]()))


def status_of(node: Any, port: str) -> Status:
    """Return the status that the text of a port names.

    Raises:
        NodeFault: It names none.
    """
    name = str(node.get(port))
    if name not in STATUSES:
        node.refuse(f"{port} is {name!r}", f"write one of {', '.join(STATUSES)}")
    return STATUSES[name]
