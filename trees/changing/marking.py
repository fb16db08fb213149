"""Tell whether a value is what it was, without keeping it: equal marks mean equal content."""

from __future__ import annotations

from collections import deque
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

import numpy as np
from py_trees.behaviour import Behaviour

from ...behaviors.blackboard import Cell

_PLAIN: Final = (int, str, bool, type(None), bytes)
_DEEPEST: Final = 64


def mark(value: object, depth: int = 0) -> Any:
    """Return something that is equal to the mark of another value only if both have the same types and content.

    Arrays count by a hash of their bytes. Whatever cannot be kept in a checkpoint has a mark that equals no other.
    """
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    if kind is float:
        return repr(value)  # as -0.0 equals 0.0
    if depth > _DEEPEST:
        return object()
    if kind is list or kind is tuple or kind is deque:
        return kind, [mark(each, depth + 1) for each in value]  # type: ignore[attr-defined]
    if kind is dict:
        return kind, [(mark(k, depth + 1), mark(v, depth + 1)) for k, v in value.items()]  # type: ignore[attr-defined]
    if kind is set or kind is frozenset:
        return kind, sorted((mark(each, depth + 1) for each in value), key=repr)  # type: ignore[attr-defined]
    if kind is np.ndarray and value.dtype.kind in "biuf":  # type: ignore[attr-defined]
        array: Any = value
        return kind, array.dtype.str, array.shape, hash(array.tobytes())
    return _object(value, kind, depth)


def _object(value: Any, kind: type, depth: int) -> Any:
    if isinstance(value, Behaviour):
        return kind, getattr(value, "path", "")
    if isinstance(value, Enum | Cell):
        return kind, value.name
    if isinstance(value, np.generic):
        return kind, mark(value.item(), depth + 1)
    names = _fields(kind)
    if names is None:
        return object()
    return kind, [mark(getattr(value, name), depth + 1) for name in names]


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """Return the names of the fields of a data class that are kept; None for other classes."""
    return tuple(each.name for each in fields(kind) if each.init) if is_dataclass(kind) else None
