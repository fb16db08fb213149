"""Acts that leave a thing somewhere: lower, open, retreat."""

from __future__ import annotations

from ..._base import headline
from ...robots.collision import Scene
from ...robots.errors import UnreachableError
from ...robots.handling import PlacePlan, plan_place
from ...robots.placing import Spot
from .motion import Failed, Fingers, MotionLeaf, Rest, Script
from .surroundings import Held, Surroundings


def put_down(leaf: MotionLeaf, scene: Scene, chosen: PlacePlan, held: Held, where: str) -> Script:
    """Yield the acts that carry the held thing above a place, lower it, open the hand and go up again.

    Args:
        leaf: Who moves.
        scene: Obstacles, with the held thing.
        chosen: The planned motions.
        held: What is put down.
        where: The place in words.

    Raises:
        Failed: The thing was lost on the way, or the hand did not open.
    """
    robot = leaf.robot
    yield leaf.planned(scene, chosen.carry, f"carrying {held.label} to {where}")
    check_held(leaf, held)
    yield leaf.straight(chosen.lower, f"lowering {held.label}")
    check_held(leaf, held)
    opening = min(robot.capabilities.gripper_max_width, held.grasp.width + 0.024)
    yield Fingers(opening, f"letting go of {held.label}")
    yield Rest(0.15)
    leaf.keep(None)
    yield leaf.rise(max(0.05, leaf.below_high()), "retreating", 0.3)
    state = robot.state()
    if state.holding or state.gripper_width < opening - 0.01:
        raise Failed(f"the hand did not open: {1000 * state.gripper_width:.0f} mm, wanted {1000 * opening:.0f} mm")
    return ""


def check_held(leaf: MotionLeaf, held: Held) -> None:
    """Feel whether the thing is still in the hand.

    Raises:
        Failed: It is not.
    """
    state = leaf.robot.state()
    if not state.holding:
        leaf.keep(None)
        raise Failed(f"lost {held.label} on the way: fingers at {1000 * state.gripper_width:.1f} mm feel nothing")


def put_back(leaf: MotionLeaf, around: Surroundings) -> Script:
    """Yield the acts that put what is held back where it was taken, or down right here, and bring the arm home.

    Raises:
        Failed: It could not be put down; the hand still holds it.
    """
    robot = leaf.robot
    state = robot.state()
    held = leaf.held or Held.unknown(state.gripper_width, state.world_from_tcp)
    spot = Spot(held.grasp.world_from_tcp, 0.0, held.grasp.world_from_tcp.xyz[2] - held.grasp.below)
    scene = around.scene(robot.arm, held)
    try:
        chosen = plan_place(robot.arm, scene.seen, state.q, held.grasp, [spot], leaf.context.rng)
    except UnreachableError as error:
        raise Failed(f"cannot put {held.label} back: {headline(error)}") from error
    yield from put_down(leaf, scene, chosen, held, "where it was")
    yield from leaf.go_home(around)
    return ""
