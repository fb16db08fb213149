"""What is true of one frame: labels that training questions are made from and answers are judged by.

A simulator fills these (``knothole.app`` translates); ``vlm`` only reads them. They are plain data, so a labelled
photograph can fill them as well.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

COLORS = ("red", "green", "blue", "yellow", "orange", "purple", "white", "black")
LOOSE_SHAPES = ("cube", "can", "bottle", "ball")
CONTAINER_SHAPES = ("mug", "bowl", "plate", "tray")
SHAPES = LOOSE_SHAPES + CONTAINER_SHAPES
UNSEEN_PAIRS = frozenset({("orange", "mug"), ("purple", "bowl"), ("green", "plate"), ("purple", "bottle")})
"""Colors with shapes that no training picture shows and no training question names: only measured."""

MASK_BACKGROUND, MASK_TABLE, MASK_ROBOT, MASK_HAND, MASK_PERSON, MASK_DOOR = 255, 254, 253, 252, 251, 250
BEFORE = 256
"""Added to a mask value where two pictures are meant and it is one of the earlier one."""

Relation = Literal["table", "on", "in", "held"]
Setting = Literal["table", "counter", "shelf"]


@dataclass(frozen=True)
class ObjectFact:
    """One object of a frame.

    Attributes:
        shape: One of ``SHAPES``.
        color: One of ``COLORS``.
        box_xyxy: Tight box of the visible pixels, relative to the image, each in [0, 1].
        visible_fraction: Visible pixels over the pixels it would cover alone, in [0, 1].
        pixels: Visible pixels, >= 0; 0 when hidden (then ``box_xyxy`` is all 0).
        depth: Distance of the center along the optical axis, [m].
        xyz: Center in the world frame, [m].
        size: Extent of the axis-aligned bounding box in the world frame, [m].
        relation: What it does to ``support``: stands on the main surface ("table"; also a worktop or a board of a
            shelf), on or in another object, held by the gripper.
        support: Index of the supporting object in ``FrameFacts.objects``; -1 for table or gripper.
        upright: False when tipped over (bottle, can, mug).
        touching: Indices of the objects within 2 mm, its support and what it carries among them, sorted.
    """

    shape: str
    color: str
    box_xyxy: tuple[float, float, float, float]
    visible_fraction: float
    pixels: int
    depth: float
    xyz: tuple[float, float, float]
    size: tuple[float, float, float]
    relation: Relation = "table"
    support: int = -1
    upright: bool = True
    touching: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Color and shape, as in ``red cube``."""
        return f"{self.color} {self.shape}"

    @property
    def loose(self) -> bool:
        """True for the shapes a gripper can pick from above: cube, can, bottle, ball."""
        return self.shape in LOOSE_SHAPES


@dataclass(frozen=True)
class FrameFacts:
    """Everything that is true of one frame. Mask value ``i`` of its label image means ``objects[i]``.

    Attributes:
        objects: The objects, visible or not.
        robot_visible: Whether the robot is to be seen.
        gripper_open: Whether the gripper is open and holds nothing.
        hand_in_workspace: Whether any part of a hand or its arm is in the workspace.
        setting: What the objects stand on: a table, a kitchen counter, the boards of a shelf.
        door_open: Whether the door of the cupboard is open; None where there is none or it is not to be seen.
        person_near: Whether a person's arm or body is to be seen beside or behind the workspace, all of it outside;
            the hand of ``hand_in_workspace`` and its arm do not count.
        before: Number of the picture in the same shard that the same camera took before this one; -1 for a picture that
            stands for itself.
        same: For each object its index in the facts of that earlier picture, -1 for one that was not there then; empty
            for a picture that stands for itself.
    """

    objects: tuple[ObjectFact, ...]
    robot_visible: bool = False
    gripper_open: bool = True
    hand_in_workspace: bool = False
    setting: Setting = "table"
    door_open: bool | None = None
    person_near: bool = False
    before: int = -1
    same: tuple[int, ...] = ()

    def to_json(self) -> str:
        """Return one line of JSON; a picture that stands for itself says nothing of earlier ones."""
        raw = asdict(self)
        if self.before < 0:
            del raw["before"], raw["same"]
        return json.dumps(raw, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> FrameFacts:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        objects = tuple(ObjectFact(**{k: _frozen(v) for k, v in o.items()}) for o in raw.pop("objects"))
        return cls(objects=objects, **{key: _frozen(value) for key, value in raw.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
