"""Pictures on their way out and in: made small enough, blurred where that is wanted, encoded; and decoded with care."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..questions import Frame
from .failures import Unreadable
from .settings import RemoteSettings

BLURRED_SIDE = 24
"""Longest side of what is left of a blurred picture, [px]."""
_MOST_PIXELS = 64_000_000


@dataclass(frozen=True)
class Picture:
    """One encoded picture.

    Attributes:
        data: Bytes of the file.
        mime: ``image/png`` or ``image/jpeg``.
        size: Width and height of what is sent, [px].
        stamp: When it was taken, run clock, [s].
    """

    data: bytes
    mime: str
    size: tuple[int, int]
    stamp: float

    @cached_property
    def base64(self) -> str:
        """The bytes as base64 text."""
        return base64.b64encode(self.data).decode("ascii")

    @cached_property
    def url(self) -> str:
        """The picture as a data URL."""
        return f"data:{self.mime};base64,{self.base64}"


def encoded(frame: Frame, settings: RemoteSettings) -> tuple[Picture, ...]:
    """Return the pictures of a frame as they are sent, oldest first; with ``frames: drop`` none."""
    if settings.frames == "drop":
        return ()
    return tuple(_encoded(each, settings) for each in (*frame.earlier, frame))


def captions(pictures: tuple[Picture, ...]) -> list[str]:
    """Return what is said of each picture of several: which it is, and how long before the last one it was taken.

    >>> from .pictures import Picture
    >>> captions(tuple(Picture(b"", "image/png", (1, 1), stamp) for stamp in (1.0, 3.5)))
    ['Picture 1 of 2, 2.50 s before the last one:', 'Picture 2 of 2, the last one:']
    """
    if len(pictures) < 2:
        return ["" for _ in pictures]
    last, said = pictures[-1].stamp, []
    for number, picture in enumerate(pictures, start=1):
        ago = last - picture.stamp
        when = ", the last one" if number == len(pictures) else f", {ago:.2f} s before the last one" if ago > 0 else ""
        said.append(f"Picture {number} of {len(pictures)}{when}:")
    return said


def _encoded(frame: Frame, settings: RemoteSettings) -> Picture:
    picture = Image.fromarray(np.ascontiguousarray(frame.rgb))
    if settings.image_side and max(picture.size) > settings.image_side:
        picture = picture.resize(fitted(picture.size, settings.image_side), Image.Resampling.LANCZOS)
    if settings.frames == "blur":
        small = picture.resize(fitted(picture.size, BLURRED_SIDE), Image.Resampling.BOX)
        picture = small.resize(picture.size, Image.Resampling.BILINEAR)
    out = io.BytesIO()
    if settings.image_format == "jpeg":
        picture.save(out, "JPEG", quality=settings.jpeg_quality, subsampling=0)
    else:
        picture.save(out, "PNG", compress_level=3)
    return Picture(out.getvalue(), f"image/{settings.image_format}", picture.size, frame.stamp)


def fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return a size with the same shape whose longest side is at most ``side`` [px].

    >>> fitted((640, 480), 320), fitted((2000, 1), 100), fitted((3, 4), 100)
    ((320, 240), (100, 1), (3, 4))
    """
    longest = max(size)
    if longest <= side:
        return size
    return max(1, round(size[0] * side / longest)), max(1, round(size[1] * side / longest))


def decoded(data: bytes | str) -> NDArray[np.uint8]:
    """Return the pixels of a picture that a server made, shape (H, W, 3).

    Args:
        data: Bytes of the file, or these as base64 text.

    Raises:
        Unreadable: It is no picture, or one that is far too large.
    """
    try:
        raw = base64.b64decode(data, validate=True) if isinstance(data, str) else data
        with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG", "WEBP")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Unreadable(f"the picture has {picture.width} x {picture.height} pixels, which is too large")
            return np.array(picture.convert("RGB"), np.uint8)
    except Unreadable:
        raise
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(f"what was sent as a picture is none: {type(error).__name__}") from error
