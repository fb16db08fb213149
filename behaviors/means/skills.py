"""What a plan may be made of: registered leaves as skills with typed arguments, and the schema that says so.

Instead of steps a model may answer ``{"ask": question}`` or ``{"cannot": reason}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from ..._base import near_misses
from ..node import NODES
from ..ports import Port
from .effects import Fact, parse_fact

DEFAULT_SKILLS = ("pick", "place", "move_to", "look_at", "home", "open_gripper", "close_gripper", "say", "wait")
"""Skills that a plan may use unless the tree names others."""

_REFUSALS = {
    "ask": "a question back, when the instruction is ambiguous",
    "cannot": "why the instruction cannot be carried out",
}
_JSON_TYPES: Mapping[str, Mapping[str, object]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "duration": {"type": "number", "description": "[s]"},
    "length": {"type": "number", "description": "[m]"},
    "angle": {"type": "number", "description": "[rad]"},
    "object": {"type": "string", "description": "the thing in words, such as: the red cube"},
    "any": {"type": "string", "description": "the thing in words, such as: the red cube"},
    "point": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3, "description": "x y z [m]"},
}
_LARGEST: Mapping[str, float] = {
    "duration": 600.0,
    "length": 10.0,
    "point": 10.0,
    "angle": 12.6,
    "number": 1e6,
    "int": 1e6,
}
"""Largest size of a number in a plan, in the SI unit of its type: what is beyond was not meant."""
_THING, _TEXT = 120, 500
"""Most characters of words for a thing, and of other text, in a plan."""
_PYTHON: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
}


class Step(TypedDict):
    """One step of a plan: a registered skill and its arguments, in SI units."""

    skill: str
    args: dict[str, object]


def _nothing_wrong(args: Mapping[str, object]) -> str:
    return ""


@dataclass(frozen=True)
class Skill:
    """A leaf that a plan may name.

    Attributes:
        name: Type key of the leaf.
        about: First line of its docstring.
        ports: Input ports that a plan can fill.
        needs: Facts about its ports that must hold when it starts.
        effects: Facts about its ports that hold when it has succeeded.
        tree: Name of the tree that is run for it; empty for a leaf.
        one_of: Groups of ports of which exactly one must be given.
        mistake: Says what else is wrong with arguments that fit their ports, as ``mistake_in_plan`` of a leaf.
    """

    name: str
    about: str
    ports: tuple[Port, ...]
    needs: tuple[Fact, ...] = ()
    effects: tuple[Fact, ...] = ()
    tree: str = ""
    one_of: tuple[tuple[str, ...], ...] = ()
    mistake: Callable[[Mapping[str, object]], str] = field(default=_nothing_wrong, repr=False, compare=False)

    @property
    def things(self) -> tuple[str, ...]:
        """Ports whose words name a thing that must be there: not what the hand is thought to hold."""
        held = {arg for need in self.needs if need.name == "holding" and need.positive for arg in need.args}
        return tuple(p.name for p in self.ports if p.name not in held and self.names(p))

    def names(self, port: Port) -> bool:
        """Tell whether the words of a port name a thing: it takes one, or a fact of the skill is about it."""
        return port.type in ("any", "object") or any(port.name in fact.args for fact in (*self.needs, *self.effects))

    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of one step with this skill."""
        args = {
            "type": "object",
            "properties": {port.name: _port_schema(port) for port in self.ports},
            "required": [port.name for port in self.ports if port.required],
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {"skill": {"const": self.name}, "args": args},
            "required": ["skill", "args"],
            "additionalProperties": False,
        }

    def __str__(self) -> str:
        words = ", ".join(p.name if p.required else f"{p.name}?" for p in self.ports)
        groups = [f"Give exactly one of {', '.join(group)}." for group in self.one_of]
        facts = [
            f"{title} {', '.join(fact.words for fact in facts)}."
            for title, facts in (("Needs:", self.needs), ("Then:", self.effects))
            if facts
        ]
        return " ".join([f"{self.name}({words}): {self.about}", *groups, *facts])


def _port_schema(port: Port) -> dict[str, object]:
    schema: dict[str, object] = {"description": port.about, **_JSON_TYPES[port.type]}
    if port.choices:
        schema["enum"] = list(port.choices)
    if port.minimum is not None:
        schema["minimum"] = port.minimum
    if port.maximum is not None:
        schema["maximum"] = port.maximum
    return schema


def skill(name: str) -> Skill | None:
    """Return a registered leaf as a skill; None when it is no leaf, plans itself, or needs what a plan cannot give."""
    cls = NODES.get(name)
    if getattr(cls, "kind", "") != "leaf" or getattr(cls, "plans", False) or getattr(cls, "grows", False):
        return None
    ports: tuple[Port, ...] = getattr(cls, "ports", ())
    filled = tuple(p for p in ports if fillable(p))
    if any(p.required and p.direction != "out" and p not in filled for p in ports):
        return None
    about = (cls.__doc__ or name).strip().splitlines()[0]
    needs, effects = (
        tuple(parse_fact(text) for text in getattr(cls, attribute, ())) for attribute in ("needs", "effects")
    )
    groups = (
        tuple(name for name in group if any(p.name == name for p in filled)) for group in getattr(cls, "one_of", ())
    )
    return Skill(
        name,
        about,
        filled,
        needs,
        effects,
        one_of=tuple(groups),
        mistake=getattr(cls, "mistake_in_plan", _nothing_wrong),
    )


def skills(names: Iterable[str], trees: Callable[[str], Skill | None] = lambda name: None) -> dict[str, Skill]:
    """Return the skills called ``names``.

    Args:
        names: Leaves, and trees with ``skill:`` in their header.
        trees: Name → the skill that a tree is; None where there is no such tree, or it is no skill.

    Raises:
        UnknownNameError: A name is not registered.
        ValueError: A name is registered but a plan cannot use it.
    """
    found: dict[str, Skill] = {}
    for name in names:
        one = skill(name) if name in NODES else trees(name)
        if one is None:
            NODES.get(name)
            raise ValueError(f"{name!r} is not a leaf that a plan can use: it needs what JSON cannot give")
        found[name] = one
    return found


def fillable(port: Port) -> bool:
    """Tell whether a plan can give a value for a port. Through which camera to look is the affair of the tree.

    For a port of any type a plan has words alone: one that takes none, such as ``roi`` of ``see``, is left out.
    """
    wordless = port.type == "any" and port.takes and "text" not in port.takes
    return port.direction == "in" and port.type in _JSON_TYPES and port.name != "camera" and not wordless


def plan_schema(allowed: Mapping[str, Skill], longest: int) -> str:
    """Return the JSON Schema of a plan over the allowed skills, as text."""
    items = {"anyOf": [one.schema() for one in allowed.values()]}
    steps = {"type": "array", "minItems": 1, "maxItems": longest, "items": items}
    return json.dumps({"anyOf": [steps, *refusal_schemas()]})


def refusal_schemas() -> list[dict[str, object]]:
    """Return the JSON Schemas of what a model may answer instead of a plan."""
    return [_refusal_schema(key, about) for key, about in _REFUSALS.items()]


def _refusal_schema(key: str, about: str) -> dict[str, object]:
    text = {"type": "string", "minLength": 1, "description": about}
    return {"type": "object", "properties": {key: text}, "required": [key], "additionalProperties": False}


def refusal(data: object) -> str:
    """Return the question or the reason that a model gave instead of steps; empty when it gave none."""
    if not isinstance(data, Mapping) or len(data) != 1:
        return ""
    [(key, text)] = data.items()
    return text.strip() if key in _REFUSALS and isinstance(text, str) else ""


def mistakes(data: object, allowed: Mapping[str, Skill], longest: int) -> list[str]:
    """Say everything that is wrong with a plan, one sentence each; empty when it can be run."""
    if not isinstance(data, list) or not data:
        return ['the plan must be a JSON list of steps, each {skill, args}, or {"ask": text} or {"cannot": text}']
    if len(data) > longest:
        return [f"the plan has {len(data)} steps, at most {longest} are allowed"]
    return [f"step {k}: {what}" for k, step in enumerate(data, 1) for what in step_mistakes(step, allowed)]


def step_mistakes(step: object, allowed: Mapping[str, Skill]) -> list[str]:
    """Say what is wrong with one step; empty when it can be run."""
    if not isinstance(step, Mapping) or not isinstance(step.get("skill"), str):
        return ["must be an object with the keys skill and args"]
    extra = sorted(set(map(str, step)) - {"skill", "args"})
    if extra:
        return [f"unknown key {_short(extra[0])!r}; a step has skill and args only"]
    name, args = step["skill"], step.get("args", {})
    if name not in allowed:
        near = near_misses(name[:60], allowed)
        hint = f", did you mean {near[0]}?" if near else ""
        return [f"unknown skill {_short(name)!r}{hint} (allowed: {', '.join(allowed)})"]
    if not isinstance(args, Mapping):
        return [f"args of {name} must be an object"]
    ports = {port.name: port for port in allowed[name].ports}
    found = [f"{name} has no argument {_short(str(arg))!r}" for arg in args if arg not in ports][:4]
    found += [f"{name} needs the argument {p.name!r}" for p in ports.values() if p.required and p.name not in args]
    for group in allowed[name].one_of:
        given = [arg for arg in group if arg in args]
        if len(given) != 1:
            found.append(f"{name} takes exactly one of {', '.join(group)}, not {', '.join(given) or 'none'}")
    for arg, value in args.items():
        if arg in ports and (wrong := _value_mistake(ports[arg], value, allowed[name].names(ports[arg]))):
            found.append(f"argument {arg!r} of {name} {wrong}")
    wrong = "" if found else allowed[name].mistake(args)
    return [wrong] if wrong else found


def _value_mistake(port: Port, value: object, thing: bool) -> str:
    wanted = str(_JSON_TYPES[port.type]["type"])
    if not isinstance(value, _PYTHON[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        return f"must be of type {wanted}, not {_short(json.dumps(value, default=str))}"
    if port.type == "point" and (
        not isinstance(value, list | tuple) or len(value) != 3 or not all(_is_number(v) for v in value)
    ):
        return "must be three numbers"
    if port.choices and value not in port.choices:
        return f"must be one of {', '.join(port.choices)}"
    if isinstance(value, str):
        return _words_mistake(value, thing)
    numbers = value if isinstance(value, list | tuple) else [] if isinstance(value, bool) else [value]
    for number in numbers:
        if wrong := _number_mistake(port, number):
            return wrong
    return ""


def _words_mistake(text: str, thing: bool) -> str:
    most = _THING if thing else _TEXT
    if len(text) > most:
        return f"has {len(text)} characters, at most {most} are allowed"
    if thing and (not text.strip() or not text.isprintable()):
        return "must be words for a thing, on one line"
    return ""


def _number_mistake(port: Port, number: object) -> str:
    assert isinstance(number, int | float)
    if not abs(number) <= _LARGEST[port.type]:  # also NaN
        shown = "NaN" if number != number else f"{float(number):g}" if abs(number) < 1e300 else "more"
        return f"must be of a size up to {_LARGEST[port.type]:g}, not {shown}"
    if port.minimum is not None and number < port.minimum:
        return f"must be at least {port.minimum:g}"
    if port.maximum is not None and number > port.maximum:
        return f"must be at most {port.maximum:g}"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
