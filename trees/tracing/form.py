"""Messages that differ in their numbers alone: what else is in them becomes JSON once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from ...robots.pose import Pose
from ..foxglove import messages as foxglove

GAP: Final[Any] = math.nan
"""Stands where a number will be."""
_JSON: Final = json.JSONEncoder(separators=(",", ":"))
_GAP: Final = re.compile(r"(?<=[:,\[])NaN(?=[,\]}])")


class Form:
    """The JSON of a message with gaps.

    >>> Form({"name": "a", "xyz": [GAP, 0, GAP]}).filled(1, "2.5")
    b'{"name":"a","xyz":[1,0,2.5]}'

    Args:
        message: The message, with ``GAP`` for each number that is not known yet.
    """

    def __init__(self, message: Mapping[str, object]) -> None:
        text = _JSON.encode(message)
        self._text = _GAP.sub("%s", text.replace("%", "%%"))

    def filled(self, *numbers: int | str) -> bytes:
        """Return JSON with those numbers, texts of ``texts_of`` among them, in the order of the gaps."""
        return (self._text % numbers).encode()


def texts_of(numbers: Sequence[float]) -> list[str]:
    """Return numbers, one at least, as JSON."""
    return _JSON.encode(numbers)[1:-1].split(",")


@cache
def posture_form(names: tuple[str, ...]) -> Form:
    """Return the form of ``/joints``: tick, q, gripper width, tcp (7), seconds, nanoseconds, each q and dq, width."""
    gaps = [GAP] * len(names)
    known = {"tick": GAP, "q": gaps, "gripper_width": GAP, "tcp": [GAP] * 7, "timestamp": foxglove.stamp_of(GAP)}
    return Form({**known, "joints": foxglove.joint_states(names, gaps, gaps, GAP)})


TOOL: Final = Form(foxglove.transforms(GAP, {"tcp": Pose((GAP,) * 3, (GAP,) * 4)}))
"""The form of ``/transforms`` for the tool alone: seconds, nanoseconds, position, quaternion xyzw."""
