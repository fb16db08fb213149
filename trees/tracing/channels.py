"""The channels of a trace and the JSON Schemas of their messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..foxglove import schemas
from ..foxglove.messages import stamp_of

_INT: Final = {"type": "integer"}
_NUM: Final = {"type": "number"}
_TEXT: Final = {"type": "string"}
_BOOL: Final = {"type": "boolean"}
_ANY: Final[Mapping[str, object]] = {}
_NUMS: Final = {"type": "array", "items": _NUM}


def _list(**properties: object) -> dict[str, object]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


CHANNELS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "/run": (
        "knothole.Run",
        {"event": _TEXT, "status": _TEXT, "digest": _TEXT, "ticks": _INT, "reason": _TEXT, "fault": _TEXT},
    ),
    "/tree": (
        "knothole.Tree",
        {
            "name": _TEXT,
            "file": _TEXT,
            "text": _TEXT,
            "nodes": _list(
                index=_INT,
                path=_TEXT,
                type=_TEXT,
                name=_TEXT,
                kind=_TEXT,
                flow=_TEXT,
                parent=_INT,
                own=_TEXT,
                line=_INT,
                column=_INT,
                mocked=_TEXT,
                ports={"type": "object"},
                reads={"type": "object"},
            ),
        },
    ),
    "/status": ("knothole.Status", {"tick": _INT, "changes": _list(node=_INT, status=_TEXT, reason=_TEXT)}),
    "/blackboard": (
        "knothole.Write",
        {"tick": _INT, "name": _TEXT, "value": _ANY, "writer": _TEXT, "version": _INT},
    ),
    "/questions": (
        "knothole.Question",
        {
            "tick": _INT,
            "asker": _TEXT,
            "kind": _TEXT,
            "text": _TEXT,
            "choices": {"type": "array", "items": _TEXT},
            "key": _TEXT,
            "frame": _TEXT,
            "frame_hash": _TEXT,
            "shared": _BOOL,
        },
    ),
    "/cancelled": ("knothole.Cancelled", {"tick": _INT, "asker": _TEXT, "kind": _TEXT, "text": _TEXT, "frame": _TEXT}),
    "/answers": (
        "knothole.Answer",
        {
            "tick": _INT,
            "kind": _TEXT,
            "question": _TEXT,
            "key": _TEXT,
            "frame": _TEXT,
            "frame_hash": _TEXT,
            "frame_stamp": _NUM,
            "probabilities": {"type": "object"},
            "neither": _NUM,
            "regions": _list(box_xyxy=_NUMS, label=_TEXT, confidence=_NUM),
            "text": _TEXT,
            "model": _TEXT,
            "backend": _TEXT,
            "latency": _NUM,
            "tokens": _INT,
            "cost": _NUM,
            "problem": _TEXT,
        },
    ),
    "/frames": (
        "foxglove.CompressedImage",
        {**schemas.IMAGE, "hash": _TEXT, "camera": _TEXT},
    ),
    "/frames_again": ("knothole.SameFrame", {"frame_id": _TEXT, "same_as": _TEXT}),
    "/frames_dropped": ("knothole.DroppedFrame", {"frame_id": _TEXT, "hash": _TEXT}),
    "/truth": (
        "knothole.Truth",
        {"tick": _INT, "kind": _TEXT, "question": _TEXT, "key": _TEXT, "frame": _TEXT, "probabilities": _ANY},
    ),
    "/checkpoint": (
        "knothole.Checkpoint",
        {
            "tick": _INT,
            "now": _NUM,
            "began": _NUM,
            "steps": _INT,
            "rng": _ANY,
            "nodes": _list(path=_TEXT, status=_TEXT, child=_TEXT, lost=_TEXT, memory=_ANY),
            "cells": _ANY,
            "notes": _ANY,
        },
    ),
    "/replay": ("knothole.Replay", {"what": _TEXT, "version": _INT, "tree": _ANY, "leaves": _ANY, "segments": _ANY}),
    "/interventions": (
        "knothole.Intervention",
        {"tick": _INT, "do": _TEXT, "node": _TEXT, "text": _TEXT},
    ),
    "/plans": (
        "knothole.Plan",
        {
            "tick": _INT,
            "path": _TEXT,
            "attempt": _INT,
            "instruction": _TEXT,
            "answer": _TEXT,
            "refused": _ANY,
            "accepted": _BOOL,
            "steps": _ANY,
            "tree": _ANY,
            "diff": {"type": "array", "items": _TEXT},
            "drawn": _TEXT,
            "rehearsal": _ANY,
            "confirmed_by": _TEXT,
        },
    ),
    "/joints": (
        "foxglove.JointStates",
        {**schemas.JOINTS, "tick": _INT, "q": _NUMS, "gripper_width": _NUM, "tcp": _NUMS},
    ),
    "/annotations": ("foxglove.ImageAnnotations", schemas.ANNOTATIONS),
    "/transforms": ("foxglove.FrameTransforms", schemas.TRANSFORMS),
    "/scene": ("foxglove.SceneUpdate", schemas.SCENE),
    "/log": ("foxglove.Log", schemas.LOG),
}
"""Topic → schema name and the properties of its messages."""
CALIBRATION: Final = "/calibration/"
"""Begin of the topics that tell the lens of a camera: Foxglove wants one for each."""


def schema(topic: str) -> tuple[str, bytes]:
    """Return schema name and JSON Schema of a topic; topics of leaves (``context.emit``) take any object."""
    lens = ("foxglove.CameraCalibration", schemas.CALIBRATION)
    name, properties = CHANNELS.get(topic, lens if topic.startswith(CALIBRATION) else ("knothole.Event", {}))
    document: dict[str, Any] = {"title": name, "type": "object", "properties": dict(properties)}
    return name, json.dumps(document).encode()


def stamp(now: float) -> dict[str, int]:
    """Return a time as seconds and nanoseconds."""
    return stamp_of(nanos(now))


def nanos(now: float) -> int:
    """Return a time of the run clock [s] in [ns], never negative."""
    return max(0, round(now * 1e9))
