"""Blackboard values as plain JSON data, the same in every process: no addresses, no point clouds, no endless digits."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

DIGITS = 4
"""Decimals that floats keep: 0.1 mm, 0.1 ms."""
_MOST_ITEMS = 200
_MOST_NUMBERS = 16
_DEEPEST = 8


def summary(value: object, depth: int = 0) -> Any:
    """Return JSON-able data that says what a value is.

    Objects with ``to_json()`` say it themselves; dataclasses become their fields; arrays of more than 16 numbers only
    their shape; anything else only its type.

    >>> summary({"a": (1, 2.000000001), "b": None})
    {'a': [1, 2.0], 'b': None}
    """
    if value is None or isinstance(value, bool | int | str):
        return value.name if isinstance(value, enum.Enum) else value
    if isinstance(value, float):
        return (round(value, DIGITS) + 0.0) if math.isfinite(value) else str(value)
    if depth > _DEEPEST:
        return f"<{type(value).__name__}>"
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, np.generic):
        return summary(value.item(), depth)
    if isinstance(value, np.ndarray):
        if value.size <= _MOST_NUMBERS:
            return summary(value.tolist(), depth)
        return {"array": list(value.shape), "dtype": str(value.dtype)}
    to_json = getattr(value, "to_json", None)
    if callable(to_json) and not isinstance(value, type):
        return summary(to_json(), depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.repr}
        return {"type": type(value).__name__, **{k: summary(v, depth + 1) for k, v in fields.items()}}
    return _collection(value, depth)


def _collection(value: object, depth: int) -> Any:
    if isinstance(value, Mapping):
        items = list(value.items())[:_MOST_ITEMS]
        return {str(k): summary(v, depth + 1) for k, v in items}
    if isinstance(value, Set):
        return sorted((summary(v, depth + 1) for v in value), key=repr)[:_MOST_ITEMS]
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [summary(v, depth + 1) for v in value[:_MOST_ITEMS]]
    return f"<{type(value).__name__}>"
