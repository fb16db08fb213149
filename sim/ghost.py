"""A Panda that goes where it is told without forces or time to speak of: to see what can be reached, not what holds.

Things stay where they are, but for the one between closing fingers, which goes with the hand, and sinks straight down
when they open.
"""

from __future__ import annotations

import numpy as np
import pybullet as p

from ..robots.contract import DriverOptions, RobotError, driver
from ..robots.panda import HAND_MAX_WIDTH
from ..robots.pose import Array, Pose
from .panda import PandaSim
from .truth import world_truth
from .world import FINGER_JOINTS, HZ, World

_FINGER_SPEED = 0.1
"""Of the opening, [m/s]."""
_DEPTHS = (0.0, 0.006, -0.006)
"""Where fingers are taken to touch, along the tool's z axis, [m]."""
_SLACK = 0.001
_TOUCH = 0.0005
_FAR = 1.0
_SINKS = 60


class GhostPanda(PandaSim):
    """Drive the Panda of a world whose physics stands still.

    Args:
        world: A world of its own, such as a clone.
    """

    _held: tuple[int, Pose] | None = None

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.name = "ghost"
        truth = world_truth(world)
        for index, thing in enumerate(truth.objects):
            if thing.relation == "held":
                self._take(index)

    def advance(self, until: float) -> None:
        """Let time pass up to ``until`` [s]: the arm is where its trajectory wants it."""
        self._alive()
        steps = round(until * HZ) - self._world.steps
        if steps <= 0:
            return
        self._world.steps += steps
        self._move_arm(steps / HZ)
        self._move_fingers(steps / HZ)

    def stop(self) -> None:
        """Halt at once; what is held stays held."""
        if self._world.client >= 0:
            super().stop()

    def _move_arm(self, seconds: float) -> None:
        path, target = self._trajectory, self._target
        if path is not None:
            spent = self.now() - self._started
            self._pose(path.at(spent))
            if spent >= path.duration:
                self._end_motion("done")
        elif target is not None:
            reach = self.arm.velocity * seconds
            self._pose(self._setpoint + np.clip(target - self._setpoint, -reach, reach))

    def _pose(self, q: Array) -> None:
        self._setpoint = q
        self._world.pose_robot(q.tolist(), self._fingers()[0])
        if self._held is not None:
            index, tcp_from_object = self._held
            pose = self.arm.fk(q) @ tcp_from_object
            self._world.put(index, pose.xyz, pose.quat_xyzw)

    def _move_fingers(self, seconds: float) -> None:
        grip = self._grip
        if grip is None or grip.status != "running":
            return
        width, change = self._fingers()[0], _FINGER_SPEED * seconds
        if self._held is not None and self._width <= width:
            grip.end("done")
            return
        if self._width > width:
            self._let_go()
            width = min(self._width, width + change)
        else:
            between = self._between(width)
            if between is not None and width - change <= between[1]:
                self._open(between[1])
                self._take(between[0])
                grip.end("done")
                return
            width = max(self._width, width - change)
        self._open(width)
        if width == self._width:
            grip.end("done")

    def _open(self, width: float) -> None:
        for joint in FINGER_JOINTS:
            p.resetJointState(self._robot, joint, width / 2, physicsClientId=self._world.client)

    def _between(self, opening: float) -> tuple[int, float] | None:
        """Return the object between the fingers and how wide it is there, [m]."""
        client = self._world.client
        tcp = self.arm.fk(self._joints()[0])
        reach = max(0.0, opening / 2 - _SLACK)
        along, down = tcp.rotation[:, 1], tcp.rotation[:, 2]
        middles = [tcp.position + depth * down for depth in _DEPTHS]
        left, right = [m + reach * along for m in middles], [m - reach * along for m in middles]
        p.performCollisionDetection(physicsClientId=client)
        starts, ends = [*left, *right], [*right, *left]
        hits = p.rayTestBatch([s.tolist() for s in starts], [e.tolist() for e in ends], physicsClientId=client)
        index = {body.id: k for k, body in enumerate(self._world.objects)}
        widest: tuple[int, float] | None = None
        for one, other in zip(hits[: len(middles)], hits[len(middles) :], strict=True):
            if one[0] != other[0] or one[0] not in index:
                continue
            width = 2 * reach * (1.0 - one[2] - other[2])
            if width > 0 and (widest is None or width > widest[1]):
                widest = (index[one[0]], width)
        return widest

    def _take(self, index: int) -> None:
        xyz, quat = self._world.pose(index)
        self._held = (index, self.arm.fk(self._joints()[0]).inverse() @ Pose(xyz, quat))

    def _let_go(self) -> None:
        """Let the held object sink until it touches something."""
        if self._held is None:
            return
        (index, _), self._held = self._held, None
        world, client = self._world, self._world.client
        body = world.objects[index].id
        self._open(HAND_MAX_WIDTH)
        (x, y, z), quat = world.pose(index)
        every = (p.getBodyUniqueId(k, physicsClientId=client) for k in range(p.getNumBodies(physicsClientId=client)))
        others = [other for other in every if other not in (body, self._robot)]
        for _ in range(_SINKS):
            near = [q[8] for o in others for q in p.getClosestPoints(body, o, _FAR, physicsClientId=client)]
            if min(near, default=0.0) <= _TOUCH:
                break
            z -= min(near)
            world.put(index, (x, y, z), quat)

    def _fingers(self) -> tuple[float, float, float]:
        """Return opening [m], opening speed [m/s] and closing force [N]: what is held is felt."""
        states = p.getJointStates(self._robot, FINGER_JOINTS, physicsClientId=self._world.client)
        return float(sum(s[0] for s in states)), 0.0, self._force if self._held is not None else 0.0


@driver("ghost")
def ghost_driver(options: DriverOptions) -> GhostPanda:
    """Drive the Panda of the simulated world in ``options.world`` without forces."""
    if not isinstance(options.world, World):
        raise RobotError("the driver 'ghost' lives in a simulated world\n  fix:  give a scene with --scene")
    return GhostPanda(options.world)
