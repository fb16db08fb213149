from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pybullet as p
import pybullet_data
import pytest

from knothole.robots.contract import UnreachableError
from knothole.robots.kinematics import rotation_vectors
from knothole.robots.panda import TCP_FROM_HAND, fr3, panda
from knothole.robots.pose import Pose, matrix_from_quat

HAND = 8


@pytest.fixture(scope="module")
def bullet() -> Iterator[tuple[int, int]]:
    client = p.connect(p.DIRECT)
    body = p.loadURDF(
        f"{pybullet_data.getDataPath()}/franka_panda/panda.urdf", useFixedBase=True, physicsClientId=client
    )
    yield client, body
    p.disconnect(client)


def test_forward_kinematics_agree_with_the_urdf(bullet: tuple[int, int]) -> None:
    client, body = bullet
    arm, rng = panda(), np.random.default_rng(0)
    for _ in range(100):
        q = rng.uniform(arm.lower, arm.upper)
        for joint in range(7):
            p.resetJointState(body, joint, q[joint], physicsClientId=client)
        link = p.getLinkState(body, HAND, computeForwardKinematics=True, physicsClientId=client)
        world_from_hand = Pose(tuple(link[4]), tuple(link[5]))
        shift, turn = (world_from_hand @ Pose((0.0, 0.0, TCP_FROM_HAND))).distance(arm.fk(q))
        assert shift < 1e-3
        assert turn < 1e-3


def test_fingers_of_the_urdf_open_along_tcp_y(bullet: tuple[int, int]) -> None:
    client, body = bullet
    arm = panda()
    for joint, angle in enumerate(arm.home):
        p.resetJointState(body, joint, angle, physicsClientId=client)
    ends = []
    for finger in (9, 10):
        p.resetJointState(body, finger, 0.04, physicsClientId=client)
        ends.append(p.getLinkState(body, finger, computeForwardKinematics=True, physicsClientId=client)[4])
    across = np.subtract(ends[0], ends[1])
    assert np.linalg.norm(across) == pytest.approx(0.08, abs=1e-6)
    assert abs(across @ arm.fk(arm.home).rotation[:, 1]) == pytest.approx(0.08, abs=1e-4)


def test_balls_wrap_the_collision_meshes() -> None:
    arm = panda()
    folder = f"{pybullet_data.getDataPath()}/franka_panda/meshes/collision"
    for link in range(1, 8):
        with open(f"{folder}/{f'link{link + 1}' if link < 7 else 'hand'}.obj") as file:
            points = np.array([[float(v) for v in row.split()[1:4]] for row in file if row.startswith("v ")])
        if link == 7:
            points = points - [0.0, 0.0, TCP_FROM_HAND]
        mine = arm.balls.links == link
        apart = np.linalg.norm(points[:, None] - arm.balls.xyz[mine], axis=2) - arm.balls.radius[mine]
        assert apart.min(axis=1).max() < 0.01, link


def test_the_jacobian_is_the_derivative_of_the_pose() -> None:
    arm, rng = panda(), np.random.default_rng(1)
    for q in rng.uniform(arm.lower, arm.upper, (10, 7)):
        jacobian, here = arm.jacobian(q), arm.fk(q)
        for joint in range(7):
            step = np.zeros(7)
            step[joint] = 1e-6
            there = arm.fk(q + step)
            assert np.allclose((there.position - here.position) / 1e-6, jacobian[:3, joint], atol=1e-5)
            turn = rotation_vectors((there.rotation @ here.rotation.T)[None])[0]
            assert np.allclose(turn / 1e-6, jacobian[3:, joint], atol=1e-4)


def test_batches_give_what_single_postures_give() -> None:
    arm = panda()
    q = np.random.default_rng(2).uniform(arm.lower, arm.upper, (5, 7))
    assert np.allclose(arm.links(q)[3], arm.links(q[3]))
    assert np.allclose(arm.jacobian(q)[2], arm.jacobian(q[2]))
    assert np.allclose(arm.balls_at(q)[1], arm.balls_at(q[1]))


@pytest.mark.parametrize("make", [panda, fr3])
def test_inverse_kinematics_find_every_pose_the_arm_can_take(make: object) -> None:
    arm = make()  # type: ignore[operator]
    rng = np.random.default_rng(3)
    margin = 0.05 * (arm.upper - arm.lower)
    for _ in range(40):
        target = arm.fk(rng.uniform(arm.lower + margin, arm.upper - margin))
        q = arm.ik(target, arm.home, rng)
        shift, turn = arm.fk(q).distance(target)
        assert shift < 5e-4
        assert turn < 2e-3
        assert arm.within(q)


def test_the_solution_next_to_the_seed_is_chosen() -> None:
    arm = panda()
    for k in range(10):
        q = arm.home + 0.2 * np.random.default_rng(k).uniform(-1, 1, 7)
        found = arm.ik(arm.fk(q), q + 0.02, np.random.default_rng(k))
        assert np.abs(found - q).max() < 0.2


def test_the_same_generator_gives_the_same_solution() -> None:
    arm, target = panda(), Pose.facing_down((0.5, 0.3, 0.1), 1.0)
    one, two = (arm.ik(target, arm.home, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two)


def test_a_base_elsewhere_moves_everything_along() -> None:
    base = Pose((0.3, -1.0, 0.5), (0.0, 0.0, 1.0, 0.0))
    here, there = panda(), panda(base)
    assert (base @ here.fk(here.home)).distance(there.fk(here.home))[0] < 1e-12


def test_a_pose_out_of_reach_says_how_far_and_what_to_do() -> None:
    arm = panda()
    with pytest.raises(UnreachableError) as caught:
        arm.ik(Pose.facing_down((1.4, 0.0, 0.2), 0.0), arm.home, np.random.default_rng(0))
    text = str(caught.value)
    assert "panda cannot put its tcp at x=1.400 y=0.000 z=0.200 m" in text
    assert "1.41 m from the base" in text
    assert "fix:" in text


def test_rotation_vectors_undo_rotations_up_to_a_half_turn() -> None:
    rng = np.random.default_rng(4)
    for angle in (0.0, 1e-9, 1e-3, 1.0, 3.0, np.pi - 1e-7, np.pi):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        rotation = matrix_from_quat(np.append(np.sin(angle / 2) * axis, np.cos(angle / 2)))
        vector = rotation_vectors(rotation[None])[0]
        assert np.linalg.norm(vector) == pytest.approx(angle, abs=1e-6)
        again = np.append(np.sin(angle / 2) * vector / max(angle, 1e-12), np.cos(angle / 2))
        assert np.allclose(matrix_from_quat(again), rotation, atol=1e-6)
