"""Whether a goal is reached, by a yes/no question about the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..means.verdict import read
from ..node import Leaf
from .witnesses import ACCEPT, REJECT

LOOKS: Final = 3
"""How often it is looked while that is unsure."""


@dataclass(frozen=True)
class Confirmed:
    """What came out.

    Attributes:
        against: Why the goal is not reached; empty when nothing is sure to speak against it.
        note: What was seen, in words.
    """

    against: str
    note: str


class Confirming:
    """Ask whether a goal is reached; poll ``verdict`` once a tick. While that is unsure new pictures are asked about.

    Args:
        leaf: Who asks.
        question: The question.
        camera: Camera to look through; empty takes the robot's default one.
    """

    def __init__(self, leaf: Leaf, question: str, camera: str = "") -> None:
        self._leaf, self._question, self._camera = leaf, Question("yes_no", question), camera
        self._looks = 0
        self._asking: Asking = ask(leaf, self._question, camera)

    @property
    def verdict(self) -> Confirmed | None:
        """What came out; None while an answer is on its way."""
        answer = self._asking.answer
        if answer is None:
            return None
        self._looks += 1
        verdict, note = read(answer, "yes", ACCEPT, REJECT)
        note = f"{self._question.text!r}: {note}"
        if verdict == "no":
            return Confirmed(f"all steps were done, but the goal is not reached: {note}", note)
        if verdict == "yes":
            return Confirmed("", note)
        if self._looks < LOOKS:
            self._asking = ask(self._leaf, self._question, self._camera)
            return None
        return Confirmed("", f"unsure whether the goal is reached: {note}")

    def drop(self) -> None:
        """Take the question back."""
        self._asking.drop()
