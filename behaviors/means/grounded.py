"""A thing that was named in words, found in a picture and measured in the world."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..._base import headline
from ...robots.contract import CameraFrame
from ...robots.contract import Image as Pixels
from ...robots.pixels import Mask, tints
from ...robots.pose import Array, Pose
from ...robots.seeing import NotSeenError, Seen, View
from ...vlm.questions import Answer, Region

SAME = 0.6
"""Two boxes whose measured pixels overlap by this share (intersection over union) are one thing."""
FEW = 12
"""Pixels that make a surface."""


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
        id: Number of the thing in this run, from 1; the same in later pictures. 0 where nobody gave it one.
        tint: Mean color of its pixels, as ``tints`` of ``robots.pixels`` has it: what it looks like under any light.
        point_uv: A point on it relative to the image, where the model told one.
        pixels: Its measured pixels, packed eight to a byte; see ``mask``. Not compared.
        image_shape: Height and width of that picture, [px].
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
    id: int = 0
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)
    point_uv: tuple[float, float] | None = None
    pixels: Pixels = field(default_factory=lambda: np.zeros(0, np.uint8), compare=False, repr=False)
    image_shape: tuple[int, int] = field(default=(0, 0), compare=False, repr=False)

    @property
    def mask(self) -> Mask | None:
        """Its measured pixels, shape (H, W); None where they are not kept."""
        height, width = self.image_shape
        if not height * width:
            return None
        return np.unpackbits(self.pixels, count=height * width).reshape(height, width).astype(bool)

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
            tint=tint_of(frame.rgb, seen.mask),
            points=seen.points.copy(),
            pixels=np.packbits(seen.mask),
            image_shape=(int(seen.mask.shape[0]), int(seen.mask.shape[1])),
        )

    @classmethod
    def unmeasured(cls, region: Region, query: str, frame: CameraFrame, id: int = 0) -> GroundedObject:
        """Keep what a picture without depth shows of a thing: its place in the world is not known."""
        nowhere = (0.0, 0.0, 0.0)
        return cls(
            label=region.label or query,
            box_xyxy=region.box_xyxy,
            xyz=nowhere,
            size=nowhere,
            yaw=0.0,
            pose=Pose(nowhere),
            top_z=0.0,
            residual=0.0,
            camera=frame.camera,
            frame_id=frame.id,
            stamp=frame.stamp,
            confidence=region.confidence,
            id=id,
            point_uv=region.point_uv,
        )

    def light(self) -> GroundedObject:
        """Return it without points and pixels."""
        return replace(self, points=_no_points(), pixels=np.zeros(0, np.uint8), image_shape=(0, 0))

    def renamed(self, label: str, id: int) -> GroundedObject:
        """Return it under another name and number."""
        return replace(self, label=label, id=id)

    def __str__(self) -> str:
        x, y, z = self.xyz
        return f"{self.label} at ({x:.3f}, {y:.3f}, {z:.3f}) m"

    def to_json(self) -> dict[str, object]:
        """Return what a trace keeps: everything but points, pixels and tint, rounded to 0.1 mm and 0.001 rad."""
        return {
            "label": self.label,
            "id": self.id,
            "box_xyxy": [round(v, 4) for v in self.box_xyxy],
            "xyz": [round(v, 4) for v in self.xyz],
            "size": [round(v, 4) for v in self.size],
            "yaw": round(self.yaw, 3),
            "top_z": round(self.top_z, 4),
            "residual": round(self.residual, 4),
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
            seen = _find(view, region, narrower)
        except NotSeenError as error:
            dropped.append(f"{label}: {headline(error)}")
            continue
        if any((seen.mask & old.mask).sum() > SAME * (seen.mask | old.mask).sum() for _, old in found):
            dropped.append(f"{label}: found twice")
            continue
        thing = GroundedObject.of(label, seen, view.frame, region.confidence)
        found.append((replace(thing, point_uv=region.point_uv), seen))
    return found, dropped


def _find(view: View, region: Region, narrower: float | None) -> Seen:
    """Measure a region: the pixels that the model marked, else the surface at its point, else the one in its box.

    Raises:
        NotSeenError: Nothing rises above the table there.
    """
    if region.mask is not None and region.mask.shape == view.matter.shape:
        marked = region.mask & view.matter
        if marked.sum() >= FEW:
            return view.measure(marked)
    x1, y1, x2, y2 = region.box_xyxy
    if region.point_uv is not None and (x2 - x1) * (y2 - y1) < 1e-4:  # no more than a point
        labels, _ = view.layers[0]
        height, width = labels.shape
        u, v = region.point_uv
        name = labels[min(int(v * height), height - 1), min(int(u * width), width - 1)]
        if name >= 0 and (labels == name).sum() >= FEW:
            return view.measure(labels == name)
    return view.find(region.box_xyxy, narrower)


def tint_of(rgb: Pixels, mask: Mask) -> tuple[float, float, float]:
    """Return the mean tint of some pixels."""
    if not mask.any():
        return 0.0, 0.0, 0.0
    a, b, c = (float(v) for v in tints(rgb[mask][None]).reshape(-1, 3).mean(axis=0))
    return a, b, c
