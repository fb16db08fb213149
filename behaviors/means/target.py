"""How a motion leaf comes to the thing it is about: words are asked for, a grounded object is looked at again."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np

from ..._base import headline
from ...robots.pose import Pose
from ...robots.seeing import NotSeenError, Seen, View
from ...vlm.questions import Question
from .asking import ask
from .grounded import GroundedObject, lift
from .motion import Act, Await, Failed, MotionLeaf
from .surroundings import Surroundings

THING = ("object", "text")
"""Types of the entries that can name a thing: what ``ground`` found, or words."""
MOVED = 0.08
"""A grounded object that is farther than this from where it was found is taken for another thing, [m]."""
LOOKS = 2
"""How often words are asked for before a thing counts as absent."""


def find(
    leaf: MotionLeaf, target: object, camera: str, narrower: float | None = None
) -> Generator[Act, object, tuple[GroundedObject, Seen, Surroundings]]:
    """Yield the acts that find a thing in a fresh picture.

    Args:
        leaf: Who asks.
        target: Words, or an object that ``ground`` found earlier.
        camera: Camera name; empty takes the one the object was seen with, or the robot's default.
        narrower: A surface that is wider at its narrower side is taken for the thing only if no other fits, [m].

    Returns:
        The thing as it is now, its measured pixels, and the picture.

    Raises:
        Failed: It is not there.
    """
    if isinstance(target, GroundedObject):
        return _again(leaf, target, camera)
    query = str(target)
    why = ""
    for _ in range(LOOKS):
        around = leaf.look_around(camera)
        asking = ask(leaf, Question("ground", query), camera, around.view.frame)
        yield Await(asking, f"looking for {query}")
        answer = asking.answer
        assert answer is not None
        if answer.problem:
            why = f"could not look for {query!r}: {answer.problem}"
            continue
        found, dropped = lift(answer, around.view, query, narrower=narrower)
        if not found and narrower is not None:
            found, dropped = lift(answer, around.view, query)
        if found:
            thing, seen = found[0]
            return thing, seen, around
        why = f"nothing found for {query!r}" + (f": {'; '.join(dropped)}" if dropped else "")
    raise Failed(why)


def _again(leaf: MotionLeaf, thing: GroundedObject, camera: str) -> tuple[GroundedObject, Seen, Surroundings]:
    around = leaf.look_around(camera or thing.camera)
    view: View = around.view
    try:
        seen = view.find(thing.box_xyxy)
    except NotSeenError as error:
        raise Failed(f"{thing.label} is not where it was: {headline(error)}") from error
    away = float(np.hypot(seen.center[0] - thing.xyz[0], seen.center[1] - thing.xyz[1]))
    if away > MOVED:
        raise Failed(f"{thing.label} is not where it was: the nearest thing is {100 * away:.0f} cm away")
    return GroundedObject.of(thing.label, seen, view.frame, thing.confidence), seen, around


def yaw_of(world_from_tcp: Pose) -> float:
    """Return the direction of the tool's x axis about world z, [rad]."""
    x_axis = world_from_tcp.rotation[:, 0]
    return math.atan2(float(x_axis[1]), float(x_axis[0]))
