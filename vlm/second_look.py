"""A second look at what was described or compared as a whole, by questions that a small model answers better.

A model that names one thing after the other passes over one now and then, or takes a small can for a ball. It seldom
does so in the same way of the mirror image, or of a window of the picture. A model that is asked whether anything is
gone overlooks what it does not overlook when it is asked about each thing. And it is surer of what is in front of what
when that is asked the other way round as well, and surer of whether it is than of which of the two it is.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .contract import Backend
from .facts import COLORS, SHAPES
from .language.matching import a_thing, sentence
from .language.phrases import Meaning, Thing, phrases
from .questions import Answer, Frame, Question

AGREED: Final = 3
"""How many descriptions, the first ones, make the others needless when all of them name the same things."""
WINDOW: Final = 0.9
"""Side of the windows as a share of the picture's."""
CHANGES: Final = {
    "any_disappeared": ("disappeared",),
    "any_moved": ("moved",),
    "any_appeared": ("appeared",),
    "same": ("disappeared", "moved", "appeared"),
}
"""What each question about a whole picture asks of its things."""
DEPTH: Final = ("front", "behind")
"""Predicates that say the same of two things the other way round, and deny each other."""
WHICH: Final = ("in front of", "behind")
"""The words for them, of which ``which_depth`` chooses one."""
NEEDS: Final = {
    "describe": ("describe",),
    **{asked: ("exists", *changes) for asked, changes in CHANGES.items()},
    **dict.fromkeys((*DEPTH, "which_depth"), DEPTH),
}
"""What a model must know for a second look, by what it was asked."""
_THINGS: Final = tuple(Thing(color, shape) for color in COLORS for shape in SHAPES)
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


class SecondLook:
    """Looks again at the answers to one request.

    Args:
        backend: Answers ``describe`` as ``caption`` does, or the questions of ``NEEDS``.
        frame: The picture; with the earlier one where two are compared.
    """

    def __init__(self, backend: Backend, frame: Frame) -> None:
        self._backend, self._frame = backend, frame
        self._things: dict[str, tuple[Thing, ...]] = {}
        self._tokens = 0  # read to find them, for the next answer to tell

    def over(self, meaning: Meaning, question: Question, answer: Answer) -> Answer:
        """Return an answer after a second look.

        Args:
            meaning: What was asked, its predicate a key of ``NEEDS``.
            question: The question.
            answer: What was said.
        """
        if answer.problem:
            return answer
        if meaning.predicate == "describe":
            return self._described(question, answer)
        if meaning.predicate in DEPTH:
            return self._placed(meaning, question, answer)
        if meaning.predicate == "which_depth":
            return self._placed(meaning, question, answer, WHICH) if set(question.choices) == set(WHICH) else answer
        return self._compared(meaning.predicate, answer)

    def _described(self, question: Question, answer: Answer) -> Answer:
        """Return a description of what at least half of several descriptions name.

        They are of the picture, its mirror image, and windows in its corners, in turn, until enough of them agree.
        """
        first = parts_of(answer.text)
        if first is None:
            return answer
        told, tokens = [first], answer.tokens
        for view in _views(self._frame):
            [other] = self._backend.ask(view, [question])
            parts = parts_of(other.text)
            if other.problem or parts is None:
                continue
            told.append(parts)
            tokens += other.tokens
            if len(told) == AGREED and all(_named(one) == _named(two) for one, two in pairwise(told)):
                break
        votes = Counter(name for parts in told for name in _named(parts))
        seen = {name for name, count in votes.items() if 2 * count >= len(told)}
        return replace(answer, text=sentence(map(str, _only(told, seen))), tokens=tokens)

    def _compared(self, asked: str, answer: Answer) -> Answer:
        """Return an answer about the changes of a picture, in equal parts from what is said of each thing.

        Whether it is gone or was moved is asked of what the earlier picture shows, whether it is new of what the last
        does.
        """
        [earlier] = self._frame.earlier
        last = replace(self._frame, earlier=())
        each = [
            _ask(change, thing)
            for change in CHANGES[asked]
            for thing in self._there(last if change == "appeared" else earlier)
        ]
        said = self._backend.ask(self._frame, each) if each else []
        changed = max(map(_odds, said), default=_odds_of(0.0))
        odds = (_odds(answer) + (-changed if asked == "same" else changed)) / 2
        tokens, self._tokens = self._tokens + sum(one.tokens for one in (answer, *said)), 0
        return _with_odds(answer, odds, tokens)

    def _there(self, picture: Frame) -> tuple[Thing, ...]:
        """Return what a picture shows; asked once."""
        key = picture.digest()
        if key not in self._things:
            said = self._backend.ask(picture, [_ask("exists", thing) for thing in _THINGS])
            self._things[key] = tuple(t for t, one in zip(_THINGS, said, strict=True) if one.p("yes") > 0.5)
            self._tokens += sum(one.tokens for one in said)
        return self._things[key]

    def _placed(
        self, meaning: Meaning, question: Question, answer: Answer, words: tuple[str, str] = ("yes", "no")
    ) -> Answer:
        """Return an answer about two things from all four ways to ask it, of the picture and of its mirror image.

        ``words`` are those for what the first way asks, and for its contrary; where these are not yes and no, the
        question comes beside the four ways.
        """
        assert meaning.a is not None
        assert meaning.b is not None
        a, b, chosen = meaning.a, meaning.b, words == WHICH
        same = DEPTH[0] if chosen else meaning.predicate
        other = DEPTH[same == DEPTH[0]]
        ways = [_ask(same, a, b)] * chosen + [_ask(other, b, a), _ask(other, a, b), _ask(same, b, a)]
        mirror = _view(self._frame, "mirrored", self._frame.rgb[:, ::-1])
        said = [answer, *self._backend.ask(self._frame, ways), *self._backend.ask(mirror, [question, *ways])]
        signs = [*[1] * (len(ways) - 1), -1, -1] * 2
        odds = sum(
            sign * _odds(one, words[0] if one.kind == answer.kind else "yes")
            for sign, one in zip(signs, said, strict=True)
        )
        return _with_odds(answer, odds / len(said), sum(one.tokens for one in said), words)


def _ask(predicate: str, a: Thing, b: Thing | None = None) -> Question:
    return Question("yes_no", phrases(Meaning(predicate, a, b))[0])


def _with_odds(answer: Answer, odds: float, tokens: int, words: tuple[str, str] = ("yes", "no")) -> Answer:
    """Return an answer with other odds of the first of two words; how far it is neither stays."""
    first = (1 - answer.neither) / (1 + math.exp(-odds))
    told = {words[0]: first, words[1]: 1 - answer.neither - first}
    return replace(answer, probabilities={word: told[word] for word in answer.probabilities}, tokens=tokens)


def _named(parts: Iterable[Part]) -> set[str]:
    return {name for part in parts for name in (part.thing, part.place) if name}


def _only(told: Sequence[Sequence[Part]], seen: Collection[str]) -> list[Part]:
    """Return what is said of the things that were seen, by an earlier description before a later one."""
    said = [left for part in told[0] if (left := _told(part, seen)) is not None]
    for part in (part for parts in told[1:] for part in parts):
        left, names = _told(part, seen), _named(said)
        if left is None or _named([left]) <= names:
            continue
        if left.thing not in names:
            said.append(left)
        elif Part(left.thing) in said:
            said[said.index(Part(left.thing))] = left
        else:
            said.append(Part(left.place))
    carrying = {part.place for part in said}
    return [part for part in said if part.link or part.thing not in carrying]


def _told(part: Part, seen: Collection[str]) -> Part | None:
    """Return what is left of a part where only these things were seen."""
    if part.thing in seen:
        return part if not part.place or part.place in seen else Part(part.thing)
    return Part(part.place) if part.place in seen else None


def _views(frame: Frame) -> Iterator[Frame]:
    """Yield the other views: the mirror image, and a window in each corner, two of them mirrored."""
    rgb = frame.rgb
    height, width = rgb.shape[:2]
    rows, columns = round(WINDOW * height), round(WINDOW * width)
    yield _view(frame, "mirrored", rgb[:, ::-1])
    corners = ((0, 0, 1), (height - rows, width - columns, 1), (0, width - columns, -1), (height - rows, 0, -1))
    for top, left, way in corners:
        part = Image.fromarray(rgb[top : top + rows, left : left + columns])
        large = np.asarray(part.resize((width, height), Image.Resampling.BICUBIC))
        yield _view(frame, f"from {top}, {left}", large[:, ::way])


def _view(frame: Frame, how: str, rgb: NDArray[np.uint8]) -> Frame:
    return Frame(f"{frame.id} {how}", frame.stamp, np.ascontiguousarray(rgb))


def _odds(answer: Answer, word: str = "yes") -> float:
    return _odds_of(answer.p(word))


def _odds_of(p: float) -> float:
    """Return the logarithm of the odds."""
    p = min(1 - _LEAST, max(_LEAST, p))
    return math.log(p / (1 - p))
