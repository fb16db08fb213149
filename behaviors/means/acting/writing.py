"""Steps as the text of a tree: each a node of its own, with a look at what it should have brought about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from ...ports import Port
from ..effects import ANY, Fact, State
from ..skills import Skill, Step

_UNITS: Final[Mapping[str, str]] = {"duration": "s", "length": "m", "angle": "rad"}
_MOST: Final = 60


def quoted(text: str) -> str:
    """Return a text as a YAML scalar that stands for itself, whatever is in it.

    >>> print(quoted('a "b" for $5'))
    "a \\"b\\" for $$5"
    """
    return json.dumps(text.replace("$", "$$"), ensure_ascii=True)


def step_words(step: Step) -> str:
    """Return a step in a few words.

    >>> step_words({"skill": "pick", "args": {"object": "the red cube"}})
    'pick the red cube'
    """
    words = " ".join(_short(value) for value in step["args"].values())
    text = f"{step['skill'].replace('_', ' ')} {words}".strip()
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def values_of(step: Step) -> dict[str, str]:
    """Return port → its value in words, of what a step fills."""
    return {name: str(value) for name, value in step["args"].items() if isinstance(value, str) and value.strip()}


def expected(step: Step, skill: Skill, state: State) -> list[Fact]:
    """Return what a step should bring about. What is put down without a name is what the hand held.

    Args:
        step: The step.
        skill: Its skill.
        state: What is known before it.
    """
    values = values_of(step)
    if state.held and "object" not in values and any(fact.name == "holding" for fact in skill.needs):
        values["object"] = state.held
    bound = [fact.bound(values) for fact in skill.effects]
    return [fact for fact in bound if fact is not None]


def expectations(steps: Sequence[Step], allowed: Mapping[str, Skill], held: str = "") -> list[list[Fact]]:
    """Return for each step what it should bring about, from what the hand holds at the beginning."""
    state = State([Fact("holding", (held,))] if held else [])
    found = []
    for step in steps:
        facts = expected(step, allowed[step["skill"]], state)
        state.apply(facts)
        found.append(facts)
    return found


def node_lines(step: Step, skill: Skill, indent: int) -> list[str]:
    """Return a step as the lines of a node in a list."""
    pad = " " * indent
    tree = str(getattr(skill, "tree", ""))
    ports = {port.name: port for port in skill.ports}
    args = [(name, _value(value, ports.get(name))) for name, value in step["args"].items()]
    if tree:
        lines = [f"{pad}- use:", f"{pad}    tree: {quoted(tree)}"]
        if args:
            lines += [f"{pad}    inputs:", *(f"{pad}      {name}: {value}" for name, value in args)]
        return lines
    if not args:
        return [f"{pad}- {step['skill']}"]
    return [f"{pad}- {step['skill']}:", *(f"{pad}    {name}: {value}" for name, value in args)]


def name_line(text: str, indent: int) -> str:
    """Return the key ``name`` of a node in a list."""
    return f"{' ' * indent}  name: {quoted(text)}"


def steps_text(
    name: str,
    steps: Sequence[Step],
    allowed: Mapping[str, Skill],
    verify: str = "both",
    held: str = "",
    comments: Sequence[Sequence[str]] = (),
    head: Sequence[str] = (),
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

    >>> from ..skills import skills
    >>> print(steps_text("p", [{"skill": "wait", "args": {"duration": 0.5}}], skills(["wait"])))
    knothole: 1
    tree: "p"
    root:
      sequence:
        - wait:
            duration: 0.5s
          name: "1 wait 0.5"
    <BLANKLINE>
    """
    facts = expectations(steps, allowed, held)
    lines = [*(f"# {line}".rstrip() for line in head), "knothole: 1", f"tree: {quoted(name)}", "root:", "  sequence:"]
    for number, step in enumerate(steps, 1):
        words = f"{number} {step_words(step)}"
        lines += [f"    # {line}".rstrip() for line in (comments[number - 1] if comments else ())]
        node = node_lines(step, allowed[step["skill"]], 4)
        lines += [node[0] if len(node) > 1 or ":" in node[0] else f"{node[0]}:", *node[1:], name_line(words, 4)]
        told = [fact for fact in facts[number - 1] if ANY not in fact.args]
        if verify != "none" and told:
            lines += ["    - verify:", "        facts:", *(f"          - {quoted(str(fact))}" for fact in told)]
            lines += [f"        by: {verify}", name_line(f"{number} is it so?", 4)]
    return "\n".join(lines) + "\n"


def _value(value: object, port: Port | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{_number(value)}{_UNITS.get(port.type, '') if port is not None else ''}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each, None) for each in value)}]"
    return quoted(str(value))


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(_short(each) for each in value)})"
    return f"{value:g}" if isinstance(value, float) else str(value)
