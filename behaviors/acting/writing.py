"""Steps as the text of a tree: each a node of its own, with a look at what it needs and what it should bring about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..means.effects import ANY, Fact, State, parse_fact
from ..means.skills import Skill, Step
from ..planning.ready import SHOWN
from ..planning.symbolic import bound, facts_of
from ..planning.telling import needs_of
from ..planning.tree_form import tree_yaml
from ..planning.yaml_text import document, quoted, step_yaml

_MOST: Final = 60
_FELT: Final = ("hand_empty", "holding")
"""Facts that a hand feels, so that they may be known to be untrue before a step."""


def step_words(step: Step) -> str:
    """Return a step in a few words.

    >>> step_words({"skill": "pick", "args": {"object": "the red cube"}})
    'pick the red cube'
    """
    words = " ".join(_short(value) for value in step["args"].values())
    text = f"{step['skill'].replace('_', ' ')} {words}".strip()
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def expected(step: Step, skill: Skill, state: State) -> list[Fact]:
    """Return what a step should bring about. What is put down without a name is what the hand held.

    Args:
        step: The step.
        skill: Its skill.
        state: What is known before it.
    """
    return facts_of(skill.effects, bound(skill, step["args"], state))


def needed(step: Step, skill: Skill) -> list[Fact]:
    """Return what a step needs that the hand feels, or that is looked for in a picture before it."""
    return [fact for fact in needs_of(step, skill) if fact.name in (*_FELT, *SHOWN)]


def expectations(steps: Sequence[Step], allowed: Mapping[str, Skill], held: str = "") -> list[list[Fact]]:
    """Return for each step what it should bring about, from what the hand holds at the beginning."""
    state = State([Fact("holding", (held,))] if held else [])
    found = []
    for step in steps:
        facts = expected(step, allowed[step["skill"]], state)
        state.apply(facts)
        found.append(facts)
    return found


def node_lines(step: Step, allowed: Mapping[str, Skill], name: str) -> list[str]:
    """Return a step as the lines of a node in a list, with a name."""
    node = step_yaml(step, allowed)
    return [f"- {node}" if ":" in node else f"- {node}:", f"  name: {quoted(name)}"]


def steps_text(
    name: str,
    steps: Sequence[Step],
    allowed: Mapping[str, Skill],
    verify: str = "both",
    held: str = "",
    comments: Sequence[Sequence[str]] = (),
    head: Sequence[str] = (),
    wary: bool = False,
) -> str:
    """Return steps as the text of a tree.

    Args:
        name: Of the tree.
        steps: The steps.
        allowed: Their skills.
        verify: Who is asked after each step whether it is so; ``none`` leaves that out.
        held: What the hand holds at the beginning.
        comments: For each step what stands above it.
        head: Comments above everything.
        wary: Look before each step whether what it needs is known to be untrue.

    >>> from ..means.skills import skills
    >>> print(steps_text("p", [{"skill": "wait", "args": {"duration": 0.5}}], skills(["wait"])))
    knothole: 1
    tree: "p"
    root:
      sequence:
        - wait: {duration: 0.5s}
          name: "1 wait 0.5"
    <BLANKLINE>
    """
    facts = expectations(steps, allowed, held)
    lines = [*(f"# {line}".rstrip() for line in head), "knothole: 1", f"tree: {quoted(name)}", "root:", "  sequence:"]
    for number, step in enumerate(steps, 1):
        lines += [f"    # {line}".rstrip() for line in (comments[number - 1] if comments else ())]
        if wary and (before := needed(step, allowed[step["skill"]])):
            lines += [f"    - {_needs(before)}", f'      name: "{number} may it begin?"']
        lines += [f"    {line}" for line in node_lines(step, allowed, f"{number} {step_words(step)}")]
        if look := _look(facts[number - 1], verify):
            lines += [f"    - {look}", f'      name: "{number} is it so?"']
    return "\n".join(lines) + "\n"


def _needs(facts: Sequence[Fact]) -> str:
    """Return a node that looks whether what a step needs is known to be untrue."""
    by = ", by: both" if any(fact.name in SHOWN for fact in facts) else ""
    return f"needs: {{facts: [{', '.join(quoted(str(fact)) for fact in facts)}]{by}}}"


def _look(facts: Sequence[Fact], verify: str) -> str:
    """Return a node that looks whether facts are so; empty when nobody is to look."""
    told = [quoted(text) for text in map(str, facts) if ANY not in parse_fact(text).args]
    return f"verify: {{facts: [{', '.join(told)}], by: {verify}}}" if verify != "none" and told else ""


def tree_text(name: str, data: object, allowed: Mapping[str, Skill], verify: str = "both") -> str:
    """Return a planned tree as the text of a tree, with a look before and after each of its steps.

    Args:
        name: Of the tree.
        data: The tree, as the model wrote it, without mistakes.
        allowed: Its skills.
        verify: Who is asked after each step whether it is so; ``none`` leaves that out.
    """

    def act(step: Step) -> list[str]:
        skill = allowed[step["skill"]]
        needs, look = needed(step, skill), _look(expected(step, skill, State()), verify)
        nodes = [*([_needs(needs)] if needs else ()), step_yaml(step, allowed), *([look] if look else ())]
        return ["- sequence:", *(f"    - {node}" for node in nodes)] if len(nodes) > 1 else [f"- {nodes[0]}"]

    return document(tree_yaml(data, allowed, act), name)


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(_short(each) for each in value)})"
    return f"{value:g}" if isinstance(value, float) else str(value)
