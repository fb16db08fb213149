"""Messages of a request: what the system said, what was said before, the pictures, the last words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..questions import Frame
from .fields import items, known, mapping, text
from .pictures import MOST_PICTURES, as_frame, from_uri
from .refusals import wrong

_MOST_MESSAGES = 200
_IGNORED = ("prompt_cache_breakpoint", "cache_control")
"""Fields of clients about what a server keeps, which change no answer."""
_ROLES = ("system", "developer", "user", "assistant")


@dataclass(frozen=True)
class Conversation:
    """What a client sent.

    Attributes:
        frame: All pictures, in the order they came, as one frame.
        words: What the user said last.
        history: What was said before, (``user`` or ``assistant``, words).
        system: What the system and the developer said.
    """

    frame: Frame | None
    words: str
    history: tuple[tuple[str, str], ...] = ()
    system: str = ""


def read_conversation(raw: object, where: str) -> Conversation:
    """Return the messages of a request.

    Raises:
        RefusedError: One of them is wrong, or the last one is not the user's.
    """
    pictures: list[NDArray[np.uint8]] = []
    said: list[tuple[str, str]] = []
    for i, message in enumerate(items(raw, where, _MOST_MESSAGES)):
        place = f"{where}[{i}]"
        known(mapping(message, place), ("role", "content", "type", "name", "refusal", "phase"), place)
        role = message.get("role")
        if role not in _ROLES:
            raise wrong(f"{place}.role", f"must be one of {', '.join(_ROLES)}")
        words = _content(message.get("content"), f"{place}.content", pictures if role == "user" else None)
        said.append((role, words))
    if said[-1][0] != "user":
        raise wrong(f"{where}[{len(said) - 1}].role", "the last message must be the user's")
    if len(pictures) > MOST_PICTURES:
        raise wrong(where, f"has {len(pictures)} pictures, at most {MOST_PICTURES} are taken")
    system = "\n\n".join(words for role, words in said if role in ("system", "developer") and words)
    history = tuple((role, words) for role, words in said[:-1] if role in ("user", "assistant") and words)
    return Conversation(as_frame(pictures), said[-1][1], history, system)


def _content(raw: object, where: str, pictures: list[NDArray[np.uint8]] | None) -> str:
    """Return the words of a message, and add its pictures to those before; None where it may have none."""
    if raw is None or isinstance(raw, str):
        return (raw or "").strip()
    words = []
    for i, part in enumerate(items(raw, where, _MOST_MESSAGES)):
        place = f"{where}[{i}]"
        kind = mapping(part, place).get("type")
        if kind in ("text", "input_text", "output_text"):
            known(part, ("type", "text", "annotations", "logprobs", *_IGNORED), place)
            words.append(text(part.get("text"), f"{place}.text", empty=True))
        elif kind in ("image_url", "input_image"):
            if pictures is None:
                raise wrong(place, "only messages of the user may have pictures")
            known(part, ("type", "image_url", "detail", *_IGNORED), place)
            pictures.append(_picture(part, place))
        else:
            raise wrong(f"{place}.type", "must be text or image_url; this server takes no sound, files or video")
    return "\n".join(part for part in words if part.strip()).strip()


def _picture(part: Mapping[str, object], where: str) -> NDArray[np.uint8]:
    place = f"{where}.image_url"
    uri = part.get("image_url")
    if isinstance(uri, dict):
        known(uri, ("url", "detail"), place)
        place, uri = f"{place}.url", uri.get("url")
    return from_uri(text(uri, place), place)
