"""The pictures of a recording, each once, with the answers that are about it."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from ..tracing.recording import Recording

_FORMS: Final = {"jpeg": "image/jpeg", "png": "image/png"}
_MOST_PIXELS: Final = 50_000_000


@dataclass
class Shown:
    """A picture.

    Attributes:
        name: Its id.
        time: When it was taken, [s] since the run began.
        form: ``jpeg`` or ``png``.
        data: The file as base64.
        answers: What was said about it, in order, each with its time: (time, message).
    """

    name: str
    time: float
    form: str
    data: str
    answers: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def media_type(self) -> str:
        """Media type for a page."""
        return _FORMS[self.form]

    def regions(self) -> list[Mapping[str, Any]]:
        """Return all boxes that were found in it."""
        return [region for _, answer in self.answers for region in answer.get("regions") or ()]

    def image(self) -> Image.Image | None:
        """Return its pixels; None where they cannot be read."""
        try:
            picture = Image.open(io.BytesIO(base64.b64decode(self.data, validate=True)))
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            return picture.convert("RGB")
        except (OSError, ValueError, binascii.Error, UnidentifiedImageError, Image.DecompressionBombError):
            return None


def shown(recording: Recording, most: int) -> tuple[list[Shown], int]:
    """Return the pictures of a recording in order, those with answers first in line, and how many were left out."""
    began = recording.began
    found: dict[str, Shown] = {}
    same: dict[str, str] = {}
    for message in recording.messages:
        data = message.data
        if message.topic == "/frames" and data.get("format") in _FORMS:
            name = str(data["frame_id"])
            found[name] = Shown(name, message.time - began, str(data["format"]), str(data["data"]))
        elif message.topic == "/frames_again":
            same[str(data["frame_id"])] = str(data["same_as"])
        elif message.topic == "/answers":
            name = str(data["frame"])
            picture = found.get(same.get(name, name))
            if picture is not None:
                picture.answers.append((message.time - began, data))
    whole = list(found.values())
    asked = [picture for picture in whole if picture.answers]
    rest = [picture for picture in whole if not picture.answers]
    chosen = _spread(asked, most)
    chosen += _spread(rest, most - len(chosen))
    return sorted(chosen, key=lambda picture: picture.time), len(whole) - len(chosen)


def _spread(pictures: list[Shown], most: int) -> list[Shown]:
    """Return at most so many, evenly from first to last."""
    if len(pictures) <= most:
        return pictures
    if most < 1:
        return []
    step = (len(pictures) - 1) / max(1, most - 1)
    return [pictures[round(i * step)] for i in range(most)]
