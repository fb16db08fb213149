"""The leaf that moves the hand somewhere."""

from __future__ import annotations

from ...robots.pose import Pose
from ..means.grounded import GroundedObject
from ..means.motion import Failed, MotionLeaf, Script
from ..means.target import THING, find, yaw_of
from ..node import NodeFault, behavior
from ..ports import Port

ARRIVED = 0.01
"""How far the measured hand may be from where it was sent, [m]."""


@behavior("move_to")
class MoveTo(MotionLeaf):
    """Move the tool to a pose, to a point, or above a thing, around what stands in the way.

    Give exactly one of ``pose``, ``point`` and ``above``. At a point and above a thing the hand faces down.

    Ports:
        above (in, any, main): Thing to move above: an object from ``ground``, or words.
        height (in, length, default 15cm): How far above its top, [m].
        pose (in, pose): Pose of the tool in the world.
        point (in, point): World x, y and z of the tool, [m].
        speed (in, number, default 0.5): Share of the arm's speed limits.
        camera (in, text, default the robot's): Camera that sees the thing and what stands in the way.

    Status:
        RUNNING: Looking, moving.
        SUCCESS: The tool is there, measured to 1 cm.
        FAILURE: The thing is not there, the place cannot be reached, or the motion failed.

    Halt:
        The arm stops and holds still.
    """

    recovers = "anew"
    visual = True
    one_of = (("above", "pose", "point"),)
    needs = ("visible(above)",)
    ports = (
        Port(
            "above", "any", "thing to move above: an object from ground, or words", default=None, main=True, takes=THING
        ),
        Port("height", "length", "how far above its top", default=0.15, minimum=0.0),
        Port("pose", "pose", "pose of the tool in the world", default=None),
        Port("point", "point", "world x, y, z of the tool, [m]", default=None),
        Port("speed", "number", "share of the arm's speed limits", default=0.5, minimum=0.01, maximum=1.0),
        Port("camera", "text", "camera that sees what stands in the way", default=""),
    )

    def script(self) -> Script:
        """Find the place, go there, measure."""
        arm, camera = self.robot.arm, str(self.get("camera"))
        given = [port for port in ("above", "pose", "point") if self.get(port) is not None]
        if len(given) != 1:
            raise NodeFault(f"{self.path}: give exactly one of above, pose and point, not {', '.join(given) or 'none'}")
        yaw = yaw_of(arm.fk(arm.home))
        if given == ["above"]:
            thing, _, around = yield from find(self, self.get("above"), camera)
            x, y, _ = thing.xyz
            pose, what = Pose.facing_down((x, y, thing.top_z + float(str(self.get("height")))), yaw), thing.label
        else:
            around = self.look_around(camera)
            pose, what = self._pose(yaw)
        q = arm.ik(pose, self.robot.state().q, self.context.rng)
        scene = around.scene(arm, self.held)
        yield self.travel(scene, q, f"moving to {what}", float(str(self.get("speed"))))
        away, _ = self.robot.state().world_from_tcp.distance(pose)
        if away > ARRIVED:
            raise Failed(f"the hand stopped {100 * away:.1f} cm away from {what}")
        return ""

    def _pose(self, yaw: float) -> tuple[Pose, str]:
        pose, point = self.get("pose"), self.get("point")
        if isinstance(pose, Pose):
            return pose, "the pose"
        value = pose if point is None else point
        if isinstance(value, GroundedObject):
            value = value.xyz
        numbers = [float(v) for v in value] if isinstance(value, list | tuple) else []
        if len(numbers) not in (3, 7):
            raise NodeFault(
                f"{self.path}: a place is x, y, z [m], with a quaternion x, y, z, w after it for a pose, not {value!r}"
            )
        x, y, z = numbers[:3]
        what = f"({x:.2f}, {y:.2f}, {z:.2f})"
        if len(numbers) == 3:
            return Pose.facing_down((x, y, z), yaw), what
        a, b, c, d = numbers[3:]
        return Pose((x, y, z), (a, b, c, d)), what
