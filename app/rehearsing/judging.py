"""Whether facts that skills declare hold in a simulated world."""

from __future__ import annotations

from collections.abc import Mapping

from ...behaviors.means.effects import ANY, Fact
from ...behaviors.means.skills import Skill, Step
from ...behaviors.means.target import THING
from ...sim.truth import WorldTruth
from ...vlm.facts import FrameFacts
from ...vlm.language.grammar import Meaning, judge, parse_query

BEYOND = ("visible", "handed_over")
"""Facts that poses do not tell; they are taken on faith."""


def words_of(step: Step, skill: Skill) -> dict[str, str]:
    """Return the ports of a step that name things, with the words."""
    declared = {arg for fact in (*skill.needs, *skill.effects) for arg in fact.args}
    names = [p.name for p in skill.ports if p.takes == THING or p.type == "object" or p.name in declared]
    return {name: str(step["args"][name]) for name in names if step["args"].get(name)}


def not_understood(words: Mapping[str, str]) -> str:
    """Return the first words for a thing that the truth cannot be asked for; empty when it can for all."""
    return next((text for text in words.values() if parse_query(text) is None), "")


def meant(words: str, facts: FrameFacts) -> int | None:
    """Return the index of the object that words mean in a picture; None when they mean none that is to be seen."""
    thing = parse_query(words)
    verdict = judge(Meaning("ground", thing), facts, lenient=True) if thing is not None else None
    return verdict.indices[0] if verdict is not None and verdict.indices else None


def held(truth: WorldTruth) -> int | None:
    """Return the index of the object in the hand."""
    return next((k for k, thing in enumerate(truth.objects) if thing.relation == "held"), None)


def bound(facts: tuple[Fact, ...], things: Mapping[str, int]) -> list[tuple[Fact, tuple[int | None, ...]]]:
    """Return those facts whose ports mean things that are known, with the indices; None stands for any thing."""
    return [
        (fact, tuple(None if arg == ANY else things[arg] for arg in fact.args))
        for fact in facts
        if fact.name not in BEYOND and all(arg == ANY or arg in things for arg in fact.args)
    ]


def holds(fact: Fact, at: tuple[int | None, ...], truth: WorldTruth) -> bool:
    """Tell whether a fact about objects, given by index, is true of a world."""
    return _true(fact.name, at, truth) is fact.positive


def _true(name: str, at: tuple[int | None, ...], truth: WorldTruth) -> bool:
    if name == "hand_empty":
        return held(truth) is None
    first = range(len(truth.objects)) if at[0] is None else (at[0],)
    if name == "holding":
        return any(truth.objects[k].relation == "held" for k in first)
    if name == "on_table":
        return any(truth.objects[k].relation == "table" for k in first)
    if name == "clear":
        return any(all(other.support != k for other in truth.objects) for k in first)
    second = range(len(truth.objects)) if at[1] is None else (at[1],)
    if name == "inside":
        return any(truth.inside(k, j) for k in first for j in second)
    assert name == "on", name
    return any(
        truth.objects[k].relation in ("on", "in") and truth.objects[k].support == j for k in first for j in second
    )


def lasts(fact: Fact) -> bool:
    """Tell whether a fact is about where a thing lies, so that it stays true while other things are moved."""
    return fact.positive and fact.name in ("inside", "on", "on_table")


def said(fact: Fact, at: tuple[int | None, ...], truth: WorldTruth) -> str:
    """Return a fact about objects in words."""
    names = tuple("something" if k is None else f"the {truth.objects[k].spec.name}" for k in at)
    return Fact(fact.name, names, fact.positive).words


def contrary(fact: Fact, at: tuple[int | None, ...], truth: WorldTruth) -> str:
    """Return the contrary of a fact in words, with what is true instead where that is known."""
    thing = held(truth)
    if fact.name == "hand_empty" and fact.positive and thing is not None:
        return f"the hand holds the {truth.objects[thing].spec.name}"
    above = (
        [other.spec.name for other in truth.objects if other.support == at[0]] if at and fact.name == "clear" else []
    )
    if above and fact.positive:
        return f"the {above[0]} lies on the {truth.objects[at[0] or 0].spec.name}"
    return said(fact.contrary, at, truth)
