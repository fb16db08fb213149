"""The picture that decided: the frame behind an answer, out of the trace, with the boxes of the answer drawn on it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw

from ..._base import KnotholeError
from ..drawing.fonts import font_for
from ..tracing.recording import Recording
from .evidence import Evidence

FORMATS: Final = (".png", ".jpg", ".jpeg", ".webp")
_COLORS: Final = ("#e6194b", "#0b57d0", "#3cb44b", "#f58231", "#911eb4")


class NoPictureError(KnotholeError):
    """There is no picture to show, or it cannot be written."""


def write_picture(recording: Recording, evidence: Evidence | None, path: Path) -> None:
    """Write the frame that an answer is about, with its boxes.

    Args:
        recording: The trace.
        evidence: The answer; None where nothing was asked.
        path: File to write; its suffix is the format, one of ``FORMATS``.

    Raises:
        NoPictureError: No picture decided, the trace does not hold it, or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise NoPictureError(f"no picture format {path.suffix!r}\n  fix:  name a file {', '.join(FORMATS)}")
    if evidence is None or not evidence.frame:
        raise NoPictureError("no picture decided this\n  fix:  name a node that asks about pictures, such as a `see`")
    image = with_boxes(frame_picture(recording, evidence.frame), evidence.regions)
    try:
        image.save(path)
    except OSError as error:
        raise NoPictureError(
            f"{path} cannot be written: {error.strerror or error}\n  fix:  name another file"
        ) from error


def frame_picture(recording: Recording, frame: str) -> Image.Image:
    """Return the picture of a frame.

    Raises:
        NoPictureError: The trace holds no such picture.
    """
    again = {m.data["frame_id"]: m.data["same_as"] for m in recording.topic("/frames_again")}
    wanted = again.get(frame, frame)
    for message in recording.topic("/frames"):
        if message.data["frame_id"] == wanted:
            try:
                with Image.open(io.BytesIO(base64.b64decode(message.data["data"]))) as picture:
                    return picture.convert("RGB")
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                raise NoPictureError(f"frame {frame} cannot be read: {error}\n  fix:  record the run again") from error
    dropped = any(m.data["frame_id"] == wanted for m in recording.topic("/frames_dropped"))
    why = "it was recorded with frames: drop" if dropped else "its end is missing, or the disk was too slow"
    raise NoPictureError(f"the trace does not hold frame {frame}: {why}\n  fix:  record the run again with its frames")


def with_boxes(image: Image.Image, regions: tuple[Mapping[str, Any], ...]) -> Image.Image:
    """Return the picture with a box, a label and the confidence for each region; boxes are relative to the image."""
    drawn = image.copy()
    pen = ImageDraw.Draw(drawn)
    width, height = drawn.size
    thick = max(2, round(min(width, height) / 200))
    size = max(12, round(min(width, height) / 28))
    for number, region in enumerate(regions):
        color = _COLORS[number % len(_COLORS)]
        x0, y0, x1, y1 = (
            round(float(v) * side) for v, side in zip(region["box_xyxy"], (width, height) * 2, strict=True)
        )
        pen.rectangle((x0, y0, max(x0, x1), max(y0, y1)), outline=color, width=thick)
        words = " ".join(f"{str(region.get('label', ''))[:60]} {float(region.get('confidence', 0.0)):.2f}".split())
        chosen, text = font_for(words, size)
        top = y0 - size * 1.3 if y0 >= size * 1.3 else y0
        pen.rectangle((x0, top, x0 + chosen.getlength(text) + 8, top + size * 1.3), fill=color)
        pen.text((x0 + 4, top + size * 0.65), text, fill="#ffffff", font=chosen, anchor="lm")
    return drawn
