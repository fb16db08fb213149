"""One node while it is read, and what is said of keys that do not belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from ..._base import near_misses
from ...behaviors.ports import COMMON_KEYS
from ..node_types import NodeType
from ..problems import Problem
from ..reading.document import Item, Pairs, Scalar, Source
from ..spec import TreeSpec, Value


@dataclass
class Draft:
    """One node while it is read: values so far, and the items that are nodes below it."""

    key: Scalar
    type: NodeType
    values: dict[str, Value] = field(default_factory=dict)
    parts: list[tuple[str, Item]] = field(default_factory=list)
    children: list[Item] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    uses: TreeSpec | None = None


def names_in(item: Item) -> Iterator[str]:
    """Yield the entries that the text of an item mentions, for parts of a tree that could not be read."""
    stack = [item]
    while stack:
        each = stack.pop()
        if isinstance(each, Scalar):
            yield from re.findall(r"\$@?\{?([A-Za-z_][A-Za-z0-9_]*)", each.text)
        elif isinstance(each, Pairs):
            stack.extend(value for _, value in each)
        else:
            stack.extend(each.items)


def missing_inputs(source: Source, draft: Draft, given: Set[str], example: str) -> Iterator[Problem]:
    """Yield a problem for each input that the used tree needs and is not given; ``example`` says how to give ``{}``."""
    for each in draft.uses.inputs if draft.uses is not None else ():
        if each.default is None and each.name not in given and draft.uses is not None:
            yield source.problem(
                draft.key,
                "K104",
                f"the tree {draft.uses.name!r} needs the input {each.name!r}",
                why=each.about,
                fix=f"give it with `{example.format(each.name)}`",
            )


def unknown_port(source: Source, kind: NodeType, key: Scalar) -> Problem:
    """Return the problem of a key that is no port of its node."""
    if key.text in COMMON_KEYS:
        return source.problem(
            key,
            "K102",
            f"{key.text!r} is a common key and stands among the ports of {kind.name!r}",
            why="common keys stand beside the type key",
            fix=f"move it out one level, beside `{kind.name}:`",
        )
    declared = kind.dialect == "stub"
    see = "declare it under `nodes:`" if declared else f"see its ports with `knothole nodes {kind.name}`"
    guess = near_misses(key.text, kind.ports)
    if not guess and key.text in ("child", "children"):
        guess = tuple(port.name for port in kind.ports.values() if port.type in ("node", "nodes"))
    return source.problem(
        key,
        "K102",
        f"unknown port {key.text!r} of {kind.name!r}",
        guess=guess,
        fix=f"correct the name, or {see}" if kind.ports else see if declared else "it has no ports",
    )
