"""A second look at a picture that was described: is each thing there that only one of two descriptions names?

A small model that names one thing after the other passes over one now and then, or takes a small can for a ball. It
does so less often in the same way of the mirror image, and of a thing that it is asked about by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .contract import Backend
from .facts import COLORS, SHAPES
from .language.matching import a_thing, sentence
from .questions import Answer, Frame, Question

SURE: Final = math.log(0.73 / 0.27)
"""Mean logarithm of the odds from which a thing that one description names counts as seen."""
WINDOW: Final = 0.9
"""Side of the windows that are looked at as well, one in each corner, as a share of the picture's."""
_LEAST: Final = 1e-4
_NAME: Final = rf"(?:{'|'.join(COLORS)}) (?:{'|'.join(SHAPES)})"
_PART: Final = re.compile(
    rf"an? (?P<thing>{_NAME})(?: (?P<link>in|on) an? (?P<place>{_NAME})| (?P<held>held by the gripper))?"
)


class Part(NamedTuple):
    """What a description says of one thing: its name, how it is held or carried, and the name of what carries it."""

    thing: str
    link: str = ""
    place: str = ""

    def __str__(self) -> str:
        place = f" {a_thing(self.place)}" if self.place else ""
        return a_thing(self.thing) + (f" {self.link}" if self.link else "") + place


def parts_of(text: str) -> list[Part] | None:
    """Read a description that ``caption`` could have written; None for another text."""
    if text == sentence(()):
        return []
    found = []
    for words in re.split(r", | and ", text.strip().removesuffix(".").lower()):
        read = _PART.fullmatch(words)
        if read is None:
            return None
        found.append(Part(read["thing"], read["link"] or read["held"] or "", read["place"] or ""))
    return found


def looked_over(backend: Backend, frame: Frame, question: Question, answer: Answer) -> Answer:
    """Return a description after a second look at the picture.

    The mirror image is described as well. Of each thing that is named in one description only the backend is asked
    whether it is there: in the picture, its mirror image, and windows in its corners.

    Args:
        backend: Describes as ``caption`` does, and answers *Is there a red cube?*.
        frame: A single picture.
        question: What was asked.
        answer: What was said.
    """
    mirror = _view(frame, "mirrored", frame.rgb[:, ::-1])
    [other] = backend.ask(mirror, [question])
    first, second = parts_of(answer.text), parts_of(other.text)
    if answer.problem or other.problem or first is None or second is None:
        return answer
    disputed = sorted(_named(first) ^ _named(second))
    if not disputed:
        return answer
    asked = [Question("yes_no", f"Is there {a_thing(name)}?") for name in disputed]
    views = [backend.ask(view, asked) for view in (frame, mirror, *_windows(frame))]
    odds = [sum(map(_odds, answers)) / len(answers) for answers in zip(*views, strict=True)]
    seen = (_named(first) & _named(second)) | {name for name, each in zip(disputed, odds, strict=True) if each > SURE}
    tokens = answer.tokens + other.tokens + sum(each.tokens for answers in views for each in answers)
    return replace(answer, text=sentence(map(str, _only(first, second, seen))), tokens=tokens)


def _named(parts: Iterable[Part]) -> set[str]:
    return {name for part in parts for name in (part.thing, part.place) if name}


def _only(first: Sequence[Part], second: Sequence[Part], seen: Collection[str]) -> list[Part]:
    """Return what is said of the things that were seen, by the first description before the second."""
    said = [told for part in first if (told := _told(part, seen)) is not None]
    for part in second:
        told = _told(part, seen)
        if told is not None and not _named([told]) <= _named(said):
            said.append(told)
    carrying = {part.place for part in said}
    return [part for part in said if part.link or part.thing not in carrying]


def _told(part: Part, seen: Collection[str]) -> Part | None:
    """Return what is left of a part where only these things were seen."""
    if part.thing in seen:
        return part if not part.place or part.place in seen else Part(part.thing)
    return Part(part.place) if part.place in seen else None


def _odds(answer: Answer) -> float:
    p = min(1 - _LEAST, max(_LEAST, answer.p("yes")))
    return math.log(p / (1 - p))


def _windows(frame: Frame) -> list[Frame]:
    height, width = frame.rgb.shape[:2]
    rows, columns = round(WINDOW * height), round(WINDOW * width)
    found = []
    for top in (0, height - rows):
        for left in (0, width - columns):
            part = Image.fromarray(frame.rgb[top : top + rows, left : left + columns])
            large = part.resize((width, height), Image.Resampling.BICUBIC)
            found.append(_view(frame, f"from {top}, {left}", np.asarray(large)))
    return found


def _view(frame: Frame, how: str, rgb: NDArray[np.uint8]) -> Frame:
    return Frame(f"{frame.id} {how}", frame.stamp, np.ascontiguousarray(rgb))
