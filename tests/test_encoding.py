"""Values of checkpoints: what is kept comes back as it was, in type and content; what is not kept says so."""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.behaviors.blackboard import UNSET, Blackboard
from knothole.behaviors.means.grounded import GroundedObject
from knothole.behaviors.step import Status
from knothole.robots.pose import Pose
from knothole.trees.changing.encoding import CannotKeepError, decode, encode

KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.sampled_from(Status))
VALUES = st.recursive(
    st.one_of(KEYS, st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.lists(inner).map(deque),
        st.dictionaries(KEYS, inner),
        st.sets(KEYS),
        st.frozensets(KEYS),
    ),
    max_leaves=20,
)


def again(value: object, board: Blackboard | None = None) -> Any:
    def node(path: str) -> object:
        raise AssertionError(path)

    return decode(json.loads(json.dumps(encode(value))), node, board or Blackboard())


def same(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple | deque):
        return len(a) == len(b) and all(map(same, a, b))  # type: ignore[arg-type]
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)  # type: ignore[call-overload,index]
    return a == b


@given(VALUES)
def test_what_is_kept_comes_back_as_it_was(value: object) -> None:
    assert same(again(value), value)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_floats_that_json_does_not_know_come_back(number: float) -> None:
    assert repr(again(number)) == repr(number)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "uint8", "bool"])
def test_arrays_come_back_with_shape_and_type(dtype: str) -> None:
    array = (np.arange(12).reshape(3, 4) % 3).astype(dtype)
    found = again([array, array[0, 1]])
    assert found[0].dtype == array.dtype
    assert np.array_equal(found[0], array)
    assert type(found[1]) is type(array[0, 1])
    found[0][0, 0] = 1  # it can be written


def test_an_object_of_ground_comes_back() -> None:
    thing = GroundedObject(
        *("red cube", (0.1, 0.2, 0.3, 0.4), (0.5, 0.0, 0.1), (0.04, 0.04, 0.04), 0.3, Pose((0.5, 0.0, 0.1)), 0.12),
        *(0.001, "table", "table#1", 2.5, 0.9, np.zeros((5, 3))),
    )
    found = again({"seen": [thing]})["seen"][0]
    assert found == thing
    assert np.array_equal(found.points, thing.points)


def test_cells_come_back_by_name_and_unset_stays_unset() -> None:
    board = Blackboard()
    assert again(board.cell("a/b"), board) is board.cell("a/b")
    assert again(UNSET) is UNSET


class Own(list):  # type: ignore[type-arg]
    """Looks like a list."""


@pytest.mark.parametrize(
    ("value", "named"),
    [(lambda: 1, "function"), (Own(), "Own"), (iter(()), "tuple_iterator"), (object(), "object")],
)
def test_what_is_not_kept_says_what_it_is(value: object, named: str) -> None:
    with pytest.raises(CannotKeepError, match=named):
        encode([{"deep": (value,)}])


def test_values_that_hold_themselves_are_not_kept() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(CannotKeepError, match="nested deeper"):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        {"$": "data", "type": "os:system", "of": {}},
        {"$": "data", "type": "subprocess:Popen", "of": {"args": "true"}},
        {"$": "data", "type": ".robots.pose:Pose", "of": {"no": 1}},
        {"$": "data", "type": "nowhere.at_all:Thing", "of": {}},
        {"$": "data", "type": ".vlm.worker:Worker", "of": {"name": "embedded"}},
        {"$": "enum", "type": ".robots.pose:Pose", "of": "x"},
        {"$": "array", "type": "<f8", "shape": [7], "of": "AAAA"},
        {"$": "bogus"},
        {"no": "tag"},
    ],
)
def test_data_that_were_tampered_with_make_nothing(data: object) -> None:
    with pytest.raises(CannotKeepError):
        decode(data, lambda path: None, Blackboard())
