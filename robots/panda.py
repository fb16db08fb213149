"""Franka's arms in numpy: Panda and FR3, with the Franka hand.

Source: Franka Robotics, *Robot and interface specifications* (modified Denavit-Hartenberg parameters, joint limits);
flange to hand and hand to tcp from Franka's ``franka_description``.
"""

from __future__ import annotations

import math

import numpy as np

from .kinematics import Arm, Balls
from .pose import Array, Pose

HAND_MAX_WIDTH = 0.08
TCP_FROM_HAND = 0.1034
FINGER_TIP = 0.0088  # the tips of the stock fingers end 112.2 mm below the hand frame

# a [m], d [m], alpha [rad] of joints 1 to 7, then the flange at d = 0.107
_DH = [
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -math.pi / 2),
    (0.0, 0.316, math.pi / 2),
    (0.0825, 0.0, math.pi / 2),
    (-0.0825, 0.384, -math.pi / 2),
    (0.0, 0.0, math.pi / 2),
    (0.088, 0.0, math.pi / 2),
]
_FLANGE = 0.107


def _origin(a: float, d: float, alpha: float) -> Array:
    c, s = math.cos(alpha), math.sin(alpha)
    return np.array([[1.0, 0.0, 0.0, a], [0.0, c, -s, -s * d], [0.0, s, c, c * d], [0.0, 0.0, 0.0, 1.0]])


def _last_from_tcp() -> Array:
    c, s = math.cos(-math.pi / 4), math.sin(-math.pi / 4)
    depth = _FLANGE + TCP_FROM_HAND
    return np.array([[c, -s, 0.0, 0.0], [s, c, 0.0, 0.0], [0.0, 0.0, 1.0, depth], [0.0, 0.0, 0.0, 1.0]])


def _balls() -> Balls:
    """Wrap links, hand and open fingers; radii are few, so that collision maps are few."""
    big, middle, small, tip = 0.062, 0.03, 0.014, 0.01
    rows: list[tuple[int, tuple[float, float, float], float]] = [
        (-1, (0.0, 0.0, 0.06), 0.09),
        (-1, (-0.08, 0.0, 0.06), 0.09),
    ]
    spheres: dict[int, list[tuple[float, float, float]]] = {
        0: [(0, 0, -0.19), (0, 0, -0.13), (0, 0.01, -0.04), (0, -0.02, 0.0), (0, -0.07, 0)],
        1: [(0, 0, 0.02), (0, 0, 0.075), (0, -0.07, 0.0), (0, -0.13, 0), (0, -0.19, 0)],
        2: [(0, 0, -0.12), (0, 0, -0.06), (0.04, 0.02, 0.0), (0.08, 0.02, 0), (0.08, 0.065, 0)],
        3: [(0, 0, 0.02), (0, 0, 0.06), (-0.04, 0.05, 0), (-0.08, 0.06, 0), (-0.08, 0.11, 0)],
        4: [(0, 0, -0.25), (0, 0.02, -0.19), (0, 0.06, -0.13), (0, 0.07, -0.07), (0, 0.075, -0.01), (0, 0.03, 0.0)],
        5: [(0, 0, 0.0), (0.045, 0.0, 0.0), (0.085, 0.03, 0), (0.085, -0.01, 0)],
        6: [(0, 0, 0.065)],
    }
    rows += [(link, (float(x), float(y), float(z)), big) for link, many in spheres.items() for x, y, z in many]
    rows += [(6, (0.04, 0.04, 0.09), middle), (6, (0.06, 0.02, 0.09), middle), (6, (0.02, 0.06, 0.09), middle)]
    # the hand: 0.205 m along y, 0.066 m tall; heights are above the tcp, hence negative z
    for y in (-0.085, -0.06, -0.03, 0.0, 0.03, 0.06, 0.085):
        for z in (0.0, 0.022, 0.042):
            rows.append((7, (0.0, y, z - TCP_FROM_HAND), middle))
    # open fingers, from the hand to the tips
    for side in (-1.0, 1.0):
        for x in (-0.004, 0.004):
            for z in (-0.042, -0.028, -0.014):
                rows.append((7, (x, side * 0.053, z), small))
            rows.append((7, (x, side * 0.047, -0.001), tip))
    return Balls.of(rows)


_HOME = np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785])


def _build(name: str, lower: Array, upper: Array, velocity: Array, acceleration: Array, world_from_base: Pose) -> Arm:
    return Arm(
        name=name,
        joints=tuple(f"{name}_joint{k}" for k in range(1, 8)),
        origins=np.stack([_origin(*row) for row in _DH]),
        last_from_tcp=_last_from_tcp(),
        lower=lower,
        upper=upper,
        velocity=velocity,
        acceleration=acceleration,
        home=_HOME.copy(),
        balls=_balls(),
        finger_tip=FINGER_TIP,
        world_from_base=world_from_base,
    )


def panda(world_from_base: Pose | None = None) -> Arm:
    """Return the Franka Emika Panda with its hand; the base stands at the world's origin unless given."""
    return _build(
        "panda",
        np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]),
        np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]),
        np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61]),
        np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]),
        world_from_base or Pose((0.0, 0.0, 0.0)),
    )


def fr3(world_from_base: Pose | None = None) -> Arm:
    """Return the Franka Research 3 with its hand: the Panda's geometry, other limits."""
    return _build(
        "fr3",
        np.array([-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159]),
        np.array([2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159]),
        np.array([2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26]),
        np.full(7, 10.0),
        world_from_base or Pose((0.0, 0.0, 0.0)),
    )
