"""In or on what a thing lies, from what was measured of it and of the things around it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...vlm.language.reading import normal, read_thing
from .grounded import GroundedObject

HOLDERS = ("tray", "bowl", "plate")
"""What things lie in, or on, wherever in it they are."""
_FLAT = 0.03
"""A thing whose foot is at most this high, and that lies on nothing else, stands on the table, [m]."""
_CLOSE = 0.02
"""A foot so far from the top of another thing stands on it, [m]."""


def shape_of(thing: GroundedObject) -> str:
    """Return what kind of thing it is called, without its color: "mug" of "the red cup"; empty where nobody knows."""
    words = normal(thing.label)
    read = read_thing(words)
    if read is not None:
        return read.shape
    return words.split()[-1] if words else ""


def support_of(thing: GroundedObject, around: Sequence[GroundedObject]) -> GroundedObject | None:
    """Return the thing among those around that another one lies in or on; None where it is none of them."""
    foot = thing.top_z - thing.size[2]
    best: GroundedObject | None = None
    for other in around:
        if other is thing or (other.id and other.id == thing.id) or not _smaller(thing, other):
            continue
        holds = shape_of(other) in HOLDERS
        if not _within(thing, other, 0.9 if holds else 0.6):
            continue
        stands = foot < other.top_z + _CLOSE and thing.top_z > other.top_z / 2 if holds else _meets(foot, other)
        if stands and (best is None or other.top_z > best.top_z):
            best = other
    return best


def on_table(thing: GroundedObject) -> bool:
    """Tell whether a thing that lies on nothing else stands on the table, rather than hanging in the hand."""
    return thing.top_z - thing.size[2] <= _FLAT


def gap(a: GroundedObject, b: GroundedObject) -> float:
    """Return about how far two things stand apart, seen from above, [m]."""
    return math.dist(a.xyz[:2], b.xyz[:2]) - sum((*a.size[:2], *b.size[:2])) / 4


def _smaller(thing: GroundedObject, other: GroundedObject) -> bool:
    if shape_of(other) in HOLDERS:
        return thing.size[0] * thing.size[1] < other.size[0] * other.size[1]
    return True


def _within(thing: GroundedObject, other: GroundedObject, share: float) -> bool:
    """Tell whether the middle of a thing is over the inner share of another one."""
    dx, dy = thing.xyz[0] - other.xyz[0], thing.xyz[1] - other.xyz[1]
    along = dx * math.cos(other.yaw) + dy * math.sin(other.yaw)
    across = -dx * math.sin(other.yaw) + dy * math.cos(other.yaw)
    return abs(along) <= share * other.size[0] / 2 and abs(across) <= share * other.size[1] / 2


def _meets(foot: float, other: GroundedObject) -> bool:
    return abs(foot - other.top_z) <= _CLOSE
