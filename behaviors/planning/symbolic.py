"""Go through a plan in thought: what each step needs, what it brings about, and what may not happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..means.effects import ANY, Fact, State, named
from ..means.skills import Skill
from .never import Never

_RESTS = ("inside", "on")
"""Facts that say on what a thing rests."""
_TO = {"inside": "into", "on": "on"}
MOST = 8
"""Complaints that are told; more help nobody."""


def bound(skill: Skill, args: Mapping[str, object], state: State) -> dict[str, str]:
    """Return what the ports of a step are, in words.

    A port about the thing in the hand that is left out is what the hand holds, where that is known.
    """
    values = {name: value for name, value in args.items() if isinstance(value, str) and value.strip()}
    for need in skill.needs:
        if need.name == "holding" and need.positive and state.held:
            values.setdefault(need.args[0], state.held)
    return values


def facts_of(declared: Sequence[Fact], values: Mapping[str, str]) -> list[Fact]:
    """Return declared facts about the things of a step; those about a port without a value are left out."""
    return [fact for each in declared if (fact := each.bound(values)) is not None]


class Thought:
    """The world as it would be while a plan is carried out.

    Args:
        skills: Skills by name.
        state: What is known at the beginning; not changed.
        never: What may not happen.
        ids: Words for a thing → what it can be: the things it was found as. Words that are not in it mean themselves.
    """

    def __init__(
        self,
        skills: Mapping[str, Skill],
        state: State,
        never: Sequence[Never] = (),
        ids: Callable[[str], frozenset[str]] = lambda words: frozenset((named(words),)),
    ) -> None:
        self.state = state.copy()
        self._skills, self._never, self._ids = skills, never, ids
        self.wrong: list[str] = []

    def step(self, where: str, name: str, args: Mapping[str, object]) -> None:
        """Carry out a step in thought; ``wrong`` gets what speaks against it."""
        skill, state = self._skills[name], self.state
        values = bound(skill, args, state)
        for fact in state.missing(facts_of(skill.needs, values)):
            self._complain(f"{where}: {name} needs that {fact.words}, but {instead(fact, state)}")
        effects = facts_of(skill.effects, values)
        for fact in effects:
            if fact.name in _RESTS and fact.positive and self._one(fact.args[0]) & self._one(fact.args[1]):
                self._complain(f"{where}: {fact.args[0]} cannot be put {_TO[fact.name]} itself")
        for never in self._never:
            if never.skill and never.skill == name:
                self._complain(f"{where}: {name} is forbidden here")
        before = state.copy()
        state.apply(effects)
        for never in self._never:
            if never.fact is None:
                continue
            if self._comes_about(never.fact, effects, before):
                self._complain(f"{where}: it may never be that {never.fact.words}")
            elif never.fact.positive and never.fact.name in _RESTS and _lets_go(effects, before):
                self._complain(
                    f"{where}: {name} lets go without saying where, and it may never be that {never.fact.words}"
                )

    def _one(self, words: str) -> frozenset[str]:
        """Return what words stand for where that is one thing alone."""
        ids = self._ids(words)
        return ids if len(ids) == 1 and words != ANY else frozenset()

    def _comes_about(self, fact: Fact, effects: Sequence[Fact], before: State) -> bool:
        """Tell whether a forbidden fact becomes true by effects, in whatever words they name the things."""
        if before.holds(fact) is not True and self.state.holds(fact) is True:
            return True
        for effect in effects:
            same = effect.name == fact.name or {effect.name, fact.name} <= {*_RESTS}  # a plate is stood on, or filled
            if not same or effect.positive != fact.positive:
                continue
            if all(theirs == ANY or self._ids(mine) & self._ids(theirs) for mine, theirs in _pairs(effect, fact)):
                return True
        return False

    def _complain(self, words: str) -> None:
        if len(self.wrong) < MOST and words not in self.wrong:
            self.wrong.append(words)

    def branch(self) -> Thought:
        """Return another one that goes on from here; what speaks against either is kept by both."""
        other = Thought(self._skills, self.state, self._never, self._ids)
        other.wrong = self.wrong
        return other

    def join(self, *others: Thought) -> None:
        """Go on with what is known whichever of several ways was taken."""
        if others:
            first, *rest = (other.state for other in others)
            for each in rest:
                first = first.common(each)
            self.state = first


def _lets_go(effects: Sequence[Fact], before: State) -> bool:
    """Tell whether a step empties a hand that may hold something, and nobody says where that ends."""
    emptied = any(fact.name == "hand_empty" and fact.positive for fact in effects)
    told = any(fact.name in (*_RESTS, "on_table", "handed_over") and fact.positive for fact in effects)
    return emptied and not told and before.holds(Fact("hand_empty")) is not True


def _pairs(effect: Fact, fact: Fact) -> list[tuple[str, str]]:
    return list(zip(effect.args, fact.args, strict=True))


def instead(fact: Fact, state: State) -> str:
    """Say what is true instead of a fact."""
    if fact.name in ("hand_empty", "holding") and state.held:
        return f"the hand holds {state.held}"
    if fact.name == "holding":
        return "the hand holds nothing"
    return fact.contrary.words
