"""From pixels to points and back: pinhole projection, the cloud of a frame, connected surfaces in an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .contract import CameraFrame, Intrinsics
from .kinematics import Arm
from .pose import Array

Mask = NDArray[np.bool_]
Labels = NDArray[np.int64]
Box = tuple[float, float, float, float]

MAX_DEPTH = 3.0


def deproject(pixel_uv: Array, depth: Array | float, lens: Intrinsics) -> Array:
    """Lift image points to points in the camera frame.

    Args:
        pixel_uv: Columns and rows, pixel centers at integers, shape (..., 2), [px].
        depth: Distance along the optical axis, shape (...), [m], finite and > 0.
        lens: Pinhole parameters.

    Returns:
        Points in the camera frame, shape (..., 3), [m].

    Raises:
        ValueError: A depth is not finite and positive.

    Source: Hartley & Zisserman, *Multiple View Geometry*, 2nd ed., section 6.1.
    """
    z = np.asarray(depth, dtype=float)
    if not np.all(np.isfinite(z) & (z > 0)):
        raise ValueError("depth must be finite and positive; drop pixels without a measurement first")
    uv = np.asarray(pixel_uv, dtype=float)
    return np.stack([(uv[..., 0] - lens.cx) / lens.fx * z, (uv[..., 1] - lens.cy) / lens.fy * z, z], axis=-1)


def project(camera_points: Array, lens: Intrinsics) -> Array:
    """Return columns and rows of points in the camera frame, shape (..., 3) → (..., 2), [px].

    Raises:
        ValueError: A point is not in front of the camera.
    """
    points = np.asarray(camera_points, dtype=float)
    z = points[..., 2]
    if not np.all(z > 0):
        raise ValueError("only points in front of the camera (z > 0) have an image")
    return np.stack([lens.fx * points[..., 0] / z + lens.cx, lens.fy * points[..., 1] / z + lens.cy], axis=-1)


def world_to_pixels(frame: CameraFrame, world_points: Array) -> Array:
    """Return columns and rows of world points in a frame, shape (..., 3) → (..., 2), [px]."""
    return project(frame.world_from_camera.inverse().apply(world_points), frame.intrinsics)


def relative_box(frame: CameraFrame, mask: Mask) -> Box:
    """Return the box around a pixel mask relative to the image, each side in [0, 1].

    Raises:
        ValueError: The mask is empty.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        raise ValueError("an empty mask has no box")
    height, width = mask.shape
    return (
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )


def cloud(frame: CameraFrame) -> Array:
    """Return the world point of every pixel, shape (H, W, 3), [m]; NaN where depth is unknown or beyond 3 m.

    Raises:
        ValueError: The camera measures no depth.
    """
    if frame.depth is None:
        raise ValueError(
            f"camera {frame.camera!r} measures no depth, so its pixels have no place in the world\n"
            f"  fix:  use a camera with depth; capabilities.depth of the driver names them"
        )
    rows, columns = np.mgrid[0 : frame.depth.shape[0], 0 : frame.depth.shape[1]]
    depth = frame.depth.astype(float)
    known = np.isfinite(depth) & (depth > 0) & (depth < MAX_DEPTH)
    uv = np.stack([columns, rows], axis=-1).astype(float)
    points = frame.world_from_camera.apply(deproject(uv, np.where(known, depth, 1.0), frame.intrinsics))
    points[~known] = np.nan
    return points


def on_arm(points: Array, arm: Arm, q: Array, margin: float = 0.025) -> Mask:
    """Tell which points, shape (k, 3), lie on the arm at posture ``q``, within ``margin`` [m] of its balls."""
    centers, reach = arm.balls_at(q), arm.balls.radius + margin
    found = np.zeros(len(points), dtype=bool)
    low, high = (centers - reach[:, None]).min(axis=0), (centers + reach[:, None]).max(axis=0)
    close = np.flatnonzero(np.all((points > low) & (points < high), axis=1))
    if len(close):
        apart = points[close, None, :] - centers[None]
        found[close] = (np.einsum("kmi,kmi->km", apart, apart) < reach**2).any(axis=1)
    return found


def tints(rgb: NDArray[np.uint8]) -> Array:
    """Return what a color looks like under any light: chroma, and a little brightness, shape (H, W, 3)."""
    color = rgb.astype(float) + 2.0
    total = color.sum(axis=-1)
    return np.stack([color[..., 0] / total, color[..., 1] / total, 0.1 * np.log(total)], axis=-1)


def grown(mask: Mask, steps: int) -> Mask:
    """Return a mask, shape (H, W), grown by so many pixels to each side."""
    made = mask.copy()
    for _ in range(steps):
        wide = made.copy()
        wide[1:] |= made[:-1]
        wide[:-1] |= made[1:]
        wide[:, 1:] |= made[:, :-1]
        wide[:, :-1] |= made[:, 1:]
        made = wide
    return made


def surfaces(points: Array, mask: Mask, tint: Array | None = None, gap: float = 0.016, hue: float = 0.07) -> Labels:
    """Label connected surfaces: neighbouring pixels of ``mask`` that are near in space and, if given, alike in color.

    Args:
        points: World point of each pixel, shape (H, W, 3), [m].
        mask: Pixels to label, shape (H, W).
        tint: Color of each pixel from ``tints``, or None to join across colors.
        gap: Largest distance between neighbours, [m].
        hue: Largest difference of their tints.

    Returns:
        Label of each pixel, shape (H, W); -1 outside the mask; surfaces count from 0, larger ones first.
    """
    index = np.full(mask.shape, -1, dtype=np.int64)
    index[mask] = np.arange(int(mask.sum()))
    ones, twos = [], []
    for here, there in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        joined = mask[here] & mask[there]
        a, b = index[here][joined], index[there][joined]
        apart = points[here][joined] - points[there][joined]
        near = (apart**2).sum(axis=-1) < gap**2
        if tint is not None:
            near &= np.abs(tint[here][joined] - tint[there][joined]).max(axis=-1) < hue
        ones.append(a[near])
        twos.append(b[near])
    roots = _union(int(mask.sum()), np.concatenate(ones), np.concatenate(twos))
    labels = np.full(mask.shape, -1, dtype=np.int64)
    names, inverse, counts = np.unique(roots, return_inverse=True, return_counts=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(names))
    labels[mask] = rank[inverse]
    return labels


def surface_boxes(labels: Labels) -> tuple[Array, Labels]:
    """Return the box around each labelled surface relative to the image, shape (k, 4), and its pixel count, (k,)."""
    rows, columns = np.nonzero(labels >= 0)
    names = labels[rows, columns]
    count = int(names.max(initial=-1)) + 1
    low = np.full((count, 2), np.inf)
    high = np.full((count, 2), -np.inf)
    spots = np.stack([columns, rows], axis=1).astype(float)
    np.minimum.at(low, names, spots)
    np.maximum.at(high, names, spots + 1.0)
    shape = np.array([labels.shape[1], labels.shape[0]], dtype=float)
    return np.concatenate([low / shape, high / shape], axis=1), np.bincount(names, minlength=count)


def _union(count: int, a: Labels, b: Labels) -> Labels:
    """Return the smallest index connected to each index, by repeated hooking and pointer jumping."""
    root = np.arange(count)
    while True:
        low = np.minimum(root[a], root[b])
        before = root.copy()
        np.minimum.at(root, root[a], low)
        np.minimum.at(root, root[b], low)
        while True:
            jumped = root[root]
            if np.array_equal(jumped, root):
                break
            root = jumped
        if np.array_equal(before, root):
            return root
