"""Translate what the simulator knows into the words questions are made of. Here alone ``sim`` and ``vlm`` meet."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ...robots.contract import CameraFrame, Robot
from ...sim.camera import CameraSpec, Picture
from ...sim.panda import PandaSim
from ...sim.truth import FrameTruth, frame_truth
from ...sim.world import World
from ...vlm.facts import FrameFacts, ObjectFact
from ...vlm.questions import Frame

DOOR_SHOWS, PERSON_SHOWS = 200, 250
"""From so many pixels on, of 256 x 256, a cupboard door and a person count as visible."""
_REMEMBERED = 64


def frame_facts(truth: FrameTruth) -> FrameFacts:
    """Return the labels of one picture; object ``i`` of the truth is object ``i`` of the facts."""
    objects = tuple(
        ObjectFact(
            shape=thing.spec.shape,
            color=thing.spec.color,
            box_xyxy=view.box_xyxy,
            visible_fraction=view.visible_fraction,
            pixels=view.pixels,
            depth=view.depth,
            xyz=thing.xyz,
            size=thing.size,
            relation=thing.relation,
            support=thing.support,
            upright=thing.upright,
            touching=thing.touching,
        )
        for thing, view in zip(truth.world.objects, truth.views, strict=True)
    )
    return FrameFacts(
        objects,
        robot_visible=truth.robot_visible,
        gripper_open=truth.world.gripper_open,
        hand_in_workspace=truth.world.hand_in_workspace,
        setting=truth.world.setting,
        door_open=truth.world.door_open if truth.door_pixels >= DOOR_SHOWS else None,
        person_near=truth.world.person_outside and outside_pixels(truth) >= PERSON_SHOWS,
    )


def outside_pixels(truth: FrameTruth) -> int:
    """Return the visible pixels of people and arms that are wholly outside of the workspace."""
    return truth.person_pixels + (0 if truth.world.hand_in_workspace else truth.hand_pixels)


@dataclass(frozen=True)
class _Placed(CameraSpec):
    """A camera whose pose is known as a matrix (4, 4), such as one on a moving wrist."""

    matrix: tuple[tuple[float, ...], ...] = ()

    @property
    def world_from_camera(self) -> npt.NDArray[np.float64]:
        """Pose of the camera, shape (4, 4)."""
        return np.array(self.matrix)


def _camera_of(frame: CameraFrame) -> CameraSpec:
    lens, matrix = frame.intrinsics, frame.world_from_camera.matrix
    fov = math.degrees(2 * math.atan(lens.height / 2 / lens.fy))
    eye = frame.world_from_camera.xyz
    rows = tuple(tuple(float(v) for v in row) for row in matrix)
    return _Placed(frame.camera, eye, eye, fov, lens.width, lens.height, matrix=rows)


class SceneTruth:
    """Says what is true of the pictures of one run; what the oracle asks.

    A picture must be asked about before the world moves on. Only those that a later one is compared with are recalled
    from when they were taken.

    Args:
        world: The simulated world of the run.
        robot: The driver in it, which keeps the masks of its latest pictures.
    """

    def __init__(self, world: World, robot: Robot) -> None:
        self._world, self._robot = world, robot
        self._frames: OrderedDict[str, CameraFrame] = OrderedDict()
        self._known: OrderedDict[str, FrameFacts] = OrderedDict()
        self._past: OrderedDict[str, FrameFacts] = OrderedDict()
        self._wished: dict[bytes, FrameFacts] = {}

    def saw(self, frame: CameraFrame) -> None:
        """Take note of a picture when it is taken; of one that no camera took, what it was wished to show."""
        if not frame.camera:
            wished = self._wished.pop(frame.rgb.tobytes(), None)
            if wished is not None:
                _keep(self._known, frame.id, wished)
            return
        _keep(self._frames, frame.id, frame)
        if frame.id not in self._past and abs(frame.stamp - self._world.time) <= 1e-6:
            _keep(self._past, frame.id, self._facts(frame))

    def arranged(self, world: World, picture: Picture) -> None:
        """Take note of what is true of a picture of a wished arrangement; ``saw`` follows in the same tick."""
        self._wished = {picture.rgb.tobytes(): frame_facts(frame_truth(world, picture, world.spec.camera))}

    def __call__(self, frame: Frame) -> FrameFacts | None:
        """Return what is true of a picture; None when the world has moved on since it was taken.

        Asked about a picture that is compared with earlier ones, it recalls what was true of those as well.
        """
        for one in frame.earlier:
            if one.id in self._past:
                _keep(self._known, one.id, self._past[one.id])
        known = self._known.get(frame.id)
        if known is not None:
            return known
        taken = self._taken(frame)
        if taken is None or abs(taken.stamp - self._world.time) > 1e-6:
            return None
        facts = self._past[taken.id] if taken.id in self._past else self._facts(taken)
        _keep(self._known, frame.id, facts)
        return facts

    def _taken(self, frame: Frame) -> CameraFrame | None:
        """Find what the camera took; a frame with earlier pictures has an id of its own, but the same pixels."""
        if not frame.earlier or frame.id in self._frames:
            return self._frames.get(frame.id)
        every = reversed(self._frames.values())
        return next((one for one in every if np.array_equal(one.rgb, frame.rgb)), None)

    def _facts(self, taken: CameraFrame) -> FrameFacts:
        camera = _camera_of(taken)
        kept = self._robot.picture(taken) if isinstance(self._robot, PandaSim) else None
        return frame_facts(frame_truth(self._world, kept or self._world.render(camera), camera))


_Value = TypeVar("_Value")


def _keep(store: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    """Store a value and forget the oldest one beyond ``_REMEMBERED``."""
    store[key] = value
    if len(store) > _REMEMBERED:
        store.popitem(last=False)
