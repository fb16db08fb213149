"""The leaf that brings the arm out of the camera's way."""

from __future__ import annotations

from ..means.motion import MotionLeaf, Script
from ..node import behavior
from ..ports import Port


@behavior("home")
class Home(MotionLeaf):
    """Bring the arm to its home posture, from which the table can be seen; what is held stays in the hand.

    Ports:
        camera (in, text, default the robot's): Camera that sees what stands in the way; it must measure depth.

    Status:
        RUNNING: Moving.
        SUCCESS: The arm is at home, by its joint sensors.
        FAILURE: No collision-free path leads there, or the motion failed.

    Halt:
        The arm stops and holds still.
    """

    recovers = "anew"
    ports = (Port("camera", "text", "camera that sees what stands in the way", default=""),)

    def script(self) -> Script:
        """Go up, then home."""
        if self.at_home:
            return "already there"
        yield from self.go_home(self.look_around(str(self.get("camera"))))
        if not self.at_home:
            yield from self.go_home(self.look_around(str(self.get("camera"))))
        return ""
