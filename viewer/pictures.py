"""Pictures that are taken out of messages, so that the page asks for those alone that it shows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_KINDS: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
MOST_BYTES: Final = 512 * 2**20
"""Most bytes of pictures that are held at once; the oldest go first. The trace itself has them all."""


class Picture(NamedTuple):
    """A picture as it was recorded: its media type, found by its first bytes, and its bytes."""

    type: str
    data: bytes


class Pictures:
    """The pictures of one run by name: the id of a frame, or ``answer 12/0`` for a mask or an image of an answer.

    Args:
        most: Most bytes that are held at once.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._held: dict[str, Picture] = {}
        self._most, self._bytes = most, 0

    def get(self, name: str) -> Picture | None:
        """Return a picture, None where there is none of this name, or no longer."""
        return self._held.get(name)

    def put(self, name: str, text: object) -> bool:
        """Keep a picture in base64, and tell whether it is one: JPEG or PNG, whatever else the message says of it."""
        if not isinstance(text, str) or not text:
            return False
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return False
        kind = next((kind for begin, kind in _KINDS if data.startswith(begin)), "")
        if not kind:
            return False
        self._drop(name)
        self._held[name] = Picture(kind, data)
        self._bytes += len(data)
        while self._bytes > self._most and len(self._held) > 1:
            self._drop(next(iter(self._held)))
        return True

    def _drop(self, name: str) -> None:
        old = self._held.pop(name, None)
        if old is not None:
            self._bytes -= len(old.data)

    def take_out(self, topic: str, data: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        """Return a message with its pictures replaced by their names, and keep them.

        Args:
            topic: Channel of the message.
            data: What it says.
            number: Position of the message, which names the pictures of an answer.
        """
        if topic == "/frames":
            kept = self.put(str(data.get("frame_id", "")), data.get("data"))
            return {"frame_id": data.get("frame_id"), "hash": data.get("hash", ""), "kept": kept}
        if topic == "/answers":
            return self._answer(data, number)
        return data

    def _answer(self, data: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        regions = data.get("regions")
        new: dict[str, Any] = dict(data)
        if isinstance(regions, list):
            new["regions"] = [self._region(each, f"answer {number}/{at}") for at, each in enumerate(regions)]
        if data.get("image"):
            name = f"answer {number}/image"
            new["image"] = name if self.put(name, data["image"]) else ""
        return new

    def _region(self, region: Any, name: str) -> Any:
        if not isinstance(region, Mapping) or not region.get("mask"):
            return region
        return {**region, "mask": name if self.put(name, region["mask"]) else ""}
