"""What is remembered of plans that failed, so that the next one is another one, or a human is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...vlm.broking.change import changed
from ..means.effects import Fact, State
from ..means.skills import Skill, Step
from ..node import SUCCESS
from ..planning.symbolic import Thought
from ..planning.telling import short
from .writing import step_words

AGAIN: Final = "try again"
SKIP: Final = "skip this step"
STOP: Final = "stop"
_ONE: Final = re.compile(r"\bone\b")
_NUMBER: Final = re.compile(r"(?:\w+ )?(\d+) ")
"""How the name of a node begins that carries out a step, or looks at it; a wrapper has its label before it."""
_WHICH: Final = re.compile(r"^Which ([\w ]+?)\b(?: do you mean| is meant)?\s*[:?]", re.IGNORECASE)


@dataclass
class Attempt:
    """One plan, and what became of it.

    Attributes:
        number: From 1.
        steps: Its steps.
        text: It as the text of a tree, as it was run.
        answer: What the model wrote.
        picture: What the camera showed when it was made; None where nothing was seen.
        held: What the hand held then, in words.
        straight: Its steps are carried out one after the other; of a tree nobody knows which were, and which failed.
        done: How many of its steps succeeded; 0 where that is not known.
        reason: Why it failed; empty while nobody knows or when it did not.
    """

    number: int
    steps: tuple[Step, ...]
    text: str
    answer: str = ""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    held: str = ""
    straight: bool = True
    done: int = 0
    reason: str = ""

    @property
    def failed_step(self) -> str:
        """The step that failed, in words; empty when it was none of them, or nobody knows which."""
        if not self.straight or self.done >= len(self.steps):
            return ""
        return f"step {self.done + 1} ({step_words(self.steps[self.done])})"

    def for_model(self) -> dict[str, object]:
        """Return what a model is told of it: the steps, what was done, and why it failed."""
        finished = f"done before that: {short(self.steps[: self.done])}; " if self.done else ""
        where = f"{self.failed_step} failed: " if self.failed_step else ""
        return {"steps": [dict(step) for step in self.steps], "reason": f"{finished}{where}{self.reason}"}


def told_repair(number: int, reason: str, last: Attempt | None, left: str) -> dict[str, object]:
    """Return what the trace is told of a repair, beside who makes it.

    Args:
        number: From 1.
        reason: Why there is one.
        last: The plan before it.
        left: What was left to do of that, in words.
    """
    return {
        "repair": number,
        "reason": reason,
        "remaining": left,
        "previous": [dict(step) for step in last.steps] if last is not None else [],
        "done": last.done if last is not None else 0,
    }


def ways_out(attempt: Attempt) -> tuple[str, ...]:
    """Return what a human can say when the plan that failed so would fail again. Only a step can be skipped."""
    return (AGAIN, SKIP, STOP) if attempt.failed_step else (AGAIN, STOP)


def same_again(attempts: Sequence[Attempt], plan: Attempt) -> Attempt | None:
    """Return the earlier attempt that failed with the same plan, when everything looked as it does now."""
    for old in attempts:
        same_plan = old.steps == plan.steps and (bool(old.steps) or old.text == plan.text)
        if old.reason and same_plan and old.held == plan.held and _looks_the_same(old.picture, plan.picture):
            return old
    return None


def _looks_the_same(a: NDArray[np.uint8] | None, b: NDArray[np.uint8] | None) -> bool:
    if a is None or b is None:
        return a is b
    return not changed(a, b)


def without_step(
    steps: Sequence[Step], index: int, allowed: Mapping[str, Skill], facts: Sequence[Fact] = ()
) -> list[Step]:
    """Return what is left to do when a step is skipped: not the steps before it, nor those that need what it brings.

    Args:
        steps: All steps.
        index: Of the step that is skipped, from 0.
        allowed: Their skills.
        facts: What is known now.
    """
    left: list[Step] = []
    thought = Thought(allowed, State(facts))
    for step in steps[index + 1 :]:
        ahead = thought.branch()
        ahead.wrong = []
        ahead.step("", step["skill"], step["args"])
        if not ahead.wrong:
            left.append(step)
            thought = ahead
    return left


def clarified(instruction: str, question: str, answer: str) -> str:
    """Return an instruction with the answer to a question about it.

    >>> clarified("Put the cube into the tray.", "Which cube: the red cube or the blue cube?", "the red cube")
    'Put the red cube into the tray.'
    >>> clarified("Bring me the cup.", "Which cup: the red one or the left one?", "the red one")
    'Bring me the red cup.'
    >>> clarified("Tidy up", "Into the tray or the bowl?", "the tray.")
    'Tidy up. I mean the tray.'
    """
    found = _WHICH.match(question.strip())
    noun = found[1].strip() if found is not None else ""
    meant = answer.strip().rstrip(".!")
    meant = _ONE.sub(lambda match: noun, meant) if noun else meant
    if noun:
        for phrase in (f"the {noun}", f"a {noun}", f"an {noun}", noun):
            pattern = re.compile(rf"\b{re.escape(phrase)}\b", re.IGNORECASE)
            if pattern.search(instruction):
                return pattern.sub(lambda match: meant, instruction, count=1)
    said = instruction.rstrip()
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} I mean {meant}."


def remaining(attempt: Attempt) -> str:
    """Return what was left to do when a plan failed, in words; empty where nobody knows."""
    return short(attempt.steps[attempt.done :]) if attempt.straight else ""


def done_steps(root: Any, steps: Sequence[Step]) -> int:
    """Return how many steps of a plan were carried out, by the statuses of what grew for it: a sequence of its steps.

    A step counts once what looks at it after it has nothing against it.
    """
    done = 0
    for child in getattr(root, "children", ()):
        number = _NUMBER.match(str(child.name))
        if number is None:
            continue
        if child.status is not SUCCESS and not child.skipped:
            return int(number[1]) - 1
        done = int(number[1])
    return min(done, len(steps))
