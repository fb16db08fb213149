"""The leaf that puts what the hand holds back where it was taken."""

from __future__ import annotations

from ..means.motion import MotionLeaf, Script
from ..means.put_down import put_back
from ..node import behavior
from ..ports import Port


@behavior("put_back")
class PutBack(MotionLeaf):
    """Put what the hand holds back where it was taken, or down right here when nobody knows where that was.

    Ports:
        camera (in, text, default the robot's): Camera to look through; it must measure depth.

    Status:
        RUNNING: Looking, moving, letting go.
        SUCCESS: The hand is empty, and the arm is at home. Also when it held nothing.
        FAILURE: It could not be put down; the hand still holds it.

    Halt:
        The arm stops and holds still; the fingers stay as they are.
    """

    recovers = "anew"
    skills = frozenset({"arm", "gripper"})
    needs = ("not hand_empty",)
    effects = ("hand_empty",)
    ports = (Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),)

    def script(self) -> Script:
        """Look, put down, go home."""
        camera = str(self.get("camera"))
        if not self.robot.state().holding:
            self.keep(None)
            yield from self.go_home(self.look_around(camera))
            return "the hand holds nothing"
        held = self.held
        yield from put_back(self, self.look_around(camera))
        return f"{held.label if held is not None else 'what the hand held'} is back"
