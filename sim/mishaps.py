"""Scripts of disturbances drawn from a seed, to measure how a tree copes with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from .disturbance import SCREEN_GAPS
from .hand import WORKSPACE_HIGH, WORKSPACE_LOW
from .layout import Region, bounds, find_spot, footprint, gap, standing, yaw_of
from .objects import COLORS, LOOSE_SHAPES, ObjectSpec, random_size
from .scene import DOINGS, Disturbance, SceneSpec
from .screen import hiding

MISHAPS = tuple(doing for doing in DOINGS if doing != "take")
"""What can happen at any time; a hand that takes something comes when it is held out."""
_DISTANCE = 0.03
"""What is put somewhere keeps this distance from everything else, [m]."""


def random_disturbances(
    spec: SceneSpec,
    seed: int,
    count: int = 3,
    kinds: Sequence[str] = MISHAPS,
    begin: float = 2.0,
    pause: tuple[float, float] = (2.0, 6.0),
) -> tuple[Disturbance, ...]:
    """Draw what happens by itself in a scene, one thing after another.

    Objects are put only where they have room, as long as nothing else moves them; what has been moved meanwhile is
    lifted clear when the time comes. A kind for which the scene has no object or no room is passed over.

    Args:
        spec: A scene on a table.
        seed: Source of chance; the same scene and seed give the same script.
        count: How many things happen at most.
        kinds: What may happen, of ``MISHAPS``.
        begin: Earliest time of the first, [s].
        pause: Shortest and longest time between the end of one and the beginning of the next, [s].

    Raises:
        ValueError: A kind is unknown, or the scene has no table.

    Example:
        >>> from knothole.sim.draw import load_scene
        >>> [event.do for event in random_disturbances(load_scene("tidy_table", 0), 5, kinds=("move", "swap"))]
        ['move', 'swap', 'swap']
    """
    unknown = [kind for kind in kinds if kind not in MISHAPS]
    if unknown:
        raise ValueError(f"nothing called {unknown[0]!r} can happen; known: {', '.join(MISHAPS)}")
    if spec.setting != "table" or spec.file:
        raise ValueError(f"scene {spec.name!r} has no table to disturb things on")
    rng = np.random.default_rng([spec.seed, seed, 63])
    objects = list(spec.objects)
    now = begin + float(rng.uniform(0.0, pause[1] - pause[0]))
    events: list[Disturbance] = []
    for _ in range(count):
        for kind in rng.permutation(np.array(kinds, dtype=object)):
            event = _DRAW[kind](spec, objects, rng)
            if event is None:
                continue
            lasts = 0.0 if event.until is None else event.until
            events.append(replace(event, at=round(now, 2), until=None if not lasts else round(now + lasts, 2)))
            now += lasts + float(rng.uniform(*pause))
            break
    return tuple(events)


def _free(objects: Sequence[ObjectSpec]) -> list[int]:
    """Return the loose objects that stand upright on the table and carry nothing."""
    found = []
    for k, item in enumerate(objects):
        low, high = bounds(item)
        burdened = any(
            o is not item and o.xyz[2] > item.xyz[2] and math.dist(o.xyz[:2], item.xyz[:2]) < 0.05 for o in objects
        )
        if item.loose and low[2] < 0.004 and high[2] > item.size[2] - 0.004 and not burdened:
            found.append(k)
    return found


def _one(objects: Sequence[ObjectSpec], rng: np.random.Generator) -> int | None:
    free = _free(objects)
    return free[int(rng.integers(len(free)))] if free else None


def _hand(spec: SceneSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> Disturbance:
    x, y = (float(rng.uniform(WORKSPACE_LOW[k] + 0.1, WORKSPACE_HIGH[k] - 0.1)) for k in (0, 1))
    to = (round(x, 3), round(y, 3), round(float(rng.uniform(0.09, 0.20)), 3))
    return Disturbance(0.0, "hand_in", until=float(rng.uniform(1.5, 3.0)), to=to)


def _put(do: str, height: tuple[float, float]) -> Callable[..., Disturbance | None]:
    def draw(spec: SceneSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> Disturbance | None:
        index = _one(objects, rng)
        if index is None:
            return None
        item, rest = objects[index], [o for k, o in enumerate(objects) if k != index]
        spot = find_spot(item, rest, Region(), rng, gaps=(_DISTANCE,), yaw=yaw_of(item.quat_xyzw))
        if spot is None:
            return None
        objects[index] = spot
        return Disturbance(0.0, do, what=item.name, to=_over(spot, height, rng))

    return draw


def _over(spot: ObjectSpec, height: tuple[float, float], rng: np.random.Generator) -> tuple[float, float, float]:
    """Return a place for an object's foot above ``spot``; a ball falls from 1 cm at most, lest it roll away."""
    low, high = (min(0.01, v) for v in height) if spot.shape == "ball" else height
    return (round(spot.xyz[0], 3), round(spot.xyz[1], 3), round(float(rng.uniform(low, high)), 3))


def _new(spec: SceneSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> Disturbance | None:
    names = {o.name for o in objects}
    able = [(c, s) for s in LOOSE_SHAPES for c in COLORS if f"{c} {s}" not in names]
    if not able:
        return None
    color, shape = able[int(rng.integers(len(able)))]
    # The size is drawn when it appears: the largest of its shape must have room.
    widest = max((random_size(shape, np.random.default_rng(k)) for k in range(40)), key=lambda size: size[0])
    spot = find_spot(ObjectSpec(shape, color, widest), objects, Region(), rng, gaps=(_DISTANCE,))
    if spot is None:
        return None
    objects.append(spot)
    return Disturbance(0.0, "add", what=spot.name, to=_over(spot, (0.02, 0.06), rng))


def _exchange(spec: SceneSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> Disturbance | None:
    free = _free(objects)
    for a in rng.permutation(free):
        for b in rng.permutation(free):
            if a == b:
                continue
            one, two = objects[a], objects[b]
            first = standing(one, two.xyz[0], two.xyz[1], 0.0, yaw_of(one.quat_xyzw))
            second = standing(two, one.xyz[0], one.xyz[1], 0.0, yaw_of(two.quat_xyzw))
            rest = [footprint(o) for k, o in enumerate(objects) if k not in (a, b)]
            marks = [footprint(first), footprint(second)]
            if all(gap(mark, other) >= 0.005 for mark in marks for other in rest) and gap(*marks) >= 0.005:
                objects[a], objects[b] = first, second
                return Disturbance(0.0, "swap", what=one.name, other=two.name)
    return None


def _cover(spec: SceneSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> Disturbance | None:
    for index in rng.permutation(_free(objects)):
        low, high = (tuple(float(v) for v in corner) for corner in bounds(objects[index]))
        for distance in SCREEN_GAPS:
            box = hiding(spec.camera.eye, (low[0], low[1], low[2]), (high[0], high[1], high[2]), distance)
            if all(np.all(box.place.distance(footprint(o)) >= 0.004) for o in objects):
                return Disturbance(0.0, "occlude", until=float(rng.uniform(2.0, 4.0)), what=objects[index].name)
    return None


_DRAW: dict[str, Callable[..., Disturbance | None]] = {
    "hand_in": _hand,
    "move": _put("move", (0.0, 0.0)),
    "drop": _put("drop", (0.03, 0.10)),
    "add": _new,
    "swap": _exchange,
    "occlude": _cover,
}
