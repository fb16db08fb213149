"""A human hand on a forearm, to be moved into view: palm, four fingers, a thumb, a sleeve.

The hand has no weight and no contact: it is something to see, not something to touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pybullet as p

from .objects import Vec3

SKINS: tuple[Vec3, ...] = (
    (0.95, 0.78, 0.67),
    (0.87, 0.67, 0.53),
    (0.76, 0.55, 0.40),
    (0.55, 0.37, 0.26),
    (0.36, 0.23, 0.16),
)
SLEEVES: tuple[Vec3, ...] = (
    (0.15, 0.17, 0.22),
    (0.35, 0.40, 0.48),
    (0.80, 0.80, 0.78),
    (0.20, 0.32, 0.24),
    (0.45, 0.22, 0.22),
    (0.30, 0.30, 0.55),
)

WORKSPACE_LOW, WORKSPACE_HIGH = (0.30, -0.40, -0.02), (0.70, 0.40, 0.45)

Limb = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float, list[float]]
"""A capsule: start and end of its axis [m], radius [m], color with alpha."""

# Centers of palm, finger bases and tips, thumb, wrist and sleeve in the hand frame: fingers along +x, palm down.
_PALM = (0.085, 0.08, 0.028)
_FOREARM = 0.34


@dataclass(frozen=True)
class HandSpec:
    """A hand in the scene.

    Attributes:
        xyz: Middle of the palm in the world frame, [m].
        yaw: Direction of the fingers about world z, [rad].
        pitch: Lean of the forearm; positive lifts the elbow, [rad].
        curl: How far the fingers are bent, [rad].
        skin: Index into ``SKINS``.
        sleeve: Index into ``SLEEVES``.
    """

    xyz: Vec3
    yaw: float = 0.0
    pitch: float = 0.35
    curl: float = 0.25
    skin: int = 1
    sleeve: int = 0

    @property
    def quat_xyzw(self) -> tuple[float, float, float, float]:
        """Orientation of the hand in the world frame."""
        x, y, z, w = p.getQuaternionFromEuler([0.0, self.pitch, self.yaw])
        return (x, y, z, w)

    def points(self) -> npt.NDArray[np.float64]:
        """Return points along fingers, palm and forearm in the world frame, (N, 3), [m]."""
        local = np.array([[x, y, 0.0] for x in (0.12, 0.08, 0.04, 0.0, -0.05) for y in (-0.035, 0.035)])
        arm = np.array([[x, 0.0, 0.0] for x in np.linspace(-0.08, -0.05 - _FOREARM, 8)])
        turn = np.array(p.getMatrixFromQuaternion(self.quat_xyzw)).reshape(3, 3)
        return np.asarray(np.concatenate([local, arm]) @ turn.T + np.array(self.xyz))


def in_workspace(points: npt.NDArray[np.float64], margin: float = 0.0) -> bool:
    """Tell whether any of the points (N, 3) [m] lies in the workspace grown by ``margin`` [m] on every side."""
    low, high = np.array(WORKSPACE_LOW) - margin, np.array(WORKSPACE_HIGH) + margin
    return bool(np.any(np.all((points >= low) & (points <= high), axis=1)))


def hand_body(client: int, spec: HandSpec) -> int:
    """Create the hand in a PyBullet client and return its body id."""
    skin, sleeve = [*SKINS[spec.skin], 1.0], [*SLEEVES[spec.sleeve], 1.0]
    parts: list[Limb] = []

    def limb(start: list[float], end: list[float], radius: float, color: list[float]) -> None:
        parts.append((np.array(start), np.array(end), radius, color))

    bend = spec.curl
    for y, reach in ((-0.033, 0.060), (-0.011, 0.072), (0.011, 0.068), (0.033, 0.052)):
        knuckle = [0.042, y, 0.0]
        joint = [0.042 + 0.5 * reach * np.cos(bend), y * 1.12, -0.5 * reach * np.sin(bend)]
        tip = [
            joint[0] + 0.5 * reach * np.cos(2.2 * bend),
            y * 1.18,
            joint[2] - 0.5 * reach * np.sin(2.2 * bend),
        ]
        limb(knuckle, joint, 0.0105, skin)
        limb(joint, tip, 0.0095, skin)
    limb([-0.020, 0.040, -0.004], [0.022, 0.074, -0.010], 0.0125, skin)
    limb([-0.030, 0.0, 0.0], [-0.095, 0.0, 0.0], 0.026, skin)
    limb([-0.105, 0.0, 0.0], [-0.05 - _FOREARM, 0.0, 0.0], 0.040, sleeve)

    visual = limb_shapes(client, parts, palm=(_PALM, skin))
    return int(p.createMultiBody(0, -1, visual, list(spec.xyz), list(spec.quat_xyzw), physicsClientId=client))


def limb_shapes(
    client: int, limbs: Sequence[Limb], palm: tuple[tuple[float, float, float], list[float]] | None = None
) -> int:
    """Create capsules, and a box at the origin where ``palm`` gives size [m] and color; return PyBullet's shape id."""
    kinds, halves, radii, lengths, places, turns, paints = [], [], [], [], [], [], []
    for start, end, radius, color in limbs:
        kinds.append(p.GEOM_CAPSULE)
        halves.append([0.0, 0.0, 0.0])
        radii.append(radius)
        lengths.append(float(np.linalg.norm(end - start)))
        places.append(((start + end) / 2).tolist())
        turns.append(_z_onto(end - start))
        paints.append(color)
    if palm is not None:
        kinds.append(p.GEOM_BOX)
        halves.append([v / 2 for v in palm[0]])
        radii.append(0.01)
        lengths.append(0.01)
        places.append([0.0, 0.0, 0.0])
        turns.append([0.0, 0.0, 0.0, 1.0])
        paints.append(palm[1])
    return int(
        p.createVisualShapeArray(
            shapeTypes=kinds,
            halfExtents=halves,
            radii=radii,
            lengths=lengths,
            visualFramePositions=places,
            visualFrameOrientations=turns,
            rgbaColors=paints,
            physicsClientId=client,
        )
    )


def _z_onto(axis: npt.NDArray[np.float64]) -> list[float]:
    """Return the quaternion (xyzw) that turns +z onto ``axis``."""
    unit = axis / np.linalg.norm(axis)
    if unit[2] < -0.999999:
        return [1.0, 0.0, 0.0, 0.0]
    quat = np.array([-unit[1], unit[0], 0.0, 1.0 + unit[2]])
    return [float(v) for v in quat / np.linalg.norm(quat)]


def random_hand(rng: np.random.Generator, inside: bool) -> HandSpec:
    """Draw a hand clearly inside the workspace, or clearly outside it near the border."""
    for _ in range(200):
        if inside:
            x, y = rng.uniform(0.34, 0.66), rng.uniform(-0.34, 0.34)
        else:
            side = rng.integers(3)
            if side == 0:
                x, y = rng.uniform(0.86, 0.98), rng.uniform(-0.35, 0.35)
            else:
                x, y = rng.uniform(0.0, 0.9), float(rng.choice([-1, 1])) * rng.uniform(0.55, 0.68)
        outward = np.array([x - 0.5, y * 1.2]) if not inside else rng.normal(size=2)
        if inside and outward[0] < 0:
            outward[0] *= -0.5
        yaw = float(np.arctan2(-outward[1], -outward[0]) + rng.uniform(-0.5, 0.5))
        spec = HandSpec(
            (float(x), float(y), float(rng.uniform(0.05, 0.22))),
            yaw,
            float(rng.uniform(0.05, 0.55)),
            float(rng.uniform(0.05, 0.6)),
            int(rng.integers(len(SKINS))),
            int(rng.integers(len(SLEEVES))),
        )
        points = spec.points()
        if float(points[:, 2].min()) < 0.03:
            continue
        if inside and in_workspace(points[:6], -0.03):
            return spec
        if not inside and not in_workspace(points, 0.05):
            return spec
    raise RuntimeError("no hand could be placed")
