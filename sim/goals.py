"""What success means, judged on truth after everything rests. Trees have no way to call this."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .._base import UnknownNameError
from .scene import Goal
from .truth import WorldTruth, world_truth
from .world import World


@dataclass(frozen=True)
class Verdict:
    """Whether a goal is reached, and if not, what is missing."""

    reached: bool
    missing: tuple[str, ...] = ()


Predicate = Callable[..., tuple[str, ...]]
PEOPLE_FROM = 0.85
"""Where the side of the people begins, world x, [m]."""
STAYS = 0.01
"""How far a thing that was left alone may be from where it was, [m]."""
NEAR = 0.04
"""How far from its place a thing may stand, [m]."""


class Referee:
    """Remembers how a world began and judges how it ends.

    Args:
        world: A physical world, before anything moved.
    """

    def __init__(self, world: World) -> None:
        self._world, self._before = world, world_truth(world)

    def verdict(self, goal: Goal | None = None) -> Verdict:
        """Let everything come to rest and judge the scene's goal, or another one.

        Raises:
            UnknownNameError: No goal has the name.
            ValueError: There is no goal, its arguments are wrong, or they name objects the scene has not.
        """
        wanted = goal or self._world.spec.goal
        if wanted is None:
            raise ValueError(f"scene {self._world.spec.name!r} has no goal; add `goal:` to it")
        self._world.settle(2.0)
        return judge(wanted, self._before, world_truth(self._world))


def judge(goal: Goal, before: WorldTruth, now: WorldTruth) -> Verdict:
    """Judge a goal on what was true at the start and what is true now."""
    predicate = GOALS.get(goal.name)
    if predicate is None:
        raise UnknownNameError("goal", goal.name, GOALS, f"name one of {', '.join(sorted(GOALS))}")
    try:
        missing = predicate(before, now, **dict(goal.args))
    except TypeError as error:
        raise ValueError(f"goal {goal.name!r}: {error}") from error
    return Verdict(not missing, missing)


def _one(truth: WorldTruth, name: str) -> int:
    found = truth.find(name)
    if len(found) != 1:
        raise ValueError(f"the goal needs exactly one {name!r}, the scene has {len(found)}")
    return found[0]


def _outside(now: WorldTruth, index: int, tray: int) -> tuple[str, ...]:
    if now.inside(index, tray):
        return ()
    return (f"the {now.objects[index].spec.name} is not in the {now.objects[tray].spec.name}",)


def everything_in_tray(before: WorldTruth, now: WorldTruth, tray: str = "tray") -> tuple[str, ...]:
    """Every loose object rests in the tray."""
    box = _one(now, tray)
    return tuple(s for k, o in enumerate(now.objects) if o.spec.loose for s in _outside(now, k, box))


def sorted_by_color(before: WorldTruth, now: WorldTruth) -> tuple[str, ...]:
    """Every loose object rests in the tray of its own color, where there is one."""
    trays = {now.objects[k].spec.color: k for k in now.find("tray")}
    loose = [(k, o.spec.color) for k, o in enumerate(now.objects) if o.spec.loose]
    return tuple(s for k, color in loose if color in trays for s in _outside(now, k, trays[color]))


def stacked(before: WorldTruth, now: WorldTruth, top: str, bottom: str) -> tuple[str, ...]:
    """One object rests on another one, which does not rest on it."""
    upper, lower = _one(now, top), _one(now, bottom)
    thing = now.objects[upper]
    if thing.relation == "on" and thing.support == lower:
        return ()
    return (f"the {top} is not on the {bottom}",)


def plate_clear(before: WorldTruth, now: WorldTruth, plate: str = "plate", tray: str = "") -> tuple[str, ...]:
    """Nothing is left on the plate, and what was on it rests in the tray (or, without one, on the table)."""
    dish = _one(now, plate)
    missing = [
        f"the {o.spec.name} is on the {now.objects[dish].spec.name}"
        for k, o in enumerate(now.objects)
        if now.inside(k, dish)
    ]
    for k in range(len(before.objects)):
        if not before.inside(k, dish) or now.inside(k, dish):
            continue
        if tray:
            missing += _outside(now, k, _one(now, tray))
        elif now.objects[k].relation == "held" or now.objects[k].xyz[2] < 0:
            missing.append(f"the {now.objects[k].spec.name} is not on the table")
    return tuple(missing)


def handed_over(before: WorldTruth, now: WorldTruth, thing: str) -> tuple[str, ...]:
    """A human has taken the thing: it is neither held nor on the table, but beyond the edge where people stand."""
    item = now.objects[_one(now, thing)]
    if item.relation == "held":
        return (f"the {thing} is still held",)
    return () if item.xyz[0] > PEOPLE_FROM else (f"nobody has taken the {thing}",)


def laid_out(before: WorldTruth, now: WorldTruth, **places: str) -> tuple[str, ...]:
    """Things stand where they belong: ``NAME: X Y`` each, within 4 cm, in words ``red_cube`` for the red cube."""
    missing = []
    for name, words in places.items():
        thing = name.replace("_", " ")
        item = now.objects[_one(now, thing)]
        x, y = (float(word) for word in words.split())
        away = math.hypot(item.xyz[0] - x, item.xyz[1] - y)
        if item.relation != "table" or away > NEAR:
            missing.append(f"the {thing} is {100 * away:.0f} cm from its place")
    return tuple(missing)


def untouched(before: WorldTruth, now: WorldTruth) -> tuple[str, ...]:
    """Everything is where it was."""
    pairs = zip(before.objects, now.objects, strict=False)
    return tuple(f"the {o.spec.name} was moved" for was, o in pairs if math.dist(was.xyz, o.xyz) > STAYS)


GOALS: dict[str, Predicate] = {
    "untouched": untouched,
    "handed_over": handed_over,
    "laid_out": laid_out,
    "everything_in_tray": everything_in_tray,
    "sorted_by_color": sorted_by_color,
    "stacked": stacked,
    "plate_clear": plate_clear,
}
