"""What a motion has to know besides its goal: what stands on the table, and what the hand holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ...robots.collision import HeightMap, Scene
from ...robots.errors import RobotError
from ...robots.grasp import Grasp
from ...robots.kinematics import Arm, Balls
from ...robots.pixels import Mask
from ...robots.pose import Array, Pose
from ...robots.seeing import Seen, View


@dataclass(frozen=True)
class Held:
    """A thing in the hand.

    Attributes:
        label: What it is called.
        grasp: How it is held, and where it was taken.
        above: How far it reaches above the tcp, [m].
    """

    label: str
    grasp: Grasp
    above: float

    @property
    def balls(self) -> Balls:
        """Balls that wrap it, in the tcp frame."""
        radius = max(0.01, self.grasp.radius)
        count = max(1, math.ceil((self.grasp.below + self.above) / radius))
        heights = np.linspace(-self.above, self.grasp.below, count + 1)
        return Balls.of([(0, (0.0, 0.0, float(z)), radius) for z in heights])

    def covers(self, points: Array, world_from_tcp: Pose) -> Mask:
        """Tell which points of the world, shape (..., 3), are of it while the hand is there, shape (...)."""
        x, y, z = world_from_tcp.xyz
        beside = np.hypot(points[..., 0] - x, points[..., 1] - y) < self.grasp.radius + 0.04
        mine: Mask = beside & (points[..., 2] > z - self.grasp.below - 0.03)
        return mine

    @classmethod
    def unknown(cls, width: float, tcp: Pose) -> Held:
        """Return a guess about something that no ``pick`` of this run took, from the opening of the fingers [m]."""
        grasp = Grasp(tcp, width, width, 0.1, 0.08, (max(width, 0.04), width), 0.0)
        return cls("the thing in the hand", grasp, 0.05)


@dataclass(frozen=True)
class Surroundings:
    """One picture with depth, read for motion.

    Attributes:
        picture: The picture, lifted into the world without the arm; None for a robot that has no camera.
        world_from_tcp: Where the hand was in it.
        held: What the hand held in it.
    """

    picture: View | None
    world_from_tcp: Pose
    held: Held | None = None
    _maps: dict[int, HeightMap] = field(default_factory=dict, repr=False, compare=False)

    @property
    def view(self) -> View:
        """The picture, lifted into the world.

        Raises:
            RobotError: The robot has no camera.
        """
        if self.picture is None:
            raise RobotError("this robot has no camera to look with\n  fix:  use a driver with a camera that has depth")
        return self.picture

    @cached_property
    def points(self) -> Array:
        """Everything on the table, world frame, shape (k, 3), [m]; without what the hand holds; none without depth."""
        if self.picture is None or self.picture.frame.depth is None:
            return np.empty((0, 3))
        return self._clean(self.picture.obstacles())

    def without(self, seen: Seen) -> Array:
        """Return the points of everything but one thing, shape (k, 3), [m]."""
        return self._clean(self.view.obstacles(without=seen))

    def _clean(self, points: Array) -> Array:
        if self.held is None:
            return points
        rest: Array = points[~self.held.covers(points, self.world_from_tcp)]
        return rest

    def scene(self, arm: Arm, held: Held | None = None, without: Seen | None = None) -> Scene:
        """Return what the arm, and the thing it holds, must not touch."""
        key = 0 if without is None else id(without)
        if key not in self._maps:
            self._maps[key] = HeightMap.of(self.points if without is None else self.without(without))
        scene = Scene(arm, self._maps[key])
        if held is not None:
            scene = scene.carrying(held.grasp.radius, held.grasp.below, held.above)
        return scene
