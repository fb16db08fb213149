"""Where a robot stands in its own pictures: what moves there is itself, and no news of the scene."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .contract import CameraFrame, Intrinsics, Robot
from .kinematics import Arm, Balls
from .pixels import Mask
from .pose import Array, Pose

MARGIN = 0.04
"""By how much the balls that wrap an arm are grown before they are projected, [m]."""
_CLOSE = 0.12
"""The most that a ball is grown by, as a share of its distance from the camera."""


@runtime_checkable
class ShowsItself(Protocol):
    """A driver that knows better than its arm's balls which pixels of a picture are the robot."""

    def silhouette(self, frame: CameraFrame) -> Mask:
        """Return the pixels of the robot in a picture that was taken just now, shape (H, W); some more do no harm."""
        ...


def silhouette(robot: Robot, frame: CameraFrame, held: Balls | None = None) -> Mask:
    """Return the pixels of a robot in its own picture, at its present posture, shape (H, W).

    A driver that has a method ``silhouette`` says it itself; of any other the balls of its arm are projected.

    Args:
        robot: The driver.
        frame: A picture that was taken just now.
        held: Balls of the thing in the hand, in the tcp frame (``links`` is ignored): it moves with the robot.
    """
    arm: Arm | None = getattr(robot, "arm", None)
    if isinstance(robot, ShowsItself):
        own = robot.silhouette(frame)
        return own if arm is None or held is None else own | _held_pixels(frame, robot.state().world_from_tcp, held)
    if arm is None:
        return np.zeros(frame.rgb.shape[:2], dtype=bool)
    state = robot.state()
    own = arm_pixels(frame, arm, state.q)
    return own if held is None else own | _held_pixels(frame, state.world_from_tcp, held)


def _held_pixels(frame: CameraFrame, world_from_tcp: Pose, held: Balls) -> Mask:
    return disks(frame, world_from_tcp.apply(held.xyz), held.radius + MARGIN / 2)


def arm_pixels(frame: CameraFrame, arm: Arm, q: Array, margin: float = MARGIN) -> Mask:
    """Return the pixels that an arm can cover, shape (H, W); see ``disks``.

    Args:
        frame: The picture.
        arm: The arm.
        q: Its posture in the picture, shape (n,), [rad].
        margin: Added to the radius of each ball, [m]; less for those that are close to the camera.
    """
    centers = arm.balls_at(q)
    away = np.linalg.norm(centers - frame.world_from_camera.position, axis=1)
    return disks(frame, centers, arm.balls.radius + np.minimum(margin, _CLOSE * away))


def disks(frame: CameraFrame, world_points: Array, radii: Array) -> Mask:
    """Return the pixels that balls can cover in a picture: each is projected to the pixels whose rays meet it.

    A ball that the camera is inside of, such as that of a hand which carries it, is left out.

    Args:
        frame: The picture.
        world_points: Their centers, shape (m, 3), [m].
        radii: Shape (m,), [m].

    Returns:
        Shape (H, W).
    """
    lens, (height, width) = frame.intrinsics, frame.rgb.shape[:2]
    centers = frame.world_from_camera.inverse().apply(world_points)
    rays = _rays(lens, height, width)
    found = np.zeros((height, width), dtype=bool)
    far = np.linalg.norm(centers, axis=1)
    for (x, y, z), radius, away in zip(centers, radii, far, strict=True):
        if away <= radius or z <= -radius:
            continue
        rows, columns = slice(0, height), slice(0, width)
        if z > radius:
            # The disk of the ball's own size at its nearest point is at least as large as what is seen of it.
            u, v, reach = lens.cx + lens.fx * x / z, lens.cy + lens.fy * y / z, 1.0 + lens.fx * radius / (z - radius)
            reach *= float(np.sqrt(1.0 + (x * x + y * y) / (z * z)))
            rows = slice(max(0, int(v - reach)), max(0, min(height, int(v + reach) + 2)))
            columns = slice(max(0, int(u - reach)), max(0, min(width, int(u + reach) + 2)))
        toward = rays[rows, columns] @ (np.array([x, y, z]) / away).astype(np.float32)
        found[rows, columns] |= toward >= np.sqrt(1.0 - (radius / away) ** 2)
    return found


@lru_cache(maxsize=8)
def _rays(lens: Intrinsics, height: int, width: int) -> NDArray[np.float32]:
    """Return the direction of each pixel in the camera frame, unit vectors, shape (H, W, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    rays = np.stack([(columns - lens.cx) / lens.fx, (rows - lens.cy) / lens.fy, np.ones((height, width))], axis=-1)
    return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True), np.float32)
