"""What every robot driver offers: state, cameras, setpoints, trajectories, a gripper, stop. Registered by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .._base import Registry
from .errors import RobotError as RobotError
from .errors import UnreachableError as UnreachableError
from .kinematics import Arm
from .pose import Array, Pose

Image = NDArray[np.uint8]
Depth = NDArray[np.float32]
AT_REST = 0.01
"""A joint that is slower counts as at rest, [rad/s]."""


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera: focal lengths and principal point [px], image size [px]."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int


@dataclass(frozen=True)
class CameraFrame:
    """One picture with what is needed to lift its pixels into the world.

    Attributes:
        camera: Name of the camera.
        id: Unique within a run, such as ``"table#7"``.
        stamp: Time it was taken, driver clock, [s].
        rgb: Shape (H, W, 3), uint8.
        depth: Distance along the optical axis, shape (H, W), [m]; 0 where unknown; None without a depth sensor.
        intrinsics: Pinhole parameters of both images.
        world_from_camera: Camera pose (x right, y down, z forward).
    """

    camera: str
    id: str
    stamp: float
    rgb: Image
    depth: Depth | None
    intrinsics: Intrinsics
    world_from_camera: Pose


@dataclass(frozen=True)
class RobotState:
    """Proprioception at one instant.

    Attributes:
        stamp: Driver clock, [s].
        q: Arm joint positions, shape (n,), [rad].
        dq: Arm joint velocities, shape (n,), [rad/s].
        world_from_tcp: Pose of the tool center point (z out of the hand, y along the finger opening).
        gripper_width: Distance between the fingers, [m].
        gripper_moving: True while the fingers move.
        gripper_force: Measured or estimated closing force, [N].
        wrench: External force [N] and torque [Nm] at the tool, shape (6,), or None.
        world_from_base: Pose of the robot base.
    """

    stamp: float
    q: Array
    dq: Array
    world_from_tcp: Pose
    gripper_width: float = 0.0
    gripper_moving: bool = False
    gripper_force: float = 0.0
    wrench: Array | None = None
    world_from_base: Pose = field(default_factory=lambda: Pose((0.0, 0.0, 0.0)))

    @property
    def holding(self) -> bool:
        """True when closed fingers press on something wider than nothing: force >= 2 N, at rest, width > 2 mm."""
        return not self.gripper_moving and self.gripper_force >= 2.0 and self.gripper_width > 0.002


@dataclass(frozen=True)
class Capabilities:
    """What a driver can do. A tree that needs more fails its check, not its run.

    Attributes:
        cameras: Camera names, the default first.
        depth: Cameras that measure depth.
        skills: Subset of ``arm gripper base footsteps servo``.
        gripper_max_width: Largest opening, [m].
        braking_time: Longest time from ``stop`` until no joint of the arm moves faster than ``AT_REST``, whatever it
            was doing, [s]; None where the driver does not say.
    """

    cameras: tuple[str, ...]
    depth: frozenset[str]
    skills: frozenset[str]
    gripper_max_width: float = 0.0
    braking_time: float | None = None


@dataclass(frozen=True)
class Trajectory:
    """Timed joint positions: ``times`` (N,) from 0 [s], strictly rising; ``q`` (N, n) [rad]."""

    times: Array
    q: Array

    @property
    def duration(self) -> float:
        """Time of the last point, [s]."""
        return float(self.times[-1])

    def at(self, t: float) -> Array:
        """Return joint positions at time ``t`` [s], shape (n,), linear between points, clamped at both ends."""
        return np.array([np.interp(t, self.times, self.q[:, j]) for j in range(self.q.shape[1])])


class Motion(Protocol):
    """A started motion. Poll it; it never blocks."""

    @property
    def status(self) -> Literal["running", "done", "failed", "stopped"]:
        """Where the motion is. ``done`` is measured, not commanded."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed or was stopped, empty otherwise."""
        ...


@runtime_checkable
class Robot(Protocol):
    """A driver. One thread calls it, between ticks or from a leaf; no call blocks for longer than a control cycle.

    A *stepped* driver (simulation) has a clock that moves only in ``advance``; a real one follows the monotonic clock
    and ``advance`` returns at once.
    """

    name: str
    stepped: bool
    arm: Arm
    capabilities: Capabilities

    def now(self) -> float:
        """Return the driver clock, [s]."""
        ...

    def advance(self, until: float) -> None:
        """Let time pass up to ``until`` [s] on a stepped driver, executing motions meanwhile.

        Raises:
            RobotError: The connection is lost or the hardware reports a fault (also on drivers that are not stepped).
        """
        ...

    def state(self) -> RobotState:
        """Return the latest proprioception."""
        ...

    def capture(self, camera: str) -> CameraFrame:
        """Take a picture now. The same instant and camera give the same frame id.

        Raises:
            RobotError: No camera has this name.
        """
        ...

    def servo(self, q: Array) -> None:
        """Send one joint setpoint, shape (n,), [rad]; limits are enforced; ends a running trajectory."""
        ...

    def follow(self, trajectory: Trajectory) -> Motion:
        """Start a trajectory that begins at the present posture; ends a running one."""
        ...

    def move_gripper(self, width: float, force: float = 40.0) -> Motion:
        """Open or close the fingers to ``width`` [m] with at most ``force`` [N]. Blocked fingers end it as done."""
        ...

    def stop(self) -> None:
        """Halt all motion at once and hold the posture. Allowed at any time, any number of times.

        The arm is at rest ``Capabilities.braking_time`` later.
        """
        ...

    def close(self) -> None:
        """Stop and release what the driver holds. Idempotent."""
        ...


@dataclass(frozen=True)
class DriverOptions:
    """What a driver factory receives.

    Attributes:
        argument: Text after the colon in ``--robot franka:192.168.1.5``, empty if none.
        world: A simulated world built by ``knothole.sim``, for drivers that live in one; None otherwise.
        settings: The driver's block of ``knothole.toml``.
    """

    argument: str = ""
    world: object | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


DriverFactory = Callable[[DriverOptions], Robot]

DRIVERS: Registry[DriverFactory] = Registry(
    "robot", "robots", "knothole.drivers", "correct the name, or list drivers with `knothole doctor`"
)
driver = DRIVERS.register
