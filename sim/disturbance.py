"""Things that happen by themselves while a tree runs: a hand comes and goes, an object is moved or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .hand import HandSpec
from .scene import Disturbance

if TYPE_CHECKING:
    from .world import World

HAND_TRAVEL = 0.6
"""Time a hand takes to come in or to leave, [s]."""
_HAND_GOAL = (0.58, -0.05, 0.10)
_HAND_REST = (1.30, -0.25, 0.30)
_DROP_FROM = (0.50, 0.0, 0.20)


class Script:
    """Plays the disturbances of a scene against simulated time.

    Args:
        events: What happens when.
        seed: Chooses skin and sleeve of the hand.
    """

    def __init__(self, events: Sequence[Disturbance], seed: int = 0) -> None:
        self._hands = [e for e in events if e.do == "hand_in"]
        self._once = sorted((e for e in events if e.do != "hand_in"), key=lambda e: e.at)
        self._skin = seed % 5

    @property
    def empty(self) -> bool:
        """True when nothing will ever happen."""
        return not self._hands and not self._once

    def play(self, world: World, now: float) -> None:
        """Do what is due at ``now`` [s]; call it once for every few physics steps."""
        while self._once and now >= self._once[0].at:
            _relocate(world, self._once.pop(0))
        if self._hands:
            world.set_hand(self._hand(now))

    def _hand(self, now: float) -> HandSpec | None:
        for event in self._hands:
            end = np.inf if event.until is None else event.until + HAND_TRAVEL
            if not event.at <= now < end:
                continue
            inward = (now - event.at) / HAND_TRAVEL
            outward = np.inf if event.until is None else (end - now) / HAND_TRAVEL
            share = float(np.clip(min(inward, outward), 0.0, 1.0))
            share = share * share * (3 - 2 * share)
            goal = np.array(event.to or _HAND_GOAL)
            x, y, z = (float(v) for v in goal * share + np.array(_HAND_REST) * (1 - share))
            yaw = float(np.arctan2(goal[1] - _HAND_REST[1], goal[0] - _HAND_REST[0]))
            return replace(HandSpec((x, y, z)), yaw=yaw, skin=self._skin)
        return None


def _relocate(world: World, event: Disturbance) -> None:
    """Put an object down at ``event.to`` (``move``), or let it fall from there (``drop``)."""
    for index, body in enumerate(world.objects):
        if event.what in (body.spec.name, body.spec.shape):
            x, y, z = event.to or _DROP_FROM
            base = z if event.to or event.do == "drop" else 0.0
            world.put(index, (x, y, base + body.spec.size[2] / 2))
            return
    raise ValueError(f"a disturbance names {event.what!r}, but the scene has no such object")
