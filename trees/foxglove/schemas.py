"""Foxglove's own schemas, as far as a trace uses them: names and types of fields as in ``foxglove.*`` version 0.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_INT: Final = {"type": "integer"}
_NUM: Final = {"type": "number"}
_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "object", "title": "time", "properties": {"sec": _INT, "nsec": _INT}}


def _object(title: str, **properties: object) -> dict[str, object]:
    return {"title": title, "type": "object", "properties": properties}


def _list(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


_POINT2: Final = _object("foxglove.Point2", x=_NUM, y=_NUM)
_VECTOR: Final = _object("foxglove.Vector3", x=_NUM, y=_NUM, z=_NUM)
_QUATERNION: Final = _object("foxglove.Quaternion", x=_NUM, y=_NUM, z=_NUM, w=_NUM)
_COLOR: Final = _object("foxglove.Color", r=_NUM, g=_NUM, b=_NUM, a=_NUM)
_POSE: Final = _object("foxglove.Pose", position=_VECTOR, orientation=_QUATERNION)
_PAIR: Final = _object("foxglove.KeyValuePair", key=_TEXT, value=_TEXT)
_DRAWN: Final = {"timestamp": _TIME, "metadata": _list(_PAIR)}

IMAGE: Final[Mapping[str, object]] = {
    "timestamp": _TIME,
    "frame_id": _TEXT,
    "data": {"type": "string", "contentEncoding": "base64"},
    "format": _TEXT,
}
LOG: Final[Mapping[str, object]] = {
    "timestamp": _TIME,
    "level": _INT,
    "message": _TEXT,
    "name": _TEXT,
    "file": _TEXT,
    "line": _INT,
}
ANNOTATIONS: Final[Mapping[str, object]] = {
    "circles": _list(
        _object(
            "foxglove.CircleAnnotation",
            position=_POINT2,
            diameter=_NUM,
            thickness=_NUM,
            fill_color=_COLOR,
            outline_color=_COLOR,
            **_DRAWN,
        )
    ),
    "points": _list(
        _object(
            "foxglove.PointsAnnotation",
            type=_INT,
            points=_list(_POINT2),
            outline_color=_COLOR,
            outline_colors=_list(_COLOR),
            fill_color=_COLOR,
            thickness=_NUM,
            **_DRAWN,
        )
    ),
    "texts": _list(
        _object(
            "foxglove.TextAnnotation",
            position=_POINT2,
            text=_TEXT,
            font_size=_NUM,
            text_color=_COLOR,
            background_color=_COLOR,
            **_DRAWN,
        )
    ),
}
TRANSFORMS: Final[Mapping[str, object]] = {
    "transforms": _list(
        _object(
            "foxglove.FrameTransform",
            timestamp=_TIME,
            parent_frame_id=_TEXT,
            child_frame_id=_TEXT,
            translation=_VECTOR,
            rotation=_QUATERNION,
        )
    )
}
CALIBRATION: Final[Mapping[str, object]] = {
    "timestamp": _TIME,
    "frame_id": _TEXT,
    "width": _INT,
    "height": _INT,
    "distortion_model": _TEXT,
    "D": _list(_NUM),
    "K": _list(_NUM),
    "R": _list(_NUM),
    "P": _list(_NUM),
}
JOINTS: Final[Mapping[str, object]] = {
    "timestamp": _TIME,
    "joints": _list(_object("foxglove.JointState", name=_TEXT, position=_NUM, velocity=_NUM)),
}
SCENE: Final[Mapping[str, object]] = {
    "deletions": _list(_object("foxglove.SceneEntityDeletion", timestamp=_TIME, type=_INT, id=_TEXT)),
    "entities": _list(
        _object(
            "foxglove.SceneEntity",
            timestamp=_TIME,
            frame_id=_TEXT,
            id=_TEXT,
            lifetime={"type": "object", "title": "duration", "properties": {"sec": _INT, "nsec": _INT}},
            frame_locked={"type": "boolean"},
            metadata=_list(_PAIR),
            arrows=_list({"type": "object"}),
            cubes=_list(_object("foxglove.CubePrimitive", pose=_POSE, size=_VECTOR, color=_COLOR)),
            spheres=_list({"type": "object"}),
            cylinders=_list({"type": "object"}),
            lines=_list({"type": "object"}),
            triangles=_list({"type": "object"}),
            texts=_list(
                _object(
                    "foxglove.TextPrimitive",
                    pose=_POSE,
                    billboard={"type": "boolean"},
                    font_size=_NUM,
                    scale_invariant={"type": "boolean"},
                    color=_COLOR,
                    text=_TEXT,
                )
            ),
            models=_list({"type": "object"}),
        )
    ),
}
