"""What the arm can never reach, seen from the poses of things alone, in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...behaviors.means.skills import Skill, Step
from ...robots.contract import UnreachableError
from ...robots.kinematics import Arm
from ...robots.pose import Pose
from ...sim.truth import ObjectTruth, WorldTruth
from ...vlm.facts import FrameFacts
from .judging import meant, words_of

YAWS = tuple(math.pi * k / 4 for k in range(4))
"""Directions of the hand that are tried, [rad]; half a turn more is the same for two fingers."""
ABOVE = 0.10
"""Height over a thing from which the hand comes down, [m]."""
MOVES = ("pick", "place")
"""Skills whose hand comes down upon a thing."""


def out_of_reach(
    steps: Sequence[Step], skills: Mapping[str, Skill], facts: FrameFacts, truth: WorldTruth, arm: Arm
) -> tuple[int, str]:
    """Return the first step whose thing the hand cannot be above, from 1, and why; 0 when there is none.

    Only things that no earlier step has taken elsewhere are looked at.
    """
    moved: set[int] = set()
    for number, step in enumerate(steps, 1):
        words = words_of(step, skills[step["skill"]])
        things = {port: index for port, text in words.items() if (index := meant(text, facts)) is not None}
        if step["skill"] in MOVES:
            for index in (k for port, k in things.items() if not (step["skill"] == "place" and port == "object")):
                if index not in moved and not _is_near(truth.objects[index], arm):
                    x, y, _ = truth.objects[index].xyz
                    name, away = truth.objects[index].spec.name, 100 * math.hypot(x, y)
                    return number, f"the hand cannot come down on the {name}, {away:.0f} cm from the arm's base"
        if step["skill"] == "pick":
            moved |= set(things.values())
    return 0, ""


def _is_near(thing: ObjectTruth, arm: Arm) -> bool:
    """Tell whether the hand, facing down, can be above a thing, or above part of a container."""
    x, y, z = thing.xyz
    a, b = (0.0, 0.0) if thing.spec.loose else (0.35 * thing.size[0], 0.35 * thing.size[1])
    places = [(x, y), (x - a, y), (x, y - b), (x, y + b), (x + a, y)] if a else [(x, y)]
    top = z + thing.size[2] / 2
    rng = np.random.default_rng(0)
    for u, v in places:
        for yaw in YAWS:
            try:
                arm.ik(Pose.facing_down((u, v, top + ABOVE), yaw), arm.home, rng)
            except UnreachableError:
                continue
            return True
    return False
