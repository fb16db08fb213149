"""A scene some time later, seen by the same camera: things moved, added, taken away, or no more than another light.

What happens are the disturbances of ``knothole.sim.disturbance``, put down by geometry alone, and what moves no object:
an arm that moved, a hand that came or went, another light.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..camera import CameraSpec, Light
from ..furniture import Level
from ..layout import Rect, Region, bounds, find_spot, shifted
from ..objects import CARRIERS, SHAPES, ObjectSpec
from .clutter import TIPPABLE, fresh, into, onto, room_on
from .people import draw_hand, draw_screen
from .posture import draw_posture, hover_posture, rest_posture
from .scenes import PosedScene
from .splits import Split

Array = npt.NDArray[np.float64]

_EVENTS = {
    "nothing": 0.11,
    "arm": 0.09,
    "occlude": 0.05,
    "move": 0.23,
    "move two": 0.07,
    "swap": 0.08,
    "drop": 0.03,
    "add": 0.17,
    "take": 0.17,
}
_LIGHT, _HAND, _ACTS = 0.5, 0.2, 0.5
"""Shares of pairs with another light, with a hand that comes or goes, and of moving arms that may take a thing."""
_FARTHEST = 0.05
"""Distance that a moved thing is put down away at least, in most cases, [m]."""
_TABLE = Level(0.0, Rect((0.05, 0.95), (-0.45, 0.45)))


@dataclass(frozen=True)
class LaterScene:
    """A scene and which object of the earlier one each of its objects is, -1 for one that is new."""

    scene: PosedScene
    same: tuple[int, ...]


class _Things:
    """The objects of a scene while something happens to them; ``same`` as in ``LaterScene``."""

    def __init__(self, scene: PosedScene, split: Split, rng: np.random.Generator) -> None:
        self.objects, self.same = list(scene.spec.objects), list(range(len(scene.spec.objects)))
        furniture = scene.spec.furniture
        self.levels = (_TABLE,) if furniture is None else furniture.levels
        self.reach, self.screen = (0.70 if scene.spec.robot else 2.0), scene.spec.screen
        self.split, self.rng = split, rng

    def free(self) -> list[int]:
        """Return the things that carry nothing."""
        return [k for k, item in enumerate(self.objects) if not _carries(item, self.objects)]

    def floats(self, item: ObjectSpec) -> bool:
        """Tell whether a thing stands on nothing."""
        foot = float(bounds(item)[0][2])
        below = any(level.z - 0.01 < foot < level.z + 0.03 for level in self.levels)
        return not below and not any(o is not item and _carries(o, [o, item]) for o in self.objects)

    def draw(self) -> int | None:
        """Draw one of them, a loose one rather; None without any."""
        free = self.free()
        loose = [k for k in free if self.objects[k].loose]
        chosen = loose if loose and self.rng.random() < 0.75 else free
        return chosen[int(self.rng.integers(len(chosen)))] if chosen else None

    def spot(self, item: ObjectSpec, tipped: bool = False) -> ObjectSpec | None:
        """Find a place for a thing: in or on another one, or on some level; None without room."""
        rng, others = self.rng, [o for o in self.objects if o is not item]
        found = None
        if item.loose and not tipped and rng.random() < 0.4:
            level = self.levels[0]
            low = [o for o in others if level.z <= o.xyz[2] < level.z + level.room]
            found = (onto if rng.random() < 0.3 else into)(item, low, rng)
            if found is not None and bounds(found)[1][2] > level.z + level.room - 0.01:
                found = None
        if found is None:
            level = self.levels[int(rng.integers(len(self.levels)))]
            found = self._on_level(item, level, others, tipped)
        return found

    def _on_level(
        self, item: ObjectSpec, level: Level, others: Sequence[ObjectSpec], tipped: bool
    ) -> ObjectSpec | None:
        (x0, x1), (y0, y1) = level.area.x, level.area.y
        region = Region((max(x0 + 0.02, 0.30), min(x1 - 0.02, 0.74)), (max(y0, -0.38), min(y1, 0.38)), self.reach)
        if region.x[0] >= region.x[1] or item.size[2] > level.room - 0.01:
            return None
        near = [shifted(o, (0.0, 0.0, -level.z)) for o in others if level.z - 0.01 <= o.xyz[2] < level.z + level.room]
        lying = tipped or (item.shape in TIPPABLE and self.rng.random() < 0.12)
        roomy = room_on(level)

        def fits(marks: Array) -> bool:
            return roomy(marks) and (self.screen is None or not np.any(self.screen.place.distance(marks) < 0.004))

        found = find_spot(item, near, region, self.rng, gaps=(0.03, 0.012), tipped=lying, fits=fits, tries=25)
        return None if found is None else shifted(found, (0.0, 0.0, level.z))


def later(scene: PosedScene, camera: CameraSpec, split: Split, rng: np.random.Generator) -> LaterScene | None:
    """Draw what a scene is like some time later.

    Args:
        scene: The scene before.
        camera: The camera that looks at both; a box that hides something is put up before it.
        split: Which colors may be drawn.
        rng: Source of chance.

    Returns:
        The scene after, with this camera alone; None where what should happen found no room.
    """
    names = list(_EVENTS)
    event = names[int(rng.choice(len(names), p=list(_EVENTS.values())))]
    things = _Things(scene, split, rng)
    spec, posture = scene.spec, scene.posture
    if event in _HAPPENS:
        if not _HAPPENS[event](things):
            return None
    elif event == "arm":
        if posture is None or not _let_go(things):
            return None
        if rng.random() < _ACTS:
            posture, things.objects = draw_posture(things.objects, rng)
        else:
            posture = hover_posture(rng) or rest_posture(rng)
    elif event == "occlude":
        screen = None if spec.screen else draw_screen(rng, spec.objects, camera, spec.furniture)
        if screen is None or spec.robot:
            return None
        spec = replace(spec, screen=screen)
    if rng.random() < _LIGHT:
        spec = replace(spec, light=_other_light(spec.light, rng))
    if event != "take" and rng.random() < _HAND:  # a hand could cover the place of what is gone
        spec = replace(spec, hand=draw_hand(rng, spec.furniture) if spec.hand is None else None)
    spec = replace(spec, objects=tuple(things.objects))
    return LaterScene(PosedScene(spec, posture, (camera,)), tuple(things.same))


def _move(things: _Things) -> bool:
    """Put a thing down elsewhere."""
    k = things.draw()
    if k is None:
        return False
    item = things.objects[k]
    least = _FARTHEST if things.rng.random() < 0.85 else 0.032
    for _ in range(3):
        found = things.spot(item)
        if found is not None and math.dist(found.xyz, item.xyz) >= least:
            things.objects[k] = found
            return True
    return False


def _let_go(things: _Things) -> bool:
    """Put down what hangs in the air, held by the gripper."""
    for k, item in enumerate(things.objects):
        if things.floats(item):
            found = things.spot(item)
            if found is None:
                return False
            things.objects[k] = found
    return True


def _move_two(things: _Things) -> bool:
    return _move(things) and _move(things)


def _swap(things: _Things) -> bool:
    """Let two things that stand on one level exchange their places."""
    rng, free = things.rng, things.free()
    able = [(a, b) for a in free for b in free if a < b and _alike(things.objects[a], things.objects[b])]
    if not able:
        return False
    a, b = able[int(rng.integers(len(able)))]
    p, q = things.objects[a], things.objects[b]
    rise = (p.size[2] - q.size[2]) / 2
    things.objects[a] = replace(p, xyz=(*q.xyz[:2], q.xyz[2] + rise))
    things.objects[b] = replace(q, xyz=(*p.xyz[:2], p.xyz[2] - rise))
    return True


def _alike(p: ObjectSpec, q: ObjectSpec) -> bool:
    """Tell whether each of two upright things may stand where the other one does."""
    upright = all(abs(o.quat_xyzw[0]) + abs(o.quat_xyzw[1]) < 1e-6 for o in (p, q))
    wide = abs(max(p.size[:2]) - max(q.size[:2])) < 0.02 and (p.shape in CARRIERS) == (q.shape in CARRIERS)
    low = abs((p.xyz[2] - p.size[2] / 2) - (q.xyz[2] - q.size[2] / 2)) < 0.004
    return upright and wide and low and p.name != q.name and math.dist(p.xyz, q.xyz) > 0.06


def _drop(things: _Things) -> bool:
    """Let a can or bottle lie where there is room for it."""
    free = [k for k in things.free() if things.objects[k].shape in TIPPABLE]
    if not free:
        return False
    k = free[int(things.rng.integers(len(free)))]
    found = things.spot(things.objects[k], tipped=True)
    if found is None:
        return False
    things.objects[k] = found
    return True


def _add(things: _Things) -> bool:
    """Bring in one more thing."""
    if len(things.objects) >= 8:
        return False
    shape = str(things.rng.choice(list(SHAPES)))
    found = things.spot(fresh(shape, things.objects, things.split, things.rng))
    if found is None:
        return False
    things.objects.append(found)
    things.same.append(-1)
    return True


def _take(things: _Things) -> bool:
    """Take a thing away."""
    k = things.draw()
    if k is None:
        return False
    del things.objects[k], things.same[k]
    return True


_HAPPENS: dict[str, Callable[[_Things], bool]] = {
    "move": _move,
    "move two": _move_two,
    "swap": _swap,
    "drop": _drop,
    "add": _add,
    "take": _take,
}


def _carries(item: ObjectSpec, objects: Sequence[ObjectSpec]) -> bool:
    """Tell whether anything stands on a thing, lies in it or leans on it from above."""
    low, high = bounds(item)
    for other in objects:
        if other is item or other.xyz[2] <= item.xyz[2]:
            continue
        foot, top = bounds(other)
        over = np.all(foot[:2] < high[:2] + 0.002) and np.all(top[:2] > low[:2] - 0.002)
        if over and foot[2] < high[2] + 0.012:
            return True
    return False


def _other_light(light: Light, rng: np.random.Generator) -> Light:
    """Vary a lamp a little, as when a cloud passes."""
    x, y, z = (float(v + rng.uniform(-0.25, 0.25)) for v in light.direction)
    shift = float(rng.uniform(-0.06, 0.06))
    return replace(light, direction=(x, y, max(z, 0.6)), ambient=light.ambient + shift)
