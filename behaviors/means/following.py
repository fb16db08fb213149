"""Find a thing again in the next picture without asking a model: by where it was and what color it has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...robots.pixels import Labels, tints
from ...robots.pose import Array
from ...robots.seeing import Seen, View
from .grounded import FEW, GroundedObject, tint_of
from .known import HUE

SPEED = 1.0
"""Things are not expected to move faster, [m/s]."""
SLACK = 0.05
"""How far the middle of a thing may seem to move by itself, as when it is half hidden, [m]."""


def follow(view: View, thing: GroundedObject) -> GroundedObject | None:
    """Return a thing as it is in a newer picture; None when nothing of its color is near where it was.

    Args:
        view: The picture with depth.
        thing: The thing, as it was seen last.
    """
    labels, _ = view.layers[0]
    count = int(labels.max(initial=-1)) + 1
    if not count:
        return None
    middles, hues, sizes = _surfaces(view, labels, count)
    reach = SLACK + SPEED * max(0.0, view.frame.stamp - thing.stamp)
    away = np.linalg.norm(middles - np.array(_surface_of(thing)), axis=1)
    hue = np.linalg.norm(hues - np.array(thing.tint), axis=1)
    fits = (sizes >= FEW) & (away <= reach) & (hue <= HUE)
    if not fits.any():
        return None
    best = int(np.argmin(np.where(fits, away / reach + hue / HUE, np.inf)))
    return seen_as(view, view.measure(labels == best), thing)


def seen_as(view: View, seen: Seen, thing: GroundedObject) -> GroundedObject:
    """Return what was measured under the name and the id of a thing."""
    now = GroundedObject.of(thing.label, seen, view.frame, thing.confidence)
    return replace(now, id=thing.id, tint=tint_of(view.frame.rgb, seen.mask))


def _surface_of(thing: GroundedObject) -> tuple[float, float, float]:
    """Return the middle of the part of a thing that was seen; its own middle where no points are kept."""
    if not len(thing.points):
        return thing.xyz
    x, y, z = (float(v) for v in thing.points.mean(axis=0))
    return x, y, z


def _surfaces(view: View, labels: Labels, count: int) -> tuple[Array, Array, Labels]:
    """Return middle [m], tint and number of pixels of each labelled surface."""
    inside = labels >= 0
    names = labels[inside]
    sizes = np.bincount(names, minlength=count)
    part = np.maximum(sizes, 1)[:, None]
    points, hues = view.points[inside], tints(view.frame.rgb)[inside]
    middles = np.stack([np.bincount(names, points[:, axis], count) for axis in range(3)], axis=1) / part
    colors = np.stack([np.bincount(names, hues[:, axis], count) for axis in range(3)], axis=1) / part
    return middles - np.array([0.0, 0.0, view.plane]), colors, sizes
