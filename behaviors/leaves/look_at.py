"""The leaf that points the hand, and the camera on it, at something."""

from __future__ import annotations

import numpy as np

from ..._base import headline
from ...robots.errors import UnreachableError
from ...robots.pose import Array, Pose
from ..means.motion import Failed, MotionLeaf, Script
from ..means.target import THING, find
from ..node import behavior
from ..ports import Port

SIDES = (0.0, 0.35, -0.35, 0.7, -0.7)
"""Turns about the vertical from which a thing may be looked at, tried in this order, [rad]."""


@behavior("look_at")
class LookAt(MotionLeaf):
    """Point the hand at a thing from above and from the robot's side, so that a camera on the hand sees it.

    Ports:
        object (in, any, main): What to look at: an object from ``ground``, or words.
        distance (in, length, default 30cm): From the tool to the thing, [m].
        camera (in, text, default the robot's): Camera that finds the thing and what stands in the way.

    Status:
        RUNNING: Looking for it, moving.
        SUCCESS: The tool points at it, measured to 5 degrees.
        FAILURE: It is not there, or no such posture can be reached.

    Halt:
        The arm stops and holds still.
    """

    recovers = "anew"
    visual = True
    needs = ("visible(object)",)
    ports = (
        Port("object", "any", "what to look at: an object from ground, or words", main=True, takes=THING),
        Port("distance", "length", "from the tool to the thing", default=0.3, minimum=0.05),
        Port("camera", "text", "camera that finds the thing", default=""),
    )

    def script(self) -> Script:
        """Find the thing, choose a posture, go there, measure."""
        arm, camera = self.robot.arm, str(self.get("camera"))
        thing, _, around = yield from find(self, self.get("object"), camera)
        target = np.array(thing.xyz)
        scene, q, why = around.scene(arm, self.held), None, ""
        for side in SIDES:
            try:
                aim = aimed(target, arm.world_from_base.position, float(str(self.get("distance"))), side)
                candidate = arm.ik(aim, arm.home, self.context.rng)
            except UnreachableError as error:
                why = why or headline(error)
                continue
            if scene.free(candidate):
                q = candidate
                break
            why = why or scene.blocker(candidate)
        if q is None:
            raise Failed(f"cannot look at {thing.label}: {why}")
        yield self.travel(scene, q, f"turning to {thing.label}")
        tcp = self.robot.state().world_from_tcp
        ray = target - tcp.position
        off = np.degrees(np.arccos(np.clip(tcp.rotation[:, 2] @ ray / np.linalg.norm(ray), -1.0, 1.0)))
        if off > 5.0:
            raise Failed(f"the hand points {off:.0f} degrees past {thing.label}")
        return ""


def aimed(target: Array, base: Array, distance: float, side: float = 0.0) -> Pose:
    """Return the tool pose that looks at ``target`` from ``distance`` [m], 25 degrees off the vertical.

    Args:
        target: World point, shape (3,), [m].
        base: Where the robot stands, shape (3,), [m].
        distance: From the tool to the target, [m].
        side: Turn about the vertical away from the robot's own side, [rad].
    """
    back = (base - target)[:2]
    angle = float(np.arctan2(back[1], back[0])) + side
    lean = np.radians(25.0)
    away = np.array([np.sin(lean) * np.cos(angle), np.sin(lean) * np.sin(angle), np.cos(lean)])
    z = -away
    x = np.array([-np.cos(angle), -np.sin(angle), 0.0])
    x = x - z * (x @ z)
    x /= np.linalg.norm(x)
    return Pose.of(target + distance * away, np.column_stack([x, np.cross(z, x), z]))
