"""What a rule knows of a fact, such as ``holding(red cube)``: what the leaves that were ticked have brought about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ...behaviors.invariants import may_be
from ...behaviors.leaves.which import words_of
from ...behaviors.means.effects import ANY, Fact, State, named

_SOMETHING: Final = "something that nobody knows"
DOUBTFUL: Final = object()
"""Value of a port that may hold any thing."""


def at_first(fact: Fact, holding: bool = False) -> bool | None:
    """Return what is known of a fact when a run begins: of the hand alone.

    Args:
        fact: About things in words.
        holding: Whether the hand holds something then.
    """
    return State([Fact("hand_empty", (), not holding)]).holds(fact)


def after(known: bool | None, fact: Fact, effects: Iterable[Fact], values: Mapping[str, object]) -> bool | None:
    """Return what is known of a fact when a leaf has succeeded.

    Args:
        known: What was known before.
        fact: About things in words.
        effects: What the leaf declares, about its ports.
        values: Port → what it holds; ``DOUBTFUL`` for anything.
    """
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    state = State([] if known is None else [fact if known else fact.contrary])
    doubtful = False
    for effect in effects:
        if any(arg != ANY and arg not in given for arg in effect.args):
            continue
        words = []
        for arg in effect.args:
            value = ANY if arg == ANY else given[arg]
            unsure = value is not ANY and _may_mean(value, fact)
            doubtful = doubtful or unsure
            words.append(_SOMETHING if unsure else words_of(value))
        state.apply([Fact(effect.name, tuple(words), effect.positive)])
    return None if doubtful and fact.args else state.holds(fact)


def _may_mean(value: object, fact: Fact) -> bool:
    """Tell whether a value may be one of the things of a fact, without being called so."""
    if value is DOUBTFUL:
        return True
    things: Sequence[str] = [arg for arg in fact.args if arg != ANY]
    return not any(named(words_of(value)) == named(thing) for thing in things) and any(
        may_be(thing, value) for thing in things
    )
