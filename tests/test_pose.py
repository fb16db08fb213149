from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.robots.pose import Pose, matrix_from_quat, quat_from_matrix

coordinate = st.floats(-2.0, 2.0)
poses = st.builds(
    lambda xyz, quat: Pose.of(xyz, matrix_from_quat(np.array(quat))),
    st.tuples(coordinate, coordinate, coordinate),
    st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: np.linalg.norm(q) > 1e-2),
)


@given(poses, poses)
def test_the_inverse_of_a_chain_is_the_chain_of_inverses(a: Pose, b: Pose) -> None:
    shift, turn = (a @ b).inverse().distance(b.inverse() @ a.inverse())
    assert shift < 1e-9
    assert turn < 1e-6


@given(poses, poses, st.tuples(coordinate, coordinate, coordinate))
def test_a_chain_moves_points_like_its_links(a: Pose, b: Pose, point: tuple[float, float, float]) -> None:
    assert np.allclose((a @ b).apply(np.array(point)), a.apply(b.apply(np.array(point))))


@given(poses)
def test_matrix_and_quaternion_say_the_same(pose: Pose) -> None:
    again = Pose.from_matrix(pose.matrix)
    assert np.allclose(again.matrix, pose.matrix, atol=1e-12)
    assert np.linalg.norm(again.quat_xyzw) == pytest.approx(1.0)
    assert again.quat_xyzw[3] >= 0


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, -1, 1)])
def test_half_turns_survive_the_way_through_a_quaternion(axis: tuple[int, int, int]) -> None:
    n = np.array(axis) / np.linalg.norm(axis)
    half_turn = 2 * np.outer(n, n) - np.eye(3)
    assert np.allclose(matrix_from_quat(quat_from_matrix(half_turn)), half_turn)


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.0, math.pi])
def test_facing_down_points_the_tool_at_the_floor(yaw: float) -> None:
    rotation = Pose.facing_down((0.4, 0.1, 0.2), yaw).rotation
    assert np.allclose(rotation[:, 2], [0, 0, -1])
    assert np.allclose(rotation[:, 0], [math.cos(yaw), math.sin(yaw), 0])
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_distance_is_metres_and_radians() -> None:
    assert Pose((0, 0, 0)).distance(Pose((3, 4, 0), (0, 0, 1, 0))) == pytest.approx((5.0, math.pi))
