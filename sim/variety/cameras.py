"""Cameras and lamps of training pictures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..camera import CameraSpec, Light
from ..furniture import Furniture
from ..objects import Vec3
from ..scene import TABLE_CAMERA
from .splits import Split, rise_of


def draw_light(rng: np.random.Generator) -> Light:
    """Draw a lamp."""
    return Light(
        direction=(float(rng.uniform(-1.0, 1.4)), float(rng.uniform(-1.2, 1.2)), float(rng.uniform(0.9, 2.0))),
        ambient=float(rng.uniform(0.5, 0.68)),
        diffuse=float(rng.uniform(0.34, 0.55)),
        specular=float(rng.uniform(0.0, 0.15)),
    )


def task_camera(rng: np.random.Generator, split: Split) -> CameraSpec:
    """Draw the camera of a task: where it stands, or nearly there."""
    if "heights" in split.unseen:
        rise = split.draw_rise(rng, rise_of(TABLE_CAMERA), rise_of(TABLE_CAMERA) + 0.1)
        target = np.array(TABLE_CAMERA.target) + rng.uniform(-0.03, 0.03, 3)
        return replace(
            TABLE_CAMERA, eye=_around(target, float(rng.uniform(-0.1, 0.1)), rise, 1.12), target=_vec(target)
        )
    if rng.random() < 0.3:
        return TABLE_CAMERA
    eye = np.array(TABLE_CAMERA.eye) + rng.uniform(-0.06, 0.06, 3)
    target = np.array(TABLE_CAMERA.target) + rng.uniform(-0.03, 0.03, 3)
    fov = TABLE_CAMERA.fov_deg + rng.uniform(-2.0, 2.0)
    return replace(TABLE_CAMERA, eye=_vec(eye), target=_vec(target), fov_deg=float(fov))


def any_camera(rng: np.random.Generator, split: Split) -> CameraSpec:
    """Draw a camera anywhere around the table."""
    around, rise, far = rng.uniform(-math.pi, math.pi), split.draw_rise(rng, 0.44, 1.2), rng.uniform(0.72, 1.08)
    target = np.array([0.5, 0.0, 0.02]) + rng.uniform(-0.05, 0.05, 3) * np.array([1, 1, 0.4])
    return CameraSpec("any", _around(target, around, rise, far), _vec(target), float(rng.uniform(38, 50)))


def counter_camera(rng: np.random.Generator, split: Split) -> CameraSpec:
    """Draw a camera before a kitchen counter."""
    around, rise, far = rng.uniform(-0.65, 0.65), split.draw_rise(rng, 0.43, 0.92), rng.uniform(0.85, 1.15)
    target = np.array([0.44, 0.0, 0.05]) + rng.uniform(-0.05, 0.05, 3)
    return CameraSpec("any", _around(target, around, rise, far), _vec(target), float(rng.uniform(40, 50)))


def shelf_camera(rng: np.random.Generator, split: Split, furniture: Furniture) -> CameraSpec:
    """Draw a camera before a shelf, a little above what it looks at."""
    around, rise, far = rng.uniform(-0.5, 0.5), split.draw_rise(rng, 0.04, 0.28), rng.uniform(0.85, 1.15)
    low, high = furniture.levels[0].z, furniture.levels[-1].z + furniture.levels[-1].room
    target = np.array([0.5, 0.0, (low + high) / 2]) + rng.uniform(-1, 1, 3) * np.array([0.04, 0.06, 0.08])
    tall = (high - low + 0.12) * rng.uniform(0.72, 1.05)
    fov = 2 * math.degrees(math.atan(tall / 2 / (far - 0.15)))
    return CameraSpec("any", _around(target, around, rise, far), _vec(target), float(fov))


def _around(target: np.ndarray, around: float, rise: float, far: float) -> Vec3:
    ray = np.array([math.cos(rise) * math.cos(around), math.cos(rise) * math.sin(around), math.sin(rise)])
    return _vec(target + far * ray)


def _vec(values: np.ndarray) -> Vec3:
    x, y, z = (float(v) for v in values)
    return (x, y, z)
