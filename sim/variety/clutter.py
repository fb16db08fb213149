"""How things stand, lie, touch and pile up in training pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..furniture import Level
from ..layout import Region, find_inside, find_spot, footprint, gap, shifted, standing, yaw_of, yaw_quat
from ..objects import CARRIERS, COLORS, LOOSE_SHAPES, SHAPES, ObjectSpec, random_size
from .splits import Split

Array = npt.NDArray[np.float64]

TIPPABLE = ("can", "bottle")
_LOW = 0.004


@dataclass(frozen=True)
class Crowd:
    """How many things stand how close together.

    Attributes:
        count: Number of objects to try.
        region: Where their middles may be.
        gaps: Distances to keep, tried in this order, [m].
        touching: Share of loose things put right against another one.
    """

    count: int
    region: Region
    gaps: tuple[float, ...] = (0.02, 0.008)
    touching: float = 0.25


def pile(
    crowd: Crowd, level: Level, others: Sequence[ObjectSpec], split: Split, rng: np.random.Generator
) -> list[ObjectSpec]:
    """Put things on one level, in and on each other.

    Args:
        crowd: How many, how close.
        level: Where they stand.
        others: Things of the scene elsewhere, whose names are better not used again.
        split: Which colors may be drawn.
        rng: Source of chance.

    Returns:
        The things that found room, at their places in the world.
    """
    fits = room_on(level)
    objects: list[ObjectSpec] = []
    for _ in range(crowd.count):
        shape = str(rng.choice(list(SHAPES)))
        item = fresh(shape, [*others, *objects], split, rng)
        roll = rng.random()
        spot = None
        if shape in LOOSE_SHAPES and roll < 0.34:
            spot = into(item, objects, rng)
        elif shape in (*LOOSE_SHAPES, "mug") and roll < 0.52:
            spot = onto(item, objects, rng)
        if spot is not None and not fits(footprint(spot)):
            spot = None
        if spot is None and shape in LOOSE_SHAPES and rng.random() < crowd.touching:
            spot = beside(item, objects, rng, fits)
        if spot is None:
            ground = [o for o in objects if o.xyz[2] - o.size[2] / 2 < _LOW or o.shape in TIPPABLE]
            tipped = shape in TIPPABLE and rng.random() < 0.25
            spot = find_spot(item, ground, crowd.region, rng, gaps=crowd.gaps, tipped=tipped, fits=fits, tries=25)
        if spot is not None and _top(spot) < level.room - 0.01:
            objects.append(spot)
    return [shifted(item, (0.0, 0.0, level.z)) for item in objects]


def room_on(level: Level) -> Callable[[Array], bool]:
    """Return what tells whether a footprint has room on a level."""

    def fits(marks: Array) -> bool:
        low, high = (marks[:, :2] - marks[:, 2:]).min(axis=0), (marks[:, :2] + marks[:, 2:]).max(axis=0)
        x, y = level.area.x, level.area.y
        within = low[0] >= x[0] and high[0] <= x[1] and low[1] >= y[0] and high[1] <= y[1]
        return bool(within and all(np.all(rect.distance(marks) >= 0.004) for rect in level.taken))

    return fits


def fresh(shape: str, objects: Sequence[ObjectSpec], split: Split, rng: np.random.Generator) -> ObjectSpec:
    """Draw color and size; the same color and shape twice is rare."""
    taken = {o.color for o in objects if o.shape == shape}
    known = split.colors(shape)
    free = [c for c in known if c not in taken] if rng.random() < 0.9 else list(known)
    return repaint(ObjectSpec(shape, str(rng.choice(free or list(known))), random_size(shape, rng)), rng)


def repaint(item: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    """Vary the paint of a thing a little around its color."""
    base = np.array(COLORS[item.color])
    paint = np.clip(base * rng.uniform(0.86, 1.08) + rng.uniform(-0.035, 0.035, 3), 0, 1)
    return replace(item, rgb=(float(paint[0]), float(paint[1]), float(paint[2])))


def without_pairs(objects: list[ObjectSpec], split: Split, rng: np.random.Generator) -> list[ObjectSpec]:
    """Give things whose color and shape are kept out of training another color, one no like thing has."""
    found = list(objects)
    for k, item in enumerate(found):
        if (item.color, item.shape) in split.pairs:
            taken = {o.color for o in found if o.shape == item.shape}
            free = [c for c in split.colors(item.shape) if c not in taken] or list(split.colors(item.shape))
            found[k] = replace(item, color=str(rng.choice(free)))
    return found


def with_pair(objects: Sequence[ObjectSpec], split: Split, rng: np.random.Generator) -> tuple[ObjectSpec, ...] | None:
    """Give one thing a color that its shape never has in training; None where no thing can have one."""
    names = {(o.color, o.shape) for o in objects}
    able = [(k, pair) for k, o in enumerate(objects) for pair in sorted(split.pairs - names) if pair[1] == o.shape]
    if not able:
        return None
    index, (color, _) = able[int(rng.integers(len(able)))]
    changed = repaint(replace(objects[index], color=color), rng)
    return (*objects[:index], changed, *objects[index + 1 :])


def nudge_trays(objects: list[ObjectSpec], rng: np.random.Generator) -> list[ObjectSpec]:
    """Move and turn trays a little."""
    moved = []
    for item in objects:
        if item.shape == "tray":
            item = shifted(item, (float(rng.uniform(-0.02, 0.02)), float(rng.uniform(-0.012, 0.012)), 0.0))
            item = replace(item, quat_xyzw=yaw_quat(float(rng.uniform(-0.05, 0.05))))
        moved.append(item)
    return moved


def moved_on(objects: list[ObjectSpec], rng: np.random.Generator) -> list[ObjectSpec]:
    """Advance a task by a random share: loose things go into trays, onto plates, onto each other; some tip over."""
    share = 1.0 if rng.random() < 0.2 else float(rng.random())
    done = [o for o in objects if not o.loose]
    waiting = [o for o in objects if o.loose]
    stay = [o for o in waiting if rng.random() > share]
    for item in (o for o in waiting if o not in stay):
        roll = rng.random()
        standing_now = done + stay
        spot = None
        if roll < 0.12:
            spot = onto(item, standing_now, rng)
        if spot is None and roll < 0.90:
            spot = into(item, done, rng, others=stay, prefer="tray" if rng.random() < 0.85 else "")
        if spot is None:
            stay.append(item)
        else:
            done.append(spot)
    for k, item in enumerate(stay):
        rest = [o for o in (*done, *stay) if o is not item]
        if not _free(item, rest):
            continue
        if item.shape in TIPPABLE and rng.random() < 0.15:
            stay[k] = find_spot(item, rest, Region(), rng, tipped=True) or item
        elif rng.random() < 0.15:
            stay[k] = beside(item, rest, rng, lambda _: True) or item
    order = {o.name: k for k, o in enumerate(objects)}
    return sorted((*done, *stay), key=lambda o: order[o.name])


def _free(item: ObjectSpec, rest: Sequence[ObjectSpec]) -> bool:
    """Tell whether a thing stands on the table itself, nothing carried by it or close to it."""
    carried = any(o.shape == "plate" and math.dist(o.xyz[:2], item.xyz[:2]) < o.size[0] / 2 for o in rest)
    close = any(math.dist(o.xyz[:2], item.xyz[:2]) < 0.03 for o in rest)
    return item.xyz[2] - item.size[2] / 2 < 0.002 and not carried and not close


def into(
    item: ObjectSpec,
    objects: list[ObjectSpec],
    rng: np.random.Generator,
    others: list[ObjectSpec] | None = None,
    prefer: str = "",
) -> ObjectSpec | None:
    """Put a thing in or on a container that stands on the ground; None without one that has room."""
    carriers = [o for o in objects if o.shape in CARRIERS and o.xyz[2] - o.size[2] / 2 < _LOW]
    carriers = [o for o in carriers if o.shape == prefer] or carriers
    if not carriers:
        return None
    carrier = carriers[int(rng.integers(len(carriers)))]
    inside = [
        o
        for o in (*objects, *(others or ()))
        if o is not carrier and math.dist(o.xyz[:2], carrier.xyz[:2]) < 0.8 * max(carrier.size[:2])
    ]
    tipped = item.shape in TIPPABLE and carrier.shape == "tray" and rng.random() < 0.35
    return find_inside(item, carrier, inside, rng, tipped=tipped)


def onto(item: ObjectSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> ObjectSpec | None:
    """Stack a thing on a free upright cube or can."""
    free = [
        o
        for o in objects
        if o.shape in ("cube", "can")
        and _upright(o)
        and (item.shape != "ball" or o.shape == "can")
        and not any(
            other is not o and other.xyz[2] > o.xyz[2] and math.dist(o.xyz[:2], other.xyz[:2]) < 0.04
            for other in objects
        )
    ]
    if not free:
        return None
    base = free[int(rng.integers(len(free)))]
    x, y = (base.xyz[k] + rng.uniform(-0.006, 0.006) for k in (0, 1))
    return standing(item, float(x), float(y), base.xyz[2] + base.size[2] / 2, float(rng.uniform(-3.14, 3.14)))


def beside(
    item: ObjectSpec, objects: list[ObjectSpec], rng: np.random.Generator, fits: Callable[[Array], bool]
) -> ObjectSpec | None:
    """Stand a loose thing right against another one that stands on the ground, clear of all others."""
    able = [o for o in objects if o.loose and _upright(o) and o.xyz[2] - o.size[2] / 2 < _LOW]
    if not able:
        return None
    other = able[int(rng.integers(len(able)))]
    rest = [footprint(o) for o in objects if o is not other]
    for _ in range(12):
        angle = float(rng.uniform(-math.pi, math.pi))
        if other.shape == "cube":
            angle = yaw_of(other.quat_xyzw) + math.pi / 2 * int(rng.integers(4))
        apart = (item.size[0] + other.size[0]) / 2
        if item.shape == other.shape == "ball":
            apart = math.sqrt(item.size[0] * other.size[0])
        apart += float(rng.uniform(0.0, 0.0006))
        x, y = other.xyz[0] + apart * math.cos(angle), other.xyz[1] + apart * math.sin(angle)
        trial = standing(item, x, y, 0.0, angle)
        marks = footprint(trial)
        if fits(marks) and all(gap(marks, one) >= 0.008 for one in rest):
            return trial
    return None


def _top(item: ObjectSpec) -> float:
    return item.xyz[2] + item.size[2 if _upright(item) else 0] / 2


def _upright(item: ObjectSpec) -> bool:
    return abs(item.quat_xyzw[0]) + abs(item.quat_xyzw[1]) < 1e-6
