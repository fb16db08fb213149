"""Poses, paths and goals as Nav2's nodes see them, without ROS: what an entry may hold, and where the robot is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ...robots.pose import Pose
from ..blackboard import UNSET, UnsetError
from ..bt.values import named_cell
from ..context import Context

XY = tuple[float, float]

NO_ROBOT: Final = "the pose of the robot is not known, this run has no robot"


def xy_of(value: object) -> XY:
    """Return where a pose is on the ground, [m].

    Args:
        value: A pose, a point (two or three numbers), or a message as a mapping or object: ``pose`` or ``position``
            inside, or ``x`` and ``y``.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(value, Pose):
        return value.xyz[0], value.xyz[1]
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) in (2, 3):
        return float(value[0]), float(value[1])
    for name in ("pose", "position"):
        inner = _field(value, name)
        if inner is not None:
            return xy_of(inner)
    x, y = _field(value, "x"), _field(value, "y")
    if isinstance(x, int | float) and isinstance(y, int | float):
        return float(x), float(y)
    raise TypeError(f"{value!r:.80} is no pose")


def poses_of(path: object) -> list[object]:
    """Return the poses of a path: a list of them, or a message with ``poses``; none is the empty path.

    Raises:
        TypeError: It is neither.
    """
    if path is None:
        return []
    if isinstance(path, Sequence) and not isinstance(path, str):
        return list(path)
    inner = _field(path, "poses")
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return list(inner)
    raise TypeError(f"{path!r:.80} is no path")


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def distance(a: XY, b: XY) -> float:
    """Return how far two places are apart on the ground, [m]."""
    return math.hypot(a[0] - b[0], a[1] - b[1])


def length(poses: Sequence[object], first: int = 0) -> float:
    """Return the length of a path from one of its poses on, [m]."""
    places = [xy_of(pose) for pose in poses[first:]]
    return sum(distance(a, b) for a, b in itertools.pairwise(places))


def base_of(context: Context) -> XY | None:
    """Return where the robot stands in the world, [m]; None without a robot."""
    return None if context.robot is None else xy_of(context.robot.state().world_from_base)


def given(node: Any, port: str) -> object:
    """Return the value of a port, None when it is not given or its entry is not set."""
    get = node.wiring.inputs.get(port)
    if get is None:
        return None
    try:
        return get()
    except UnsetError:
        return None


def given_or_entry(node: Any, port: str) -> object:
    """Return the value of a port or, where there is none, of the entry with the port's name; None if that is unset."""
    value = given(node, port)
    return entry(node, port) if value is None else value


def entry(node: Any, name: str) -> object:
    """Return the value of an entry by its name, as seen from a node; slashes at its beginning do not count."""
    value = named_cell(node.wiring, name.lstrip("/")).value
    return None if value is UNSET else value


def same(a: object, b: object) -> bool:
    """Tell whether two values are equal, whatever they are; arrays are compared as a whole."""
    equal = a == b
    return bool(equal.all()) if hasattr(equal, "all") else bool(equal)
