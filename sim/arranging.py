"""Pictures of wished arrangements: the present scene in a world of its own, with things where they shall be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from .._base import near_misses
from ..robots.arranging import ArrangementError, Wish
from ..robots.contract import Image
from .camera import Picture
from .layout import bounds, find_inside, floor_height, footprint, gap, standing, yaw_of
from .objects import CONTAINER_SHAPES, SHAPES, ObjectSpec
from .world import World

_ARTICLES = ("the ", "a ", "an ", "every ", "each ")
_ON_IT = 0.06
"""How far the middle of a thing may be from that of another one and still be carried by it, in its sizes."""


class WorldArranger:
    """Show wishes come true in a simulated world, which stays as it is.

    People and hands are left out, and the arm is at its home posture: the picture is of the goal, not of the way there.

    Args:
        world: The world whose present scene is meant.
        shown: Called with the world of each picture, and the picture, before that world goes.
    """

    def __init__(self, world: World, shown: Callable[[World, Picture], None] = lambda world, picture: None) -> None:
        self._world, self._shown = world, shown

    def picture(self, wishes: Sequence[Wish], camera: str) -> Image:
        """Return a picture of the fixed camera, as ``Arranger`` says."""
        spec = self._world.spec
        if camera not in ("", spec.camera.name):
            raise ArrangementError(
                f"the camera {camera!r} cannot show an arrangement\n"
                f"  why:  it moves with the arm\n  fix:  use {spec.camera.name!r}"
            )
        if spec.file or any(body.spec.shape not in SHAPES for body in self._world.objects):
            raise ArrangementError(
                "a scene from a URDF or SDF file cannot be rearranged\n  fix:  use a scene written in YAML"
            )
        items = arranged(self._present(), wishes)
        shown = replace(spec, objects=tuple(items), disturbances=(), hand=None, person=None, screen=None)
        with World(shown, physics=False) as world:
            picture = world.render(spec.camera)
            self._shown(world, picture)
            return picture.rgb

    def _present(self) -> list[ObjectSpec]:
        items = []
        for index, body in enumerate(self._world.objects):
            xyz, quat = self._world.pose(index)
            items.append(replace(body.spec, xyz=xyz, quat_xyzw=quat))
        return items


def arranged(items: Sequence[ObjectSpec], wishes: Sequence[Wish]) -> list[ObjectSpec]:
    """Return the objects where they shall be; what a moved one carried goes with it.

    Raises:
        ArrangementError: A wish names no object or several, or there is no room.
    """
    now = list(items)
    for number, wish in enumerate(wishes):
        index = _find(now, wish.thing, wish.near)
        before = now[index]
        after = _placed(now, index, wish, number)
        carried = [] if wish.into or wish.onto else _carried(now, index)
        moved = np.subtract(after.xyz, before.xyz)
        now[index] = after
        for other in carried:
            x, y, z = (float(v) for v in np.add(now[other].xyz, moved))
            now[other] = replace(now[other], xyz=(x, y, z))
    return now


def _placed(now: list[ObjectSpec], index: int, wish: Wish, number: int) -> ObjectSpec:
    """Return one object where a wish wants it."""
    item = now[index]
    yaw = yaw_of(item.quat_xyzw) if wish.yaw is None else wish.yaw
    if wish.at is not None:
        return _standing_at(now, index, wish.at, yaw)
    place = _find(now, wish.into or wish.onto, None)
    target = now[place]
    if place == index:
        raise ArrangementError(f"the {item.name} cannot be on itself\n  fix:  name another thing")
    x, y, _ = target.xyz
    if wish.onto and target.shape not in CONTAINER_SHAPES:
        return standing(item, x, y, float(bounds(target)[1][2]), yaw)
    if target.shape not in CONTAINER_SHAPES:
        raise ArrangementError(
            f"nothing goes into the {target.name}\n  fix:  write `onto`, or name a {' or '.join(CONTAINER_SHAPES)}"
        )
    inside = [k for k in _carried(now, place) if k != index]
    middle = standing(item, x, y, floor_height(target), yaw)
    if not inside:
        return middle
    found = find_inside(item, target, [now[k] for k in inside], np.random.default_rng(number))
    if found is None:
        raise ArrangementError(
            f"the {target.name} has no room for the {item.name}\n  fix:  wish for fewer things in it"
        )
    return found


def _standing_at(now: list[ObjectSpec], index: int, at: tuple[float, float], yaw: float) -> ObjectSpec:
    """Return an object on whatever is below a place."""
    trial = standing(now[index], *at, 0.0, yaw)
    base = 0.0
    mine = set(_carried(now, index))
    for k, other in enumerate(now):
        if k != index and k not in mine and gap(footprint(trial), footprint(other)) < 0:
            inside = other.shape in CONTAINER_SHAPES and _within(trial, other)
            base = max(base, floor_height(other) if inside else float(bounds(other)[1][2]))
    return standing(now[index], *at, base, yaw)


def _within(item: ObjectSpec, other: ObjectSpec) -> bool:
    """Tell whether the middle of one object is over another one."""
    away = np.abs(np.subtract(item.xyz, other.xyz)[:2])
    return bool(np.all(away < 0.5 * max(other.size[:2])))


def _carried(now: Sequence[ObjectSpec], index: int) -> list[int]:
    """Return the objects that stand in or on one, whatever they carry included."""
    holder = now[index]
    low, high = (float(v) for v in (bounds(holder)[0][2], bounds(holder)[1][2]))
    found = []
    for k, other in enumerate(now):
        foot = float(bounds(other)[0][2])
        if k != index and _within(other, holder) and low + 0.001 < foot < high + _ON_IT * holder.size[2] + 0.005:
            found.append(k)
    return found


def _find(items: Sequence[ObjectSpec], words: str, near: tuple[float, float, float] | None) -> int:
    """Return the index of the object that words name.

    Raises:
        ArrangementError: There is none, or there are several.
    """
    plain = words.strip().lower()
    for article in _ARTICLES:
        plain = plain.removeprefix(article)
    fits = [k for k, item in enumerate(items) if plain in (item.name, item.shape)]
    if near is not None:
        every = fits or range(len(items))
        return min(every, key=lambda k: float(np.linalg.norm(np.subtract(items[k].xyz, near))))
    names = sorted({item.name for item in items})
    if not fits:
        guess = near_misses(plain, names, limit=1)
        hint = f"\n  did you mean:  {guess[0]}" if guess else ""
        raise ArrangementError(f"the scene has no {plain!r}{hint}\n  fix:  name one of {', '.join(names)}")
    if len(fits) > 1:
        raise ArrangementError(
            f"the scene has {len(fits)} things called {plain!r}\n  fix:  give one from `ground`, or say its color"
        )
    return fits[0]
