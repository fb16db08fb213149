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
_TEXTS: Final = {"type": "array", "items": _TEXT}
_MAP: Final = {"type": "object"}


def _list(**properties: object) -> dict[str, object]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


_QUESTION: Final = {
    "tick": _INT,
    "asker": _TEXT,
    "kind": _TEXT,
    "text": _TEXT,
    "choices": _TEXTS,
    "all": _BOOL,
    "schema": _ANY,
    "context": _TEXT,
    "history": {"type": "array", "items": _TEXTS},
    "refused": _TEXTS,
    "audio": _TEXT,
    "key": _TEXT,
    "frame": _TEXT,
    "frame_hash": _TEXT,
    "shared": _BOOL,
}
_ANSWER: Final = {
    "tick": _INT,
    "kind": _TEXT,
    "question": _TEXT,
    "key": _TEXT,
    "frame": _TEXT,
    "probabilities": {"type": "object", "additionalProperties": _NUM},
    "neither": _NUM,
    "regions": _list(box_xyxy=_NUMS, label=_TEXT, confidence=_NUM, point_uv=_NUMS, mask=_TEXT),
    "text": _TEXT,
    "data": _ANY,
    "image": {"type": ["string", "null"], "contentEncoding": "base64"},
    "left_out": _TEXTS,
    "problem": _TEXT,
    "supported": _BOOL,
    "model": _TEXT,
    "latency": _NUM,
    "tokens": _INT,
    "cost": _NUM,
}
_RUN: Final = {
    "event": _TEXT,
    "inputs": _MAP,
    "knothole": _TEXT,
    "tree": _TEXT,
    "scene": _TEXT,
    "seed": _INT,
    "robot": _TEXT,
    "vlm": _TEXT,
    "python": _TEXT,
    "platform": _TEXT,
    "packages": {"type": "object", "additionalProperties": _TEXT},
    "revision": _TEXT,
    "dirty": _BOOL,
    "answers_from_truth": _BOOL,
    "frames": _TEXT,
    "firewall": _BOOL,
    "mock": _TEXT,
    "params": _TEXT,
    "rate": _NUM,
    "max_time": {"type": ["number", "null"]},
    "given": _MAP,
    "resumed": _MAP,
    "config": _MAP,
    "cut": _MAP,
    "tick": _INT,
    **dict.fromkeys(("kept", "replaced", "added", "removed", "halted", "faults"), _TEXTS),
    "came_from": _ANY,
    "grown": _TEXT,
    "outcome": _TEXT,
    "status": _TEXT,
    "reason": _TEXT,
    "fault": _TEXT,
    "ticks": _INT,
    "questions": _INT,
    "model_calls": _INT,
    "asking": _MAP,
    "digest": _TEXT,
    "interventions": _INT,
    "problems": _TEXTS,
    "timing": _MAP,
    "poses": _MAP,
}
"""What the start, a reload and the end of a run say, one after the other."""

CHANNELS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "/run": ("knothole.Run", _RUN),
    "/tree": (
        "knothole.Tree",
        {
            "name": _TEXT,
            "file": _TEXT,
            "text": _TEXT,
            "files": {"type": "object", "additionalProperties": _TEXT},
            "nodes": _list(
                index=_INT,
                path=_TEXT,
                type=_TEXT,
                name=_TEXT,
                kind=_TEXT,
                flow=_TEXT,
                parent=_INT,
                own=_TEXT,
                file=_TEXT,
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
    "/questions": ("knothole.Question", _QUESTION),
    "/cancelled": ("knothole.Cancelled", _QUESTION),
    "/answers": (
        "knothole.Answer",
        {**_ANSWER, "frame_hash": _TEXT, "frame_stamp": _NUM, "asked_at": _NUM, "backend": _TEXT},
    ),
    "/frames": (
        "foxglove.CompressedImage",
        {**schemas.IMAGE, "hash": _TEXT, "camera": _TEXT},
    ),
    "/frames_again": ("knothole.SameFrame", {"frame_id": _TEXT, "same_as": _TEXT}),
    "/frames_dropped": ("knothole.DroppedFrame", {"frame_id": _TEXT, "hash": _TEXT}),
    "/truth": ("knothole.Truth", _ANSWER),
    "/checkpoint": (
        "knothole.Checkpoint",
        {
            "tick": _INT,
            "now": _NUM,
            "began": _NUM,
            "steps": _INT,
            "rng": _ANY,
            "nodes": _list(path=_TEXT, status=_TEXT, child=_TEXT, lost=_TEXT, memory=_MAP, same=_TEXTS),
            "cells": _ANY,
            "notes": _ANY,
        },
    ),
    "/replay": (
        "knothole.Replay",
        {
            "what": _TEXT,
            "version": _INT,
            "tick": _INT,
            "now": _NUM,
            "halt_timeout": _NUM,
            "human": _BOOL,
            "inputs": _MAP,
            "tree": _ANY,
            "leaves": _ANY,
            "ruled": _ANY,
            "origins": _MAP,
            "grown": _TEXT,
            "segments": _ANY,
            "poses": _MAP,
        },
    ),
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
            "diff": _TEXTS,
            "drawn": _TEXT,
            "rehearsal": _ANY,
            "confirmed_by": _TEXT,
            "repair": _INT,
            "reason": _TEXT,
            "remaining": _TEXT,
            "previous": {"type": "array", "items": _MAP},
            "done": _INT,
            "loop": _INT,
            "proposal": _TEXT,
        },
    ),
    "/joints": (
        "foxglove.JointStates",
        {**schemas.JOINTS, "tick": _INT, "q": _NUMS, "gripper_width": _NUM, "tcp": _NUMS},
    ),
    "/annotations": ("foxglove.ImageAnnotations", schemas.ANNOTATIONS),
    "/transforms": ("foxglove.FrameTransforms", schemas.TRANSFORMS),
    "/scene": ("foxglove.SceneUpdate", schemas.SCENE),
    "/simulated": ("foxglove.SceneUpdate", {**schemas.SCENE, "tick": _INT}),
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
