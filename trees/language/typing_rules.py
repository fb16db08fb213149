"""Which entry fits which port: the types of the blackboard against the types of ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..literals import NAMES
from ..node_types import NodeType
from ..spec import NodeSpec

ELEMENTS: Final[Mapping[str, str]] = NAMES
"""Port type → how messages call it."""
_NUMBERS: Final = ("number", "int", "duration", "length", "angle")
_AS_TEXT: Final = ("text", "number", "int", "bool", "duration", "length", "angle")


def accepts(wanted: str, has: str) -> bool:
    """Tell whether a port of type ``wanted`` can take an entry of type ``has``.

    Numbers fit all quantities, since entries hold SI values, but one quantity does not fit another; scalars fit text;
    a list may hold objects, and what is of any type is only known when it is there.
    """
    if wanted == has or "any" in (wanted, has):
        return True
    if wanted == "text":
        return has in _AS_TEXT
    if wanted in _NUMBERS and has in _NUMBERS:
        return wanted in ("number", "int") or has in ("number", "int")
    if wanted in ("list", "objects"):
        return has in ("list", "objects")
    if wanted == "point":
        return has == "list"
    return False


def reader_name(node: NodeSpec, port: str, kind: NodeType | None) -> str:
    """Name the reader of an entry in a message."""
    if port.startswith("inputs.") and node.uses is not None:
        return f"input {port[7:]!r} of {node.uses.name!r}"
    if kind is None or port not in kind.ports:
        return f"key {port!r}"
    return f"port {port!r} of {node.type!r}"
