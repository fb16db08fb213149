"""Things that happen by themselves while a tree runs: a hand or a box comes and goes, objects move, fall, appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pybullet as p

from .hand import HandSpec
from .layout import Region, bounds, find_spot, footprint, standing
from .objects import COLORS, SHAPES, ObjectSpec, random_size
from .scene import Disturbance
from .screen import PAINTS, hiding
from .taking import HAND_TRAVEL, Taker, way

if TYPE_CHECKING:
    from .world import World

SCREEN_GAPS = (0.03, 0.06, 0.09, 0.13, 0.18)
"""Clear distances between an object and the box that hides it, tried in this order, [m]."""
_HAND_GOAL = (0.58, -0.05, 0.10)
_LASTING = ("hand_in", "occlude", "take")
_DROP_FROM = (0.50, 0.0, 0.20)
_ADD_FROM = 0.05
_LIFT, _LIFTS, _SUNK = 0.01, 60, -0.0015
"""What is put into something else is lifted by 1 cm up to 60 times; meshes overlap by 1 mm where they rest."""


class Script:
    """Plays the disturbances of a scene against simulated time.

    Args:
        events: What happens when.
        seed: Chooses the skin of the hand, the paint of the box, sizes and places of what is added.
    """

    def __init__(self, events: Sequence[Disturbance], seed: int = 0) -> None:
        self._hands = [e for e in events if e.do == "hand_in"]
        self._screens = [e for e in events if e.do == "occlude"]
        self._takers = [Taker(e, seed) for e in events if e.do == "take"]
        self._once = sorted((e for e in events if e.do not in _LASTING), key=lambda e: e.at)
        self._seed = seed
        self._added = 0
        self._shown: Disturbance | None = None

    @property
    def empty(self) -> bool:
        """True when nothing will ever happen."""
        return not self._hands and not self._once and not self._screens and not self._takers

    def play(self, world: World, now: float) -> None:
        """Do what is due at ``now`` [s]; call it once for every few physics steps."""
        while self._once and now >= self._once[0].at:
            self._happen(world, self._once.pop(0))
        if self._hands or self._takers:
            taking = [hand for taker in self._takers if (hand := taker.play(world, now)) is not None]
            world.set_hand(taking[0] if taking else self._hand(now))
        if self._screens:
            self._screen(world, now)

    def _happen(self, world: World, event: Disturbance) -> None:
        if event.do == "add":
            self._added += 1
            _add(world, event, np.random.default_rng([self._seed, 51, self._added]))
        elif event.do == "swap":
            _swap(world, _index(world, event.what), _index(world, event.other))
        else:
            _relocate(world, event)

    def _hand(self, now: float) -> HandSpec | None:
        for event in self._hands:
            end = np.inf if event.until is None else event.until + HAND_TRAVEL
            if not event.at <= now < end:
                continue
            inward = (now - event.at) / HAND_TRAVEL
            outward = np.inf if event.until is None else (end - now) / HAND_TRAVEL
            return way(event.to or _HAND_GOAL, min(inward, outward), self._seed)
        return None

    def _screen(self, world: World, now: float) -> None:
        """Put up the box as soon as it has room between arm and objects, and take it away in time."""
        due = [e for e in self._screens if e.at <= now and (e.until is None or now < e.until)]
        if self._shown is not None and self._shown not in due:
            world.set_screen(None)
            self._shown = None
        if self._shown is None and due and _put_screen(world, due[0], self._seed % len(PAINTS)):
            self._shown = due[0]


def _index(world: World, name: str) -> int:
    for index, body in enumerate(world.objects):
        if name in (body.spec.name, body.spec.shape):
            return index
    raise ValueError(f"a disturbance names {name!r}, but the scene has no such object")


def _now(world: World, index: int) -> ObjectSpec:
    """Return an object as it is at this moment."""
    xyz, quat = world.pose(index)
    return replace(world.objects[index].spec, xyz=xyz, quat_xyzw=quat)


def _low(world: World, index: int) -> float:
    """Return the height of an object's lowest point, [m]."""
    item = _now(world, index)
    if item.shape in SHAPES:
        return float(bounds(item)[0][2])
    return float(p.getAABB(world.objects[index].id, physicsClientId=world.client)[0][2])


def _relocate(world: World, event: Disturbance) -> None:
    """Put an object down at ``event.to`` (``move``), or let it fall from there (``drop``)."""
    index = _index(world, event.what)
    x, y, z = event.to or _DROP_FROM
    base = z if event.to or event.do == "drop" else 0.0
    world.put(index, (x, y, base + world.objects[index].spec.size[2] / 2))
    _lift_clear(world, index)


def _add(world: World, event: Disturbance, rng: np.random.Generator) -> None:
    """Let a new object fall from ``event.to``, or from a hand's width above a free place."""
    color, shape = event.what.split()
    paint = np.clip(np.array(COLORS[color]) * rng.uniform(0.92, 1.06), 0, 1)
    item = ObjectSpec(shape, color, random_size(shape, rng), rgb=(float(paint[0]), float(paint[1]), float(paint[2])))
    if event.to is not None:
        item = standing(item, *event.to, float(rng.uniform(-3.14159, 3.14159)))
    else:
        others = [_now(world, k) for k in range(len(world.objects))]
        known = [o for o in others if o.shape in SHAPES]
        spot = find_spot(item, known, Region(), rng, gaps=(0.04, 0.02, 0.005))
        x, y, _ = (spot or replace(item, xyz=_DROP_FROM)).xyz
        item = standing(item, x, y, _ADD_FROM, float(rng.uniform(-3.14159, 3.14159)))
    _lift_clear(world, world.add(item))


def _swap(world: World, a: int, b: int) -> None:
    """Let two objects exchange their places, each with its foot where that of the other was."""
    low_a, low_b = _low(world, a), _low(world, b)
    (xa, ya, za), (xb, yb, zb) = world.pose(a)[0], world.pose(b)[0]
    world.put(a, (xb, yb, low_b + za - low_a))
    world.put(b, (xa, ya, low_a + zb - low_b))
    for index in sorted((a, b), key=lambda k: _low(world, k)):
        _lift_clear(world, index)


def _lift_clear(world: World, index: int) -> None:
    """Lift an object that was put into another one, or into the arm, until it is free: it lands on top."""
    body = world.objects[index].id
    others = [o.id for k, o in enumerate(world.objects) if k != index]
    others += [b for b in (world.robot, world.screen) if b is not None]
    for _ in range(_LIFTS):
        points = [q for o in others for q in p.getClosestPoints(body, o, 0.0, physicsClientId=world.client)]
        if all(q[8] > _SUNK for q in points):
            return
        x, y, z = world.pose(index)[0]
        world.put(index, (x, y, z + _LIFT))


def _put_screen(world: World, event: Disturbance, paint: int) -> bool:
    """Stand a box between camera and object; tell whether there was room."""
    index = _index(world, event.what)
    things = [_now(world, k) for k in range(len(world.objects)) if world.objects[k].spec.shape in SHAPES]
    low, high = (tuple(float(v) for v in corner) for corner in bounds(_now(world, index)))
    for gap in SCREEN_GAPS:
        spec = hiding(world.spec.camera.eye, (low[0], low[1], low[2]), (high[0], high[1], high[2]), gap, paint=paint)
        if any(np.any(spec.place.distance(footprint(o)) < 0.004) for o in things):
            continue
        world.set_screen(spec)
        if world.robot is None or not p.getClosestPoints(world.robot, world.screen, 0.01, physicsClientId=world.client):
            return True
        world.set_screen(None)
    return False
