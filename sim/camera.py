"""Pinhole cameras rendered by PyBullet's TinyRenderer.

The camera frame is x right, y down, z forward; OpenGL's convention is converted here and nowhere else. Image points
(u, v) have integer values at pixel centers, origin top-left.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pybullet as p

from .objects import Vec3

NEAR, FAR = 0.02, 6.0
_GL_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Light:
    """The one lamp of a scene and how matter answers it.

    Attributes:
        direction: From the scene towards the lamp, world frame; any length.
        ambient: Share of light that comes from everywhere.
        diffuse: Share that depends on the angle to the lamp.
        specular: Share that mirrors the lamp.
        shadow: Whether things throw shadows (doubles the cost of a picture).
    """

    direction: Vec3 = (0.6, 0.4, 1.6)
    ambient: float = 0.6
    diffuse: float = 0.45
    specular: float = 0.08
    shadow: bool = False


@dataclass(frozen=True)
class CameraSpec:
    """A fixed camera: where it stands, what it looks at, how wide.

    Attributes:
        name: Name in the Robot contract.
        eye: Optical center in the world frame, [m].
        target: A point on the optical axis, world frame, [m].
        fov_deg: Vertical field of view, [deg].
        width: Columns, [px].
        height: Rows, [px].
    """

    name: str
    eye: Vec3
    target: Vec3
    fov_deg: float
    width: int = 256
    height: int = 256

    @property
    def world_from_camera(self) -> npt.NDArray[np.float64]:
        """Pose of the camera, shape (4, 4); read-only."""
        return _pose(self.eye, self.target)

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """Focal lengths and principal point (fx, fy, cx, cy), [px]."""
        return pinhole(self.fov_deg, self.width, self.height)


@dataclass(frozen=True)
class Picture:
    """What a camera saw.

    Attributes:
        rgb: uint8 (H, W, 3).
        depth: Distance along the optical axis, float32 (H, W), [m]; ``FAR`` where nothing is.
        mask: Body id of each pixel, int32 (H, W); -1 where nothing is.
    """

    rgb: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    mask: npt.NDArray[np.int32]


def pinhole(fov_deg: float, width: int, height: int) -> tuple[float, float, float, float]:
    """Return (fx, fy, cx, cy), [px], of a square-pixel lens with the given vertical field of view.

    TinyRenderer samples at the left and lower edge of a pixel, so the principal point is half a pixel off the middle.
    """
    focal = height / 2 / math.tan(math.radians(fov_deg) / 2)
    return focal, focal, width / 2, height / 2 - 1


def look_at(eye: Vec3, target: Vec3) -> npt.NDArray[np.float64]:
    """Return ``world_from_camera`` (4, 4) of a camera at ``eye`` that looks at ``target``, upright."""
    forward = np.subtract(target, eye, dtype=np.float64)
    forward /= np.linalg.norm(forward)
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.999 else np.array([1.0, 0.0, 0.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, np.cross(forward, right), forward, eye
    return pose


@functools.lru_cache(maxsize=64)
def _pose(eye: Vec3, target: Vec3) -> npt.NDArray[np.float64]:
    pose = look_at(eye, target)
    pose.flags.writeable = False
    return pose


def render(
    client: int,
    world_from_camera: npt.NDArray[np.float64],
    fov_deg: float,
    width: int,
    height: int,
    light: Light,
) -> Picture:
    """Take a picture of everything in one PyBullet client.

    Args:
        client: PyBullet's physicsClientId.
        world_from_camera: Pose of the camera, shape (4, 4).
        fov_deg: Vertical field of view, [deg].
        width: Columns, [px].
        height: Rows, [px].
        light: The lamp.
    """
    view = _GL_FROM_CV @ np.linalg.inv(world_from_camera)
    projection = p.computeProjectionMatrixFOV(fov_deg, width / height, NEAR, FAR)
    _, _, rgba, buffer, mask = p.getCameraImage(
        width,
        height,
        viewMatrix=view.T.ravel().tolist(),
        projectionMatrix=projection,
        lightDirection=list(light.direction),
        lightColor=[1, 1, 1],
        lightDistance=2.0,
        lightAmbientCoeff=light.ambient,
        lightDiffuseCoeff=light.diffuse,
        lightSpecularCoeff=light.specular,
        shadow=int(light.shadow),
        renderer=p.ER_TINY_RENDERER,
        physicsClientId=client,
    )
    rgb = np.array(np.asarray(rgba, np.uint8).reshape(height, width, 4)[:, :, :3])
    z = np.asarray(buffer, np.float64).reshape(height, width)
    depth = FAR * NEAR / (FAR - (FAR - NEAR) * z)
    ids = np.asarray(mask, np.int32).reshape(height, width)
    return Picture(rgb, depth.astype(np.float32), np.where(ids >= 0, ids & 0xFFFFFF, -1).astype(np.int32))


def project(
    points: npt.NDArray[np.float64],
    world_from_camera: npt.NDArray[np.float64],
    intrinsics: tuple[float, float, float, float],
) -> npt.NDArray[np.float64]:
    """Project world points (N, 3) [m]; return columns u, v [px] and depth [m], shape (N, 3)."""
    camera_from_world = np.linalg.inv(world_from_camera)
    local = points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    fx, fy, cx, cy = intrinsics
    depth = np.maximum(local[:, 2], 1e-6)
    return np.stack([fx * local[:, 0] / depth + cx, fy * local[:, 1] / depth + cy, local[:, 2]], axis=1)
