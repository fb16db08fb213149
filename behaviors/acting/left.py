"""Whether anything is left to do when all steps are done: what the model is told, and what its answer comes to.

Asking must leave no run worse than it was: whatever the model answers, what was done stays done, and a run that
succeeded fails for no lack of a plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ...vlm.language.planning import DONE
from ..means.effects import ANY, Fact, State, named
from ..means.skills import Skill, Step
from ..planning.planning import Outcome
from ..planning.telling import short
from .repairing import Attempt
from .writing import expected

NOTHING_LEFT: Final = f'Where nothing is left to do, answer {{"cannot": "{DONE}"}}.'
"""How a model is told to say so."""
_MOVES: Final = ("holding", "inside", "on", "on_table", "handed_over")
"""Facts that come about when their first thing is moved."""


def is_done(words: str) -> bool:
    """Tell whether words are those that say that nothing is left to do.

    >>> is_done("that is done already"), is_done("There is no bowl.")
    (True, False)
    """
    return words.strip(" .!").casefold() == DONE.strip(".").casefold()


def only_says(steps: Sequence[Step]) -> bool:
    """Tell whether steps do nothing but say something."""
    return bool(steps) and all(step["skill"] == "say" for step in steps)


def told(attempts: Sequence[Attempt]) -> list[str]:
    """Return what a model is told before it plans what is left: what was done, and how to say that nothing is."""
    done = short([step for each in attempts for step in each.steps[: each.done]])
    return [f"Done so far: {done}. Plan only what is left of the instruction.", NOTHING_LEFT]


def nothing_left(outcome: Outcome, attempts: Sequence[Attempt], allowed: Mapping[str, Skill], held: str = "") -> str:
    """Say why nothing is done after all steps are done; empty where there is a plan that is to be carried out.

    Nothing is where the model says a reason why it cannot, or does nothing but say something; where it would do the
    very same again, or move what was moved before; and where there is no plan, or a question instead of one.

    Args:
        outcome: How planning what is left ended.
        attempts: All plans before it.
        allowed: The skills.
        held: What the hand holds, in words.
    """
    if outcome.kind == "cannot":
        return f"the model says: {outcome.words}"
    if outcome.kind == "ask":
        return f"about what is left the model asks: {outcome.words}"
    if outcome.kind != "accepted":
        return f"whether anything is left is not known: {outcome.words}"
    if only_says(outcome.steps):
        return f"the model says: {' '.join(str(step['args'].get('text', '')) for step in outcome.steps)}"
    if any(each.steps == outcome.steps and (each.steps or each.answer == outcome.answer) for each in worked(attempts)):
        return "the model would do the same again"
    again = moved_again(outcome.steps, attempts, allowed, held)
    return f"what the model would do next moves {again} again" if again else ""


def worked(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the plans of which nothing failed."""
    return [each for each in attempts if not each.reason]


def moved_again(steps: Sequence[Step], attempts: Sequence[Attempt], allowed: Mapping[str, Skill], held: str) -> str:
    """Return the first thing that steps move although it was moved, or something put on or into it; empty for none.

    What the hand holds after these plans stays there as well.

    Args:
        steps: The steps.
        attempts: The plans before them; without any, everything may be moved.
        allowed: The skills.
        held: What the hand holds, in words.
    """
    if not attempts:
        return ""
    before = [fact for each in attempts for fact in _moves(each.steps[: each.done], allowed, each.held)]
    settled = {named(arg) for fact in before for arg in fact.args} | {named(held)}
    moved = (fact.args[0] for fact in _moves(steps, allowed, held))
    return next((thing for thing in moved if thing != ANY and named(thing) in settled), "")


def _moves(steps: Sequence[Step], allowed: Mapping[str, Skill], held: str) -> list[Fact]:
    """Return what comes about by moving things; what lets go of a thing moves it too."""
    state, found = State([Fact("holding", (held,))] if held else []), list[Fact]()
    for step in steps:
        facts = [fact for fact in expected(step, allowed[step["skill"]], state) if fact.positive]
        if state.held and any(fact.name == "hand_empty" for fact in facts):
            found.append(Fact("holding", (state.held,)))
        found += [fact for fact in facts if fact.name in _MOVES]
        state.apply(facts)
    return found
