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
    """A picture that questions are about: pixels only, no depth, no pose.

    Attributes:
        id: Unique within a run, such as ``"table#7"``.
        stamp: When it was taken, run clock, [s].
        rgb: Shape (H, W, 3), uint8.
    """

    id: str
    stamp: float
    rgb: NDArray[np.uint8]

    def digest(self) -> str:
        """Return the SHA-256 of the pixels and their shape, hexadecimal."""
        return hashlib.sha256(repr(self.rgb.shape).encode() + self.rgb.tobytes()).hexdigest()


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
    """

    kind: Kind
    text: str
    choices: tuple[str, ...] = ()
    all: bool = False
    schema: str = ""
    context: str = ""


@dataclass(frozen=True)
class Region:
    """One grounded thing: ``box_xyxy`` relative to the image, values in [0, 1], a label, a confidence in [0, 1]."""

    box_xyxy: tuple[float, float, float, float]
    label: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Answer:
    """What a backend says.

    Attributes:
        probabilities: Allowed answer → probability in [0, 1]; for yes/no the keys ``yes`` and ``no``. Their sum and
            ``neither`` make 1.
        neither: Probability mass on none of the allowed answers.
        regions: What ``ground`` found, best first; empty when the thing is absent.
        text: Free text of ``describe`` and ``chat``, raw text of ``plan``.
        data: Parsed JSON of ``plan``.
        model: Name and version of what answered.
        latency: Time the answer took, [s], wall clock; simulated backends give their configured one.
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
    model: str = ""
    latency: float = 0.0
    cost: float = 0.0
    frame_id: str = ""
    frame_stamp: float = 0.0
    problem: str = ""
    supported: bool = True

    def p(self, expected: str) -> float:
        """Return the probability of an allowed answer; mass on neither counts against it; 0 when there is a problem."""
        return 0.0 if self.problem else float(self.probabilities.get(expected, 0.0))
