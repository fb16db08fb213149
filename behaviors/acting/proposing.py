"""What a repaired plan looks like as a file for people: each step with why it is there, and what failed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..._base import KnotholeError
from ..means.effects import Fact, State
from ..means.skills import Skill, Step
from ..node import Leaf
from ..planning.telling import short
from .repairing import Attempt
from .writing import expectations, expected, step_words, steps_text

MARK = "proposed by knothole"
"""How the first line of a proposal begins, behind the #."""


class Proposals(Protocol):
    """Where proposals are written; ``Context.proposals``."""

    def write(self, name: str, text: str) -> str:
        """Write a proposal into the folder of proposals, and return its path.

        Args:
            name: File name, without a folder. Where a file of that name is there already, a number is put behind it.
            text: What is written.

        Raises:
            KnotholeError: The name leads elsewhere, or the file cannot be written.
        """
        ...


def propose(leaf: Leaf, name: str, text: str) -> str:
    """Write a proposal where the run has a folder for them; return what there is to say of that.

    Args:
        leaf: Whose plans it is about.
        name: File name; empty for that of the leaf.
        text: What is written; nothing is where it is empty.
    """
    proposals = leaf.context.proposals
    if proposals is None or not text:
        return ""
    try:
        written = proposals.write(name or leaf.path.replace("/", "_").replace("[", "").replace("]", ""), text)
    except KnotholeError as error:
        return f"; the proposal was not written: {error}"
    leaf.context.emit("plans", {"path": leaf.path, "proposal": written})
    return f"; proposed as {written}"


def proposal(
    name: str,
    instruction: str,
    attempts: Sequence[Attempt],
    allowed: Mapping[str, Skill],
    verify: str,
    held: str = "",
) -> str:
    """Return what worked in the end as the text of a tree: the steps that were done in each plan, one after the other.

    Empty where no step lasted. What a plan that failed held in the end was put back: the steps since it was taken are
    left out.

    Args:
        name: Of the tree.
        instruction: What was to be done.
        attempts: All plans, the one that worked last.
        allowed: The skills.
        verify: Who is asked after each step.
        held: What the hand held at the beginning.
    """
    steps: list[Step] = []
    comments: list[list[str]] = []
    for attempt in attempts:
        kept = _lasting(attempt, allowed, held) if attempt.reason else attempt.steps
        before = attempts[attempt.number - 2] if attempt.number > 1 else None
        facts = expectations(kept, allowed)
        for index, step in enumerate(kept):
            lines = [_why(step, facts[index], kept[index + 1 :], allowed)]
            if index == 0 and before is not None and before.reason:
                lines += _failure(before)
            steps.append(step)
            comments.append([_line(line) for line in lines])
    if not steps:
        return ""
    head = [f"{MARK}: what carried out {_line(instruction)!r} in the end", *_story(attempts)]
    return steps_text(name, steps, allowed, verify, held, comments, [_line(line) for line in head])


def _lasting(attempt: Attempt, allowed: Mapping[str, Skill], held: str) -> tuple[Step, ...]:
    """Return the steps of a plan that failed up to the last one after which the hand was not known to hold a thing."""
    state, last = State([Fact("holding", (held,))] if held and attempt.number == 1 else []), 0
    for number, step in enumerate(attempt.steps[: attempt.done], 1):
        state.apply(expected(step, allowed[step["skill"]], state))
        last = last if state.held else number
    return attempt.steps[:last]


def _why(step: Step, facts: Sequence[Fact], later: Sequence[Step], allowed: Mapping[str, Skill]) -> str:
    """Say what a step is there for: what it brings about, and which later step needs that."""
    brings = " and ".join(fact.words for fact in facts) or allowed[step["skill"]].about.rstrip(".")
    names = {fact.name for fact in facts}
    needing = next((each for each in later if names & {need.name for need in allowed[each["skill"]].needs}), None)
    return f"so that {brings}" + (f", which `{step_words(needing)}` needs" if needing is not None else "")


def _failure(before: Attempt) -> list[str]:
    left = short(before.steps[before.done :])
    return [
        f"plan {before.number} failed here: {before.failed_step or 'its end'}: {before.reason}",
        f"left to do then: {left or 'nothing'}",
    ]


def _story(attempts: Sequence[Attempt]) -> list[str]:
    return [f"plan {each.number}: {short(each.steps)}{_end(each)}" for each in attempts]


def _end(attempt: Attempt) -> str:
    return f" (failed: {attempt.failed_step} {attempt.reason})" if attempt.reason else ""


def _line(text: str) -> str:
    """Return a text on one line, as a comment holds it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
