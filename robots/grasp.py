"""Grasps from above for two parallel fingers, from seen points alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .collision import HeightMap
from .pose import Array, Pose
from .seeing import Seen


@dataclass(frozen=True)
class Fingers:
    """The gripper's measures, [m].

    Attributes:
        opening: Largest opening.
        tip: How far the tips reach beyond the tcp.
        depth: How far below the top of a thing the tcp may go before the palm touches it.
        thickness: Of one finger along the closing direction.
        breadth: Of one finger across it.
    """

    opening: float = 0.08
    tip: float = 0.0088
    depth: float = 0.028
    thickness: float = 0.022
    breadth: float = 0.021


@dataclass(frozen=True)
class Grasp:
    """Where to close the fingers.

    Attributes:
        world_from_tcp: Pose of the tcp when closing; the fingers close along its y axis.
        width: Expected width of the thing between the fingers, [m].
        opening: Finger opening on the way down, [m].
        approach: How far above to start the straight descent, [m].
        below: From the tcp down to the lowest point of the thing, [m].
        extent: Size of the thing along the tcp's x and y axes, measured both ways from the tcp, [m].
        quality: Higher is better, about 1 for a free, well aligned grasp.
        round: True when the thing's footprint is a disc.
    """

    world_from_tcp: Pose
    width: float
    opening: float
    approach: float
    below: float
    extent: tuple[float, float]
    quality: float
    round: bool = False

    @property
    def pregrasp(self) -> Pose:
        """Pose above the thing from which the descent starts."""
        x, y, z = self.world_from_tcp.xyz
        return Pose((x, y, z + self.approach), self.world_from_tcp.quat_xyzw)

    @property
    def radius(self) -> float:
        """Farthest the thing reaches sideways from the tcp, [m]."""
        return 0.5 * float(max(self.extent) if self.round else np.hypot(*self.extent))


def grasps(
    seen: Seen,
    others: HeightMap,
    fingers: Fingers | None = None,
    prefer_yaw: float = 0.0,
    lift: float = 0.10,
    directions: int = 16,
) -> list[Grasp]:
    """Return grasps from above, best first; empty when the thing is too wide or too crowded.

    Args:
        seen: The thing.
        others: What else stands on the table, without the thing itself.
        fingers: Measures of the gripper; the Franka hand by default.
        prefer_yaw: Yaw of the hand that costs no turning, [rad].
        lift: Height of the straight approach, [m].
        directions: How many yaws to try besides those of the thing's own sides.
    """
    fingers = fingers or Fingers()
    own = [seen.yaw, seen.yaw + np.pi / 2]
    if seen.form == "lying":
        own = [seen.yaw]
    yaws = np.array(own + [np.pi * k / directions for k in range(directions)])
    found: list[Grasp] = []
    for yaw in yaws:
        for height in _heights(seen, fingers):
            grasp = _candidate(seen, others, fingers, float(yaw), height, prefer_yaw, lift)
            if grasp is not None:
                found.append(grasp)
    return sorted(found, key=lambda grasp: -grasp.quality)


def _heights(seen: Seen, fingers: Fingers) -> tuple[float, ...]:
    """Heights of the tcp: tips 10 mm above the support, but not so deep that the palm touches the top."""
    middle = seen.support + 0.5 * (seen.top - seen.support)
    low = seen.support + 0.010 + fingers.tip
    if seen.form in ("ball", "lying"):
        low = max(low, middle - 0.004)
    low = min(low, seen.top - 0.004) if seen.top - seen.support < 0.025 else low
    deep = max(low, seen.top - fingers.depth)
    if seen.top - deep > 0.028 and deep > low + 1e-6:
        return (deep, seen.top - 0.020)
    return (deep,)


def _slab(seen: Seen, low: float, high: float) -> Array:
    """World x and y of the thing between two heights: its outline where the solid is straight, else the seen part.

    A bottle is narrower at the neck than its footprint, so what was seen there is mirrored at its axis.
    """
    part = seen.points[(seen.points[:, 2] > low) & (seen.points[:, 2] < high), :2]
    if seen.form == "upright" and len(part) >= 6:
        center = np.array(seen.center[:2])
        reach = float(np.percentile(np.linalg.norm(part - center, axis=1), 95)) + 0.0005
        if reach < 0.45 * seen.size[0]:
            angle = 2 * np.pi * np.arange(24) / 24
            return center + reach * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if seen.form == "free" and len(part) >= 6:
        center = np.array(seen.center[:2])
        return np.concatenate([part, 2 * center - part])
    return seen.outline


def _candidate(
    seen: Seen, others: HeightMap, fingers: Fingers, yaw: float, z: float, prefer_yaw: float, lift: float
) -> Grasp | None:
    yaw = _nearest_half_turn(yaw, prefer_yaw)
    tip = z - fingers.tip
    slab = _slab(seen, tip - 0.002, z + 0.012)
    # facing_down(yaw): tool x along (c, s), tool y along (s, -c)
    along, close = np.array([np.cos(yaw), np.sin(yaw)]), np.array([np.sin(yaw), -np.cos(yaw)])
    center = np.array(seen.center[:2])
    local_x, local_y = (slab - center) @ along, (slab - center) @ close
    # a thing longer than the fingers is broad is held at its middle
    pads = np.abs(local_x - (local_x.max() + local_x.min()) / 2) <= max(
        fingers.breadth / 2, 0.2 * (local_x.max() - local_x.min())
    )
    if not pads.any():
        return None
    low, high = float(local_y[pads].min()), float(local_y[pads].max())
    width, offset = high - low, (high + low) / 2
    shift = float((local_x.max() + local_x.min()) / 2)
    if width > fingers.opening - 0.006:
        return None
    xy = center + offset * close + shift * along
    clear, opening = _clearance(xy, along, close, width, tip, others, fingers)
    if clear < 0.0:
        return None
    skew = _skew(seen, yaw) if seen.form in ("box", "lying", "free") else 0.0
    if skew > 0.6 and seen.form != "free":
        return None
    turn = abs(yaw - prefer_yaw) / (np.pi / 2)
    neck = 0.1 if seen.form == "upright" and width < 0.6 * seen.size[0] else 0.0
    quality = 1.0 - 2.0 * width * skew - 1.2 * skew - 0.10 * turn - 2.0 * max(0.0, width - 0.06)
    quality -= 6.0 * max(0.0, 0.012 - clear) + neck
    footprint = seen.outline - xy
    extent = (2 * float(np.abs(footprint @ along).max()), 2 * float(np.abs(footprint @ close).max()))
    return Grasp(
        world_from_tcp=Pose.facing_down((float(xy[0]), float(xy[1]), z), yaw),
        width=width,
        opening=opening,
        approach=lift,
        below=z - seen.support,
        extent=extent,
        quality=float(quality),
        round=seen.form in ("upright", "ball"),
    )


def _nearest_half_turn(yaw: float, prefer: float) -> float:
    """Return the yaw, equal up to half a turn for two fingers, that is nearest to the preferred one."""
    return float(prefer + (yaw - prefer + np.pi / 2) % np.pi - np.pi / 2)


def _skew(seen: Seen, yaw: float) -> float:
    """How far the closing direction is off the normal of a side, 0 for square, 1 for 45 degrees."""
    quarter = np.pi / 2
    off = abs((yaw - seen.yaw + quarter / 2) % quarter - quarter / 2)
    if seen.form == "lying":
        off = min(np.pi / 4, abs((yaw - seen.yaw + quarter) % np.pi - quarter))
    return float(off / (np.pi / 4))


def _clearance(
    xy: Array, along: Array, close: Array, width: float, tip: float, others: HeightMap, fingers: Fingers
) -> tuple[float, float]:
    """Return the room beside the fingers and the opening to come down with, [m]; negative room means no way down."""
    across = np.linspace(-fingers.breadth / 2, fingers.breadth / 2, 5)
    for spare in (0.012, 0.006, 0.003):
        opening = min(fingers.opening, width + 2 * spare)
        for room in (0.012, 0.006, 0.0):
            outward = np.arange(opening / 2, opening / 2 + fingers.thickness + room + 0.004, 0.004)
            x, y = np.meshgrid(
                np.concatenate([across, across * (1 + room / 0.02)]), np.concatenate([outward, -outward])
            )
            spots = xy + x.ravel()[:, None] * along + y.ravel()[:, None] * close
            if others.at(spots).max() < tip - 0.003:
                return room, opening
    return -1.0, 0.0
