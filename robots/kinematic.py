"""A robot without physics: it reaches setpoints as fast as its limits allow, so trees are tested in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .._base import near_misses
from .contract import CameraFrame, Capabilities, DriverOptions, Intrinsics, RobotState, Trajectory, driver
from .errors import RobotError
from .panda import HAND_MAX_WIDTH, panda
from .pixels import Mask
from .pose import Array, Pose
from .props import Prop, cast, photograph, prop_of
from .started import MotionStatus, StartedMotion

_SETTINGS = ("props", "pixels")
_STEP = 0.02  # [s]
_FINGER_SPEED = 0.1  # opening, [m/s]
_EYE, _LOOKS_AT, _FOV = (1.25, 0.0, 0.85), (0.45, 0.0, 0.04), 43.0
_WRIST_EYE, _WRIST_LOOKS_AT, _WRIST_FOV = (0.075, 0.0, -0.075), (0.0, 0.0, 0.06), 70.0

_PROPS: tuple[Mapping[str, object], ...] = (
    {"shape": "tray", "color": "blue", "size": (0.26, 0.19, 0.025), "xyz": (0.50, -0.25), "yaw": math.pi / 2},
    {"shape": "cube", "color": "red", "size": (0.05, 0.05, 0.05), "xyz": (0.45, 0.10), "yaw": 0.3},
    {"shape": "can", "color": "green", "size": (0.056, 0.056, 0.09), "xyz": (0.58, 0.22)},
    {"shape": "ball", "color": "yellow", "size": (0.055, 0.055, 0.055), "xyz": (0.40, 0.28)},
)


class KinematicRobot:
    """A Panda without weight among props that stay where they are put.

    Fingers that close around a loose prop take it along; fingers that open let it down onto what is below. There are no
    collisions and the arm is not in its own pictures.

    Args:
        props: Things on the table.
        pixels: Rows and columns of its cameras.
    """

    def __init__(self, props: Sequence[Prop] = (), pixels: int = 128) -> None:
        self.name = "kinematic"
        self.stepped = True
        self.arm = panda()
        self.capabilities = Capabilities(
            cameras=("table", "wrist"),
            depth=frozenset({"table", "wrist"}),
            skills=frozenset({"arm", "gripper", "servo"}),
            gripper_max_width=HAND_MAX_WIDTH,
            braking_time=0.0,
        )
        self.pixels = pixels
        self._props = {prop.name: prop for prop in props}
        if len(self._props) != len(props):
            raise RobotError("two props have one name\n  fix:  give each prop its own `name`")
        self._time, self._open = 0.0, True
        self._q, self._dq = self.arm.home.copy(), np.zeros(self.arm.n)
        self._setpoint = self._q.copy()
        self._trajectory: Trajectory | None = None
        self._motion: StartedMotion | None = None
        self._started = 0.0
        self._width = self._wanted_width = HAND_MAX_WIDTH
        self._force = 0.0
        self._wanted_force = 40.0
        self._grip: StartedMotion | None = None
        self._held: tuple[str, Pose] | None = None
        self._frames: dict[str, CameraFrame] = {}
        self._taken: dict[str, int] = {}

    @property
    def props(self) -> tuple[Prop, ...]:
        """Things and where they are now. For tests and scoring; leaves see pixels only."""
        return tuple(self._props.values())

    @property
    def held(self) -> str:
        """Name of the prop in the hand, empty if none."""
        return self._held[0] if self._held else ""

    def put(self, name: str, pose: Pose) -> None:
        """Move a prop at once, as a disturbance; a held one leaves the hand.

        Raises:
            KeyError: No prop has this name.
        """
        self._props[name] = self._props[name].at(pose)
        self._frames.clear()
        if self.held == name:
            self._held, self._force = None, 0.0

    def now(self) -> float:
        """Return the driver clock, [s]."""
        return self._time

    def advance(self, until: float) -> None:
        """Let time pass up to ``until`` [s], executing motions meanwhile."""
        self._alive()
        while self._time < until - 1e-9:
            step = min(_STEP, until - self._time)
            self._time += step
            self._move_arm(step)
            self._move_fingers(step)

    def state(self) -> RobotState:
        """Return the present proprioception."""
        self._alive()
        return RobotState(
            stamp=self._time,
            q=self._q.copy(),
            dq=self._dq.copy(),
            world_from_tcp=self.arm.fk(self._q),
            gripper_width=self._width,
            gripper_moving=self._grip is not None and self._grip.status == "running",
            gripper_force=self._force,
            world_from_base=self.arm.world_from_base,
        )

    def capture(self, camera: str) -> CameraFrame:
        """Take a picture with ``table`` or ``wrist``.

        Raises:
            RobotError: No camera has this name.
        """
        self._alive()
        if camera == "table":
            pose, fov = _look_at(_EYE, _LOOKS_AT), _FOV
        elif camera == "wrist":
            pose, fov = self.arm.fk(self._q) @ _look_at(_WRIST_EYE, _WRIST_LOOKS_AT), _WRIST_FOV
        else:
            raise RobotError(
                f"the kinematic robot has no camera {camera!r}\n"
                f"  fix:  name one of {', '.join(self.capabilities.cameras)}"
            )
        last = self._frames.get(camera)
        if last is not None and last.stamp == self._time:
            return last
        self._taken[camera] = self._taken.get(camera, 0) + 1
        focal = self.pixels / 2 / math.tan(math.radians(fov) / 2)
        middle = (self.pixels - 1) / 2
        lens = Intrinsics(focal, focal, middle, middle, self.pixels, self.pixels)
        frame = photograph(self.props, camera, f"{camera}#{self._taken[camera]}", self._time, lens, pose)
        self._frames[camera] = frame
        return frame

    def silhouette(self, frame: CameraFrame) -> Mask:
        """Return no pixel: the arm is not in its own pictures."""
        return np.zeros(frame.rgb.shape[:2], dtype=bool)

    def servo(self, q: Array) -> None:
        """Approach one joint setpoint, shape (n,), [rad], at the speed limits; ends a running trajectory."""
        self._alive()
        goal = np.array(q, dtype=float)
        if goal.shape != (self.arm.n,) or not np.all(np.isfinite(goal)):
            raise ValueError(f"a setpoint has {self.arm.n} finite joint angles, not {goal}")
        self._end_motion("stopped", "another command followed")
        self._setpoint = np.clip(goal, self.arm.lower, self.arm.upper)

    def follow(self, trajectory: Trajectory) -> StartedMotion:
        """Start a trajectory; one that begins elsewhere or leaves the joint limits fails at once."""
        self._alive()
        self._end_motion("stopped", "another command followed")
        motion = StartedMotion()
        away = float(np.abs(trajectory.q[0] - self._q).max())
        if away > 0.1:
            motion.end("failed", f"the trajectory begins {np.degrees(away):.0f} deg from the present posture")
        elif not all(self.arm.within(q, 0.005) for q in trajectory.q):
            motion.end("failed", "the trajectory leaves the joint limits")
        else:
            self._trajectory, self._motion, self._started = trajectory, motion, self._time
        return motion

    def move_gripper(self, width: float, force: float = 40.0) -> StartedMotion:
        """Open or close the fingers to ``width`` [m] with at most ``force`` [N]; blocked fingers end it as done."""
        self._alive()
        if self._grip is not None:
            self._grip.end("stopped", "another command followed")
        self._wanted_width = float(np.clip(width, 0.0, HAND_MAX_WIDTH))
        self._wanted_force = float(np.clip(force, 1.0, 70.0))
        self._grip = StartedMotion()
        return self._grip

    def stop(self) -> None:
        """Halt all motion at once and hold the posture; a held prop stays held."""
        self._end_motion("stopped", "stop was called")
        self._setpoint, self._dq = self._q.copy(), np.zeros(self.arm.n)
        if self._grip is not None and self._grip.status == "running":
            self._grip.end("stopped", "stop was called")
            self._wanted_width = self._width

    def close(self) -> None:
        """Stop; later commands are refused."""
        self.stop()
        self._open = False

    def _alive(self) -> None:
        if not self._open:
            raise RobotError("the kinematic robot is closed\n  fix:  open a new one")

    def _end_motion(self, status: MotionStatus, reason: str = "") -> None:
        if self._motion is not None:
            self._motion.end(status, reason)
            self._setpoint = self._q.copy()
        self._trajectory, self._motion = None, None

    def _move_arm(self, step: float) -> None:
        if self._trajectory is not None:
            self._setpoint = self._trajectory.at(self._time - self._started)
        elif np.array_equal(self._setpoint, self._q):
            self._dq[:] = 0.0
            return
        reach = self.arm.velocity * step
        change = np.clip(self._setpoint - self._q, -reach, reach)
        self._q, self._dq = self._q + change, change / step
        if self._held is not None:
            name, tcp_from_prop = self._held
            self._props[name] = self._props[name].at(self.arm.fk(self._q) @ tcp_from_prop)
        path, spent = self._trajectory, self._time - self._started
        if path is not None and spent >= path.duration and np.abs(self._q - path.q[-1]).max() < 1e-6:
            assert self._motion is not None
            self._motion.end("done")
            self._trajectory, self._motion = None, None
            self._dq = np.zeros(self.arm.n)

    def _move_fingers(self, step: float) -> None:
        if self._grip is None or self._grip.status != "running":
            return
        change = float(np.clip(self._wanted_width - self._width, -_FINGER_SPEED * step, _FINGER_SPEED * step))
        if change > 0:
            self._let_go()
        elif self._held is not None:  # already pressing on something
            self._force = self._wanted_force
            self._grip.end("done")
            return
        elif change < 0:
            between = self._between()
            if between is not None and self._width + change <= between[1] + 1e-4:
                self._take(*between)
                self._grip.end("done")
                return
        self._width += change
        if self._width == self._wanted_width:
            self._grip.end("done")

    def _between(self) -> tuple[Prop, float, float] | None:
        """Return the prop between the fingers, its width there, and how far its middle is off along tcp y, [m]."""
        tcp, opening = self.arm.fk(self._q), HAND_MAX_WIDTH + 0.02
        rotation = tcp.rotation
        widest: tuple[Prop, float, float] | None = None
        for prop in self._props.values():
            if np.linalg.norm(prop.pose.position - tcp.position) > opening + max(prop.size):
                continue
            for depth in (0.0, 0.006):
                middle = tcp.position + depth * rotation[:, 2]
                ends = middle + np.array([[opening / 2], [-opening / 2]]) * rotation[:, 1]
                t, _ = cast(prop, ends, np.stack([-rotation[:, 1], rotation[:, 1]]))
                width = opening - float(t.sum())
                if np.all(t < opening) and width > 0 and (widest is None or width > widest[1]):
                    widest = (prop, width, float(t[1] - t[0]) / 2)
        return widest

    def _take(self, prop: Prop, width: float, off: float) -> None:
        """Close on a prop; a loose one is pushed to the middle and goes with the hand."""
        self._width, self._force = width, self._wanted_force
        if prop.loose:
            tcp = self.arm.fk(self._q)
            middle = prop.pose.position - off * tcp.rotation[:, 1]
            moved = Pose.of(middle, prop.pose.rotation)
            self._props[prop.name] = prop.at(moved)
            self._held = (prop.name, tcp.inverse() @ moved)

    def _let_go(self) -> None:
        """Open; a held prop sinks straight down onto what is below its center."""
        self._force = 0.0
        if self._held is None:
            return
        prop = self._props[self._held[0]]
        self._held = None
        x, y, z = prop.pose.xyz
        ground = 0.0
        for other in self._props.values():
            if other.name != prop.name:
                t, _ = cast(other, np.array([[x, y, z]]), np.array([[0.0, 0.0, -1.0]]))
                if np.isfinite(t[0]):
                    ground = max(ground, z - float(t[0]))
        self._props[prop.name] = prop.at(Pose((x, y, ground + prop.reach((0.0, 0.0, 1.0))), prop.pose.quat_xyzw))


def _look_at(eye: Sequence[float], target: Sequence[float]) -> Pose:
    """Return the pose of a camera at ``eye`` that looks at ``target``, upright."""
    forward = np.subtract(target, eye, dtype=float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return Pose.of(list(eye), np.stack([right, np.cross(forward, right), forward], axis=1))


@driver("kinematic")
def kinematic_driver(options: DriverOptions) -> KinematicRobot:
    """Build the robot without physics; ``settings`` may hold ``props`` (a list of mappings) and ``pixels``."""
    if options.argument:
        raise RobotError(f"kinematic takes no argument, not {options.argument!r}\n  fix:  write only kinematic")
    unknown = sorted(set(options.settings) - set(_SETTINGS))
    if unknown:
        near = near_misses(unknown[0], _SETTINGS)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        raise RobotError(
            f"kinematic: unknown setting {unknown[0]!r}{hint}\n  fix:  settings are {', '.join(_SETTINGS)}"
        )
    rows = options.settings.get("props", _PROPS)
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(r, Mapping) for r in rows):
        raise RobotError("kinematic: props must be a list of mappings\n  fix:  write one mapping per thing")
    pixels = options.settings.get("pixels", 128)
    if not isinstance(pixels, int) or not 32 <= pixels <= 1024:
        raise RobotError(f"kinematic: pixels must be a whole number from 32 to 1024, not {pixels!r}\n  fix:  use 128")
    return KinematicRobot([prop_of(row, f"props[{k}]") for k, row in enumerate(rows)], pixels)
