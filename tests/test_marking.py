"""Marks of values: equal only where a checkpoint would keep the same."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest

from knothole.behaviors.blackboard import UNSET
from knothole.robots.pose import Pose
from knothole.trees.changing.encoding import copied
from knothole.trees.changing.marking import mark
from knothole.vlm.questions import Region


@dataclass
class Box:
    """Something that can be changed."""

    items: list[int]


DIFFERENT = [
    1,
    True,
    1.0,
    "1",
    None,
    b"1",
    0.0,
    -0.0,
    np.float64(1.0),
    np.float32(1.0),
    [1],
    (1,),
    deque([1]),
    {1},
    frozenset({1}),
    {"a": 1},
    {"a": 1, "b": 2},
    {"b": 2, "a": 1},
    np.zeros(3),
    np.zeros(3, np.float32),
    np.zeros((3, 1)),
    np.array([0.0, 0.0, 1e-9]),
    Pose((0.0, 0.0, 0.0)),
    Pose((0.0, 0.0, 1e-9)),
    Region((0.0, 0.0, 1.0, 1.0), "a"),
    Region((0.0, 0.0, 1.0, 1.0), "a", mask=np.ones((2, 2), bool)),
    Region((0.0, 0.0, 1.0, 1.0), "a", mask=np.zeros((2, 2), bool)),
    Box([1]),
    Box([2]),
]


def test_marks_of_different_values_differ() -> None:
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert mark(one) != mark(other), (one, other)


@pytest.mark.parametrize("value", DIFFERENT, ids=repr)
def test_marks_of_equal_values_are_equal(value: object) -> None:
    assert mark(value) == mark(copied(value))


def test_what_is_changed_in_place_has_another_mark() -> None:
    box, points = Box([1]), np.zeros(3)
    before = mark([box, points])
    box.items.append(2)
    assert mark([box, points]) != before
    before = mark([box, points])
    points[1] = 1.0
    assert mark([box, points]) != before


@pytest.mark.parametrize("value", [object(), open, UNSET.__class__, [object()], float("nan").__add__], ids=range(5))
def test_what_cannot_be_kept_is_never_the_same(value: object) -> None:
    assert mark(value) != mark(value)
