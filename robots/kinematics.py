"""Serial arms in numpy: forward kinematics, Jacobian, inverse kinematics with limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .errors import UnreachableError
from .pose import Array, Pose


@dataclass(frozen=True)
class Balls:
    """Spheres that wrap an arm, for collision checks.

    Attributes:
        links: Index of the link each ball is fixed to, shape (m,); ``-1`` is the base, ``n`` the tool frame.
        xyz: Centers in the frame of that link, shape (m, 3), [m].
        radius: Shape (m,), [m].
    """

    links: Array
    xyz: Array
    radius: Array

    @classmethod
    def of(cls, rows: list[tuple[int, tuple[float, float, float], float]]) -> Balls:
        """Build from rows of (link, center, radius)."""
        return cls(
            np.array([row[0] for row in rows], dtype=float),
            np.array([row[1] for row in rows], dtype=float).reshape(-1, 3),
            np.array([row[2] for row in rows], dtype=float),
        )


@dataclass(frozen=True)
class Arm:
    """A serial chain of revolute joints, each turning about the z axis of its own frame.

    Attributes:
        name: Model name.
        joints: Joint names, n of them.
        origins: ``parent_from_joint`` at zero angle, shape (n, 4, 4).
        last_from_tcp: Tool center point in the last link, shape (4, 4): z out of the hand, y along the finger opening.
        lower: Joint limits, shape (n,), [rad].
        upper: Joint limits, shape (n,), [rad].
        velocity: Joint speed limits, shape (n,), [rad/s].
        acceleration: Joint acceleration limits, shape (n,), [rad/s^2].
        home: Posture that keeps the table in view of a camera opposite the robot, shape (n,), [rad].
        balls: Spheres that wrap links, hand and open fingers.
        finger_tip: How far the finger tips reach beyond the tcp, [m].
        world_from_base: Where the arm stands.
    """

    name: str
    joints: tuple[str, ...]
    origins: Array
    last_from_tcp: Array
    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array
    home: Array
    balls: Balls
    finger_tip: float = 0.0
    world_from_base: Pose = field(default_factory=lambda: Pose((0.0, 0.0, 0.0)))

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.joints)

    @cached_property
    def _base(self) -> Array:
        """``world_from_base``, shape (4, 4)."""
        return self.world_from_base.matrix

    def links(self, q: Array) -> Array:
        """Return ``world_from_link`` of every joint frame, shape (..., n) → (..., n, 4, 4)."""
        q = np.asarray(q, dtype=float)
        turn = np.zeros((*q.shape, 4, 4))
        cos, sin = np.cos(q), np.sin(q)
        turn[..., 0, 0] = turn[..., 1, 1] = cos
        turn[..., 1, 0], turn[..., 0, 1] = sin, -sin
        turn[..., 2, 2] = turn[..., 3, 3] = 1.0
        local = self.origins @ turn
        frames, last = np.empty_like(local), self._base
        for k in range(self.n):
            last = np.matmul(last, local[..., k, :, :], out=frames[..., k, :, :])
        return frames

    def fk(self, q: Array) -> Pose:
        """Return ``world_from_tcp`` for joint positions of shape (n,), [rad]."""
        return Pose.from_matrix(self.links(q)[-1] @ self.last_from_tcp)

    def jacobian(self, q: Array) -> Array:
        """Return the geometric Jacobian of the tcp in the world, (..., n) → (..., 6, n): linear rows, then angular."""
        frames = self.links(q)
        return self._jacobian(frames, frames[..., -1, :, :] @ self.last_from_tcp)

    @staticmethod
    def _jacobian(frames: Array, tcp: Array) -> Array:
        (ax, ay, az) = axes = np.moveaxis(frames[..., :3, 2], -1, 0)
        (bx, by, bz) = np.moveaxis(tcp[..., None, :3, 3] - frames[..., :3, 3], -1, 0)
        rows = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx, *axes)
        return np.stack(rows, axis=-2)

    def balls_at(self, q: Array, frames: Array | None = None) -> Array:
        """Return the centers of all balls in the world, shape (..., n) → (..., m, 3), [m]."""
        frames = self.links(q) if frames is None else frames
        base = np.broadcast_to(self._base, (*frames.shape[:-3], 1, 4, 4))
        tool = (frames[..., -1, :, :] @ self.last_from_tcp)[..., None, :, :]
        every = np.concatenate([base, frames, tool], axis=-3)[..., self.balls.links.astype(int) + 1, :, :]
        result: Array = (every[..., :3, :3] @ self.balls.xyz[..., None])[..., 0] + every[..., :3, 3]
        return result

    def within(self, q: Array, slack: float = 1e-6) -> bool:
        """Tell whether all joints, shape (n,), are inside their limits."""
        return bool(np.all(q >= self.lower - slack) and np.all(q <= self.upper + slack))

    def ik(self, target: Pose, seed: Array, rng: np.random.Generator, attempts: int = 20) -> Array:
        """Return joint positions whose tcp is at ``target``, shape (n,), [rad], the solution nearest to ``seed``.

        Attempts are iterated together: first the seed and a few postures near it, then postures anywhere in the limits.

        Args:
            target: ``world_from_tcp``.
            seed: Where to start and what to stay close to, shape (n,), [rad].
            rng: Draws the restarts.
            attempts: Number of starts; 1 uses the seed alone.

        Raises:
            UnreachableError: No attempt comes within 0.2 mm and 0.001 rad inside the limits.

        Source: damped least squares, Buss, *Introduction to inverse kinematics* (2009), section 6.
        """
        start = np.clip(np.asarray(seed, dtype=float), self.lower, self.upper)
        near = start + rng.normal(0.0, 0.4, (min(attempts, 6), self.n)) * (np.arange(min(attempts, 6)) > 0)[:, None]
        far = rng.uniform(self.lower, self.upper, (max(0, attempts - 6), self.n))
        tries, closest = 0, (np.inf, np.inf)
        for starts in (near, far):
            if not len(starts):
                continue
            found, miss = self._descend(target, np.clip(starts, self.lower, self.upper))
            good = (miss[:, 0] < 2e-4) & (miss[:, 1] < 1e-3)
            if good.any():
                best: Array = found[int(np.where(good, np.abs(found - start).max(axis=1), np.inf).argmin())]
                return best
            tries += len(starts)
            k = int((miss[:, 0] + 0.1 * miss[:, 1]).argmin())
            closest = min(closest, (float(miss[k, 0]), float(miss[k, 1])))
        x, y, z = target.xyz
        reach = float(np.linalg.norm(target.position - self.world_from_base.position))
        raise UnreachableError(
            f"{self.name} cannot put its tcp at x={x:.3f} y={y:.3f} z={z:.3f} m: the best of {tries} attempts "
            f"stays {closest[0] * 1000:.0f} mm and {np.degrees(closest[1]):.0f} deg away\n"
            f"  why:  the pose is {reach:.2f} m from the base, or its direction breaks a joint limit\n"
            f"  fix:  move the target closer to the robot, or allow another direction of the hand"
        )

    def _descend(self, target: Pose, q: Array, iterations: int = 60) -> tuple[Array, Array]:
        """Iterate a batch of postures, shape (k, n), towards the target; return them and their misses, shape (k, 2)."""
        goal, rotation = target.position, target.rotation
        q = q.copy()
        miss = np.full((len(q), 2), np.inf)
        live = np.arange(len(q))
        for _ in range(iterations):
            frames = self.links(q[live])
            tcp = frames[:, -1] @ self.last_from_tcp
            error = np.concatenate(
                [goal - tcp[:, :3, 3], rotation_vectors(rotation @ tcp[:, :3, :3].swapaxes(1, 2))], 1
            )
            miss[live, 0] = np.linalg.norm(error[:, :3], axis=1)
            miss[live, 1] = np.linalg.norm(error[:, 3:], axis=1)
            running = (miss[live, 0] > 1e-5) | (miss[live, 1] > 1e-4)
            if not running.any():
                break
            live, error = live[running], error[running]
            jacobian = self._jacobian(frames[running], tcp[running])
            damping = 1e-4 + 1e-2 * np.sum(error**2, axis=1)
            gram = jacobian @ jacobian.swapaxes(1, 2) + damping[:, None, None] * np.eye(6)
            step = (jacobian.swapaxes(1, 2) @ np.linalg.solve(gram, error[..., None]))[..., 0]
            q[live] = np.clip(q[live] + np.clip(step, -0.5, 0.5), self.lower, self.upper)
        return q, miss


def rotation_vectors(rotations: Array) -> Array:
    """Return axis times angle of rotation matrices, shape (k, 3, 3) → (k, 3), [rad].

    Source: inverse of Rodrigues' formula; at angles near pi the axis comes from the symmetric part.
    """
    odd = 0.5 * np.stack(
        [
            rotations[:, 2, 1] - rotations[:, 1, 2],
            rotations[:, 0, 2] - rotations[:, 2, 0],
            rotations[:, 1, 0] - rotations[:, 0, 1],
        ],
        axis=1,
    )
    sin = np.linalg.norm(odd, axis=1)
    cos = np.clip(0.5 * (np.trace(rotations, axis1=1, axis2=2) - 1.0), -1.0, 1.0)
    angle = np.arctan2(sin, cos)
    result: Array = odd * np.where(sin > 1e-9, angle / np.maximum(sin, 1e-9), 1.0)[:, None]
    for k in np.flatnonzero((sin < 1e-4) & (cos < 0)):
        outer = 0.5 * (rotations[k] + np.eye(3))
        axis = outer[:, int(np.diag(outer).argmax())]
        result[k] = np.pi * axis / np.linalg.norm(axis)
    return result
