"""Somebody beside or behind the workspace: trunk, head, arms and hands. To be seen, not to be touched."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pybullet as p

from .hand import SKINS, SLEEVES, Limb, limb_shapes
from .objects import Vec3

Array = npt.NDArray[np.float64]

UPPER_ARM, FOREARM = 0.29, 0.25
"""Lengths from shoulder to elbow and from elbow to wrist, [m]."""
_HAIR: tuple[Vec3, ...] = ((0.10, 0.08, 0.07), (0.30, 0.20, 0.12), (0.55, 0.42, 0.25), (0.45, 0.45, 0.45))
_TROUSERS = [0.18, 0.20, 0.27, 1.0]


@dataclass(frozen=True)
class PersonSpec:
    """Somebody in the scene.

    Attributes:
        xyz: Middle of the hips in the world frame, [m].
        yaw: Where the person faces, about world z, [rad].
        lean: How far the trunk leans forward, [rad].
        left: Left wrist in the world frame, [m].
        right: Right wrist in the world frame, [m].
        skin: Index into ``SKINS``.
        sleeve: Index into ``SLEEVES``.
        hair: Index into the colors of hair.
        short_sleeves: Whether the forearms are bare.
    """

    xyz: Vec3
    yaw: float
    lean: float
    left: Vec3
    right: Vec3
    skin: int = 1
    sleeve: int = 0
    hair: int = 0
    short_sleeves: bool = False

    def _at(self, forward: float, left: float, up: float) -> Array:
        """Return a point of the trunk in the world frame, given along its own axes [m]."""
        f = forward * math.cos(self.lean) + up * math.sin(self.lean)
        z = up * math.cos(self.lean) - forward * math.sin(self.lean)
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        return np.asarray(np.array(self.xyz) + np.array([f * c - left * s, f * s + left * c, z]))

    def shoulder(self, side: int) -> Array:
        """Return the shoulder of the left (1) or right (-1) arm, shape (3,), world frame, [m]."""
        return self._at(0.0, 0.20 * side, 0.44)

    def elbow(self, side: int) -> Array | None:
        """Return the elbow, shape (3,), [m]; None when the arm is too short for its wrist.

        The elbow points outward and down.
        """
        start, end = self.shoulder(side), np.array(self.left if side > 0 else self.right)
        span = end - start
        far = float(np.linalg.norm(span))
        if not abs(UPPER_ARM - FOREARM) + 0.02 < far < UPPER_ARM + FOREARM - 0.005:
            return None
        along = (far**2 + UPPER_ARM**2 - FOREARM**2) / (2 * far)
        out = math.sqrt(max(0.0, UPPER_ARM**2 - along**2))
        unit = span / far
        wish = np.array([-side * math.sin(self.yaw), side * math.cos(self.yaw), -0.8])
        wish -= unit * float(wish @ unit)
        return np.asarray(start + along * unit + out * wish / np.linalg.norm(wish))

    def points(self) -> Array:
        """Return points along trunk, head, arms and fingers in the world frame, (N, 3), [m]."""
        found = [self._at(f, y, z) for z in (0.0, 0.15, 0.30, 0.45) for y in (-0.17, 0.0, 0.17) for f in (0.0, 0.11)]
        found += [self._at(0.02, 0.0, 0.58), self._at(0.03, 0.0, 0.70)]
        for side in (1, -1):
            elbow, wrist = self.elbow(side), np.array(self.left if side > 0 else self.right)
            joints = [self.shoulder(side), *([] if elbow is None else [elbow]), wrist]
            for a, b in itertools.pairwise(joints):
                found += [a + (b - a) * share for share in (0.25, 0.5, 0.75, 1.0)]
            if elbow is not None:
                found += [wrist + self._hand_axis(elbow, wrist) * far for far in (0.08, 0.17)]
        return np.array(found)

    @staticmethod
    def _hand_axis(elbow: Array, wrist: Array) -> Array:
        """Return the direction of the fingers: on along the forearm, and level near a table."""
        axis = wrist - elbow
        axis[2] *= 0.25
        return np.asarray(axis / np.linalg.norm(axis))


def person_bodies(client: int, spec: PersonSpec) -> tuple[int, ...]:
    """Create somebody in a PyBullet client and return the body ids."""
    skin, sleeve = [*SKINS[spec.skin], 1.0], [*SLEEVES[spec.sleeve], 1.0]
    hair = [*_HAIR[spec.hair], 1.0]
    at = spec._at
    trunk: list[Limb] = [
        (at(0.0, 0.09, 0.02), at(0.0, 0.10, 0.40), 0.115, sleeve),
        (at(0.0, -0.09, 0.02), at(0.0, -0.10, 0.40), 0.115, sleeve),
        (at(0.0, -0.17, 0.43), at(0.0, 0.17, 0.43), 0.065, sleeve),
        (at(0.0, 0.0, 0.46), at(0.02, 0.0, 0.56), 0.050, skin),
        (at(0.03, 0.0, 0.62), at(0.03, 0.0, 0.70), 0.088, skin),
        (at(0.0, 0.0, 0.66), at(0.0, 0.0, 0.72), 0.092, hair),
        (at(0.11, 0.0, 0.645), at(0.125, 0.0, 0.635), 0.014, skin),
    ]
    hips = np.array(spec.xyz)
    across = np.array([-math.sin(spec.yaw), math.cos(spec.yaw), 0.0])
    for side in (1, -1):
        top = hips + 0.09 * side * across
        trunk.append((top, top - np.array([0.0, 0.0, 0.75]), 0.085, _TROUSERS))
    found = [limb_shapes(client, trunk)]
    for side in (1, -1):
        elbow, wrist = spec.elbow(side), np.array(spec.left if side > 0 else spec.right)
        assert elbow is not None
        found.append(limb_shapes(client, _arm(spec, side, elbow, wrist, skin, sleeve)))
    return tuple(int(p.createMultiBody(0, -1, shape, physicsClientId=client)) for shape in found)


def _arm(spec: PersonSpec, side: int, elbow: Array, wrist: Array, skin: list[float], sleeve: list[float]) -> list[Limb]:
    limbs: list[Limb] = [
        (spec.shoulder(side), elbow, 0.052, sleeve),
        (elbow, wrist, 0.036 if spec.short_sleeves else 0.044, skin if spec.short_sleeves else sleeve),
    ]
    along = spec._hand_axis(elbow, wrist)
    across = np.cross([0.0, 0.0, 1.0], along)
    across /= np.linalg.norm(across)
    limbs.append((wrist, wrist + 0.03 * along, 0.028, skin))
    for shift in (-0.022, 0.0, 0.022):
        limbs.append((wrist + 0.03 * along + shift * across, wrist + 0.07 * along + shift * across, 0.018, skin))
    for shift, far in ((-0.033, 0.135), (-0.011, 0.155), (0.011, 0.150), (0.033, 0.130)):
        base = wrist + 0.075 * along + shift * across
        limbs.append((base, wrist + far * along + 1.15 * shift * across - np.array([0.0, 0.0, 0.012]), 0.010, skin))
    inner = -side * across
    limbs.append((wrist + 0.03 * along + 0.03 * inner, wrist + 0.075 * along + 0.065 * inner, 0.012, skin))
    return limbs
