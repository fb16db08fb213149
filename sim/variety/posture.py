"""What the Panda does in a training picture: it rests, hovers, reaches around a thing, or holds one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...robots.errors import UnreachableError
from ...robots.pose import Pose
from ..layout import yaw_quat
from ..objects import CARRIERS, ObjectSpec
from ..world import ARM


@dataclass(frozen=True)
class Posture:
    """The Panda of a posed scene: joint angles [rad] and finger opening [m]."""

    joints: tuple[float, ...]
    width: float


def draw_posture(objects: list[ObjectSpec], rng: np.random.Generator) -> tuple[Posture, list[ObjectSpec]]:
    """Draw what the arm does: rest, hover, reach around a thing, or hold one."""
    roll = rng.random()
    loose = [k for k, o in enumerate(objects) if o.loose and not _burdened(o, objects)]
    found: tuple[Posture, list[ObjectSpec]] | None = None
    if roll >= 0.72 and loose:
        found = _holding(objects, loose[int(rng.integers(len(loose)))], rng)
    elif roll >= 0.62 and loose:
        found = _reaching(objects, loose[int(rng.integers(len(loose)))], rng)
    elif roll >= 0.48:
        hover = hover_posture(rng)
        found = None if hover is None else (hover, objects)
    return found if found is not None else (rest_posture(rng), objects)


def rest_posture(rng: np.random.Generator) -> Posture:
    """Draw an arm that rests, or nearly."""
    jitter = rng.normal(0, 0.12, 7) if rng.random() < 0.5 else np.zeros(7)
    joints = np.clip(ARM.home + jitter, ARM.lower, ARM.upper)
    return Posture(tuple(joints.tolist()), 0.08 if rng.random() < 0.85 else 0.0)


def hover_posture(rng: np.random.Generator) -> Posture | None:
    """Draw an arm that hovers over the things, gripper empty; None where it cannot get there."""
    xyz = (float(rng.uniform(0.3, 0.68)), float(rng.uniform(-0.34, 0.34)), float(rng.uniform(0.24, 0.42)))
    return _at(xyz, float(rng.uniform(-1.2, 1.2)), float(rng.choice([0.08, 0.08, rng.uniform(0, 0.06)])), rng)


def _burdened(item: ObjectSpec, objects: list[ObjectSpec]) -> bool:
    return any(o is not item and o.xyz[2] > item.xyz[2] and math.dist(o.xyz[:2], item.xyz[:2]) < 0.04 for o in objects)


def _at(xyz: tuple[float, float, float], yaw: float, width: float, rng: np.random.Generator) -> Posture | None:
    try:
        joints = ARM.ik(Pose.facing_down(xyz, yaw), ARM.home, rng, attempts=6)
    except UnreachableError:
        return None
    return Posture(tuple(joints.tolist()), width)


def _grip_height(item: ObjectSpec) -> float:
    """Height of the tcp above the center of an upright thing: fingers reach 45 mm below the palm, [m]."""
    return max(0.0, item.size[2] / 2 - 0.029)


def _holding(
    objects: list[ObjectSpec], index: int, rng: np.random.Generator
) -> tuple[Posture, list[ObjectSpec]] | None:
    item = objects[index]
    trays = [o for o in objects if o.shape in CARRIERS]
    if trays and rng.random() < 0.5:
        over = trays[int(rng.integers(len(trays)))]
        x, y = (over.xyz[k] + rng.uniform(-0.3, 0.3) * over.size[k] for k in (0, 1))
    else:
        x, y = rng.uniform(0.34, 0.66), rng.uniform(-0.32, 0.32)
    yaw = float(rng.uniform(-1.2, 1.2))
    lift = _grip_height(item)
    z = float(item.size[2] / 2 + lift + rng.uniform(0.08, 0.30))
    width = item.size[0] * (0.5 if item.shape == "bottle" else 1.0)
    posture = _at((float(x), float(y), z), yaw, width, rng)
    if posture is None:
        return None
    held = replace(item, xyz=(float(x), float(y), z - lift), quat_xyzw=yaw_quat(yaw))
    return posture, [*objects[:index], held, *objects[index + 1 :]]


def _reaching(
    objects: list[ObjectSpec], index: int, rng: np.random.Generator
) -> tuple[Posture, list[ObjectSpec]] | None:
    item = objects[index]
    above = float(rng.choice([0.0, 0.0, rng.uniform(0.03, 0.14)]))
    lying_now = abs(item.quat_xyzw[0]) + abs(item.quat_xyzw[1]) > 1e-6
    z = item.xyz[2] + (0.0 if lying_now else _grip_height(item)) + above
    yaw = 2 * math.atan2(item.quat_xyzw[2], item.quat_xyzw[3]) if not lying_now else 0.0
    yaw = (yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4 if item.shape == "cube" else float(rng.uniform(-0.8, 0.8))
    posture = _at((item.xyz[0], item.xyz[1], max(z, 0.012)), yaw, 0.08, rng)
    return None if posture is None else (posture, objects)
