"""Questions and answers: typed decisions about a frame, each answer with its probability, model, latency and age."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["yes_no", "choice", "score", "ground", "describe", "plan", "chat", "imagine", "transcribe"]
KINDS: tuple[Kind, ...] = ("yes_no", "choice", "score", "ground", "describe", "plan", "chat", "imagine", "transcribe")


@dataclass(frozen=True)
class Frame:
    """A picture that questions are about: pixels only, no depth, no pose. Or the last one of several.

    Attributes:
        id: Unique within a run, such as ``"table#7"``; it names the earlier pictures too.
        stamp: When it was taken, run clock, [s].
        rgb: Shape (H, W, 3), uint8.
        earlier: Pictures shown to the model before this one, oldest first, with none before them: what it is compared
            with, or the seconds before it. A backend that looks at one picture refuses such a frame.
    """

    id: str
    stamp: float
    rgb: NDArray[np.uint8]
    earlier: tuple[Frame, ...] = ()

    def digest(self) -> str:
        """Return the SHA-256 of the pixels and their shape, and of all earlier pictures, hexadecimal."""
        own = digest_of(self.rgb)
        for one in self.earlier:
            own.update(one.digest().encode())
        return own.hexdigest()


def digest_of(rgb: NDArray[np.uint8]) -> hashlib._Hash:
    """Return the SHA-256 of the shape and the pixels of a picture, which may be updated further."""
    own = hashlib.sha256(repr(rgb.shape).encode())
    own.update(np.ascontiguousarray(rgb).data)
    return own


@dataclass(frozen=True)
class Question:
    """One question about one frame (or about none, for chat).

    Attributes:
        kind: What form the answer has.
        text: The author's words; for ``ground`` what to find, such as ``"every loose object"``.
        choices: Allowed answers of ``choice`` and ordered levels of ``score``.
        all: ``ground`` asks for every match, not the best one.
        schema: JSON Schema, as text, that the answer of ``plan`` obeys.
        context: Further text for the model (skills at hand, reason of the last failure); data, not instructions.
        history: What was said before in a ``chat``, (``user`` or ``assistant``, words), oldest first.
        refused: Answers of ``plan`` that were refused, as texts, and parts that no answer may have: a backend that can
            writes another one, others read why in ``context``.
        audio: Sound to ``transcribe``, the bytes of a WAV file.
    """

    kind: Kind
    text: str
    choices: tuple[str, ...] = ()
    all: bool = False
    schema: str = ""
    context: str = ""
    history: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    audio: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Region:
    """One grounded thing.

    Attributes:
        box_xyxy: Its box relative to the image, values in [0, 1].
        label: Its name.
        confidence: In [0, 1].
        point_uv: A point on it relative to the image, where the model tells one.
        mask: Its pixels, (H, W), bool, of the image's size, where the model tells them.
    """

    box_xyxy: tuple[float, float, float, float]
    label: str
    confidence: float = 1.0
    point_uv: tuple[float, float] | None = None
    mask: NDArray[np.bool_] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Answer:
    """What a backend says.

    Attributes:
        probabilities: Allowed answer → probability in [0, 1]; for yes/no the keys ``yes`` and ``no``. Their sum and
            ``neither`` make 1.
        neither: Probability mass on none of the allowed answers.
        regions: What ``ground`` found, best first; empty when the thing is absent.
        text: Free text of ``describe``, ``chat`` and ``transcribe``, raw text of ``plan``.
        data: Parsed JSON of ``plan``.
        image: The picture of ``imagine``, (H, W, 3), uint8.
        model: Name and version of what answered.
        latency: Time the answer took, [s], wall clock; simulated backends give their configured one.
        tokens: Tokens read and written for it, where that is counted.
        cost: Money spent on it in USD, 0 for local models.
        frame_id: Frame the answer is about.
        frame_stamp: Time of that frame, [s].
        problem: Why there is no usable answer (unreadable, refused, failed), else empty. Such an answer means *unsure*.
        supported: False when the backend takes no such question: no model ran, and asking again changes nothing.
    """

    kind: Kind
    probabilities: Mapping[str, float] = field(default_factory=dict)
    neither: float = 0.0
    regions: tuple[Region, ...] = ()
    text: str = ""
    data: object = None
    image: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)
    model: str = ""
    latency: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    frame_id: str = ""
    frame_stamp: float = 0.0
    problem: str = ""
    supported: bool = True

    def p(self, expected: str) -> float:
        """Return the probability of an allowed answer; mass on neither counts against it; 0 when there is a problem."""
        return 0.0 if self.problem else float(self.probabilities.get(expected, 0.0))
