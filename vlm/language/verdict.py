"""What is true of a frame for one question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Verdict:
    """What is true of a frame for one meaning.

    Attributes:
        kind: Which of the fields below carries the answer.
        yes: The answer of a yes/no question.
        count: The answer of "how many".
        indices: The objects to locate, left to right; those a plan or a caption names, in the order of its words.
        text: The answer in words: ``Yes``, ``3``, ``red``, a choice, a caption or a plan; empty for ``ground``.
        evidence: Mask values that decide the answer (object indices, or the mask value of a hand; those of the earlier
            of two pictures with ``BEFORE`` added); empty when the answer follows from their absence; None when no part
            of the image decides alone.
    """

    kind: Literal["yes_no", "count", "ground", "text", "plan", "unsure"]
    yes: bool | None = None
    count: int | None = None
    indices: tuple[int, ...] = ()
    text: str = ""
    evidence: tuple[int, ...] | None = None


def yes_or_no(yes: bool | None, evidence: Iterable[int] | None = None) -> Verdict | None:
    """Return the verdict of a yes/no question; None stays None."""
    if yes is None:
        return None
    return Verdict(
        "yes_no", yes=yes, text="Yes" if yes else "No", evidence=None if evidence is None else tuple(evidence)
    )
