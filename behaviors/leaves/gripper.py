"""The leaves that open and close the hand."""

from __future__ import annotations

from ..means.motion import Failed, Fingers, MotionLeaf, Script
from ..node import behavior
from ..ports import Port


@behavior("open_gripper")
class OpenGripper(MotionLeaf):
    """Open the hand.

    Ports:
        width (in, length, main, default as wide as it goes): Distance between the fingers, [m].

    Status:
        RUNNING: The fingers move.
        SUCCESS: They are as far apart as asked, measured to 5 mm, and hold nothing.
        FAILURE: They are not, or something is still between them.

    Halt:
        The fingers stop.
    """

    recovers = "anew"
    skills = frozenset({"gripper"})
    effects = ("hand_empty",)
    ports = (Port("width", "length", "distance between the fingers", default=None, main=True, minimum=0.0),)

    def script(self) -> Script:
        """Open, measure."""
        width, most = self.get("width"), self.robot.capabilities.gripper_max_width
        wanted = most if width is None else min(most, float(str(width)))
        yield Fingers(wanted, "opening the hand")
        measured = self.robot.state().gripper_width
        if measured < wanted - 0.005:
            raise Failed(f"the hand opened to {1000 * measured:.0f} mm, wanted {1000 * wanted:.0f} mm")
        if self.robot.state().holding:
            raise Failed(f"the hand still holds something at {1000 * measured:.0f} mm")
        self.keep(None)
        return f"{1000 * measured:.0f} mm"


@behavior("close_gripper")
class CloseGripper(MotionLeaf):
    """Close the hand.

    Ports:
        force (in, number, default 40): Largest force of the fingers, [N].
        must_hold (in, bool, default false): Whether closing on nothing is a FAILURE.

    Status:
        RUNNING: The fingers move.
        SUCCESS: They are at rest; with ``must_hold`` they press on something.
        FAILURE: With ``must_hold``: they closed on nothing.

    Halt:
        The fingers stop.
    """

    recovers = "anew"
    skills = frozenset({"gripper"})
    ports = (
        Port("force", "number", "largest force of the fingers, [N]", default=40.0, minimum=1.0, maximum=140.0),
        Port("must_hold", "bool", "whether closing on nothing is a FAILURE", default=False),
    )

    def script(self) -> Script:
        """Close, feel."""
        yield Fingers(0.0, "closing the hand", float(str(self.get("force"))))
        state = self.robot.state()
        if self.get("must_hold") and not state.holding:
            raise Failed(f"closed on nothing: fingers met at {1000 * state.gripper_width:.1f} mm")
        return f"{1000 * state.gripper_width:.0f} mm, {state.gripper_force:.0f} N"
