"""Scenes of a run: with things that happen meanwhile, and as the driver without physics takes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..._base import KnotholeError

if TYPE_CHECKING:
    from ...sim.scene import SceneSpec


class StageError(KnotholeError):
    """Robot, scene and backend do not go together."""


def disturbed(spec: SceneSpec, seed: int, count: int) -> SceneSpec:
    """Return a scene in which objects move, fall, appear, are hidden and change places while the tree runs."""
    from ...sim.mishaps import MISHAPS, random_disturbances

    kinds = [kind for kind in MISHAPS if kind != "hand_in"]
    try:
        events = random_disturbances(spec, seed, count, kinds)
    except ValueError as error:
        raise StageError(f"{error}\n  fix:  leave out --disturb, or choose a scene on a table") from error
    return replace(spec, disturbances=(*spec.disturbances, *events))


def props_of(spec: SceneSpec) -> dict[str, object]:
    """Describe the objects of a scene to the driver without physics; equal names get a number."""
    names = [item.name for item in spec.objects]
    return {
        "props": [
            {
                "name": item.name if names.count(item.name) == 1 else f"{item.name} {index}",
                "shape": item.shape,
                "color": item.color,
                "size": item.size,
                "xyz": item.xyz,
                "quat_xyzw": item.quat_xyzw,
            }
            for index, item in enumerate(spec.objects)
        ]
    }
