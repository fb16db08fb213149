"""What of a run is told as messages of Foxglove: boxes on pictures, transforms, lenses, joints, things in space.

Times are of the run clock. A transform ``parent`` → ``child`` is the pose of the child in the parent, here called
``parent_from_child``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ...robots.contract import CameraFrame, Intrinsics
from ...robots.pose import Pose
from ...vlm.questions import Answer

WORLD: Final = "world"
_LOOP: Final = 2
"""``PointsAnnotation.type`` of a closed line."""
_BOX: Final = {"r": 0.1, "g": 0.75, "b": 1.0, "a": 1.0}
_CLEAR: Final = {"r": 0.0, "g": 0.0, "b": 0.0, "a": 0.0}
_WHITE: Final = {"r": 1.0, "g": 1.0, "b": 1.0, "a": 1.0}
_DARK: Final = {"r": 0.0, "g": 0.0, "b": 0.0, "a": 0.6}
_SEEN: Final = {"r": 0.1, "g": 0.75, "b": 1.0, "a": 0.35}
_FONT: Final = 14.0
_MOST_THINGS: Final = 200
_ABOVE: Final = 0.03
"""Height of a name above its thing, [m]."""


class Solid(NamedTuple):
    """A thing of a simulated scene.

    Attributes:
        id: By which a later message replaces it.
        label: What it is called.
        xyz: Its center in the world, [m].
        quat_xyzw: Its orientation in the world.
        size: Its extent in its own frame, [m].
        rgb: Its color, each in [0, 1].
    """

    id: str
    label: str
    xyz: Sequence[float]
    quat_xyzw: Sequence[float]
    size: Sequence[float]
    rgb: Sequence[float]


def stamp_of(nanoseconds: int) -> dict[str, int]:
    """Return a time in [ns] as seconds and nanoseconds."""
    return {"sec": nanoseconds // 1_000_000_000, "nsec": nanoseconds % 1_000_000_000}


def camera_frame(camera: str) -> str:
    """Return the name of the coordinate frame of a camera."""
    return f"camera/{camera}"


def boxes(answer: Answer, question: str, frame_id: str, time_ns: int, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the boxes and points of an answer, drawn on the picture that it is about.

    Args:
        answer: The answer.
        question: Its question.
        frame_id: Id of the picture.
        time_ns: Time of the picture in the trace, by which Foxglove finds it, [ns].
        shape: Height and width of the picture, [px].
    """
    height, width = shape
    time, meta = stamp_of(time_ns), [{"key": "question", "value": question}, {"key": "picture", "value": frame_id}]
    circles, points, texts = [], [], []
    for region in answer.regions:
        x1, y1, x2, y2 = (v * side for v, side in zip(region.box_xyxy, (width, height) * 2, strict=True))
        corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
        points.append(
            {
                "timestamp": time,
                "type": _LOOP,
                "points": [_point(u, v) for u, v in corners],
                "outline_color": _BOX,
                "outline_colors": [],
                "fill_color": _CLEAR,
                "thickness": 2.0,
                "metadata": [*meta, {"key": "confidence", "value": f"{region.confidence:.3f}"}],
            }
        )
        texts.append(
            {
                "timestamp": time,
                "position": _point(x1, max(y1, _FONT)),
                "text": f"{region.label} {region.confidence:.2f}".strip(),
                "font_size": _FONT,
                "text_color": _WHITE,
                "background_color": _DARK,
                "metadata": meta,
            }
        )
        if region.point_uv is not None:
            circles.append(
                {
                    "timestamp": time,
                    "position": _point(region.point_uv[0] * width, region.point_uv[1] * height),
                    "diameter": 8.0,
                    "thickness": 2.0,
                    "fill_color": _BOX,
                    "outline_color": _WHITE,
                    "metadata": meta,
                }
            )
    return {"circles": circles, "points": points, "texts": texts}


def transforms(time_ns: int, parent_from: Mapping[str, Pose], parent: str = WORLD) -> dict[str, Any]:
    """Return where frames stand in their parent: child → pose."""
    return {
        "transforms": [
            {
                "timestamp": stamp_of(time_ns),
                "parent_frame_id": parent,
                "child_frame_id": child,
                "translation": _vector(pose.xyz),
                "rotation": _quaternion(pose.quat_xyzw),
            }
            for child, pose in parent_from.items()
        ]
    }


def camera_transforms(time_ns: int, frame: CameraFrame) -> dict[str, Any]:
    """Return where a camera stood when it took a picture, as the frame of the camera and as that of the picture."""
    pose = frame.world_from_camera
    return transforms(time_ns, {camera_frame(frame.camera): pose, frame.id: pose})


def calibration(time_ns: int, camera: str, lens: Intrinsics) -> dict[str, Any]:
    """Return the lens of a camera; pictures have no distortion."""
    return {
        "timestamp": stamp_of(time_ns),
        "frame_id": camera_frame(camera),
        "width": lens.width,
        "height": lens.height,
        "distortion_model": "plumb_bob",
        "D": [0.0] * 5,
        "K": [lens.fx, 0.0, lens.cx, 0.0, lens.fy, lens.cy, 0.0, 0.0, 1.0],
        "R": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "P": [lens.fx, 0.0, lens.cx, 0.0, 0.0, lens.fy, lens.cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    }


def joint_states(names: Sequence[str], q: Iterable[float], dq: Iterable[float], gripper: float) -> list[dict[str, Any]]:
    """Return joints, [rad] and [rad/s], and last the gripper's width, [m]."""
    rows: list[dict[str, Any]] = [
        {"name": name, "position": position, "velocity": velocity}
        for name, position, velocity in zip(names, q, dq, strict=True)
    ]
    return [*rows, {"name": "gripper", "position": gripper}]


def scene(name: str, value: object, time_ns: int) -> dict[str, Any] | None:
    """Return the grounded things in a blackboard entry as boxes in the world; None where it holds none.

    Args:
        name: Name of the entry, by which later things replace earlier ones.
        value: Its summarised value.
        time_ns: Time of the write, [ns].
    """
    things = _things(value)
    cubes = [{"pose": _upright(thing), "size": _vector(thing["size"]), "color": _SEEN} for thing in things]
    texts = [
        {
            "pose": _upright(thing, above=True),
            "billboard": True,
            "font_size": 12.0,
            "scale_invariant": True,
            "color": _WHITE,
            "text": str(thing["label"]),
        }
        for thing in things
    ]
    entity = _entity(name, time_ns, cubes, texts)
    return {"deletions": [], "entities": [entity]} if things else None


def nothing(name: str, time_ns: int) -> dict[str, Any]:
    """Return that an entry holds no things any more."""
    return {"deletions": [{"timestamp": stamp_of(time_ns), "type": 0, "id": name}], "entities": []}


def solids(things: Iterable[Solid], time_ns: int) -> dict[str, Any]:
    """Return things of a simulated scene as boxes; each says that this is the truth of the simulator."""
    entities = []
    for thing in things:
        pose = {"position": _rounded(thing.xyz), "orientation": _quaternion([round(v, 5) for v in thing.quat_xyzw])}
        red, green, blue = (round(float(v), 3) for v in thing.rgb)
        cube = {"pose": pose, "size": _rounded(thing.size), "color": {"r": red, "g": green, "b": blue, "a": 0.5}}
        notes = [{"key": "source", "value": "simulator truth"}, {"key": "label", "value": thing.label}]
        entities.append(_entity(f"simulated/{thing.id}", time_ns, [cube], [], notes))
    return {"deletions": [], "entities": entities}


def _entity(
    name: str,
    time_ns: int,
    cubes: Sequence[object],
    texts: Sequence[object],
    metadata: Sequence[object] = (),
) -> dict[str, Any]:
    empty: dict[str, Any] = {key: [] for key in ("arrows", "spheres", "cylinders", "lines", "triangles", "models")}
    return {
        "timestamp": stamp_of(time_ns),
        "frame_id": WORLD,
        "id": name,
        "lifetime": {"sec": 0, "nsec": 0},
        "frame_locked": False,
        "metadata": list(metadata),
        **empty,
        "cubes": list(cubes),
        "texts": list(texts),
    }


def _things(value: object) -> list[Mapping[str, Any]]:
    """Return what a summarised value holds that stands somewhere and has a size."""
    if isinstance(value, Mapping):
        if isinstance(value.get("xyz"), list) and isinstance(value.get("size"), list) and "label" in value:
            return [value]
        return []
    if isinstance(value, list):
        return [thing for each in value[:_MOST_THINGS] for thing in _things(each) if isinstance(each, Mapping)]
    return []


def _upright(thing: Mapping[str, Any], above: bool = False) -> dict[str, Any]:
    x, y, z = (float(v) for v in thing["xyz"])
    half = 0.5 * float(thing.get("yaw", 0.0))
    z += 0.5 * float(thing["size"][2]) + _ABOVE if above else 0.0
    return {"position": _vector((x, y, z)), "orientation": _quaternion((0.0, 0.0, math.sin(half), math.cos(half)))}


def _point(u: float, v: float) -> dict[str, float]:
    return {"x": float(u), "y": float(v)}


def _vector(xyz: Sequence[float]) -> dict[str, float]:
    return {"x": float(xyz[0]), "y": float(xyz[1]), "z": float(xyz[2])}


def _rounded(xyz: Sequence[float]) -> dict[str, float]:
    return _vector([round(float(v), 4) for v in xyz])


def _quaternion(xyzw: Sequence[float]) -> dict[str, float]:
    return {"x": float(xyzw[0]), "y": float(xyzw[1]), "z": float(xyzw[2]), "w": float(xyzw[3])}
