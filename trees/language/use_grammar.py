"""The grammar of ``use``: which tree, what its inputs get, where its outputs go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._base import near_misses
from ...behaviors.ports import Port
from ..problems import Problem
from ..reading.document import Item, Pairs, Scalar, Source
from ..spec import TreeSpec
from .draft import Draft, missing_inputs, unknown_port
from .port_values import ValueReader

if TYPE_CHECKING:
    from .grammar import Resolver


class UseReader:
    """Reads ``use`` nodes of one file; see ``NodeReader``."""

    def __init__(self, source: Source, problems: list[Problem], values: ValueReader, resolve: Resolver) -> None:
        self.source, self.problems, self.values, self.resolve = source, problems, values, resolve

    def bare(self, draft: Draft, name: Scalar) -> None:
        """Read ``use: NAME``."""
        draft.uses = self.resolve(self.source, name)
        self.problems.extend(missing_inputs(self.source, draft, set(), "inputs: {{{}: …}}"))

    def read(self, draft: Draft, value: Pairs) -> None:
        """Read the mapping below ``use``."""
        given = {key.text: item for key, item in value}
        for key, item in value:
            if key.text not in draft.type.ports:
                problem = unknown_port(self.source, draft.type, key)
                self.problems.append(problem)
                if problem.guess:  # read as what was meant, so that a slip is told once
                    given.setdefault(problem.guess[0], item)
        name = given.get("tree")
        if isinstance(name, Scalar) and not name.is_null:
            draft.given.add("tree")
            draft.uses = self.resolve(self.source, name)
        elif name is not None:
            draft.given.add("tree")
            self._report(name, "K105", "port 'tree' of 'use' takes the name of a tree", fix="write `tree: NAME`")
        tree = draft.uses
        inputs, outputs = self._named(given.get("inputs"), "inputs"), self._named(given.get("outputs"), "outputs")
        named = {key.text for key, _ in inputs}
        for key, item in inputs:
            declared = next((each for each in tree.inputs if each.name == key.text), None) if tree else None
            if tree is not None and declared is None:
                named.update(self._unknown_entry(tree, key, "input", [each.name for each in tree.inputs]))
                continue
            port = declared.port if declared else Port("input", "any", "")
            read = self.values.read(
                item, port, f"input {key.text!r} of {tree.name!r}" if tree else f"input {key.text!r}"
            )
            if read is not None:
                draft.values[f"inputs.{key.text}"] = read
        for key, item in outputs:
            if tree is not None and all(each.name != key.text for each in tree.outputs):
                near = self._unknown_entry(tree, key, "output", [each.name for each in tree.outputs])
                meant = self.values.entry(item, f"output {key.text!r}") if near else None
                if meant is not None:
                    draft.values.setdefault(f"outputs.{near[0]}", meant)
                continue
            bound = self.values.entry(item, f"output {key.text!r}")
            if bound is not None:
                draft.values[f"outputs.{key.text}"] = bound
        self.problems.extend(missing_inputs(self.source, draft, named, "inputs: {{{}: …}}"))

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

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))
