"""Values of nodes and entries as plain JSON and back, for checkpoints. None of it is code, nothing is guessed."""

from __future__ import annotations

import base64
import importlib
import math
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from py_trees.behaviour import Behaviour
from py_trees.common import ParallelPolicy

from ...behaviors.blackboard import UNSET, Blackboard, Cell

_TAG: Final = "$"
_PACKAGE: Final = __name__.partition(".trees.")[0]
_PLAIN: Final = (bool, int, str, type(None))
_KINDS: Final = {kind.__name__: kind for kind in (tuple, set, frozenset, deque)}
_LARGEST: Final = 256 * 1024
_MOST: Final = 64
"""Deepest nesting of a value."""


class CannotKeepError(Exception):
    """A value has no form in which it can be kept."""


def encode(value: object, depth: int = 0) -> Any:
    """Return JSON-able data for a value.

    Kept are none, bools, numbers, texts, bytes, lists, tuples, sets, queues, mappings with any keys, statuses and other
    enums, arrays of numbers up to 256 KiB, data classes of this package (and of modules that ``knothole.toml`` names),
    nodes by their path, cells by their name, and the policy of a parallel. The exact type counts: a subclass of
    ``list`` is not kept as one.

    Raises:
        CannotKeepError: It is, or holds, anything else; the message names what.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {_TAG: "float", "of": repr(value)}  # type: ignore[arg-type]
    if depth > _MOST:
        raise CannotKeepError(f"a value nested deeper than {_MOST} levels")
    if kind is list:
        return [encode(each, depth + 1) for each in value]  # type: ignore[attr-defined]
    if kind in (tuple, set, frozenset, deque):
        found = [encode(each, depth + 1) for each in value]  # type: ignore[attr-defined]
        return {_TAG: kind.__name__, "of": sorted(found, key=repr) if kind in (set, frozenset) else found}
    if isinstance(value, Mapping) and kind is dict:
        return {_TAG: "dict", "of": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
    return _tagged(value, depth)


def _tagged(value: object, depth: int) -> dict[str, Any]:
    if value is UNSET:
        return {_TAG: "unset"}
    if isinstance(value, bytes):
        return {_TAG: "bytes", "of": base64.b64encode(value).decode()}
    if isinstance(value, Behaviour):
        return {_TAG: "node", "of": getattr(value, "path", "")}
    if isinstance(value, Cell):
        return {_TAG: "cell", "of": value.name}
    if isinstance(value, Enum):
        return {_TAG: "enum", "type": _name(type(value)), "of": value.name}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {_TAG: "scalar", "type": value.dtype.str, "of": encode(value.item())}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        if value.nbytes > _LARGEST:
            raise CannotKeepError(f"an array of {value.nbytes // 1024} KiB, more than {_LARGEST // 1024}")
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_TAG: "array", "type": value.dtype.str, "shape": list(value.shape), "of": data}
    if isinstance(value, ParallelPolicy.Base):
        number = getattr(value, "number", None)
        return {_TAG: "policy", "type": _name(type(value)), "of": bool(value.synchronise), "number": number}
    if is_dataclass(value) and not isinstance(value, type):
        named = [entry for entry in fields(value) if entry.init]
        return {
            _TAG: "data",
            "type": _name(type(value)),
            "of": {entry.name: encode(getattr(value, entry.name), depth + 1) for entry in named},
        }
    raise CannotKeepError(f"a {type(value).__qualname__}")


def _name(kind: type) -> str:
    """Return where a class is found again; classes inside functions are not."""
    if "<" in kind.__qualname__:
        raise CannotKeepError(f"a {kind.__qualname__}")
    module = kind.__module__
    if module.startswith(f"{_PACKAGE}."):
        module = "." + module.removeprefix(f"{_PACKAGE}.")
    return f"{module}:{kind.__qualname__}"


def decode(data: Any, node: Callable[[str], object], board: Blackboard) -> Any:
    """Return the value that was encoded.

    Args:
        data: What ``encode`` returned.
        node: Gives the node of a path.
        board: Gives cells.

    Raises:
        CannotKeepError: The data are no encoded value, or name a class that is not here, or is no data class or enum.
    """
    if isinstance(data, list):
        return [decode(each, node, board) for each in data]
    if not isinstance(data, dict):
        return data
    tag, of = data.get(_TAG), data.get("of")
    try:
        if tag == "float":
            return float(of)  # type: ignore[arg-type]
        if tag in _KINDS:
            return _KINDS[tag](decode(of, node, board))
        if tag == "dict":
            return {decode(k, node, board): decode(v, node, board) for k, v in of}  # type: ignore[union-attr]
        if tag == "unset":
            return UNSET
        if tag == "bytes":
            return base64.b64decode(of)  # type: ignore[arg-type]
        if tag == "node":
            return node(of)  # type: ignore[arg-type]
        if tag == "cell":
            return board.cell(of)  # type: ignore[arg-type]
        if tag == "enum":
            return _class(data["type"], lambda kind: issubclass(kind, Enum))[of]
        if tag == "policy":
            policy = _class(data["type"], lambda kind: issubclass(kind, ParallelPolicy.Base))
            number, synchronise = data.get("number"), bool(of)
            if number is not None:
                return policy(int(number), synchronise)
            return policy() if policy is ParallelPolicy.SuccessOnOne else policy(synchronise)
        if tag == "scalar":
            return np.dtype(data["type"]).type(decode(of, node, board))
        if tag == "array":
            raw = np.frombuffer(base64.b64decode(of), np.dtype(data["type"]))  # type: ignore[arg-type]
            return raw.reshape(data["shape"]).copy()
        if tag == "data":
            given = {name: decode(each, node, board) for name, each in of.items()}  # type: ignore[union-attr]
            return _class(data["type"], is_dataclass)(**given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotKeepError(f"what was kept as {tag!r} cannot be read: {error}") from error
    raise CannotKeepError(f"what was kept as {tag!r} is unknown here")


def _class(name: str, fits: Callable[[type], bool]) -> Any:
    """Find a class by its name. Only modules of this package, and those that are imported already, are looked into."""
    module_name, _, path = name.partition(":")
    try:
        if module_name.startswith("."):
            found: Any = importlib.import_module(_PACKAGE + module_name)
        else:
            found = sys.modules[module_name]
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, KeyError, AttributeError) as error:
        raise CannotKeepError(f"the class {name} is not here") from error
    if not isinstance(found, type) or not fits(found):
        raise CannotKeepError(f"{name} holds no data")
    return found


def copied(value: Any) -> Any:
    """Return a value whose lists, sets, tuples, queues, mappings and arrays are copies of their own."""
    kind = type(value)
    if kind in (list, set, tuple, deque):
        return kind(copied(each) for each in value)
    if kind is dict:
        return {key: copied(each) for key, each in value.items()}
    return value.copy() if kind is np.ndarray else value
