"""What a model is told before it plans, and what people are told of the plans it made."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from ...vlm.language.reading import parse_query
from ..invariants import may_be
from ..means.effects import ANY, Fact, FactError, State, parse_fact
from ..means.skills import Skill, Step
from ..means.surroundings import Held
from ..node import Leaf, NodeFault
from .finding import Found, lying
from .rules import Rules
from .symbolic import Thought, bound, facts_of, instead


def known_state(leaf: Leaf, found: Found, called: str = "") -> State:
    """Return what is known before the first step: what the hand feels and holds, and what was found in the picture.

    Args:
        leaf: Who wants to know.
        found: What was found in the picture.
        called: Words that what is held is called by, if it may be that. A model that saw it may have had other ones.
    """
    robot, facts = leaf.context.robot, list[Fact]()
    if robot is not None and "gripper" in robot.capabilities.skills:
        held = leaf.context.notes.get("held")
        if not robot.state().holding:
            facts.append(Fact("hand_empty"))
        elif isinstance(held, Held):
            facts.append(Fact("holding", (called if called and _may_be(held.label, called) else held.label,)))
        else:
            facts.append(Fact("hand_empty", positive=False))
    facts += [Fact("visible", (words,)) for words in found.things]
    facts += lying(found)
    return State(facts, found.same)


def needs_of(step: Step, skill: Skill) -> list[Fact]:
    """Return what a step needs. What is put down without a name may be anything."""
    return facts_of(skill.needs, bound(skill, step["args"], State()))


def unmet(leaf: Leaf, step: Step, skills: Mapping[str, Skill]) -> list[str]:
    """Say which needs of a step are known to fail now, by what the hand feels; empty when it may begin."""
    needs = needs_of(step, skills[step["skill"]])
    thought = Thought(skills, known_state(leaf, Found(), called=_held(needs)))
    thought.step("now", step["skill"], step["args"])
    return [words.removeprefix("now: ") for words in thought.wrong]


def facts_at(leaf: Leaf) -> list[Fact]:
    """Return what the port ``facts`` of a leaf says.

    Raises:
        NodeFault: One of its texts is no fact.
    """
    given = leaf.get("facts")
    assert isinstance(given, list | tuple)
    try:
        return [parse_fact(str(text)) for text in given]
    except FactError as error:
        raise NodeFault(f"{leaf.path}: {error}") from error


def untrue(leaf: Leaf, facts: Sequence[Fact], found: Found | None = None) -> str:
    """Say which of some facts is known to be untrue now, by what the hand feels and a picture; empty for none."""
    state = known_state(leaf, found or Found(), called=_held(facts))
    wrong = next(iter(state.missing(facts)), None)
    return f"{wrong.words}, but {instead(wrong, state)}" if wrong is not None else ""


def _held(facts: Sequence[Fact]) -> str:
    """Return what facts call the thing in the hand; empty when they name none."""
    return next((fact.args[0] for fact in facts if fact.name == "holding" and fact.args[0] != ANY), "")


def _may_be(label: str, words: str) -> bool:
    """Tell whether words may mean what a model has another name for; in doubt they may."""
    return parse_query(words) is None or may_be(words, label)


def prompt(rules: Rules, state: State, tried: Sequence[object], complaint: str, more: Sequence[str] = ()) -> str:
    """Return what the model is told beside the instruction and the schema."""
    parts = ["Skills:", *map(str, rules.skills.values())]
    known = [fact.words for fact in state.facts if fact.name != "visible"]
    if known:
        parts.append(f"Now: {'; '.join(known)}.")
    if rules.never:
        said = [f"no {never.skill}" if never.fact is None else f"not: {never.fact.words}" for never in rules.never]
        parts.append(f"Forbidden: {'; '.join(said)}.")
    if tried:
        parts += ["Tried before:", *(f"- {told(one)}" for one in tried)]
    parts += more
    if complaint:
        parts.append(f"The last plan was refused:\n{complaint}")
    return "\n".join(parts)


def told(attempt: object) -> str:
    """Return an earlier attempt in words: a text, or a mapping with steps (or plan) and reason."""
    if not isinstance(attempt, Mapping):
        return " ".join(str(attempt).split())
    steps = attempt.get("steps") or attempt.get("plan") or ""
    words = short(steps) if isinstance(steps, list | tuple) else str(steps)
    return " ".join(f"{words}: {attempt.get('reason', 'failed')}".removeprefix(": ").split())


def short(steps: Sequence[object]) -> str:
    """Return steps on one line: their skills, and the things they name."""
    parts = []
    for step in steps:
        if isinstance(step, Mapping):
            args = step.get("args") or {}
            values = args.values() if isinstance(args, Mapping) else ()
            words = " ".join(str(value) for value in values if isinstance(value, str))
            parts.append(f"{step.get('skill')} {words}".strip())
    return " → ".join(parts)


def diff(before: str, after: str) -> list[str]:
    """Return what became other between two texts, line by line: ``-`` is gone, ``+`` is new."""
    if not before:
        return []
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[:1] in "+-"]


def used(steps: Sequence[Step], skills: Mapping[str, Skill]) -> list[str]:
    """Return the words for things in steps that must be there, in order, each once."""
    words: dict[str, None] = {}
    for step in steps:
        for port in skills[step["skill"]].things:
            text = step["args"].get(port)
            if isinstance(text, str):
                words.setdefault(text)
    return list(words)


def meant(steps: Sequence[Step], skills: Mapping[str, Skill]) -> dict[str, int]:
    """Return for the words in steps how many things they may stand for: as many as are taken by them."""
    taken: dict[str, int] = {}
    for step in steps:
        skill = skills[step["skill"]]
        takes = {arg for fact in skill.effects if fact.name == "holding" and fact.positive for arg in fact.args}
        for port in skill.things:
            text = step["args"].get(port)
            if isinstance(text, str):
                taken[text] = taken.get(text, 0) + (port in takes)
    return {text: max(1, count) for text, count in taken.items()}
