"""Plans as YAML of knothole: what is shown to people, checked as any other tree, and run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from ..means.skills import Skill, Step
from ..ports import Port

_UNITS: Mapping[str, str] = {"duration": "s", "length": "m", "angle": "rad"}


def step_yaml(step: Step, skills: Mapping[str, Skill]) -> str:
    """Return a step as a node, on one line."""
    skill, args = skills[step["skill"]], step["args"]
    ports = {port.name: port for port in skill.ports}
    given = ", ".join(f"{name}: {_value(ports[name], value)}" for name, value in args.items())
    if skill.tree:
        inputs = f", inputs: {{{given}}}" if given else ""
        return f"use: {{tree: {quoted(skill.tree)}{inputs}}}"
    return f"{skill.name}: {{{given}}}" if given else skill.name


def steps_yaml(steps: Iterable[Step], skills: Mapping[str, Skill]) -> list[str]:
    """Return steps as lines of YAML, entries of a list of nodes."""
    return [f"- {step_yaml(step, skills)}" for step in steps]


def document(lines: Sequence[str], name: str, about: str = "") -> str:
    """Return the text of a file with one tree: a sequence of nodes that are written in these lines."""
    told = [f"about: {quoted(about)}"] if about else []
    root = ["root:", "  sequence:", *(f"    {line}" for line in lines)]
    return "\n".join(["knothole: 1", f"tree: {name}", *told, *root, ""])


def quoted(text: str) -> str:
    """Return a text in double quotes in which nothing is read as an entry or a constant.

    >>> quoted('say "$name"')
    '"say \\\\"$$name\\\\""'
    """
    plain = json.dumps(text.replace("$", "$$"), ensure_ascii=False)
    return "".join(
        letter if letter.isprintable() and ord(letter) < 0x10000 else _escaped(ord(letter)) for letter in plain
    )


def _escaped(code: int) -> str:
    return "?" if 0xD800 <= code < 0xE000 else f"\\U{code:08x}"


def _value(port: Port, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value) + _UNITS.get(port.type, "")
    if isinstance(value, list | tuple):
        return f"[{', '.join(_number(each) + 'm' for each in value)}]"
    return quoted(str(value))


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")
