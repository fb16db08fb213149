"""A picture on the blackboard: one that was taken, read from a file, or imagined."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..._base import KnotholeError
from ...robots.contract import CameraFrame, Intrinsics
from ...robots.contract import Image as Pixels
from ...robots.pose import Pose
from ...vlm.questions import Frame
from ..context import Context
from ..node import Leaf
from .grounded import GroundedObject

COUNTER = "pictures"
"""Key of ``context.notes``: how many pictures of the run came from elsewhere than a camera."""


class PictureError(KnotholeError):
    """There is no picture where one is wanted."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What an entry of type ``image`` holds.

    Attributes:
        id: Unique within a run; the trace has the pixels under it.
        stamp: When it was taken or made, run clock, [s].
        rgb: Shape (H, W, 3), uint8.
        origin: Where it comes from: ``camera table``, ``file goal.png``, ``imagined``, ``arranged``.
    """

    id: str
    stamp: float
    rgb: Pixels = field(repr=False)
    origin: str

    @property
    def frame(self) -> Frame:
        """The same as a model gets it."""
        return Frame(self.id, self.stamp, self.rgb)

    def to_json(self) -> dict[str, object]:
        """Return what a trace keeps beside the pixels."""
        height, width = self.rgb.shape[:2]
        digest = hashlib.sha256(self.rgb.tobytes()).hexdigest()[:16]
        return {"picture": self.id, "origin": self.origin, "width": width, "height": height, "sha256": digest}

    def __str__(self) -> str:
        return f"{self.origin} ({self.id})"


def taken(frame: CameraFrame) -> Picture:
    """Return a picture of a camera."""
    return Picture(frame.id, frame.stamp, frame.rgb, f"camera {frame.camera}")


def made(context: Context, rgb: Pixels, origin: str) -> Picture:
    """Return a picture that no camera took, and file it in the trace.

    Args:
        context: Services of the run.
        rgb: Shape (H, W, 3), uint8; copied.
        origin: Where it comes from; its first word begins the id.
    """
    number = int(str(context.notes.get(COUNTER, 0))) + 1
    context.notes[COUNTER] = number
    pixels = np.array(rgb, dtype=np.uint8)
    pixels.flags.writeable = False
    picture = Picture(f"{origin.split()[0]}#{number}", context.now, pixels, origin)
    height, width = pixels.shape[:2]
    lens = Intrinsics(1.0, 1.0, 0.0, 0.0, width, height)
    context.frames(CameraFrame("", picture.id, picture.stamp, pixels, None, lens, Pose((0.0, 0.0, 0.0))))
    return picture


def cropped(leaf: Leaf, frame: CameraFrame, thing: GroundedObject, margin: float = 0.25) -> CameraFrame:
    """Return the part of a picture around a thing, with a margin in sizes of its box; it is filed in the trace.

    Raises:
        PictureError: Another camera saw the thing, or its box is empty.
    """
    if thing.camera != frame.camera:
        raise PictureError(
            f"{thing.label} was seen by camera {thing.camera!r}, not {frame.camera!r}\n  fix:  name that camera"
        )
    height, width = frame.rgb.shape[:2]
    x1, y1, x2, y2 = thing.box_xyxy
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    left, right = max(0, int((x1 - dx) * width)), min(width, int((x2 + dx) * width) + 1)
    top, bottom = max(0, int((y1 - dy) * height)), min(height, int((y2 + dy) * height) + 1)
    if right - left < 2 or bottom - top < 2:
        raise PictureError(f"the box of {thing.label} is empty\n  fix:  ground it again")
    rgb = np.ascontiguousarray(frame.rgb[top:bottom, left:right])
    rgb.flags.writeable = False
    part = replace(frame, camera="", id=f"{frame.id}[{left},{top},{right},{bottom}]", rgb=rgb, depth=None)
    leaf.context.frames(part)
    return part


def as_picture(value: object) -> Picture:
    """Return what an entry holds as a picture.

    Raises:
        PictureError: It holds none.
    """
    if isinstance(value, Picture):
        return value
    if isinstance(value, CameraFrame):
        return taken(value)
    if isinstance(value, Frame):
        return Picture(value.id, value.stamp, value.rgb, "entry")
    raise PictureError(
        f"{value!r} is no picture\n  fix:  bind an entry that `photo` or `imagine` wrote, or write the path of a file"
    )


def read_picture(leaf: Leaf, path: str) -> Picture:
    """Read a picture file, beside the file of the tree or where the run was started, and file it in the trace.

    Raises:
        PictureError: There is no such file, or it is no picture.
    """
    wanted = Path(path).expanduser()
    beside = Path(leaf.place.file).parent / wanted if leaf.place is not None else wanted
    file = beside if beside.is_file() else wanted
    try:
        with Image.open(file) as opened:
            rgb = np.asarray(opened.convert("RGB"), np.uint8)
    except FileNotFoundError:
        raise PictureError(f"there is no picture file {path!r}\n  fix:  correct the path") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path!r} is no picture: {error}\n  fix:  give a PNG or JPEG file") from error
    return made(leaf.context, rgb, f"file {wanted.name}")
