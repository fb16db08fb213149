"""A second world that begins as another one is now: to try in it what shall happen there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pybullet as p

from .objects import Quat, Vec3
from .panda import PandaSim
from .scene import SceneSpec
from .world import ARM, FINGER_JOINTS, World

_ARM_JOINTS = tuple(range(7))
_TAKE_HOLD = 0.3
"""How long fingers that held something press again before they feel it, [s]."""


@dataclass(frozen=True)
class BodyState:
    """One object at one moment.

    Attributes:
        xyz: Center, world frame, [m].
        quat_xyzw: Orientation, world frame.
        speed: Of the center, [m/s].
        turning: Angular velocity, [rad/s].
        joints: Position and speed of each of its joints, none for a rigid body.
    """

    xyz: Vec3
    quat_xyzw: Quat
    speed: Vec3 = (0.0, 0.0, 0.0)
    turning: Vec3 = (0.0, 0.0, 0.0)
    joints: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class WorldState:
    """A world at one moment as plain data, enough to build it again.

    Attributes:
        spec: The scene with its objects, people and screen as they are now; nothing happens by itself in it.
        bodies: How each object lies and moves, in the order of the world.
        q: Joint positions of the arm, shape (7,), [rad].
        fingers: Position of each finger, [m].
        grip: What the gripper was told last: opening [m] and force [N].
        holding: Whether the fingers press on something.
    """

    spec: SceneSpec
    bodies: tuple[BodyState, ...]
    q: tuple[float, ...] = tuple(float(v) for v in ARM.home)
    fingers: tuple[float, float] = (0.04, 0.04)
    grip: tuple[float, float] = (0.08, 40.0)
    holding: bool = False


def state_of(world: World, robot: PandaSim | None = None) -> WorldState:
    """Read a world, which stays as it is to the last bit.

    Args:
        world: The world.
        robot: The driver in it; None for a world without.
    """
    # A world loads what its scene's file has, which has no color, after everything else.
    order = sorted(range(len(world.objects)), key=lambda k: not world.objects[k].spec.color)
    bodies = tuple(_read(world.client, world.objects[k].id) for k in order)
    objects = tuple(
        replace(world.objects[k].spec, xyz=state.xyz, quat_xyzw=state.quat_xyzw)
        for k, state in zip(order, bodies, strict=True)
        if world.objects[k].spec.color
    )
    spec = replace(
        world.spec,
        objects=objects,
        disturbances=(),
        hand=world.hand_spec,
        person=world.person_spec,
        screen=world.screen_spec,
    )
    if robot is None or world.robot is None:
        return WorldState(spec, bodies)
    q, (left, right) = (
        [float(s[0]) for s in p.getJointStates(world.robot, joints, physicsClientId=world.client)]
        for joints in (_ARM_JOINTS, FINGER_JOINTS)
    )
    return WorldState(spec, bodies, tuple(q), (left, right), robot.grip, robot.state().holding)


def clone(state: WorldState) -> World:
    """Build a world that begins as ``state`` says, in a PyBullet client of its own. Close it.

    Raises:
        SceneError: The scene's URDF or SDF file cannot be loaded any more.
    """
    world = World(state.spec, settle=False)
    try:
        for body, wanted in zip(world.objects, state.bodies, strict=True):
            _write(world.client, body.id, wanted)
        if world.robot is not None:
            world.pose_robot(state.q, sum(state.fingers))
            for joint, value in zip(FINGER_JOINTS, state.fingers, strict=True):
                p.resetJointState(world.robot, joint, value, physicsClientId=world.client)
    except BaseException:
        world.close()
        raise
    return world


def drive(world: World, state: WorldState) -> PandaSim:
    """Return a driver for the Panda of a cloned world, whose fingers hold what they held."""
    robot = PandaSim(world)
    robot.move_gripper(*state.grip)
    if state.holding:
        robot.advance(robot.now() + _TAKE_HOLD)
    return robot


def _read(client: int, body: int) -> BodyState:
    xyz, quat = p.getBasePositionAndOrientation(body, physicsClientId=client)
    speed, turning = p.getBaseVelocity(body, physicsClientId=client)
    count = p.getNumJoints(body, physicsClientId=client)
    states = p.getJointStates(body, range(count), physicsClientId=client) if count else ()
    return BodyState(xyz, quat, speed, turning, tuple((float(s[0]), float(s[1])) for s in states))


def _write(client: int, body: int, state: BodyState) -> None:
    p.resetBasePositionAndOrientation(body, state.xyz, state.quat_xyzw, physicsClientId=client)
    p.resetBaseVelocity(body, state.speed, state.turning, physicsClientId=client)
    for joint, (value, speed) in enumerate(state.joints):
        p.resetJointState(body, joint, value, speed, physicsClientId=client)
