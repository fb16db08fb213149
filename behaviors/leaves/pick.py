"""The leaf that takes a thing into the hand."""

from __future__ import annotations

from collections.abc import Generator

from ..._base import headline
from ...robots.collision import HeightMap
from ...robots.errors import UnreachableError
from ...robots.grasp import Grasp, grasps
from ...robots.handling import PickPlan, hand_room, plan_pick
from ...robots.seeing import Seen
from ..means.grounded import GroundedObject
from ..means.motion import HIGH, Act, Failed, Fingers, MotionLeaf, Rest, Script
from ..means.put_down import put_back
from ..means.surroundings import Held, Surroundings
from ..means.target import THING, find, yaw_of
from ..node import behavior
from ..ports import Port

TRIES = 10
"""How many grasps are tried before a thing counts as out of reach."""


@behavior("pick")
class Pick(MotionLeaf):
    """Take a thing into the hand and carry it to the home posture, out of the camera's way.

    A fresh picture says where it is now. Grasps from above are tried in order until one has a collision-free way. The
    effect is measured: the closed fingers must press on something of about the expected width, before and after the
    lift.

    Ports:
        object (in, any, main): What to take: an object from ``ground``, or words such as ``"the red cube"``.
        force (in, number, default 40): Largest force of the fingers, [N].
        camera (in, text, default the object's or the robot's): Camera to look through; it must measure depth.

    Status:
        RUNNING: Looking, moving, grasping.
        SUCCESS: The thing is in the hand, measured by the fingers.
        FAILURE: It is not there, out of reach, or was not held; the hand is open and the arm at home again.

    Halt:
        The arm stops and holds still; the fingers stay as they are.
    """

    recovers = "anew"
    skills = frozenset({"arm", "gripper"})
    needs = ("hand_empty", "visible(object)", "clear(object)")
    effects = ("holding(object)",)
    visual = True
    ports = (
        Port("object", "any", "what to take: an object from ground, or words", main=True, takes=THING),
        Port("force", "number", "largest force of the fingers, [N]", default=40.0, minimum=1.0, maximum=140.0),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    def script(self) -> Script:
        """Look, approach, close, lift, check, carry home."""
        robot, camera = self.robot, str(self.get("camera"))
        if robot.state().holding:
            yield from put_back(self, self.look_around(camera))
        if not self.at_home:
            yield from self.go_home(self.look_around(camera))
        opening = robot.capabilities.gripper_max_width
        thing, seen, around = yield from find(self, self.get("object"), camera, opening or None)
        yield Rest(0.0, f"choosing a grasp of {thing.label}")
        chosen = yield from self._choose(thing, seen, around)
        yield Fingers(chosen.grasp.opening, "opening the hand")
        yield self.planned(around.scene(robot.arm), chosen.reach, f"reaching for {thing.label}")
        try:
            yield self.straight(chosen.descend, f"descending on {thing.label}")
            yield from self._take(thing, seen, chosen)
        except Failed as failure:
            yield from self._retreat(around)
            raise failure
        try:
            yield from self.go_home(around, f"carrying {thing.label}")
        finally:
            self._feel(thing, chosen.grasp)
        return f"holds {thing.label}, {1000 * robot.state().gripper_width:.0f} mm wide"

    def _choose(self, thing: GroundedObject, seen: Seen, around: Surroundings) -> Generator[Act, object, PickPlan]:
        """Return the motions of the best grasp that can be reached, planning one grasp a tick."""
        arm = self.robot.arm
        others = HeightMap.of(around.without(seen))
        everything = around.scene(arm).seen
        ranked = grasps(seen, others, prefer_yaw=yaw_of(arm.fk(arm.home)))
        ranked = [grasp for grasp in ranked if hand_room(arm, others, grasp.world_from_tcp) > 0.0]
        if not ranked:
            a, b = (100 * v for v in sorted(seen.size[:2]))
            raise Failed(f"no grasp of {thing.label}: it is {a:.0f} by {b:.0f} cm, or its neighbours are too close")
        why = ""
        for k, grasp in enumerate(ranked[:TRIES]):
            if k:
                yield Rest(0.0, f"trying grasp {k + 1} of {len(ranked)}")
            lift = max(0.05, HIGH - grasp.world_from_tcp.xyz[2])
            try:
                return plan_pick(arm, others, everything, self.robot.state().q, [grasp], self.context.rng, lift)
            except UnreachableError as error:
                why = why or headline(error)
        raise Failed(f"{thing.label} cannot be reached: {why}")

    def _take(self, thing: GroundedObject, seen: Seen, chosen: PickPlan) -> Script:
        """Close, check, lift, check."""
        grasp, force = chosen.grasp, float(str(self.get("force")))
        yield Fingers(0.0, f"closing on {thing.label}", force)
        self._feel(thing, grasp)
        self.keep(Held(thing.label, grasp, max(0.0, seen.top - grasp.world_from_tcp.xyz[2])))
        yield self.straight(chosen.lift, f"lifting {thing.label}")
        yield Rest(0.1, f"checking {thing.label}")
        self._feel(thing, grasp)
        return ""

    def _feel(self, thing: GroundedObject, grasp: Grasp) -> None:
        """Compare what the fingers feel with what was expected.

        Raises:
            Failed: They do not hold the thing.
        """
        state = self.robot.state()
        width = 1000 * state.gripper_width
        if not state.holding:
            self.keep(None)
            if width < 3.0:
                raise Failed(f"closed on nothing: fingers met at {width:.1f} mm")
            raise Failed(f"lost {thing.label}: the fingers feel {state.gripper_force:.1f} N at {width:.1f} mm")
        if width < 350 * grasp.width:
            self.keep(None)
            raise Failed(f"closed on {width:.1f} mm of {thing.label}, expected {1000 * grasp.width:.0f} mm")

    def _retreat(self, around: Surroundings) -> Script:
        """Open, go up, go home; failures on the way do not hide the first one."""
        self.keep(None)
        try:
            yield Fingers(self.robot.capabilities.gripper_max_width, "opening the hand")
            yield self.rise(max(0.05, self.below_high()), "retreating")
            yield from self.go_home(around)
        except Failed:
            self.robot.stop()
        return ""
