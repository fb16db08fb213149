"""Timing of paths: velocity and acceleration limits, smooth starts, corners and stops."""

from __future__ import annotations

import numpy as np

from .collision import densify
from .contract import Trajectory
from .kinematics import Arm
from .pose import Array

TICK = 0.01


def timed(arm: Arm, path: Array, speed: float = 0.5, acceleration: float = 0.4, smooth: float = 0.08) -> Trajectory:
    """Give a joint path its times, from rest to rest.

    Corners are rounded by at most about 0.05 rad and passed without a stop where the limits allow it.

    Args:
        arm: Limits of speed and acceleration.
        path: Waypoints, shape (k, n), [rad].
        speed: Share of the arm's speed limits to use, in (0, 1].
        acceleration: Share of the arm's acceleration limits to use, in (0, 1].
        smooth: Window over which acceleration is blended, [s].

    Returns:
        Trajectory with a point every 10 ms.

    Source: forward and backward pass over the squared path speed, Pham & Pham, *TOPP-RA* (2018), on a fine grid with
    the curvature bound taken as constant between grid points.
    """
    if not 0 < speed <= 1 or not 0 < acceleration <= 1:
        raise ValueError(f"speed and acceleration are shares in (0, 1], not {speed} and {acceleration}")
    path = _apart(np.atleast_2d(np.asarray(path, dtype=float)))
    length = float(np.abs(np.diff(path, axis=0)).max(axis=1).sum())
    if length < 1e-3:  # less than any joint sensor tells: straight there
        return Trajectory(np.array([0.0, 5 * TICK]), np.stack([path[0], path[-1]]))
    grid = _rounded(path, min(0.01, length / 10))
    s, pace = _pace(grid, arm.velocity * speed, arm.acceleration * acceleration)
    steps = 2.0 * np.diff(s) / np.maximum(1e-9, pace[1:] + pace[:-1])
    clock = np.concatenate([[0.0], np.cumsum(steps)])
    ticks = np.arange(0.0, clock[-1] + TICK, TICK)
    at = np.interp(ticks, clock, s)
    q = np.stack([np.interp(at, s, grid[:, k]) for k in range(grid.shape[1])], axis=1)
    return _blended(q, grid[-1], max(1, round(smooth / TICK)))


def _apart(path: Array, least: float = 1e-4) -> Array:
    """Drop waypoints that repeat the one before; the ends stay."""
    keep = [0]
    for k in range(1, len(path) - 1):
        if np.abs(path[k] - path[keep[-1]]).max() > least and np.abs(path[k] - path[-1]).max() > least:
            keep.append(k)
    return path[[*keep, len(path) - 1]]


def _rounded(path: Array, step: float = 0.01, window: int = 9) -> Array:
    """Return the path on a fine grid with corners averaged over a few points; the ends stay."""
    grid = densify(path, step)
    if len(path) == 2:
        return grid
    half = window // 2
    padded = np.concatenate([2 * grid[0] - grid[1 : half + 1][::-1], grid, 2 * grid[-1] - grid[-half - 1 : -1][::-1]])
    if len(padded) != len(grid) + 2 * half:
        return grid
    for _ in range(2):
        kernel = np.ones(window) / window
        grid = np.stack([np.convolve(column, kernel, "valid") for column in padded.T], axis=1)
        grid[0], grid[-1] = path[0], path[-1]
        padded = np.concatenate(
            [2 * grid[0] - grid[1 : half + 1][::-1], grid, 2 * grid[-1] - grid[-half - 1 : -1][::-1]]
        )
    return grid


def _pace(grid: Array, velocity: Array, acceleration: Array) -> tuple[Array, Array]:
    """Return arc length and the fastest path speed at each grid point, both shape (k,)."""
    lengths = np.linalg.norm(np.diff(grid, axis=0), axis=1)
    grid_ok = np.concatenate([[True], lengths > 1e-12])
    s = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 1e-12))])
    slope = np.gradient(grid, s, axis=0)
    bend = np.gradient(slope, s, axis=0)
    with np.errstate(divide="ignore"):
        top = np.min(velocity / np.maximum(np.abs(slope), 1e-9), axis=1)
        # half of the acceleration is kept for bends, the other half for speeding up and down
        turn = np.sqrt(np.min(0.5 * acceleration / np.maximum(np.abs(bend), 1e-9), axis=1))
    room = np.min(
        np.where(np.abs(bend).max(axis=1)[:, None] > 1e-3, 0.5, 1.0) * acceleration / np.maximum(np.abs(slope), 1e-9),
        axis=1,
    )
    square = np.minimum(top, turn) ** 2
    square[0] = square[-1] = 0.0
    square[~grid_ok] = np.minimum(square[~grid_ok], 1e9)
    step = np.diff(s)
    for k in range(len(step)):
        square[k + 1] = min(square[k + 1], square[k] + 2 * room[k] * step[k])
    for k in range(len(step) - 1, -1, -1):
        square[k] = min(square[k], square[k + 1] + 2 * room[k + 1] * step[k])
    return s, np.sqrt(square)


def _blended(q: Array, last: Array, window: int) -> Trajectory:
    """Average positions over time, which limits jerk and keeps speed and acceleration bounds."""
    padded = np.concatenate([np.repeat(q[:1], window, axis=0), q, np.repeat(last[None], window, axis=0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, q.shape[1])), padded]), axis=0)
    mean: Array = (sums[window:] - sums[:-window]) / window
    mean[0], mean[-1] = q[0], last
    return Trajectory(TICK * np.arange(len(mean), dtype=np.float64), mean)
