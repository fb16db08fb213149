"""The Panda in PyBullet behind the Robot contract: motors and friction, nothing else.

A grasp is two fingers pressing with at most 40 N; no constraint ties an object to the hand, nothing is teleported.
"""

from __future__ import annotations

import numpy as np
import pybullet as p

from ..robots.contract import (
    CameraFrame,
    Capabilities,
    DriverOptions,
    Intrinsics,
    RobotError,
    RobotState,
    Trajectory,
    driver,
)
from ..robots.panda import HAND_MAX_WIDTH
from ..robots.pose import Array, Pose
from ..robots.started import MotionStatus, StartedMotion
from .camera import FAR, Picture, look_at, pinhole
from .world import ARM, FINGER_JOINTS, HZ, World

WRIST_FOV = 70.0
GRIPPER_SPEED = 0.05
"""Speed of each finger, [m/s]."""

BRAKING_TIME = 0.25
"""Longest time the motors take to bring the arm to rest, [s]; benchmarks/hand_enters.py measures it."""

_TCP_FROM_WRIST = look_at((0.075, 0.0, -0.11), (0.030, 0.0, 0.2))
_JOINTS = tuple(range(7))
_ARRIVED, _AT_REST, _PATIENCE = 0.01, 0.03, 1.5
_BLOCKED, _BLOCKED_FOR = 0.35, 0.5
_STILL_FOR = 0.10
_SAME_WITHIN, _SAME_FOR = 0.0005, 0.3


class PandaSim:
    """Drive the Panda of a physical world.

    Args:
        world: A world whose scene has the robot.

    Raises:
        RobotError: The world has no robot or no physics.
    """

    def __init__(self, world: World) -> None:
        if world.robot is None or not world.physics:
            raise RobotError(
                "the driver 'panda' needs a simulated world with physics and a Panda in it\n"
                "  fix:  use a scene with `robot: true`"
            )
        self.name = "panda"
        self.stepped = True
        self.arm = ARM
        self.capabilities = Capabilities(
            cameras=("table", "wrist"),
            depth=frozenset({"table", "wrist"}),
            skills=frozenset({"arm", "gripper", "servo"}),
            gripper_max_width=HAND_MAX_WIDTH,
            braking_time=BRAKING_TIME,
        )
        self._world = world
        self._robot: int = world.robot
        self._frames: dict[str, CameraFrame] = {}
        self._pictures: dict[str, Picture] = {}
        self._taken: dict[str, int] = {}
        self._setpoint, _ = self._joints()
        self._speed = np.zeros(7)
        self._target: Array | None = None
        self._trajectory: Trajectory | None = None
        self._motion: StartedMotion | None = None
        self._started = 0.0
        self._blocked_since: float | None = None
        self._width, self._force = self._fingers()[0], 40.0
        self._grip: StartedMotion | None = None
        self._still_since: float | None = None
        self._same_since, self._same_width = 0.0, self._width

    def now(self) -> float:
        """Return simulated time, [s]."""
        return self._world.time

    def advance(self, until: float) -> None:
        """Step physics up to ``until`` [s], executing motions meanwhile."""
        self._alive()
        for _ in range(round(until * HZ) - self._world.steps):
            self._control()
            self._world.step(1)
            self._watch()

    def state(self) -> RobotState:
        """Return the present proprioception."""
        self._alive()
        q, dq = self._joints()
        width, speed, force = self._fingers()
        return RobotState(
            stamp=self.now(),
            q=q,
            dq=dq,
            world_from_tcp=self.arm.fk(q),
            gripper_width=width,
            gripper_moving=(self._grip is not None and self._grip.status == "running") or self._fingers_move(speed),
            gripper_force=force,
            world_from_base=self.arm.world_from_base,
        )

    def capture(self, camera: str) -> CameraFrame:
        """Take a picture with ``table`` or ``wrist``.

        Raises:
            RobotError: No camera has this name.
        """
        self._alive()
        if camera == "table":
            spec = self._world.spec.camera
            matrix, fov, width, height = spec.world_from_camera, spec.fov_deg, spec.width, spec.height
        elif camera == "wrist":
            matrix = self.arm.fk(self._joints()[0]).matrix @ _TCP_FROM_WRIST
            fov, width, height = WRIST_FOV, 256, 256
        else:
            raise RobotError(
                f"the panda has no camera {camera!r}\n  fix:  name one of {', '.join(self.capabilities.cameras)}"
            )
        last = self._frames.get(camera)
        if last is not None and last.stamp == self.now():
            return last
        picture = self._world.render_from(matrix, fov, width, height)
        self._taken[camera] = self._taken.get(camera, 0) + 1
        frame = CameraFrame(
            camera=camera,
            id=f"{camera}#{self._taken[camera]}",
            stamp=self.now(),
            rgb=picture.rgb,
            depth=np.where(picture.depth < 0.98 * FAR, picture.depth, 0.0).astype(np.float32),
            intrinsics=Intrinsics(*pinhole(fov, width, height), width, height),
            world_from_camera=Pose.from_matrix(matrix),
        )
        self._frames[camera], self._pictures[camera] = frame, picture
        return frame

    def picture(self, frame: CameraFrame) -> Picture | None:
        """Return the latest picture of a camera with its mask, for scoring; None when ``frame`` is an older one."""
        return self._pictures[frame.camera] if self._frames.get(frame.camera) is frame else None

    def servo(self, q: Array) -> None:
        """Approach one joint setpoint (n,) [rad] at the joints' speed limits; ends a running trajectory."""
        self._alive()
        goal = np.array(q, dtype=float)
        if goal.shape != (7,) or not np.all(np.isfinite(goal)):
            raise ValueError(f"a setpoint has 7 finite joint angles, not {goal}")
        self._end_motion("stopped", "another command followed")
        self._target = np.clip(goal, self.arm.lower, self.arm.upper)

    def follow(self, trajectory: Trajectory) -> StartedMotion:
        """Start a trajectory; one that begins elsewhere or leaves the joint limits fails at once."""
        self._alive()
        self._end_motion("stopped", "another command followed")
        motion = StartedMotion()
        away = float(np.abs(trajectory.q[0] - self._joints()[0]).max())
        if away > 0.1:
            motion.end("failed", f"the trajectory begins {np.degrees(away):.0f} deg from the present posture")
        elif not all(self.arm.within(q, 0.005) for q in trajectory.q):
            motion.end("failed", "the trajectory leaves the joint limits")
        if motion.status == "running":
            self._trajectory, self._motion, self._started = trajectory, motion, self.now()
            self._target, self._blocked_since = None, None
        return motion

    def move_gripper(self, width: float, force: float = 40.0) -> StartedMotion:
        """Open or close the fingers to ``width`` [m] with at most ``force`` [N]; blocked fingers end it as done."""
        self._alive()
        if self._grip is not None:
            self._grip.end("stopped", "another command followed")
        self._width, self._force = float(np.clip(width, 0.0, HAND_MAX_WIDTH)), float(np.clip(force, 1.0, 70.0))
        self._grip, self._still_since, self._same_since = StartedMotion(), None, self.now()
        return self._grip

    @property
    def grip(self) -> tuple[float, float]:
        """What the fingers were told last: opening [m] and largest force of each [N]."""
        return self._width, self._force

    def stop(self) -> None:
        """Halt all motion at once and hold the posture; fingers at rest keep their force."""
        if self._world.client < 0:
            return
        self._end_motion("stopped", "stop was called")
        self._setpoint, _ = self._joints()
        self._speed = np.zeros(7)
        if self._grip is not None and self._grip.status == "running":
            self._grip.end("stopped", "stop was called")
            self._width = self._fingers()[0]

    def close(self) -> None:
        """Stop; the world belongs to whoever built it."""
        self.stop()

    def _alive(self) -> None:
        if self._world.client < 0:
            raise RobotError("the simulated world is closed\n  fix:  build a new one")

    def _joints(self) -> tuple[Array, Array]:
        states = p.getJointStates(self._robot, _JOINTS, physicsClientId=self._world.client)
        return np.array([s[0] for s in states]), np.array([s[1] for s in states])

    def _fingers(self) -> tuple[float, float, float]:
        """Return opening [m], opening speed [m/s] and closing force [N]."""
        states = p.getJointStates(self._robot, FINGER_JOINTS, physicsClientId=self._world.client)
        width, speed = float(sum(s[0] for s in states)), float(sum(s[1] for s in states))
        return max(0.0, width), speed, max(0.0, -float(sum(s[3] for s in states)) / 2)

    def _end_motion(self, status: MotionStatus, reason: str = "") -> None:
        if self._motion is not None:
            self._motion.end(status, reason)
        if self._trajectory is not None and status != "done":
            self._setpoint, _ = self._joints()
        self._trajectory, self._motion, self._target = None, None, None
        self._speed = np.zeros(7)

    def _control(self) -> None:
        """Send one setpoint to every motor."""
        if self._trajectory is not None:
            t = self.now() + 1 / HZ - self._started
            before, self._setpoint = self._setpoint, self._trajectory.at(t)
            self._speed = (self._setpoint - before) * HZ if t <= self._trajectory.duration else np.zeros(7)
        elif self._target is not None:
            reach = 0.5 * self.arm.velocity / HZ
            change = np.clip(self._target - self._setpoint, -reach, reach)
            self._setpoint, self._speed = self._setpoint + change, change * HZ
        self._world.drive_arm(self._setpoint, self._speed)
        self._world.drive_fingers(self._width, self._force, GRIPPER_SPEED)

    def _watch(self) -> None:
        """Judge by measurement whether motions have ended."""
        now = self.now()
        if self._motion is not None and self._trajectory is not None:
            q, dq = self._joints()
            error = np.abs(q - self._setpoint)
            spent = now - self._started - self._trajectory.duration
            if spent >= 0 and error.max() < _ARRIVED and np.abs(dq).max() < _AT_REST:
                self._end_motion("done")
            elif spent > _PATIENCE:
                joint = int(error.argmax())
                off = np.degrees(error[joint])
                self._end_motion("failed", f"joint {joint + 1} stays {off:.1f} deg from where it should be")
            elif error.max() < _BLOCKED:
                self._blocked_since = None
            else:
                self._blocked_since = now if self._blocked_since is None else self._blocked_since
                if now - self._blocked_since > _BLOCKED_FOR:
                    self._end_motion("failed", f"joint {int(error.argmax()) + 1} is blocked")
        width, speed, _ = self._fingers()
        if abs(width - self._same_width) > _SAME_WITHIN:
            self._same_since, self._same_width = now, width
        if self._grip is not None and self._grip.status == "running":
            if abs(speed) > 0.002:
                self._still_since = None
            elif self._still_since is None:
                self._still_since = now
            wait = _STILL_FOR if abs(width - self._width) > 0.002 else 0.02
            still = self._still_since is not None and now - self._still_since >= wait
            if still or now - self._same_since >= _SAME_FOR:
                self._grip.end("done")

    def _fingers_move(self, speed: float) -> bool:
        """Tell by their speed and their opening: what is squeezed may tremble, and the joints never have speed 0."""
        return abs(speed) > 0.005 and self.now() - self._same_since < _SAME_FOR


@driver("panda")
def panda_driver(options: DriverOptions) -> PandaSim:
    """Drive the Panda of the simulated world in ``options.world``."""
    if not isinstance(options.world, World):
        raise RobotError("the driver 'panda' lives in a simulated world\n  fix:  give a scene with --scene")
    return PandaSim(options.world)
