"""Rigid transforms. Written so that a chain reads by its names: ``world_from_b = world_from_a @ a_from_b``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def quat_from_matrix(rotation: Array) -> Array:
    """Return the unit quaternion xyzw of a rotation matrix, shape (4,), with w >= 0.

    Source: Shepperd, *Quaternion from rotation matrix*, J. Guidance and Control 1 (1978).
    """
    m = np.asarray(rotation, dtype=float).tolist()  # floats: on numbers one at a time they are faster than arrays
    trace = m[0][0] + m[1][1] + m[2][2]
    pivots = (m[0][0], m[1][1], m[2][2], trace)
    k = pivots.index(max(pivots))
    quat = [0.0] * 4
    if k == 3:
        quat = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1], 1.0 + trace]
    else:
        i, j = (k + 1) % 3, (k + 2) % 3
        quat[k] = 1.0 + 2.0 * m[k][k] - trace
        quat[i] = m[i][k] + m[k][i]
        quat[j] = m[j][k] + m[k][j]
        quat[3] = m[j][i] - m[i][j]
    unit: Array = np.array(quat) / np.linalg.norm(quat)
    return -unit if unit[3] < 0 else unit


def matrix_from_quat(quat_xyzw: Array) -> Array:
    """Return the rotation matrix of a quaternion, shape (3, 3); the quaternion is normalised first."""
    x, y, z, w = np.asarray(quat_xyzw, dtype=float) / np.linalg.norm(quat_xyzw)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@dataclass(frozen=True)
class Pose:
    """Position and orientation of a frame b in a frame a, called ``a_from_b``.

    Attributes:
        xyz: Origin of b in a, [m].
        quat_xyzw: Orientation of b in a, unit norm.
    """

    xyz: tuple[float, float, float]
    quat_xyzw: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)

    @classmethod
    def of(cls, xyz: Array | tuple[float, ...] | list[float], rotation: Array | None = None) -> Pose:
        """Build a pose from a position, shape (3,), and a rotation matrix, shape (3, 3), or none for identity."""
        x, y, z = np.asarray(xyz, dtype=float).tolist()
        if rotation is None:
            return cls((x, y, z))
        a, b, c, d = quat_from_matrix(rotation).tolist()
        return cls((x, y, z), (a, b, c, d))

    @classmethod
    def from_matrix(cls, matrix: Array) -> Pose:
        """Build a pose from a homogeneous matrix, shape (4, 4)."""
        return cls.of(matrix[:3, 3], matrix[:3, :3])

    @classmethod
    def facing_down(cls, xyz: Array | tuple[float, ...] | list[float], yaw: float) -> Pose:
        """Return a tool pose whose z axis points to the floor, turned by ``yaw`` [rad] about world z."""
        c, s = math.cos(yaw), math.sin(yaw)
        return cls.of(xyz, np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]]))

    @property
    def rotation(self) -> Array:
        """Rotation matrix, shape (3, 3)."""
        return matrix_from_quat(np.array(self.quat_xyzw))

    @property
    def position(self) -> Array:
        """Position, shape (3,), [m]."""
        return np.array(self.xyz)

    @property
    def matrix(self) -> Array:
        """Homogeneous matrix, shape (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.xyz
        return matrix

    def inverse(self) -> Pose:
        """Return ``b_from_a``."""
        rotation = self.rotation.T
        return Pose.of(-rotation @ self.position, rotation)

    def __matmul__(self, other: Pose) -> Pose:
        rotation = self.rotation
        return Pose.of(rotation @ other.position + self.position, rotation @ other.rotation)

    def apply(self, points: Array) -> Array:
        """Express points of frame b in frame a, shape (..., 3) → (..., 3), [m]."""
        result: Array = np.asarray(points, dtype=float) @ self.rotation.T + self.position
        return result

    def distance(self, other: Pose) -> tuple[float, float]:
        """Return the distance between two poses: translation [m] and rotation angle [rad]."""
        translation = float(np.linalg.norm(self.position - other.position))
        dot = abs(float(np.dot(self.quat_xyzw, other.quat_xyzw)))
        return translation, 2.0 * math.acos(min(1.0, dot))
