"""Messages whose numbers alone change say what they would say if they were made anew each time."""

from __future__ import annotations

import json
import math

import pytest

from knothole.robots.pose import Pose
from knothole.trees.foxglove import messages as foxglove
from knothole.trees.tracing.form import TOOL, posture_form, texts_of


@pytest.mark.parametrize("names", [(), ("shoulder", "elbow"), ("100 %s", "NaN"), ('"a":NaN', "b\n")], ids=repr)
@pytest.mark.parametrize("odd", [0.25, -1e-05, math.nan, math.inf])
def test_a_posture_says_all_its_numbers(names: tuple[str, ...], odd: float) -> None:
    q, dq, tcp = [odd, 1.0][: len(names)], [0.5, odd][: len(names)], [0.1, 0.2, odd, 0.0, 0.0, 0.0, 1.0]
    known = {"tick": 7, "q": q, "gripper_width": 0.04, "tcp": tcp, "timestamp": {"sec": 3, "nsec": 5}}
    made = {**known, "joints": foxglove.joint_states(names, q, dq, 0.04)}
    each = [text for pair in zip(texts_of([*q, 0.0]), texts_of([*dq, 0.0]), strict=True) for text in pair][:-2]
    first, width = texts_of([*q, 0.04])[:-1], *texts_of([0.04])
    filled = posture_form(names).filled(7, *first, width, *texts_of(tcp), 3, 5, *each, width)
    assert filled == json.dumps(made, separators=(",", ":")).encode()


def test_the_transform_of_a_tool_says_all_its_numbers() -> None:
    pose = Pose((0.1, -0.2, 1e-05), (0.0, 0.6, 0.0, 0.8))
    made = foxglove.transforms(2_000_000_003, {"tcp": pose})
    filled = TOOL.filled(2, 3, *texts_of([*pose.xyz, *pose.quat_xyzw]))
    assert filled == json.dumps(made, separators=(",", ":")).encode()
