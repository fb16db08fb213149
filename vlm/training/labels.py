"""What label images teach: classes of cells, objects under tokens, and ground-truth image tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..facts import (
    COLORS,
    MASK_DOOR,
    MASK_HAND,
    MASK_PERSON,
    MASK_ROBOT,
    MASK_TABLE,
    SHAPES,
    FrameFacts,
)
from ..language.comparing import Changes
from ..language.grammar import HOLDERS, holder

_OTHERS = (MASK_TABLE, MASK_ROBOT, MASK_HAND, MASK_PERSON, MASK_DOOR)
BACKGROUND = len(SHAPES)
SHAPE_CLASSES = len(SHAPES) + 1 + len(_OTHERS)  # and background, then the others
SMALL_THINGS = len(SHAPES) + 1 + _OTHERS.index(MASK_HAND)
"""First class of the things that are no objects and that questions are about: hand, person, door."""
COLOR_CLASSES = len(COLORS) + 1  # and none
RELATIONS = ("table", "on", "in", "held")
TOKEN_FIELDS = {
    "box": 4,
    "shape": len(SHAPES),
    "color": len(COLORS),
    "relation": len(RELATIONS),
    "support_shape": len(SHAPES) + 1,
    "support_color": len(COLORS) + 1,
    "flags": 4,
}
_WAVES = 2 * np.pi * np.array([0.25, 0.5, 1, 2, 4, 8, 16, 32])
_ONE = len(SHAPES) + len(COLORS) + len(RELATIONS) + len(SHAPES) + len(COLORS) + 4 + 8 * len(_WAVES) + 2
ORACLE_WIDTH = 2 * _ONE + len(_OTHERS) + 1

_ENOUGH = 3
"""Cells of a token that an object covers at least where its coming or leaving should be told."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ObjectLabels:
    """Per-object labels of one frame, in the order of its facts.

    Attributes:
        box: (N, 4), relative.
        shape, color, relation, support_shape, support_color: (N,) classes; the support is the tray, bowl or plate that
            carries the object at any depth, else what it stands on, else the class "none".
        flags: (N, 4): bare loose, upright, carries something, touches something beside that and its support.
        door_open: Whether there is an open door.
    """

    box: Floats
    shape: Ints
    color: Ints
    relation: Ints
    support_shape: Ints
    support_color: Ints
    flags: Floats
    door_open: bool

    @classmethod
    def of(cls, facts: FrameFacts) -> ObjectLabels:
        """Collect the labels of a frame."""
        objects = facts.objects
        carriers = [h if (h := holder(objects, i)) >= 0 else o.support for i, o in enumerate(objects)]
        occupied = set(carriers) | {o.support for o in objects}
        flags = [
            (
                o.loose and o.relation in ("table", "on") and holder(objects, i) < 0,
                o.upright,
                i in occupied,
                any(j != o.support and objects[j].support != i for j in o.touching),
            )
            for i, o in enumerate(objects)
        ]

        def ints(values: list[int]) -> Ints:
            return np.array(values, dtype=np.int64)

        return cls(
            box=np.array([o.box_xyxy for o in objects], np.float32).reshape(-1, 4),
            shape=ints([SHAPES.index(o.shape) for o in objects]),
            color=ints([COLORS.index(o.color) for o in objects]),
            relation=ints([RELATIONS.index(o.relation) for o in objects]),
            support_shape=ints([SHAPES.index(objects[c].shape) if c >= 0 else len(SHAPES) for c in carriers]),
            support_color=ints([COLORS.index(objects[c].color) if c >= 0 else len(COLORS) for c in carriers]),
            flags=np.array(flags, np.float32).reshape(-1, 4),
            door_open=bool(facts.door_open),
        )


def by_token(cells: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Group a square label image (C, C) by image token: (side*side, cells per token)."""
    c = cells.shape[0] // side
    return cells.reshape(side, c, side, c).transpose(0, 2, 1, 3).reshape(side * side, c * c)


def coverage(cells: NDArray[np.uint8], side: int, count: int) -> dict[int, Floats]:
    """Return how many cells of each token each object covers, and the hand, a person, a door."""
    grouped = by_token(cells, side)
    values = (*range(count), MASK_HAND, MASK_PERSON, MASK_DOOR)
    return {v: (grouped == v).sum(1).astype(np.float32) for v in values}


def cell_classes(cells: NDArray[np.uint8], labels: ObjectLabels, side: int, merge: int) -> tuple[Ints, Ints]:
    """Return shape and color classes per patch, (N, cells per patch) each, patches in the processor's order."""
    shape = np.full(256, BACKGROUND, np.int64)
    color = np.full(256, len(COLORS), np.int64)
    shape[list(_OTHERS)] = BACKGROUND + 1 + np.arange(len(_OTHERS))
    n = len(labels.shape)
    shape[:n], color[:n] = labels.shape, labels.color
    c = cells.shape[0] // (side * merge)
    order = cells.reshape(side, merge, c, side, merge, c).transpose(0, 3, 1, 4, 2, 5).reshape(-1, c * c)
    return shape[order], color[order]


def token_objects(covered: dict[int, Floats], count: int) -> Ints:
    """Return the object that covers most of each token, -1 where there is none."""
    if not count:
        return np.full(len(covered[MASK_HAND]), -1, np.int64)
    stack = np.stack([covered[i] for i in range(count)])
    return np.where(stack.max(0) > 0, stack.argmax(0), -1).astype(np.int64)


def token_changes(
    before: FrameFacts, after: FrameFacts, covered: dict[int, Floats], covered_after: dict[int, Floats]
) -> Floats:
    """Return whether something came to, and something left, each token between two images, (T, 2).

    Args:
        before: Labels of the earlier image.
        after: Labels of the last one.
        covered: How the earlier image is covered, see ``coverage``.
        covered_after: How the last one is.

    Returns:
        1 where it did, 0 where it did not, -1 where an object covers too little of the token or cannot be seen well.
    """
    out = np.zeros((len(covered[MASK_HAND]), 2), np.float32)
    for i, k, change in Changes(before, after, lenient=False).pairs:
        if change == "still":
            continue
        for column, share in ((0, covered_after[k] if k >= 0 else None), (1, covered[i] if i >= 0 else None)):
            if share is not None:
                sure = (share >= _ENOUGH) & (change != "unclear")
                out[sure, column] = 1
                out[(share > 0) & (out[:, column] == 0), column] = -1
    return out


def oracle_features(cells: NDArray[np.uint8], labels: ObjectLabels, side: int) -> Floats:
    """Return what a perfect image encoder would know of each token, (side*side, ORACLE_WIDTH).

    Each token knows the two objects that cover most of it, its shares of table, robot, hand, person and door, and that
    of a door which is open.
    """
    count = len(labels.shape)
    grouped = by_token(cells, side)
    out = np.zeros((side * side, 2, _ONE), np.float32)
    if count:
        table = _object_rows(labels)
        covered = np.stack([(grouped == i).sum(1) for i in range(count)], 1)
        rank = np.argsort(-covered, 1, kind="stable")[:, :2]
        for slot in range(rank.shape[1]):
            amount = np.take_along_axis(covered, rank[:, slot : slot + 1], 1)[:, 0]
            out[:, slot] = table[rank[:, slot]] * (amount > 0)[:, None]
            out[:, slot, -1] = amount / grouped.shape[1]
    shares = np.stack([(grouped == v).mean(1) for v in _OTHERS], 1)
    shares = np.concatenate([shares, shares[:, -1:] * labels.door_open], 1)
    return np.concatenate([out.reshape(side * side, -1), shares], 1).astype(np.float32)


def _object_rows(labels: ObjectLabels) -> Floats:
    def one_hot(values: Ints, size: int) -> Any:
        return np.eye(size + 1, dtype=np.float32)[values][:, :size]

    angle = (labels.box[:, :, None] * _WAVES).reshape(len(labels.box), -1)
    rows = [
        one_hot(labels.shape, len(SHAPES)),
        one_hot(labels.color, len(COLORS)),
        one_hot(labels.relation, len(RELATIONS)),
        one_hot(labels.support_shape, len(SHAPES)),
        one_hot(labels.support_color, len(COLORS)),
        labels.flags,
        np.sin(angle),
        np.cos(angle),
        np.ones((len(labels.box), 1)),
        np.zeros((len(labels.box), 1)),
    ]
    return np.concatenate(rows, 1).astype(np.float32)


assert set(HOLDERS) <= set(SHAPES)
