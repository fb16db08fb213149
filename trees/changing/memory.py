"""What a node remembers beyond what it was built with."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dis import get_instructions
from functools import cache
from types import CodeType, FunctionType
from typing import Any, Final

import numpy as np

from ...behaviors.inner import Inner
from ...behaviors.node import Leaf
from .encoding import copied
from .reload import STRUCTURE

MISSING: Final = object()
LOOKED_AT: Final = ("feedback_message", "skipped")
"""What of the memory of a node only others look at."""
_NOT_MEMORY: Final = STRUCTURE | {"status", "_noted", "_said"}
_COMPARED: Final = (list, dict, set, deque, float, int, str, tuple)
"""Types whose values are compared with what a node was built with; of all others it must be another object."""


def recovers(node: Any) -> str:
    """Return what becomes of a node that was RUNNING in a run that is resumed: ``no``, ``anew`` or ``state``."""
    if isinstance(node, Leaf):
        return type(node).recovers
    return "state" if isinstance(node, Inner) else "no"


def entries(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a node remembers, by name; of a part of it that says what it ``remembers`` that, as ``PART.NAME``."""
    for name, value in _attributes(node):
        parts = getattr(type(value), "remembers", None)
        if type(parts) is tuple:
            for each in parts:
                yield f"{name}.{each}", getattr(value, each)
        else:
            yield name, value


def _attributes(node: Any) -> list[tuple[str, Any]]:
    cls: Any = type(node)
    names = _assigned(cls)
    if names is None:
        return [(name, value) for name, value in node.__dict__.items() if name not in _NOT_MEMORY]
    found = ((name, getattr(node, name, MISSING)) for name in names)
    return [(name, value) for name, value in found if value is not MISSING]


@cache
def _assigned(cls: Any) -> tuple[str, ...] | None:
    """Return the names of what the methods of a class assign; None for classes of others, whose objects are asked.

    CPython 3.11 finds attributes slower on an object once somebody looked at its ``__dict__``, some 6 % of a tick, so
    the objects of our own classes are not asked.
    """
    if cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
        return None
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        methods = (getattr(each, "fget", each) for each in vars(base).values())
        waiting = [each.__code__ for each in methods if isinstance(each, FunctionType)]
        while waiting:
            code = waiting.pop()
            names.update((step.argval, None) for step in get_instructions(code) if step.opname == "STORE_ATTR")
            waiting += (each for each in code.co_consts if isinstance(each, CodeType))
    own = (name for name in names if name not in _NOT_MEMORY)
    return tuple(name for name in own if not isinstance(getattr(cls, name, None), property))


def remember(node: Any, name: str, value: object) -> None:
    """Give a node something back that it remembered, by the name that ``entries`` yields.

    A part that the node does not have is passed over: a replay has a node that says what was recorded in its place.
    """
    part, _, each = name.rpartition(".")
    owner = getattr(node, part, None) if part else node
    if owner is not None:
        setattr(owner, each, value)


def memory(node: Any) -> dict[str, object]:
    """Return a copy of what a node remembers now."""
    return {name: copied(value) for name, value in entries(node)}


def same(before: object, now: object) -> bool:
    """Tell whether a node remembers what it was built with; objects of other types count as changed once replaced."""
    if before is now and type(now) not in (list, dict, set, tuple, deque, np.ndarray):
        return True
    return type(before) is type(now) and type(now) in _COMPARED and bool(before == now)
