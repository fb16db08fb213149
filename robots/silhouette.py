"""Where a robot stands in its own pictures: what moves there is itself, and no news of the scene."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from .contract import CameraFrame, Robot
from .kinematics import Arm, Balls
from .pixels import Mask
from .pose import Array, Pose

MARGIN = 0.03
"""By how much the balls that wrap an arm are grown before they are projected, [m]."""
_NEAR = 0.02


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
        margin: Added to the radius of each ball, [m].
    """
    return disks(frame, arm.balls_at(q), arm.balls.radius + margin)


def disks(frame: CameraFrame, world_points: Array, radii: Array) -> Mask:
    """Return the pixels that balls can cover in a picture: each is projected as a disk.

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
