"""Whole motions of a pick and a place, planned before the first of them starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .collision import HeightMap, Scene
from .contract import Trajectory
from .errors import UnreachableError
from .grasp import Grasp
from .kinematics import Arm
from .placing import Spot
from .planning import line, plan
from .pose import Array, Pose
from .trajectory import timed

CARRY_SPEED = 0.35


@dataclass(frozen=True)
class PickPlan:
    """Motions of a pick: ``reach`` above the thing, ``descend`` onto it; close the fingers; ``lift``."""

    grasp: Grasp
    reach: Trajectory
    descend: Trajectory
    lift: Trajectory


@dataclass(frozen=True)
class PlacePlan:
    """Motions of a place: ``carry`` above the spot, ``lower`` to it; open the fingers; ``retreat`` upwards."""

    spot: Spot
    carry: Trajectory
    lower: Trajectory
    retreat: Trajectory


def plan_reach(
    arm: Arm, seen: HeightMap, q: Array, target: Pose, rng: np.random.Generator, speed: float = 0.5
) -> Trajectory:
    """Return a trajectory from posture ``q`` to a tcp pose, clear of what was seen.

    Raises:
        UnreachableError: No posture or no path reaches it.
    """
    scene = Scene(arm, seen)
    return timed(arm, plan(scene, q, _posture(scene, target, q, rng), rng), speed)


def plan_pick(
    arm: Arm,
    others: HeightMap,
    everything: HeightMap,
    q: Array,
    ranked: Sequence[Grasp],
    rng: np.random.Generator,
    lift: float = 0.15,
    tries: int = 8,
    speed: float = 0.5,
) -> PickPlan:
    """Return the motions for the best grasp that the arm can carry out.

    Args:
        arm: The arm.
        others: Obstacles without the thing to be grasped.
        everything: Obstacles with it; the way to the thing stays clear of it too.
        q: Joint positions now, shape (n,), [rad].
        ranked: Grasps, best first.
        rng: Draws restarts and samples.
        lift: How high to lift, [m].
        tries: How many grasps to try.
        speed: Share of the arm's speed limits to use.

    Raises:
        UnreachableError: None of them works; the reason of the best one is given.
    """
    reason: UnreachableError | None = None
    around, near = Scene(arm, everything), _fingers_free(Scene(arm, others, margin=0.0))
    for grasp in ranked[:tries]:
        try:
            above = _posture(around, grasp.pregrasp, q, rng)
            x, y, z = grasp.world_from_tcp.xyz
            turn = arm.fk(above).quat_xyzw  # perhaps half a turn from the grasp's
            down = line(arm, above, Pose((x, y, z), turn))
            if not near.free_path(down, 0.1):
                raise UnreachableError("the way down collides\n  fix:  grasp from another side")
            up = line(arm, down[-1], Pose((x, y, z + lift), turn))
            way = plan(around, q, above, rng)
        except UnreachableError as error:
            reason = reason or error
            continue
        return PickPlan(grasp, timed(arm, way, speed), timed(arm, down, speed), timed(arm, up, CARRY_SPEED))
    if reason is None:
        raise UnreachableError(
            "no grasp is possible: the thing is wider than the gripper, or its neighbours leave no room for fingers\n"
            "  fix:  move the neighbours first, or choose a narrower thing"
        )
    raise reason


def plan_place(
    arm: Arm,
    others: HeightMap,
    q: Array,
    held: Grasp,
    ranked: Sequence[Spot],
    rng: np.random.Generator,
    drop: float = 0.004,
    above: float = 0.10,
    tries: int = 8,
) -> PlacePlan:
    """Return the motions to the best spot that the arm can reach with the thing in its hand.

    Args:
        arm: The arm.
        others: Obstacles without the held thing.
        q: Joint positions now, shape (n,), [rad].
        held: The grasp the thing is held with.
        ranked: Spots, best first.
        rng: Draws restarts and samples.
        drop: Height over the support at which the fingers open, [m].
        above: Height of the straight way down and up again, [m].
        tries: How many spots to try.

    Raises:
        UnreachableError: None of them works; the reason of the best one is given.
    """
    reason: UnreachableError | None = None
    scene = Scene(arm, others).carrying(min(held.radius, 0.06), held.below)
    empty = _fingers_free(Scene(arm, others, margin=0.0))
    for spot in ranked[:tries]:
        x, y, z = spot.world_from_tcp.xyz
        try:
            over = _posture(scene, Pose((x, y, z + above), spot.world_from_tcp.quat_xyzw), q, rng)
            turn = arm.fk(over).quat_xyzw  # perhaps half a turn from the spot's
            down = line(arm, over, Pose((x, y, z + drop), turn))
            up = line(arm, down[-1], Pose((x, y, z + above), turn))
            if not empty.free_path(down, 0.1):
                raise UnreachableError("the hand would touch a neighbour on the way down\n  fix:  choose another spot")
            way = plan(scene, q, over, rng)
        except UnreachableError as error:
            reason = reason or error
            continue
        return PlacePlan(spot, timed(arm, way, CARRY_SPEED), timed(arm, down, CARRY_SPEED), timed(arm, up))
    if reason is None:
        raise UnreachableError("there is no spot to place anything\n  fix:  ground the container again")
    raise reason


def _posture(scene: Scene, target: Pose, q: Array, rng: np.random.Generator) -> Array:
    """Return joint positions that reach a pose without a collision; two fingers may be swapped by half a turn."""
    half = Pose((0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    reason: UnreachableError | None = None
    found: list[Array] = []
    for pose in (target, target @ half):
        for seed in (q, scene.arm.home):
            try:
                posture = scene.arm.ik(pose, seed, rng)
            except UnreachableError as error:
                reason = reason or error
                continue
            if scene.free(posture):
                found.append(posture)
                break
            reason = reason or UnreachableError(
                f"the hand would collide above the goal: {scene.blocker(posture)}\n"
                f"  fix:  approach from another direction, or move the obstacle first"
            )
    if not found:
        assert reason is not None
        raise reason
    return min(found, key=lambda posture: float(np.abs(posture - q).max()))


def _fingers_free(scene: Scene, thin: float = 0.02) -> Scene:
    """Return a scene that lets the fingers touch: grasps and spots have looked at their room more closely."""
    return replace(scene, allowed=np.where(scene.arm.balls.radius < thin, 0.1, 0.0))


def hand_room(arm: Arm, others: HeightMap, world_from_tcp: Pose, thin: float = 0.02) -> float:
    """Return how far the hand, without fingers, stays above obstacles at a tcp pose, [m]; negative inside one."""
    mine = (arm.balls.links == arm.n) & (arm.balls.radius >= thin)
    centers, radius = world_from_tcp.apply(arm.balls.xyz[mine]), arm.balls.radius[mine]
    room = np.inf
    for size in np.unique(radius):
        same = centers[radius == size]
        room = min(room, float((same[:, 2] - others.lowest_center(float(size), same[:, :2])).min()))
    return room
