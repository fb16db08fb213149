"""The grammar of ``use``: which tree, what its inputs get, where its outputs go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..._base import near_misses
from ...behaviors.ports import COMMON_KEYS, Port
from ..node_types import NodeType
from ..problems import Problem
from ..spec import TreeSpec, Value
from .document import Item, Pairs, Scalar, Source
from .port_values import ValueReader

if TYPE_CHECKING:
    from .grammar import Resolver


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


class UseReader:
    """Reads ``use`` nodes of one file; see ``NodeReader``."""

    def __init__(self, source: Source, problems: list[Problem], values: ValueReader, resolve: Resolver) -> None:
        self.source, self.problems, self.values, self.resolve = source, problems, values, resolve

    def bare(self, draft: Draft, name: Scalar) -> None:
        """Read ``use: NAME``."""
        draft.uses = self.resolve(self.source, name)
        self._missing_inputs(draft, set())

    def read(self, draft: Draft, value: Pairs) -> None:
        """Read the mapping below ``use``."""
        for key, _ in value:
            if key.text not in draft.type.ports:
                self.problems.append(unknown_port(self.source, draft.type, key))
        name = value.get("tree")
        if isinstance(name, Scalar) and not name.is_null:
            draft.given.add("tree")
            draft.uses = self.resolve(self.source, name)
        elif name is not None:
            draft.given.add("tree")
            self._report(name, "K105", "port 'tree' of 'use' takes the name of a tree", fix="write `tree: NAME`")
        tree = draft.uses
        inputs, outputs = self._named(value.get("inputs"), "inputs"), self._named(value.get("outputs"), "outputs")
        named = {key.text for key, _ in inputs}
        for key, item in inputs:
            declared = next((each for each in tree.inputs if each.name == key.text), None) if tree else None
            if tree is not None and declared is None:
                named.update(self._unknown_entry(tree, key, "input", [each.name for each in tree.inputs]))
                continue
            port = Port("input", declared.type if declared else "any", "")
            read = self.values.read(
                item, port, f"input {key.text!r} of {tree.name!r}" if tree else f"input {key.text!r}"
            )
            if read is not None:
                draft.values[f"inputs.{key.text}"] = read
        for key, item in outputs:
            if tree is not None and all(each.name != key.text for each in tree.outputs):
                self._unknown_entry(tree, key, "output", [each.name for each in tree.outputs])
                continue
            bound = self.values.entry(item, f"output {key.text!r}")
            if bound is not None:
                draft.values[f"outputs.{key.text}"] = bound
        self._missing_inputs(draft, named)

    def _named(self, item: Item | None, what: str) -> Sequence[tuple[Scalar, Item]]:
        if item is None or (isinstance(item, Scalar) and item.is_null):
            return ()
        if isinstance(item, Pairs):
            return item.pairs
        self._report(item, "K105", f"port {what!r} of 'use' takes a mapping", fix="write {NAME: VALUE}")
        return ()

    def _unknown_entry(self, tree: TreeSpec, key: Scalar, noun: str, known: Sequence[str]) -> tuple[str, ...]:
        near = near_misses(key.text, known)
        self._report(
            key,
            "K102",
            f"the tree {tree.name!r} has no {noun} {key.text!r}",
            guess=near,
            fix=f"it has {', '.join(known)}" if known else f"it declares no {noun}s",
        )
        return near

    def _missing_inputs(self, draft: Draft, given: set[str]) -> None:
        if draft.uses is None:
            return
        missing = [each for each in draft.uses.inputs if each.default is None and each.name not in given]
        for each in missing:
            self._report(
                draft.key,
                "K104",
                f"the tree {draft.uses.name!r} needs the input {each.name!r}",
                why=each.about,
                fix=f"give it with `inputs: {{{each.name}: …}}`",
            )

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


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
    return source.problem(
        key,
        "K102",
        f"unknown port {key.text!r} of {kind.name!r}",
        guess=near_misses(key.text, kind.ports),
        fix=f"correct the name, or see its ports with `knothole nodes {kind.name}`"
        if kind.ports
        else "it has no ports",
    )
