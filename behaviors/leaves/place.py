"""The leaf that puts down what the hand holds."""

from __future__ import annotations

from collections.abc import Generator

from ..._base import headline
from ...robots.errors import UnreachableError
from ...robots.handling import PlacePlan, hand_room, plan_place
from ...robots.placing import NoRoomError, Spot, container_of, free_spots, on_top
from ...robots.pose import Pose
from ...robots.seeing import NotSeenError, Seen
from ..means.grounded import GroundedObject
from ..means.motion import Act, Failed, MotionLeaf, Rest, Script
from ..means.put_down import check_held, put_back, put_down
from ..means.surroundings import Held, Surroundings
from ..means.target import THING, find, yaw_of
from ..node import NodeFault, behavior
from ..ports import Port

SPOTS, TRIES = 80, 10
"""How many spots of a container are compared, and how many ways to them are planned."""


@behavior("place")
class Place(MotionLeaf):
    """Put down what the hand holds: into a container, onto another thing, or at a point.

    The arm holds the thing in its home posture while a fresh picture is taken. In a container the emptiest spot that
    can be reached is used. A container that the model does not find now is taken to be where it was last seen. What
    cannot be placed goes back to where it was taken. Give exactly one of ``into``, ``onto`` and ``at``.

    Ports:
        object (in, any, main, default what is held): What the hand holds, for messages: an object or words.
        into (in, any): Container: an object from ``ground``, or words such as ``"the blue tray"``.
        onto (in, any): Thing to put it on top of.
        at (in, point): World x, y and z of the surface to put it on, [m].
        camera (in, text, default the robot's): Camera to look through; it must measure depth.

    Status:
        RUNNING: Looking, moving, letting go.
        SUCCESS: The thing was let go at its place, the hand is empty, and the arm is at home.
        FAILURE: Nothing is held, or no place can be found or reached; the thing lies where it was taken.

    Halt:
        The arm stops and holds still; the fingers stay as they are.
    """

    recovers = "anew"
    skills = frozenset({"arm", "gripper"})
    needs = ("not hand_empty", "holding(object)", "clear(onto)")
    one_of = (("into", "onto", "at"),)
    effects = ("hand_empty", "inside(object, into)", "on(object, onto)")
    visual = True
    ports = (
        Port(
            "object",
            "any",
            "what the hand holds: an object from ground, or words",
            main=True,
            default=None,
            takes=THING,
        ),
        Port("into", "any", "container to put it into: an object from ground, or words", default=None, takes=THING),
        Port("onto", "any", "thing to put it on: an object from ground, or words", default=None, takes=THING),
        Port("at", "point", "world x, y, z of the surface to put it on, [m]", default=None),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    def script(self) -> Script:
        """Check the hand, look, choose a spot, carry, lower, let go, go home."""
        robot, camera = self.robot, str(self.get("camera"))
        held = self._in_hand()
        if not self.at_home:
            yield from self.go_home(self.look_around(camera), f"carrying {held.label}")
            check_held(self, held)
        try:
            spots, where, around = yield from self._spots(held, camera)
            yield Rest(0.0, f"planning the way to {where}")
            chosen = yield from self._choose(spots, where, held, around)
        except Failed as failure:
            around = self.look_around(camera)
            yield from put_back(self, around)
            raise failure
        scene = around.scene(robot.arm, held)
        yield from put_down(self, scene, chosen, held, where)
        yield from self.go_home(around)
        return f"{held.label} is in {where}" if self.get("into") is not None else f"{held.label} is on {where}"

    def _in_hand(self) -> Held:
        given = [port for port in ("into", "onto", "at") if self.get(port) is not None]
        if len(given) != 1:
            raise NodeFault(f"{self.path}: give exactly one of into, onto and at, not {', '.join(given) or 'none'}")
        state = self.robot.state()
        if not state.holding:
            self.keep(None)
            raise Failed(f"the hand holds nothing: fingers at {1000 * state.gripper_width:.1f} mm feel nothing")
        return self.held or Held.unknown(state.gripper_width, state.world_from_tcp)

    def _spots(self, held: Held, camera: str) -> Generator[Act, object, tuple[list[Spot], str, Surroundings]]:
        """Return places to put the thing, best first, where that is in words, and the picture."""
        yaw = yaw_of(self.robot.arm.fk(self.robot.arm.home))
        point = self.get("at")
        if point is not None:
            x, y, z = _numbers(point)
            spot = Spot(Pose.facing_down((x, y, z + held.grasp.below), yaw), 0.0, z)
            return [spot], f"({x:.2f}, {y:.2f}, {z:.2f})", self.look_around(camera)
        onto = self.get("onto")
        target = self.get("into") if onto is None else onto
        where, seen, around = yield from self._target(target, camera)
        if onto is not None:
            return [on_top(seen, held.grasp, yaw)], where, around
        yield Rest(0.0, f"choosing a spot in {where}")
        eye = around.view.frame.world_from_camera.xyz
        try:
            home = container_of(seen, around.view)
            spots = free_spots(home, around.points, held.grasp, eye[:2], yaw, limit=SPOTS)
            return spots, where, around
        except (NoRoomError, NotSeenError) as error:
            raise Failed(f"no place in {where}: {headline(error)}") from error

    def _target(self, target: object, camera: str) -> Generator[Act, object, tuple[str, Seen, Surroundings]]:
        """Find the container or thing; where the model does not see it, remember it."""
        known = self.context.notes.setdefault("places", {})
        assert isinstance(known, dict)
        key = target.label if isinstance(target, GroundedObject) else str(target)
        try:
            thing, seen, around = yield from find(self, target, camera)
        except Failed:
            if key not in known:
                raise
            thing, seen, around = yield from find(self, known[key], camera)
        known[key] = thing
        return thing.label, seen, around

    def _choose(
        self, spots: list[Spot], where: str, held: Held, around: Surroundings
    ) -> Generator[Act, object, PlacePlan]:
        """Return the motions to the best spot that can be reached, planning one spot a tick."""
        arm, seen = self.robot.arm, around.scene(self.robot.arm).seen
        roomy = [spot for spot in spots if hand_room(arm, seen, spot.world_from_tcp) > 0.0]
        why = f"the hand would touch a neighbour at each of {len(spots)} spots"
        for k, spot in enumerate(roomy[:TRIES]):
            if k:
                yield Rest(0.0, f"trying spot {k + 1} of {len(roomy)}")
            try:
                return plan_place(arm, seen, self.robot.state().q, held.grasp, [spot], self.context.rng)
            except UnreachableError as error:
                why = headline(error)
        raise Failed(f"no place in {where} can be reached: {why}")


def _numbers(point: object) -> tuple[float, float, float]:
    assert isinstance(point, list | tuple), point
    x, y, z = (float(v) for v in point)
    return x, y, z
