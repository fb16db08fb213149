"""The solid behind a partial view: a camera sees one side, a hand needs both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .pose import Array

Form = Literal["box", "upright", "ball", "lying", "free"]


@dataclass(frozen=True)
class Solid:
    """A simple solid fitted to seen points.

    Attributes:
        form: ``box`` (upright, any yaw), ``upright`` cylinder or bottle, ``ball``, ``lying`` cylinder, or ``free``.
        center: Of the solid, world frame, shape (3,), [m].
        size: Extent along its own x and y (at ``yaw``) and height, shape (3,), [m].
        yaw: Direction of its x axis, [rad].
        residual: Root mean square distance of the points from its surface, [m].
    """

    form: Form
    center: Array
    size: Array
    yaw: float
    residual: float

    def outline(self, count: int = 96) -> Array:
        """Return points around the footprint, world x and y, shape (k, 2), [m]."""
        half = self.size[:2] / 2
        if self.form in ("upright", "ball"):
            angle = 2 * np.pi * np.arange(count) / count
            local = np.stack([np.cos(angle), np.sin(angle)], axis=1) * half
        else:
            side = np.linspace(-1.0, 1.0, max(2, count // 4), endpoint=False)
            one = np.ones_like(side)
            unit = np.concatenate([np.stack(p, 1) for p in ((side, -one), (one, side), (-side, one), (-one, -side))])
            local = unit * half
        return local @ turn(self.yaw).T + self.center[:2]


def turn(yaw: float) -> Array:
    """Return the rotation of the plane by ``yaw`` [rad], shape (2, 2)."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s], [s, c]])


def smallest_rectangle(xy: Array, steps: int = 90) -> tuple[Array, Array, float]:
    """Return center (2,), size (2,) and yaw of the rectangle of least area around points, shape (k, 2).

    The yaw lies in [0, pi/2); the size is along the rectangle's own axes.
    """
    yaws = np.arange(steps) * (np.pi / 2 / steps)
    axes = np.stack([np.stack([np.cos(yaws), np.sin(yaws)], 1), np.stack([-np.sin(yaws), np.cos(yaws)], 1)], 1)
    along = np.einsum("sij,kj->sik", axes, xy)
    low, high = along.min(axis=2), along.max(axis=2)
    size = high - low
    k = int((size[:, 0] * size[:, 1]).argmin())
    center = axes[k].T @ ((low[k] + high[k]) / 2)
    return center, size[k], float(yaws[k])


def fit(points: Array, support: float, pixel: float, towards_camera: Array) -> Solid:
    """Return the simplest solid that explains seen points.

    Args:
        points: World points of one side of a thing, shape (k, 3), [m].
        support: Height of what it stands on, [m].
        pixel: Size of a pixel at the thing, [m]; extents grow by it, since edges fall between pixel centers.
        towards_camera: Horizontal direction to the camera, shape (2,), unit norm.
    """
    top = float(np.percentile(points[:, 2], 98))
    tries = (
        (0.0, _ball(points, support, top)),
        (0.0, _box(points, support, top, pixel)),
        (0.0001, _upright(points, support, top)),
        (0.0004, _lying(points, support, top, pixel)),
    )
    across = points[:, :2] @ np.array([-towards_camera[1], towards_camera[0]])
    width = float(across.max() - across.min()) + pixel
    # a fit to a shallow arc is no evidence: the silhouette must be as wide as the solid
    found = [
        (solid.residual + rarity, solid)
        for rarity, solid in tries
        if solid is not None and (solid.form not in ("ball", "upright") or abs(solid.size[0] - width) < 0.2 * width)
    ]
    best = min(found, key=lambda pair: pair[0])[1]
    if best.residual > 0.006:
        return _mirrored(points, support, top, pixel, towards_camera)
    return best


def _rms(errors: Array) -> float:
    """Root mean square without the worst tenth."""
    square = np.sort(errors**2)
    return float(np.sqrt(square[: max(1, int(0.9 * len(square)))].mean()))


def _box(points: Array, support: float, top: float, pixel: float) -> Solid:
    above = points[points[:, 2] > top - max(0.004, 1.2 * pixel)]
    flat = above if len(above) >= 0.2 * len(points) else points
    center, size, yaw = smallest_rectangle(flat[:, :2])
    local = (points[:, :2] - center) @ turn(yaw)
    low, high = np.percentile(local, 1, axis=0), np.percentile(local, 99, axis=0)
    center = center + turn(yaw) @ ((low + high) / 2)
    size = np.maximum(size, high - low) + 0.3 * pixel
    local = (points[:, :2] - center) @ turn(yaw)
    inward = (size / 2 - np.abs(local)).min(axis=1)
    errors = np.minimum(np.abs(inward), np.abs(top - points[:, 2]))
    errors = np.where(inward < 0, np.maximum(errors, -inward), errors)
    height = top - support
    return Solid("box", np.append(center, support + height / 2), np.append(size, height), yaw, _rms(errors))


def _upright(points: Array, support: float, top: float) -> Solid | None:
    """Fit a circle to the lower side points; what lies above may be narrower (a bottle's neck)."""
    height = top - support
    side = points[points[:, 2] < support + 0.6 * height]
    if len(side) < 12 or height < 0.02:
        return None
    circle = _circle(side[:, :2])
    if circle is None:
        return None
    x, y, radius = circle
    if not 0.008 < radius < 0.15:
        return None
    center = np.array([x, y])
    away = np.linalg.norm(points[:, :2] - center, axis=1) - radius
    lower = points[:, 2] < support + 0.6 * height
    errors = np.where(lower, np.minimum(np.abs(away), np.abs(points[:, 2] - top)), np.maximum(away, 0.0))
    size = np.array([2 * radius, 2 * radius, height])
    return Solid("upright", np.append(center, support + height / 2), size, 0.0, _rms(errors))


def _circle(xy: Array) -> tuple[float, float, float] | None:
    """Fit a circle by least squares to an arc; Source: Kasa (1976), two rounds without outliers."""
    use = np.ones(len(xy), dtype=bool)
    x = y = radius = 0.0
    for _ in range(3):
        if use.sum() < 8:
            return None
        matrix = np.column_stack([2 * xy[use], np.ones(int(use.sum()))])
        answer, _, rank, _ = np.linalg.lstsq(matrix, (xy[use] ** 2).sum(axis=1), rcond=None)
        square = answer[2] + answer[0] ** 2 + answer[1] ** 2
        if rank < 3 or square <= 0:
            return None
        x, y, radius = float(answer[0]), float(answer[1]), float(np.sqrt(square))
        away = np.abs(np.linalg.norm(xy - answer[:2], axis=1) - radius)
        use = away <= max(0.002, 2.5 * float(np.median(away)))
    return x, y, radius


def _ball(points: Array, support: float, top: float) -> Solid | None:
    matrix = np.column_stack([2 * points, np.ones(len(points))])
    answer, _, rank, _ = np.linalg.lstsq(matrix, (points**2).sum(axis=1), rcond=None)
    square = answer[3] + (answer[:3] ** 2).sum()
    if rank < 4 or square <= 0:
        return None
    radius = float(np.sqrt(square))
    height = top - support
    if not 0.008 < radius < 0.1 or abs(2 * radius - height) > 0.35 * height + 0.004:
        return None
    errors = np.linalg.norm(points - answer[:3], axis=1) - radius
    return Solid("ball", answer[:3].copy(), np.full(3, 2 * radius), 0.0, _rms(errors))


def _lying(points: Array, support: float, top: float, pixel: float, steps: int = 36) -> Solid | None:
    """Fit a cylinder that lies on its side: its height above the support is its diameter."""
    radius = (top - support) / 2
    if not 0.008 < radius < 0.06:
        return None
    thin = points[:: max(1, len(points) // 300)]
    rise = thin[:, 2] - (support + radius)
    yaws = np.arange(steps) * (np.pi / steps)
    across = np.stack([-np.sin(yaws), np.cos(yaws)], axis=1) @ thin[:, :2].T
    middle = np.median(across[:, thin[:, 2] > top - 0.25 * radius], axis=1)
    for _ in range(4):  # Gauss-Newton for the one unknown
        apart = across - middle[:, None]
        reach = np.hypot(apart, rise)
        slope, miss = -apart / np.maximum(reach, 1e-6), reach - radius
        near = np.abs(miss) <= 2.5 * np.median(np.abs(miss), axis=1, keepdims=True) + 1e-4
        middle = middle - (slope * miss * near).sum(axis=1) / np.maximum(1e-9, (slope**2 * near).sum(axis=1))
    errors = np.sort((np.hypot(across - middle[:, None], rise) - radius) ** 2, axis=1)
    scores = np.sqrt(errors[:, : max(1, int(0.8 * len(thin)))].mean(axis=1))
    best = int(scores.argmin())
    score, yaw = float(scores[best]), float(yaws[best])
    axis_at = float(middle[best])
    along = points[:, :2] @ np.array([np.cos(yaw), np.sin(yaw)])
    low, high = float(along.min()), float(along.max())
    length = high - low + pixel
    if length < 2.2 * radius:
        return None
    center = turn(yaw) @ np.array([(low + high) / 2, axis_at])
    size = np.array([length, 2 * radius, 2 * radius])
    return Solid("lying", np.append(center, support + radius), size, yaw, score)


def _mirrored(points: Array, support: float, top: float, pixel: float, towards_camera: Array) -> Solid:
    """Complete an unknown form: its far side is as far from its widest line of sight as its near side."""
    toward = np.asarray(towards_camera, dtype=float)
    across = np.array([-toward[1], toward[0]])
    near, side = points[:, :2] @ toward, points[:, :2] @ across
    width = float(side.max() - side.min())
    depth = max(float(near.max() - near.min()), min(width, 2 * float(near.max() - np.median(near))))
    center = toward * (near.max() - depth / 2) + across * ((side.max() + side.min()) / 2)
    every = np.concatenate([points[:, :2], 2 * center - points[:, :2]])
    middle, size, yaw = smallest_rectangle(every)
    height = top - support
    return Solid("free", np.append(middle, support + height / 2), np.append(size + pixel, height), yaw, 0.006)
