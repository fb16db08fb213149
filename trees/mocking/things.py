"""Constants of what a robot sees, which only a mock may write: grounded objects made of a label and a place."""

from __future__ import annotations

import math
from typing import Final

from ...behaviors.means.grounded import GroundedObject
from ...behaviors.ports import Port, element_type
from ...robots.pose import Pose
from ..reading.document import Item, Items
from ..spec import Literal
from .forms import Forms

_KEYS: Final = ("label", "xyz", "size", "yaw")
_FIX: Final = "write {label: red cube, xyz: [0.4m, 0m, 2cm]}"
_SIZE: Final = (0.05, 0.05, 0.05)


def read_things(forms: Forms, item: Item, type: str, label: str) -> Literal | None:
    """Return the constant of a port that takes a grounded object, or a list of them.

    An object is ``{label: red cube, xyz: [0.4m, 0m, 2cm], size: [5cm, 5cm, 5cm], yaw: 0deg}``; all but the label may be
    left out.
    """
    if element_type(type) != "object":
        made = _thing(forms, item, label)
        return None if made is None else Literal(made, forms.source.place(item))
    if not isinstance(item, Items):
        forms.report(item, "K232", f"{label} takes a list of objects", fix=f"write a list: [{_FIX[6:]}]")
        return None
    things = [_thing(forms, each, label) for each in item.items]
    return None if None in things else Literal(tuple(things), forms.source.place(item))


def _thing(forms: Forms, item: Item, label: str) -> GroundedObject | None:
    pairs = forms.pairs(item, label, _FIX, _KEYS)
    if pairs is None:
        return None
    called = pairs.get("label")
    if called is None:
        forms.report(pairs, "K232", f"{label}: an object has no label", fix=_FIX)
        return None
    name = forms.text(called, "'label'")
    xyz = _point(forms, pairs.get("xyz"), "'xyz'", (0.5, 0.0, 0.025))
    size = _point(forms, pairs.get("size"), "'size'", _SIZE)
    turned = pairs.get("yaw")
    yaw = forms.number(turned, "'yaw'", "angle") if turned is not None else 0.0
    if name is None or xyz is None or size is None or yaw is None:
        return None
    pose = Pose(xyz, (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)))
    top = xyz[2] + size[2] / 2
    return GroundedObject(name, (0.4, 0.4, 0.6, 0.6), xyz, size, yaw, pose, top, 0.0, "mocked", "mocked", 0.0)


def _point(
    forms: Forms, item: Item | None, label: str, default: tuple[float, float, float]
) -> tuple[float, float, float] | None:
    if item is None:
        return default
    found = forms.values.constant(item, Port("value", "point", ""), label)
    if found is None or not isinstance(found.value, tuple):
        return None
    x, y, z = found.value
    return x, y, z
