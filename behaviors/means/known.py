"""Which thing is which from one picture to the next: by place, overlap, color, size and name, matched all at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import networkx as nx

from ..context import Context
from .grounded import GroundedObject

NOTE = "things"
"""Key of ``context.notes``: the things of the run."""
FAR = 0.30
"""Distance that counts as one doubt, [m]; what is moved farther counts one and a half."""
HUE = 0.12
"""Difference of two tints that counts as one doubt."""
GROWTH = 0.7
"""Difference of the logarithms of two extents that counts as one doubt."""
NAME = 0.5
"""Doubt of another name; models call one thing a cup and a mug."""
LIMIT = 2.0
"""So many doubts make two things."""
_MOST = 200


@dataclass(frozen=True)
class Known:
    """A thing that was seen before.

    Attributes:
        thing: It, as it was seen last, without its points and pixels.
        queries: Words that it was found by.
        there: False after a look for all things of a query in which it was not found.
    """

    thing: GroundedObject
    queries: tuple[str, ...] = ()
    there: bool = True


@dataclass(frozen=True)
class Recognized:
    """What a look at all things of a query says.

    Attributes:
        things: What is there, with ids, in the order given.
        found: Those of them that were not there before.
        lost: What was there before and is not any more, as it was seen last.
    """

    things: tuple[GroundedObject, ...]
    found: tuple[GroundedObject, ...]
    lost: tuple[GroundedObject, ...]


def doubts(known: GroundedObject, seen: GroundedObject) -> float:
    """Return how much speaks against two being one thing; from ``LIMIT`` on they are not."""
    apart = math.dist(known.xyz, seen.xyz) / FAR
    if known.camera == seen.camera:
        apart *= 1.0 - overlap(known.box_xyxy, seen.box_xyxy)
    hue = math.dist(known.tint, seen.tint) / HUE
    sizes = zip(sorted(known.size), sorted(seen.size), strict=True)
    growth = max(abs(math.log(max(a, 1e-3) / max(b, 1e-3))) for a, b in sizes) / GROWTH
    return min(apart, 1.5) + hue + min(growth, 1.0) + (0.0 if known.label == seen.label else NAME)


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return intersection over union of two boxes xyxy, in [0, 1]."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def match(known: Sequence[GroundedObject], seen: Sequence[GroundedObject]) -> dict[int, int]:
    """Return index seen → index known, so that all pairs together have the fewest doubts and no pair has too many."""
    graph = nx.Graph()
    for i, one in enumerate(known):
        for k, other in enumerate(seen):
            against = doubts(one, other)
            if against < LIMIT:
                graph.add_edge(("known", i), ("seen", k), weight=LIMIT - against)
    pairs = (sorted(pair) for pair in nx.max_weight_matching(graph))
    return {k: i for (_, i), (_, k) in pairs}


def recognize(
    context: Context, seen: Sequence[GroundedObject], query: str = "", every: bool = False, camera: str = ""
) -> Recognized:
    """Give things their ids: those of the run's things that they are, or new ones.

    Args:
        context: Services of the run, which keeps its things.
        seen: What was measured in one picture, each thing once.
        query: The words that it was found by.
        every: All things of the query were looked for: those that are not there are lost.
        camera: The camera they were looked for with; what another camera saw cannot be lost.
    """
    things = cast("list[Known]", context.notes.setdefault(NOTE, []))
    pairs = match([each.thing for each in things], seen)
    last = max((each.thing.id for each in things), default=0)
    given: list[GroundedObject] = []
    found: list[GroundedObject] = []
    for k, thing in enumerate(seen):
        old = things[pairs[k]] if k in pairs else None
        last += old is None
        known = replace(thing, id=last if old is None else old.thing.id)
        given.append(known)
        if old is None or not old.there:
            found.append(known)
        queries = old.queries if old is not None else ()
        kept = Known(known.light(), queries if not query or query in queries else (*queries, query))
        if old is None:
            things.append(kept)
        else:
            things[pairs[k]] = kept
    lost = _lose(things, given, query, camera) if every else ()
    del things[:-_MOST]
    return Recognized(tuple(given), tuple(found), lost)


def things_of(context: Context) -> tuple[Known, ...]:
    """Return the things of the run, in the order in which they were first seen."""
    return tuple(cast("list[Known]", context.notes.get(NOTE, [])))


def remember(context: Context, thing: GroundedObject) -> None:
    """Note where a thing of the run is now; one without an id is none of them."""
    things = cast("list[Known]", context.notes.setdefault(NOTE, []))
    for i, each in enumerate(things):
        if each.thing.id == thing.id:
            things[i] = replace(each, thing=thing.light(), there=True)


def _lose(things: list[Known], given: Sequence[GroundedObject], query: str, camera: str) -> tuple[GroundedObject, ...]:
    """Mark what is not there any more, and return it."""
    present = {thing.id for thing in given}
    lost = []
    for i, each in enumerate(things):
        if each.there and query in each.queries and each.thing.camera == camera and each.thing.id not in present:
            things[i] = replace(each, there=False)
            lost.append(each.thing)
    return tuple(lost)
