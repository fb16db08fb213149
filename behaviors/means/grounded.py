"""A thing that was named in words, found in a picture and measured in the world."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ...robots.contract import CameraFrame
from ...robots.pose import Array, Pose
from ...robots.seeing import NotSeenError, Seen, View
from ...vlm.questions import Answer

SAME = 0.6
"""Two boxes whose measured pixels overlap by this share (intersection over union) are one thing."""


def _no_points() -> Array:
    return np.zeros((0, 3))


@dataclass(frozen=True)
class GroundedObject:
    """What ``ground`` writes: one object with its place in the picture and in the world.

    Attributes:
        label: What the model calls it, else the words it was asked for.
        box_xyxy: Box in the picture, relative to the image, each in [0, 1].
        xyz: Middle of the object in the world frame, [m].
        size: Extent along its own axes, the longer horizontal one first, the height last, [m].
        yaw: Direction of the longer horizontal axis about world z, in (-pi/2, pi/2], [rad].
        pose: ``world_from_object``: ``xyz`` turned by ``yaw``.
        top_z: Height of its highest point above the table, [m].
        residual: How badly its points fit the measured shape, root mean square, [m].
        camera: Camera that saw it.
        frame_id: Picture it was found in.
        stamp: When that picture was taken, [s].
        confidence: The model's confidence in the box, in [0, 1].
        points: Its measured surface in the world frame, shape (N, 3), [m]; not compared.
    """

    label: str
    box_xyxy: tuple[float, float, float, float]
    xyz: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float
    pose: Pose
    top_z: float
    residual: float
    camera: str
    frame_id: str
    stamp: float
    confidence: float = 1.0
    points: Array = field(default_factory=_no_points, compare=False, repr=False)

    @classmethod
    def of(cls, label: str, seen: Seen, frame: CameraFrame, confidence: float = 1.0) -> GroundedObject:
        """Keep what was measured of an object that ``frame`` shows."""
        (a, b, height), yaw = seen.size, seen.yaw
        if b > a:
            a, b, yaw = b, a, yaw + math.pi / 2
        yaw = math.pi / 2 - (math.pi / 2 - yaw) % math.pi
        return cls(
            label=label,
            box_xyxy=seen.box_xyxy,
            xyz=seen.center,
            size=(a, b, height),
            yaw=yaw,
            pose=Pose(seen.center, (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))),
            top_z=seen.top,
            residual=seen.residual,
            camera=frame.camera,
            frame_id=frame.id,
            stamp=frame.stamp,
            confidence=confidence,
            points=seen.points.copy(),
        )

    def __str__(self) -> str:
        x, y, z = self.xyz
        return f"{self.label} at ({x:.3f}, {y:.3f}, {z:.3f}) m"

    def to_json(self) -> dict[str, object]:
        """Return what a trace keeps: everything but the points, rounded to 0.1 mm and 0.001 rad."""
        return {
            "label": self.label,
            "box_xyxy": [round(v, 4) for v in self.box_xyxy],
            "xyz": [round(v, 4) for v in self.xyz],
            "size": [round(v, 4) for v in self.size],
            "yaw": round(self.yaw, 3),
            "top_z": round(self.top_z, 4),
            "confidence": round(self.confidence, 3),
            "camera": self.camera,
            "frame_id": self.frame_id,
        }


def lift(
    answer: Answer, view: View, query: str, least: float = 0.0, narrower: float | None = None
) -> tuple[list[tuple[GroundedObject, Seen]], list[str]]:
    """Measure the things that an answer has boxes for.

    Args:
        answer: What the model said about the picture of ``view``.
        view: That picture with depth, lifted into the world.
        query: What was asked for; the label of boxes that have none.
        least: Boxes below this confidence are dropped.
        narrower: Things that are wider at their narrower side are not meant, [m]; None takes all.

    Returns:
        The objects with their measured pixels, best first, and for each dropped box why.
    """
    found: list[tuple[GroundedObject, Seen]] = []
    dropped: list[str] = []
    for region in sorted(answer.regions, key=lambda region: -region.confidence):
        label = region.label or query
        if region.confidence < least:
            dropped.append(f"{label}: confidence {region.confidence:.2f} is below {least:g}")
            continue
        try:
            seen = view.find(region.box_xyxy, narrower)
        except NotSeenError as error:
            dropped.append(f"{label}: {str(error).splitlines()[0]}")
            continue
        if any((seen.mask & old.mask).sum() > SAME * (seen.mask | old.mask).sum() for _, old in found):
            dropped.append(f"{label}: found twice")
            continue
        found.append((GroundedObject.of(label, seen, view.frame, region.confidence), seen))
    return found, dropped
