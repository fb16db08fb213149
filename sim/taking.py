"""A human hand that comes when something is held out, takes it when the fingers let go, and leaves with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pybullet as p

from .hand import HandSpec
from .objects import Vec3
from .scene import Disturbance

if TYPE_CHECKING:
    from .world import World

HAND_TRAVEL = 0.6
"""Time a hand takes to come in or to leave, [s]."""
HAND_REST: Vec3 = (1.30, -0.25, 0.30)
"""Where hands come from."""
_HELD_OUT = 0.12
"""A thing is held out when its lowest point is so high, [m] ..."""
_STILL, _STILL_FOR = 0.01, 0.5
"""... and it moves slower than this for so long, [m/s] and [s] ..."""
_NEAR_PEOPLE = 0.50
"""... at this world x or beyond, [m]."""
_BELOW = 0.035
"""How far the palm is below the thing, [m]."""
_TOUCH = 0.002
_KEEPS = 0.4
"""Time between taking and leaving, [s]."""
_FINGERS = (9, 10)


def way(goal: Vec3, share: float, seed: int) -> HandSpec:
    """Return the hand on its way in: at ``HAND_REST`` for a ``share`` of 0, at ``goal`` for 1."""
    share = float(np.clip(share, 0.0, 1.0))
    share = share * share * (3 - 2 * share)
    x, y, z = (float(v) for v in np.array(goal) * share + np.array(HAND_REST) * (1 - share))
    yaw = float(np.arctan2(goal[1] - HAND_REST[1], goal[0] - HAND_REST[0]))
    return replace(HandSpec((x, y, z)), yaw=yaw, skin=seed % 5)


class Taker:
    """Plays one hand that takes something.

    Args:
        event: What it takes, from when on it is ready, and when it gives up.
        seed: Chooses its skin.
    """

    def __init__(self, event: Disturbance, seed: int) -> None:
        self._event, self._seed = event, seed
        self._thing: int | None = None
        self._goal: Vec3 = (0.0, 0.0, 0.0)
        self._calm_since: float | None = None
        self._came = 0.0
        self._leaves: float | None = None
        self._carries: npt.NDArray[np.float64] | None = None
        self._done = False

    def play(self, world: World, now: float) -> HandSpec | None:
        """Return the hand as it is now, None while it is away; what it took goes with it."""
        if self._done or now < self._event.at:
            return None
        if self._thing is None:
            self._look(world, now)
            return None
        if self._leaves is None:
            self._reach(world, now, self._thing)
        leaving = np.inf if self._leaves is None else (self._leaves + HAND_TRAVEL - now) / HAND_TRAVEL
        if leaving <= 0:
            self._done = True
            return None
        hand = way(self._goal, min((now - self._came) / HAND_TRAVEL, leaving), self._seed)
        if self._carries is not None:
            x, y, z = (float(v) for v in np.array(hand.xyz) + self._carries)
            world.put(self._thing, (x, y, z))
        return hand

    def _look(self, world: World, now: float) -> None:
        """See whether something is held out."""
        if self._event.until is not None and now >= self._event.until:
            self._done = True
            return
        for index, body in enumerate(world.objects):
            named = self._event.what in ("", body.spec.name, body.spec.shape)
            if named and self._is_held_out(world, index):
                self._calm_since = now if self._calm_since is None else self._calm_since
                if now - self._calm_since >= _STILL_FOR:
                    low, _ = p.getAABB(body.id, physicsClientId=world.client)
                    x, y, _ = world.pose(index)[0]
                    self._thing, self._goal, self._came = index, (x, y, low[2] - _BELOW), now
                return
        self._calm_since = None

    def _is_held_out(self, world: World, index: int) -> bool:
        body = world.objects[index].id
        linear, _ = p.getBaseVelocity(body, physicsClientId=world.client)
        low, _ = p.getAABB(body, physicsClientId=world.client)
        beyond = world.pose(index)[0][0] >= _NEAR_PEOPLE
        slow = float(np.linalg.norm(linear)) < _STILL
        return beyond and low[2] > _HELD_OUT and slow and _is_gripped(world, body)

    def _reach(self, world: World, now: float, thing: int) -> None:
        """Take the thing once the fingers let it go; leave without it when the time is over."""
        if now - self._came < HAND_TRAVEL:
            return
        if not _is_gripped(world, world.objects[thing].id):
            self._carries = np.subtract(world.pose(thing)[0], self._goal)
            self._leaves = now + _KEEPS
        elif self._event.until is not None and now >= self._event.until:
            self._leaves = now


def _is_gripped(world: World, body: int) -> bool:
    """Tell whether both fingers touch a thing."""
    if world.robot is None:
        return False
    return all(
        p.getClosestPoints(world.robot, body, _TOUCH, linkIndexA=joint, physicsClientId=world.client)
        for joint in _FINGERS
    )
