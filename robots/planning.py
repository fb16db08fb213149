"""Paths that avoid what was seen: straight joint motion, RRT-Connect, straight lines of the tool."""

from __future__ import annotations

import numpy as np

from .collision import Scene, densify
from .errors import UnreachableError
from .kinematics import Arm, rotation_vectors
from .pose import Array, Pose, matrix_from_quat

_REACH = 0.6  # longest branch of a tree, [rad]


def plan(scene: Scene, start: Array, goal: Array, rng: np.random.Generator, samples: int = 1500) -> Array:
    """Return waypoints of a collision-free joint path, shape (k, n), [rad], first ``start``, last ``goal``.

    A straight joint motion is tried first. A start that already touches something may leave it.

    Args:
        scene: Arm and obstacles.
        start: Joint positions now, shape (n,), [rad].
        goal: Joint positions wanted, shape (n,), [rad].
        rng: Draws samples; the same generator state gives the same path.
        samples: How many samples to try before giving up.

    Raises:
        UnreachableError: The goal collides or breaks a limit, or no path was found.

    Source: Kuffner & LaValle, *RRT-Connect* (ICRA 2000), then random shortcuts.
    """
    arm = scene.arm
    start, goal = np.asarray(start, dtype=float), np.asarray(goal, dtype=float)
    if not arm.within(goal, 1e-3):
        broken = [arm.joints[k] for k in range(arm.n) if not arm.lower[k] - 1e-3 <= goal[k] <= arm.upper[k] + 1e-3]
        raise UnreachableError(
            f"the goal breaks the limits of {', '.join(broken)}\n  fix:  aim at a posture inside the joint limits"
        )
    if not scene.free(start):
        scene = scene.forgiving(start)
    if not scene.free(goal):
        raise UnreachableError(
            f"the goal posture collides: {scene.blocker(goal)}\n"
            f"  fix:  aim higher above the table, approach from another direction, or move the obstacle first"
        )
    if scene.free_path(np.stack([start, goal])):
        return np.stack([start, goal])
    path = _shorten(scene, _connect(scene, start, goal, rng, samples), rng)
    path[0], path[-1] = start, goal
    return path


class _Tree:
    """A growing tree of postures with parents."""

    def __init__(self, root: Array, room: int) -> None:
        self.q = np.empty((room, len(root)))
        self.q[0] = root
        self.parent = np.zeros(room, dtype=np.int64)
        self.size = 1

    def nearest(self, q: Array) -> int:
        return int(((self.q[: self.size] - q) ** 2).sum(axis=1).argmin())

    def add(self, q: Array, parent: int) -> int:
        self.q[self.size], self.parent[self.size] = q, parent
        self.size += 1
        return self.size - 1

    def branch(self, index: int) -> list[Array]:
        """Return the postures from the root to ``index``."""
        found = [self.q[index]]
        while index:
            index = int(self.parent[index])
            found.append(self.q[index])
        return found[::-1]


def _extend(scene: Scene, tree: _Tree, target: Array) -> int | None:
    """Grow towards ``target`` as far as the way is free; return the new node, None when not a step was possible."""
    near = tree.nearest(target)
    here = tree.q[near]
    way = target - here
    length = float(np.linalg.norm(way))
    end = target if length <= _REACH else here + way * (_REACH / length)
    steps = densify(np.stack([here, end]), 0.05)
    if not scene.free_many(steps[1:]).all():
        return None
    return tree.add(end, near)


def _connect(scene: Scene, start: Array, goal: Array, rng: np.random.Generator, samples: int) -> Array:
    arm = scene.arm
    room = 40 * samples + 10
    here, there = _Tree(start, room), _Tree(goal, room)
    swapped = False
    for _ in range(samples):
        grown = _extend(scene, here, rng.uniform(arm.lower, arm.upper))
        while grown is not None:
            target = here.q[grown]
            met = _extend(scene, there, target)
            if met is None:
                break
            if np.array_equal(there.q[met], target):
                one, two = here.branch(grown), there.branch(met)[::-1]
                path = np.array(one + two[1:])
                return path[::-1] if swapped else path
        here, there, swapped = there, here, not swapped
    raise UnreachableError(
        f"no collision-free path to the goal was found in {samples} samples\n"
        f"  fix:  clear the way, approach from another side, or start from the home posture"
    )


def _shorten(scene: Scene, path: Array, rng: np.random.Generator, rounds: int = 60) -> Array:
    """Cut corners of a path at random while the cuts stay free."""
    for _ in range(rounds):
        if len(path) < 3:
            break
        whole = densify(path, 0.1)
        i, j = sorted(int(k) for k in rng.choice(len(whole), 2, replace=False))
        if j - i < 2 or not scene.free_path(np.stack([whole[i], whole[j]])):
            continue
        path = _corners(np.concatenate([whole[: i + 1], whole[j:]]))
    return path


def _corners(path: Array) -> Array:
    """Drop waypoints that lie on the straight line between their neighbours."""
    keep = [0]
    for k in range(1, len(path) - 1):
        a, b = path[k] - path[keep[-1]], path[k + 1] - path[k]
        if np.linalg.norm(a / max(1e-12, np.linalg.norm(a)) - b / max(1e-12, np.linalg.norm(b))) > 1e-6:
            keep.append(k)
    return path[[*keep, len(path) - 1]]


def line(arm: Arm, start: Array, target: Pose, step: float = 0.01, scene: Scene | None = None) -> Array:
    """Return joint waypoints that move the tcp straight to ``target``, shape (k, n), [rad], first ``start``.

    Args:
        arm: The arm.
        start: Joint positions now, shape (n,), [rad].
        target: ``world_from_tcp`` at the end.
        step: Distance between waypoints, [m]; turns take 0.05 rad a waypoint.
        scene: Obstacles to stay clear of; None ignores them, as a grasp must that touches its object.

    Raises:
        UnreachableError: The line leaves the joint limits, jumps between arm configurations, or collides.
    """
    start = np.asarray(start, dtype=float)
    begin = arm.fk(start)
    turn = rotation_vectors((target.rotation @ begin.rotation.T)[None])[0]
    angle = float(np.linalg.norm(turn))
    count = max(2, int(np.ceil(max(begin.distance(target)[0] / step, angle / 0.05))))
    path, still = [start], np.random.default_rng(0)
    for u in np.linspace(0.0, 1.0, count + 1)[1:]:
        xyz = begin.position + u * (target.position - begin.position)
        half = 0.5 * u * angle
        spin = np.append(np.sin(half) * turn / max(angle, 1e-12), np.cos(half))
        pose = Pose.of(xyz, matrix_from_quat(spin) @ begin.rotation)
        q = arm.ik(pose, path[-1], still, attempts=1)
        if np.abs(q - path[-1]).max() > 0.35:
            raise UnreachableError(
                f"the straight line to {_say(target)} would flip the arm into another configuration\n"
                f"  fix:  start the line from another posture, or turn the hand by 180 degrees"
            )
        path.append(q)
    if scene is not None:
        loose = scene if scene.free(start) else scene.forgiving(start)
        for q in path[1:]:
            if not loose.free(q):
                raise UnreachableError(
                    f"the straight line to {_say(target)} collides: {loose.blocker(q)}\n"
                    f"  fix:  approach from another direction, or move the obstacle first"
                )
    return np.array(path)


def _say(pose: Pose) -> str:
    return "x={:.3f} y={:.3f} z={:.3f} m".format(*pose.xyz)
