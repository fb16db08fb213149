"""Where a robot stands in its own pictures: what moves there is itself, and no news of the scene."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from .contract import CameraFrame, Robot
from .kinematics import Arm
from .pixels import Mask
from .pose import Array

MARGIN = 0.03
"""By how much the balls that wrap an arm are grown before they are projected, [m]."""
_NEAR = 0.02


@runtime_checkable
class ShowsItself(Protocol):
    """A driver that knows better than its arm's balls which pixels of a picture are the robot."""

    def silhouette(self, frame: CameraFrame) -> Mask:
        """Return the pixels of the robot in a picture that was taken just now, shape (H, W); some more do no harm."""
        ...


def silhouette(robot: Robot, frame: CameraFrame) -> Mask:
    """Return the pixels of a robot in its own picture, at its present posture, shape (H, W).

    A driver that has a method ``silhouette`` says it itself; of any other the balls of its arm are projected.

    Args:
        robot: The driver.
        frame: A picture that was taken just now.
    """
    if isinstance(robot, ShowsItself):
        return robot.silhouette(frame)
    arm: Arm | None = getattr(robot, "arm", None)
    if arm is None:
        return np.zeros(frame.rgb.shape[:2], dtype=bool)
    return arm_pixels(frame, arm, robot.state().q)


def arm_pixels(frame: CameraFrame, arm: Arm, q: Array, margin: float = MARGIN) -> Mask:
    """Return the pixels that an arm can cover: each of its balls is projected as a disk.

    A ball that the camera is inside of, such as that of a hand which carries it, is left out.

    Args:
        frame: The picture.
        arm: The arm.
        q: Its posture in the picture, shape (n,), [rad].
        margin: Added to the radius of each ball, [m].

    Returns:
        Shape (H, W).
    """
    lens, (height, width) = frame.intrinsics, frame.rgb.shape[:2]
    centers = frame.world_from_camera.inverse().apply(arm.balls_at(q))
    radii = arm.balls.radius + margin
    found = np.zeros((height, width), dtype=bool)
    far = np.linalg.norm(centers, axis=1)
    for (x, y, z), radius in zip(centers[far > radii], radii[far > radii], strict=True):
        if z < _NEAR:
            continue
        u, v = lens.fx * x / z + lens.cx, lens.fy * y / z + lens.cy
        # A ball off the axis is seen as an ellipse; its longer half axis is at most this.
        reach = lens.fx * radius / z * float(np.sqrt(1.0 + (x * x + y * y) / (z * z))) + 0.5
        rows = np.arange(max(0, int(v - reach)), min(height, int(v + reach) + 2))
        columns = np.arange(max(0, int(u - reach)), min(width, int(u + reach) + 2))
        if len(rows) and len(columns):
            disk = (rows[:, None] - v) ** 2 + (columns[None, :] - u) ** 2 <= reach * reach
            found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] |= disk
    return found
