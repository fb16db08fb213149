"""One private PyBullet world: table, floor, objects, and the Panda where the scene has it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pybullet as p

from .._base import Place
from ..robots.panda import panda
from . import meshes
from .camera import CameraSpec, Picture, render
from .disturbance import Script
from .hand import HandSpec, hand_body
from .objects import ObjectSpec, Quat, Vec3
from .person import PersonSpec, person_bodies
from .quiet import quiet
from .recipe import SceneError
from .robot_model import panda_urdf
from .scene import SceneSpec
from .screen import ScreenSpec, screen_body
from .surroundings import Surroundings

HZ = 240
"""Physics steps per simulated second."""

ARM = panda()
"""Kinematics of the arm that stands at the origin."""

FINGER_JOINTS = (9, 10)
_ARM_JOINTS = tuple(range(7))
_ARM_FORCES = [87.0] * 4 + [12.0] * 3


@dataclass
class Body:
    """One object of a world: what it is and its PyBullet id."""

    spec: ObjectSpec
    id: int


class World:
    """A PyBullet client of its own.

    Args:
        spec: The scene.
        physics: False gives a world to photograph: nothing moves.
        gui: Open PyBullet's window.
        settle: Let things come to rest before time begins; False leaves them exactly as ``spec`` has them.

    Raises:
        RuntimeError: There is no window to be had.
        SceneError: The scene's URDF or SDF file cannot be loaded.
    """

    def __init__(self, spec: SceneSpec, physics: bool = True, gui: bool = False, settle: bool = True) -> None:
        if gui and sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            # PyBullet would end the whole process.
            raise RuntimeError("there is no display to open a window on\n  fix:  leave out --gui")
        self.client: int = p.connect(p.GUI if gui else p.DIRECT)
        if self.client < 0:
            raise RuntimeError("PyBullet could not open a window\n  fix:  leave out --gui")
        self.physics = physics
        self.steps = 0
        self.objects: list[Body] = []
        self.robot: int | None = None
        self.hand: int | None = None
        self.person: tuple[int, ...] = ()
        self.screen: int | None = None
        self._hand_spec: HandSpec | None = None
        self._person_spec: PersonSpec | None = None
        self.screen_spec: ScreenSpec | None = None
        p.setGravity(0, 0, -9.81, physicsClientId=self.client)
        p.setPhysicsEngineParameter(
            fixedTimeStep=1 / HZ,
            numSolverIterations=100,
            solverResidualThreshold=1e-5,
            deterministicOverlappingPairs=1,
            physicsClientId=self.client,
        )
        self.surroundings = Surroundings(self.client, physics)
        self.spec = spec
        self._script = Script(())
        self.dress(spec)
        if physics and settle:
            # Geometry puts things a hair above or into each other: let them find their rest before time begins.
            self.settle(1.0)
            self.steps = 0
        if physics:
            self._script = Script(spec.disturbances, spec.seed)

    def close(self) -> None:
        """Disconnect; a second call does nothing."""
        if self.client >= 0:
            p.disconnect(physicsClientId=self.client)
            self.client = -1

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def time(self) -> float:
        """Simulated time since the world was made, [s]."""
        return self.steps / HZ

    def step(self, count: int = 1) -> None:
        """Advance physics by ``count`` steps of 1/240 s; disturbances of the scene happen meanwhile."""
        for _ in range(count):
            if not self._script.empty and self.steps % 4 == 0:
                self._script.play(self, self.time)
            p.stepSimulation(physicsClientId=self.client)
            self.steps += 1

    def drive_arm(self, joints: npt.NDArray[np.float64], speeds: npt.NDArray[np.float64]) -> None:
        """Set the arm's motors to a setpoint: joint angles [rad] and speeds [rad/s], each shape (7,)."""
        p.setJointMotorControlArray(
            self.robot,
            _ARM_JOINTS,
            p.POSITION_CONTROL,
            targetPositions=joints.tolist(),
            targetVelocities=speeds.tolist(),
            forces=_ARM_FORCES,
            positionGains=[0.15] * 7,
            velocityGains=[1.0] * 7,
            physicsClientId=self.client,
        )

    def drive_fingers(self, width: float, force: float, speed: float) -> None:
        """Set the finger motors: opening [m], force of each finger [N], speed of each [m/s]."""
        for joint in FINGER_JOINTS:
            p.setJointMotorControl2(
                self.robot,
                joint,
                p.POSITION_CONTROL,
                targetPosition=width / 2,
                force=force,
                maxVelocity=speed,
                physicsClientId=self.client,
            )

    def settle(self, limit: float = 3.0) -> bool:
        """Step until every object rests or ``limit`` [s] has passed; tell whether all rest."""
        quiet = 0
        for _ in range(int(limit * HZ / 12)):
            self.step(12)
            quiet = quiet + 1 if self.speed() < 0.005 else 0
            if quiet >= 3:
                return True
        return False

    def speed(self) -> float:
        """Largest speed of an object, [m/s], a turn of 1 rad/s counting as 0.03 m/s."""
        fastest = 0.0
        for body in self.objects:
            linear, angular = p.getBaseVelocity(body.id, physicsClientId=self.client)
            fastest = max(fastest, float(np.linalg.norm(linear)), 0.03 * float(np.linalg.norm(angular)))
        return fastest

    def pose(self, index: int) -> tuple[Vec3, Quat]:
        """Return center [m] and orientation (xyzw) of object ``index`` in the world frame."""
        xyz, quat = p.getBasePositionAndOrientation(self.objects[index].id, physicsClientId=self.client)
        return xyz, quat

    def put(self, index: int, xyz: Vec3, quat_xyzw: Quat | None = None) -> None:
        """Move object ``index`` at once, at rest (for scenes and disturbances; robots never use it)."""
        body = self.objects[index].id
        quat = self.pose(index)[1] if quat_xyzw is None else quat_xyzw
        p.resetBasePositionAndOrientation(body, xyz, quat, physicsClientId=self.client)
        p.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0], physicsClientId=self.client)

    def set_hand(self, spec: HandSpec | None) -> None:
        """Show the hand as given, or take it away."""
        if spec == self._hand_spec:
            return
        old = self._hand_spec
        if spec is not None and old is not None and replace(old, xyz=spec.xyz) == spec:
            p.resetBasePositionAndOrientation(self.hand, spec.xyz, spec.quat_xyzw, physicsClientId=self.client)
            self._hand_spec = spec
            return
        if self.hand is not None:
            p.removeBody(self.hand, physicsClientId=self.client)
            self.hand = None
        self._hand_spec = spec
        if spec is not None:
            self.hand = hand_body(self.client, spec)

    def set_person(self, spec: PersonSpec | None) -> None:
        """Show somebody as given, or nobody."""
        for body in self.person:
            p.removeBody(body, physicsClientId=self.client)
        self._person_spec = spec
        self.person = () if spec is None else person_bodies(self.client, spec)

    def set_screen(self, spec: ScreenSpec | None) -> None:
        """Put up a large box that hides things, or take it away."""
        if self.screen is not None:
            p.removeBody(self.screen, physicsClientId=self.client)
        self.screen = None if spec is None else screen_body(self.client, spec, self.physics)
        self.screen_spec = spec

    def add(self, item: ObjectSpec) -> int:
        """Bring in one more object (disturbances only) and return its index."""
        self.objects.append(Body(item, self._add(item)))
        return len(self.objects) - 1

    @property
    def person_spec(self) -> PersonSpec | None:
        """Somebody near the workspace, or None."""
        return self._person_spec

    @property
    def hand_spec(self) -> HandSpec | None:
        """The hand in view, or None."""
        return self._hand_spec

    def render(self, camera: CameraSpec) -> Picture:
        """Take a picture with a fixed camera."""
        return self.render_from(camera.world_from_camera, camera.fov_deg, camera.width, camera.height)

    def render_from(
        self, world_from_camera: npt.NDArray[np.float64], fov_deg: float, width: int, height: int
    ) -> Picture:
        """Take a picture from any pose (4, 4)."""
        return render(self.client, world_from_camera, fov_deg, width, height, self.spec.light)

    def snapshot(self, path: str | os.PathLike[str], size: tuple[int, int] = (640, 480)) -> None:
        """Write a PNG of the scene from the table camera's side, a little wider."""
        from PIL import Image

        view = CameraSpec("snapshot", (1.45, 0.35, 0.95), (0.42, 0.0, 0.08), 44.0, *size)
        Image.fromarray(self.render(view).rgb).save(path)

    def pose_robot(self, joints: tuple[float, ...] | list[float], width: float) -> None:
        """Put the arm's joints [rad] and the finger opening [m] at once (pictures and start of a run only)."""
        assert self.robot is not None
        for joint, value in zip(_ARM_JOINTS, joints, strict=True):
            p.resetJointState(self.robot, joint, value, physicsClientId=self.client)
        for joint in FINGER_JOINTS:
            p.resetJointState(self.robot, joint, width / 2, physicsClientId=self.client)

    def dress(self, spec: SceneSpec) -> None:
        """Replace surroundings, objects and people by those of ``spec``; the arm goes home."""
        for body in self.objects:
            p.removeBody(body.id, physicsClientId=self.client)
        self.objects = []
        self.spec = spec
        self.surroundings.dress(spec.look, spec.furniture)
        if spec.robot and self.robot is None:
            self._add_robot()
        elif not spec.robot and self.robot is not None:
            p.removeBody(self.robot, physicsClientId=self.client)
            self.robot = None
        if self.robot is not None:
            self.pose_robot(ARM.home.tolist(), 0.08)
            if self.physics:
                self.drive_arm(ARM.home, np.zeros(7))
                self.drive_fingers(0.08, 40.0, 0.05)
        for item in spec.objects:
            self.objects.append(Body(item, self._add(item)))
        if spec.file:
            self._load_file(spec.file)
        self.set_hand(spec.hand)
        self.set_person(spec.person)
        self.set_screen(spec.screen)

    def _add_robot(self) -> None:
        self.robot = p.loadURDF(panda_urdf(), [0, 0, 0], useFixedBase=True, physicsClientId=self.client)
        for joint in FINGER_JOINTS:
            p.changeDynamics(
                self.robot,
                joint,
                lateralFriction=1.0,
                spinningFriction=0.01,
                rollingFriction=0.0,
                physicsClientId=self.client,
            )
        if self.physics:
            # The real hand moves both fingers with one motor.
            gear = p.createConstraint(
                self.robot,
                FINGER_JOINTS[0],
                self.robot,
                FINGER_JOINTS[1],
                p.JOINT_GEAR,
                [1, 0, 0],
                [0, 0, 0],
                [0, 0, 0],
                physicsClientId=self.client,
            )
            p.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50, physicsClientId=self.client)

    def _add(self, item: ObjectSpec) -> int:
        client, size = self.client, list(item.size)
        visual = p.createVisualShape(
            p.GEOM_MESH,
            fileName=meshes.visual_file(item.shape),
            meshScale=size,
            rgbaColor=[*item.paint, 1],
            specularColor=[0.1, 0.1, 0.1],
            physicsClientId=client,
        )
        shape = self._collision(item)
        mass = item.mass if self.physics else 0.0
        body = int(p.createMultiBody(mass, shape, visual, item.xyz, item.quat_xyzw, physicsClientId=client))
        if self.physics:
            p.changeDynamics(
                body,
                -1,
                lateralFriction=1.0,
                spinningFriction=0.01,
                rollingFriction=0.004 if item.shape in ("ball", "can", "bottle") else 0.001,
                angularDamping=0.1,
                physicsClientId=client,
            )
        return body

    def _collision(self, item: ObjectSpec) -> int:
        client, (x, _, z) = self.client, item.size
        if item.shape == "cube":
            half = [v / 2 for v in item.size]
            return int(p.createCollisionShape(p.GEOM_BOX, halfExtents=half, physicsClientId=client))
        if item.shape == "can":
            return int(p.createCollisionShape(p.GEOM_CYLINDER, radius=x / 2, height=z, physicsClientId=client))
        if item.shape == "ball":
            return int(p.createCollisionShape(p.GEOM_SPHERE, radius=x / 2, physicsClientId=client))
        return int(
            p.createCollisionShape(
                p.GEOM_MESH,
                fileName=meshes.collision_file(item.shape),
                meshScale=list(item.size),
                physicsClientId=client,
            )
        )

    def _load_file(self, file: str) -> None:
        try:
            with quiet():
                if file.lower().endswith(".sdf"):
                    ids = p.loadSDF(file, physicsClientId=self.client)
                else:
                    ids = [p.loadURDF(file, physicsClientId=self.client)]
        except p.error:
            what = "the simulator cannot load this file, or a mesh it names"
            raise SceneError(Place(file, 1, 1), what, "check its links, and that each mesh is there") from None
        for body in ids:
            low, high = (np.array(v) for v in p.getAABB(body, physicsClientId=self.client))
            xyz, quat = p.getBasePositionAndOrientation(body, physicsClientId=self.client)
            name = p.getBodyInfo(body, physicsClientId=self.client)[1].decode() or f"body{body}"
            size = tuple(float(v) for v in np.maximum(high - low, 1e-4))
            spec = ObjectSpec(shape=name, color="", size=(size[0], size[1], size[2]), xyz=xyz, quat_xyzw=quat)
            self.objects.append(Body(spec, int(body)))
