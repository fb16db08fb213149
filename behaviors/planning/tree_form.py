"""Plans as trees: the JSON that a model writes, what is wrong with it, and the YAML of knothole that it becomes.

A node is a step, ``{"skill": …, "args": {…}}``, or one of

```json
{"sequence": [NODE, …]}
{"fallback": [NODE, …]}
{"retry": NODE, "times": 2}
{"see": "Is the red cube in the blue tray?", "expect": "yes"}
{"if": "Is there a cup?", "then": NODE, "else": NODE}
```
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ..._base import near_misses
from ..means.skills import Skill, Step, refusal_schemas, step_mistakes
from .symbolic import Thought
from .yaml_text import quoted, step_yaml

DEEPEST: Final = 8
"""Levels that a planned tree may have."""
TIMES: Final = 5
"""Most attempts of a ``retry``."""
_ANSWERS: Final = ("yes", "no")
_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "skill": ("skill", "args"),
    "sequence": ("sequence",),
    "fallback": ("fallback",),
    "retry": ("retry", "times"),
    "see": ("see", "expect"),
    "if": ("if", "then", "else"),
}
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {**_FORMS, "skill": ("skill",), "if": ("if", "then")}


def tree_schema(allowed: Mapping[str, Skill], longest: int) -> str:
    """Return the JSON Schema of a plan that is a tree, as text. It is recursive; how deep is checked here alone."""
    node = {"$ref": "#/$defs/node"}
    several = {"type": "array", "minItems": 1, "maxItems": longest, "items": node}
    question = {"type": "string", "minLength": 1, "description": "a yes/no question about the picture"}
    answer = {"enum": list(_ANSWERS)}
    forms = [
        *(one.schema() for one in allowed.values()),
        _closed({"sequence": several}),
        _closed({"fallback": several}),
        _closed({"retry": node, "times": {"type": "integer", "minimum": 1, "maximum": TIMES}}),
        _closed({"see": question, "expect": answer}),
        _closed({"if": question, "then": node, "else": node}, optional="else"),
    ]
    whole = {"$defs": {"node": {"anyOf": forms}}, "anyOf": [node, *refusal_schemas()]}
    return json.dumps(whole)


def _closed(properties: dict[str, object], optional: str = "") -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != optional],
        "additionalProperties": False,
    }


def form_of(node: object) -> str:
    """Return which form a node has, empty where it has none."""
    if not isinstance(node, Mapping):
        return ""
    return next((form for form in _FORMS if form in node), "")


def tree_mistakes(data: object, allowed: Mapping[str, Skill], longest: int) -> list[str]:
    """Say what is wrong with a planned tree, a sentence each; empty when it can be run."""
    found: list[str] = []
    count, stack = 0, [("the tree", data, 1)]
    while stack and len(found) < longest:
        where, node, depth = stack.pop()
        form = form_of(node)
        count += form in ("skill", "see", "if")
        if count > longest:
            return [f"the tree has more than {longest} steps and questions"]
        if depth > DEEPEST:
            return [f"{where}: the tree is more than {DEEPEST} levels deep"]
        if not form or not isinstance(node, Mapping):
            found.append(f"{where}: {_no_node(node)}")
            continue
        found += [f"{where}: {what}" for what in _node_mistakes(form, node, allowed)]
        below = list(_below(form, node, where))
        if len(below) > longest:
            return [f"{where}: {len(below)} nodes, at most {longest} are allowed"]
        stack += [(name, child, depth + 1) for name, child in reversed(below)]
    return found


def _no_node(node: object) -> str:
    if isinstance(node, Mapping) and node:
        key = str(next(iter(node)))[:40]
        near = near_misses(key, _FORMS, limit=1)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"unknown node {key!r}{hint} (a node is one of {', '.join(_FORMS)})"
    return f"a node is an object with one of {', '.join(_FORMS)}"


def _node_mistakes(form: str, node: Mapping[str, object], allowed: Mapping[str, Skill]) -> Iterator[str]:
    if form == "skill":
        yield from step_mistakes(node, allowed)
        return
    for key in sorted(set(map(str, node)) - set(_FORMS[form])):
        yield f"unknown key {key[:40]!r} of {form}"
    for key in _NEEDED[form]:
        if key not in node:
            yield f"{form} needs {key!r}"
    if form in ("sequence", "fallback") and (not isinstance(node[form], list) or not node[form]):
        yield f"{form} takes a list of nodes"
    times = node.get("times", 1)
    whole = isinstance(times, int | float) and not isinstance(times, bool) and times == times // 1
    if not whole or not 1 <= float(str(times)) <= TIMES:
        yield f"times must be a whole number from 1 to {TIMES}"
    if form in ("see", "if") and not (isinstance(node[form], str) and str(node[form]).strip()):
        yield f"{form} takes a question"
    if node.get("expect", "yes") not in _ANSWERS:
        yield "expect must be yes or no"


def _below(form: str, node: Mapping[str, object], where: str) -> Iterator[tuple[str, object]]:
    here = where.removeprefix("the tree").strip()
    lead = f"{here}/" if here else ""
    if form in ("sequence", "fallback"):
        children = node[form]
        for number, child in enumerate(children if isinstance(children, list) else (), 1):
            yield f"{lead}{form}[{number}]", child
    elif form in ("retry", "if"):
        for key in ("retry",) if form == "retry" else ("then", "else"):
            if key in node:
                yield f"{lead}{key}", node[key]


def nodes_in(data: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield all nodes of a tree without mistakes in the order of its text, with where they stand."""
    stack = [("the tree", data)]
    while stack:
        where, node = stack.pop()
        assert isinstance(node, Mapping)
        yield where, node
        stack += [(name, child) for name, child in reversed(list(_below(form_of(node), node, where)))]


def steps_in(data: object) -> Iterator[tuple[str, Step]]:
    """Yield all steps of a tree without mistakes, with where they stand."""
    for where, node in nodes_in(data):
        if form_of(node) == "skill":
            yield where, step_of(node)


def step_of(node: Mapping[str, object]) -> Step:
    """Return a node that is a step as such."""
    args = node.get("args", {})
    assert isinstance(args, Mapping)
    return Step(skill=str(node["skill"]), args=dict(args))


def think(thought: Thought, data: object, where: str = "the tree") -> None:
    """Go through a tree without mistakes in thought: each child of a fallback, each way of an if from before it."""
    form = form_of(data)
    assert isinstance(data, Mapping)
    below = list(_below(form, data, where))
    if form == "skill":
        thought.step(where, data["skill"], data.get("args", {}))
    elif form in ("sequence", "retry"):
        for name, child in below:
            think(thought, child, name)
    elif form in ("fallback", "if"):
        ways = [thought.branch() for _ in below]
        for way, (name, child) in zip(ways, below, strict=True):
            think(way, child, name)
        if form == "if" and "else" not in data:
            ways.append(thought.branch())
        thought.join(*ways)


def tree_yaml(data: object, skills: Mapping[str, Skill], act: Callable[[Step], list[str]] | None = None) -> list[str]:
    """Return a tree without mistakes as lines of YAML, an entry of a list of nodes.

    Args:
        data: The tree.
        skills: Its skills.
        act: Gives the lines of a step, an entry of a list; the step alone where left out.
    """
    form = form_of(data)
    assert isinstance(data, Mapping)
    children = [child for _, child in _below(form, data, "")]
    if form == "skill":
        step = step_of(data)
        return act(step) if act is not None else [f"- {step_yaml(step, skills)}"]
    if form == "see":
        return [f"- {_see(str(data['see']), str(data['expect']))}"]
    if form == "retry":
        return [
            "- retry:",
            f"    attempts: {int(data['times'])}",
            "    child:",
            *_node(children[0], skills, "      ", act),
        ]
    below = [line for child in children for line in tree_yaml(child, skills, act)]
    if form == "if":  # without `else` a no is no failure
        below = [f"- {_see(str(data['if']), 'yes')}", *below, *(() if "else" in data else ("- bt.AlwaysSuccess",))]
    return [f"- {'bt.IfThenElse' if form == 'if' else form}:", *(f"    {line}" for line in below)]


def _node(data: object, skills: Mapping[str, Skill], indent: str, act: Callable[[Step], list[str]] | None) -> list[str]:
    """Return a node that stands alone, not in a list."""
    return [indent + line[2:] for line in tree_yaml(data, skills, act)]


def _see(question: str, expect: str) -> str:
    """Return a question that always decides, one way or the other: nobody is there to be unsure before."""
    decides = "accept: 0.5, reject: 0.49, on_unsure: failure"
    return f"see: {{question: {quoted(question)}, expect: {quoted(expect)}, {decides}}}"
