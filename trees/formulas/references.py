"""References to blackboard entries, ``$name.field[0]``: how they are spelt and how they are followed into a value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..._base import KnotholeError

Accessor = str | int
"""A field name or a list index, as in ``$thing.pose`` or ``$loose[0]``."""

_PATH = re.compile(r"(@?)([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z][A-Za-z0-9_]*|\[-?[0-9]{1,6}\])*)")
_STEP = re.compile(r"\.([A-Za-z][A-Za-z0-9_]*)|\[(-?[0-9]{1,6})\]")


class FollowError(KnotholeError):
    """A field or index of a reference does not exist in the value it is followed into."""


@dataclass(frozen=True)
class Entry:
    """One spelt reference: what stands after the dollar.

    Attributes:
        name: Entry name.
        accessors: Fields and indices after the name.
        root: True for ``$@name``, the root blackboard.
        column: Where the dollar stands in the text, from 1.
    """

    name: str
    accessors: tuple[Accessor, ...] = ()
    root: bool = False
    column: int = 1

    def __str__(self) -> str:
        tail = "".join(f"[{a}]" if isinstance(a, int) else f".{a}" for a in self.accessors)
        return f"${'@' if self.root else ''}{self.name}{tail}"


def scan_entry(text: str, start: int, column: int) -> tuple[Entry, int] | None:
    """Read the reference whose name begins at ``start`` (just after the dollar).

    Returns:
        The entry and the index behind it, or None when no name stands there.
    """
    found = _PATH.match(text, start)
    if found is None:
        return None
    accessors: list[Accessor] = [step[1] if step[1] is not None else int(step[2]) for step in _STEP.finditer(found[3])]
    return Entry(found[2], tuple(accessors), bool(found[1]), column), found.end()


def follow(value: object, accessors: Sequence[Accessor]) -> object:
    """Return the part of ``value`` that the fields and indices name.

    Fields are mapping keys or public attributes that are not methods, indices are list positions.

    Raises:
        FollowError: There is no such field or index.
    """
    for accessor in accessors:
        if isinstance(accessor, int):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise FollowError(f"[{accessor}] needs a list, this is {_kind(value)}")
            if not -len(value) <= accessor < len(value):
                raise FollowError(f"[{accessor}] is outside a list of {len(value)}")
            value = value[accessor]
        elif isinstance(value, Mapping):
            if accessor not in value:
                raise FollowError(f"there is no field {accessor!r} in {_kind(value)}")
            value = value[accessor]
        else:
            value = _field(value, accessor)
    return value


def _field(value: object, name: str) -> object:
    missing = object()
    try:
        part = missing if name.startswith("_") else getattr(value, name, missing)
    except Exception as error:  # a property of somebody else's class
        raise FollowError(f"the field {name!r} of {_kind(value)} cannot be read: {error}") from error
    if part is missing or callable(part):
        raise FollowError(f"there is no field {name!r} in {_kind(value)}")
    return part


def _kind(value: object) -> str:
    return "none" if value is None else f"a {type(value).__name__}"
