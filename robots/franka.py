"""Franka's Panda and FR3 through libfranka, by franky-control (extra ``franka``).

A reader thread keeps the latest state, a gripper thread runs finger commands, so that no call of a tick waits for the
network. Cameras are not Franka's: settings may name some.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import numpy as np

from .._base import import_needed
from .contract import CameraFrame, Capabilities, DriverOptions, RobotState, Trajectory, driver
from .errors import RobotError
from .franka_hand import FrankaHand
from .panda import HAND_MAX_WIDTH, fr3
from .pose import Array, Pose
from .started import MotionStatus, StartedMotion

_READ_EVERY = 0.01  # [s]
_CONNECT_FOR = 15.0  # [s]
_LOST_AFTER = 2.0  # a packet may be late, not a second of them, [s]
_SEGMENT = 0.25  # time between waypoints of a trajectory, [s]
_ARRIVED, _PATIENCE = 0.03, 3.0  # [rad], [s]


class CameraSource(Protocol):
    """A camera that settings name for a robot without one of its own."""

    depth: bool

    def capture(self, now: float) -> CameraFrame:
        """Return the latest picture, without blocking."""
        ...


class FrankaRobot:
    """A Franka arm and hand reached over the network.

    Args:
        host: Address of the robot.
        franky: The module ``franky``.
        realtime: Refuse to run without a real-time kernel.
        world_from_base: Where the arm stands; the table top is z = 0.
        cameras: Cameras by name, the default first.
        speed: Share of the arm's limits that setpoints of ``servo`` use.

    Raises:
        RobotError: The robot does not answer.
    """

    def __init__(
        self,
        host: str,
        franky: Any,
        realtime: bool = True,
        world_from_base: Pose | None = None,
        cameras: Mapping[str, CameraSource] | None = None,
        speed: float = 0.2,
    ) -> None:
        self.name, self.stepped = "franka", False
        self.arm = fr3(world_from_base)
        self.host, self._franky, self._speed = host, franky, speed
        self._cameras = dict(cameras or {})
        self.capabilities = Capabilities(
            cameras=tuple(self._cameras),
            depth=frozenset(name for name, camera in self._cameras.items() if camera.depth),
            skills=frozenset({"arm", "gripper", "servo"}),
            gripper_max_width=HAND_MAX_WIDTH,
        )
        config = franky.RealtimeConfig.Enforce if realtime else franky.RealtimeConfig.Ignore
        self._robot: Any = _within(
            lambda: franky.Robot(host, realtime_config=config),
            f"no Franka robot answers at {host!r}",
            "check the address, unlock the joints, activate FCI, and free it from other clients; "
            "without a real-time kernel set `realtime: false`",
        )
        self._latest = self._robot.state
        self._read_at = time.monotonic()
        self._problem = ""
        self._open = True
        self._lock = threading.Lock()
        self._motion: StartedMotion | None = None
        self._goal: Array | None = None
        self._started = self._stood_since = time.monotonic()
        gripper = _within(
            lambda: franky.Gripper(host),
            f"the arm at {host!r} answers, its gripper does not",
            "mount and initialise the Franka hand",
        )
        self._hand = FrankaHand(gripper, self._report)
        self._reader = threading.Thread(target=self._read, name="franka state", daemon=True)
        self._reader.start()

    def now(self) -> float:
        """Return the monotonic clock since the connection, [s]."""
        return time.monotonic() - self._started

    def advance(self, until: float) -> None:
        """Return at once; real time passes by itself.

        Raises:
            RobotError: The connection is lost or the robot reports a fault.
        """
        self._alive()
        self._watch()

    def state(self) -> RobotState:
        """Return the latest proprioception.

        Raises:
            RobotError: The connection is lost.
        """
        self._alive()
        self._watch()
        latest = self._latest
        q = np.array(latest.q, dtype=float)
        hand = self._hand.motion
        return RobotState(
            stamp=self._read_at - self._started,
            q=q,
            dq=np.array(latest.dq, dtype=float),
            world_from_tcp=self.arm.fk(q),
            gripper_width=self._hand.width,
            gripper_moving=hand is not None and hand.status == "running",
            gripper_force=self._hand.force,
            wrench=_wrench(latest),
            world_from_base=self.arm.world_from_base,
        )

    def capture(self, camera: str) -> CameraFrame:
        """Take a picture with a camera that settings name.

        Raises:
            RobotError: No camera has this name.
        """
        self._alive()
        if camera not in self._cameras:
            known = ", ".join(self._cameras) or "none is configured"
            raise RobotError(
                f"the franka driver has no camera {camera!r} ({known})\n"
                f"  fix:  name one in the driver's settings: `cameras: {{table: 'my_cameras:open_table'}}`"
            )
        return self._cameras[camera].capture(self.now())

    def servo(self, q: Array) -> None:
        """Approach one joint setpoint, shape (n,), [rad]; ends a running trajectory."""
        self._alive()
        goal = np.array(q, dtype=float)
        if goal.shape != (self.arm.n,) or not np.all(np.isfinite(goal)):
            raise ValueError(f"a setpoint has {self.arm.n} finite joint angles, not {goal}")
        self._end("stopped", "another command followed")
        goal = np.clip(goal, self.arm.lower, self.arm.upper)
        self._command(self._franky.JointMotion(self._franky.JointState(goal), relative_dynamics_factor=self._speed))

    def follow(self, trajectory: Trajectory) -> StartedMotion:
        """Start a trajectory; one that begins elsewhere or leaves the joint limits fails at once."""
        self._alive()
        self._end("stopped", "another command followed")
        motion = StartedMotion()
        away = float(np.abs(trajectory.q[0] - np.array(self._latest.q)).max())
        if away > 0.1:
            motion.end("failed", f"the trajectory begins {np.degrees(away):.0f} deg from the present posture")
        elif not all(self.arm.within(q, 0.005) for q in trajectory.q):
            motion.end("failed", "the trajectory leaves the joint limits")
        else:
            self._motion, self._goal = motion, np.array(trajectory.q[-1], dtype=float)
            self._stood_since = time.monotonic()
            self._command(self._through(trajectory))
        return motion

    def move_gripper(self, width: float, force: float = 40.0) -> StartedMotion:
        """Open or close the fingers to ``width`` [m] with at most ``force`` [N]; blocked fingers end it as done."""
        self._alive()
        return self._hand.move(float(np.clip(width, 0.0, HAND_MAX_WIDTH)), float(np.clip(force, 1.0, 70.0)))

    def stop(self) -> None:
        """Brake as fast as the limits allow and hold the posture; fingers at rest keep their force.

        The arm comes to rest ahead of where it is: franky's own ``JointStopMotion`` swings back to the posture that it
        had at the call. How long it takes is not declared, since it was measured on no robot.
        """
        if not self._open:
            return
        self._end("stopped", "stop was called")
        self._hand.halt()
        if self._problem:
            return
        try:
            if self._robot.is_in_control:
                goal = self._franky.JointState(self._rest_ahead())
                self._robot.move(self._franky.JointMotion(goal), asynchronous=True)
        except Exception as error:
            self._report(f"the stop was refused: {error}")

    def close(self) -> None:
        """Stop and disconnect, so that another client can connect."""
        if not self._open:
            return
        self.stop()
        self._open = False
        self._reader.join(timeout=3.0)
        self._hand.close()
        if not self._problem:
            try:
                self._robot.join_motion(timeout=1.0)
            except Exception as error:
                self._problem = str(error)
        self._robot = None  # franky disconnects when the last reference goes

    def _rest_ahead(self) -> Array:
        """Return the posture, shape (n,), [rad], in which full braking from now on ends.

        From speed v to rest at acceleration limit a and jerk limit j takes v/a + a/j, or 2 √(v/j) where v < a²/j, and
        the mean speed is v/2 in either case, since the acceleration is symmetric in time.
        """
        state = self._robot.state
        v = np.array(state.dq_d, dtype=float)
        a = np.array(self._robot.joint_acceleration_limit.get(), dtype=float)
        j = np.array(self._robot.joint_jerk_limit.get(), dtype=float)
        speed = np.abs(v)
        lasts = np.where(speed < a * a / j, 2.0 * np.sqrt(speed / j), speed / a + a / j)
        ahead: Array = np.array(state.q_d, dtype=float) + v * lasts / 2.0
        return ahead.clip(self.arm.lower, self.arm.upper)

    def _through(self, trajectory: Trajectory) -> Any:
        """Return a motion through points of the trajectory at its speeds, without stops between.

        Between two points libfranka's client plans by itself; a time given for each of them makes that planner fail
        where speeds are high, so the limits are scaled instead.
        """
        count = max(1, round(trajectory.duration / _SEGMENT))
        points, share = [], 0.05
        for k, t in enumerate(np.linspace(0.0, trajectory.duration, count + 1)[1:], 1):
            speed = (trajectory.at(t + 0.01) - trajectory.at(t - 0.01)) / 0.02 if k < count else np.zeros(self.arm.n)
            share = max(share, float(np.max(np.abs(speed) / self.arm.velocity)))
            points.append(self._franky.JointWaypoint(self._franky.JointState(trajectory.at(t), speed)))
        return self._franky.JointWaypointMotion(points, relative_dynamics_factor=min(1.0, 1.6 * share))

    def _command(self, motion: Any) -> None:
        try:
            if self._robot.has_errors:
                self._robot.recover_from_errors()
            self._robot.move(motion, asynchronous=True)
        except Exception as error:
            self._end("failed", str(error))

    def _watch(self) -> None:
        """Judge by measurement whether the trajectory has ended."""
        motion = self._motion
        if motion is None or motion.status != "running":
            return
        try:
            self._robot.poll_motion()  # raises what went wrong in the control thread
            moving = bool(self._robot.is_in_control)
        except Exception as error:  # a reflex or a lost connection ends the motion
            self._end("failed", str(error))
            return
        if moving:
            self._stood_since = time.monotonic()
        else:
            assert self._goal is not None
            off = np.abs(np.array(self._latest.q) - self._goal)
            if off.max() < _ARRIVED:
                self._end("done")
            elif time.monotonic() - self._stood_since > _PATIENCE:
                joint = int(off.argmax())
                self._end("failed", f"joint {joint + 1} stays {np.degrees(off[joint]):.1f} deg from its goal")

    def _end(self, status: MotionStatus, reason: str = "") -> None:
        if self._motion is not None:
            self._motion.end(status, reason)
            self._motion = None

    def _read(self) -> None:
        while self._open and not self._problem:
            try:
                self._latest = self._robot.state
                self._read_at = time.monotonic()
            except Exception as error:
                if time.monotonic() - self._read_at > _LOST_AFTER:
                    self._report(f"the robot does not answer: {error}")
                    return
            time.sleep(_READ_EVERY)

    def _report(self, problem: str) -> None:
        with self._lock:
            self._problem = self._problem or problem

    def _alive(self) -> None:
        if not self._open:
            raise RobotError("the connection to the Franka robot is closed\n  fix:  open the driver again")
        silent = time.monotonic() - self._read_at
        if not self._problem and silent > _LOST_AFTER:
            self._report(f"no state for {silent:.1f} s")
        if self._problem:
            self._end("failed", self._problem)
            raise RobotError(
                f"the connection to the Franka robot at {self.host!r} is lost\n"
                f"  why:  {self._problem}\n"
                f"  fix:  check network and emergency stop, then start the run again"
            )


def _within(connect: Callable[[], Any], what: str, fix: str) -> Any:
    """Return what ``connect`` returns, or explain why it failed or took too long: a busy robot never answers."""
    found: list[Any] = []
    failed: list[Exception] = []

    def attempt() -> None:
        try:
            found.append(connect())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=attempt, name="franka connect", daemon=True)
    thread.start()
    thread.join(timeout=_CONNECT_FOR)
    if found:
        return found[0]
    why = str(failed[0]) if failed else f"no reply in {_CONNECT_FOR:.0f} s, perhaps another client is connected"
    raise RobotError(f"{what}: {why}\n  fix:  {fix}") from (failed[0] if failed else None)


def _wrench(state: Any) -> Array | None:
    force = np.array(state.O_F_ext_hat_K, dtype=float)
    return force if force.shape == (6,) else None


def _opened_cameras(settings: Mapping[str, object]) -> dict[str, CameraSource]:
    named = settings.get("cameras", {})
    if not isinstance(named, Mapping):
        raise RobotError(
            f"franka: cameras must map names to functions, not {named!r}\n  fix:  {{table: 'my_cameras:open_table'}}"
        )
    found: dict[str, CameraSource] = {}
    for name, where in named.items():
        module, _, attribute = str(where).partition(":")
        try:
            found[str(name)] = cast(CameraSource, getattr(importlib.import_module(module), attribute)())
        except (ImportError, AttributeError, ValueError) as error:
            raise RobotError(
                f"franka: camera {name!r} cannot be opened from {where!r}: {error}\n"
                f"  fix:  write 'module:function'; the function returns an object with `depth` and `capture(now)`"
            ) from error
    return found


@driver("franka")
def franka_driver(options: DriverOptions) -> FrankaRobot:
    """Connect to ``franka:ADDRESS``; settings: ``realtime``, ``cameras``, ``base_xyz``, ``speed``."""
    host = options.argument or str(options.settings.get("host", ""))
    if not host:
        raise RobotError("the franka driver needs the robot's address\n  fix:  --robot franka:192.168.1.5")
    franky = import_needed("franky", "the franka driver", "franka")
    base = options.settings.get("base_xyz", (0.0, 0.0, 0.0))
    if not isinstance(base, (list, tuple)) or len(base) != 3:
        raise RobotError(f"franka: base_xyz must be three numbers [m], not {base!r}\n  fix:  write [0, 0, 0]")
    x, y, z = (float(v) for v in base)
    return FrankaRobot(
        host,
        franky,
        realtime=bool(options.settings.get("realtime", True)),
        world_from_base=Pose((x, y, z)),
        cameras=_opened_cameras(options.settings),
        speed=float(str(options.settings.get("speed", 0.2))),
    )
