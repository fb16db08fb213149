"""The grammar of a tree: from a YAML document to a description, with every mistake on the way reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol

from ..._base import near_misses
from ...behaviors.ports import VALUE_TYPES, Port, PortType
from ..problems import Problem
from ..spec import InputSpec, Literal, NodeSpec, OutputSpec, TreeSpec
from .document import Item, Items, Pairs, Scalar, Source
from .node_grammar import NodeReader
from .port_values import ValueReader

HEADER: Final = ("knothole", "tree", "about", "inputs", "outputs", "root")
ENTRY_TYPES: Final = VALUE_TYPES
_TREE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_ENTRY_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Resolver(Protocol):
    """Finds the tree that a ``use`` names; reports by itself when there is none."""

    def __call__(self, source: Source, name: Scalar) -> TreeSpec | None:
        """Return the checked tree, or None."""
        ...


class TreeReader:
    """Reads one document of a file.

    Args:
        source: The file.
        problems: Collects mistakes.
        resolve: Finds used trees.
    """

    def __init__(self, source: Source, problems: list[Problem], resolve: Resolver) -> None:
        self.source, self.problems = source, problems
        self.values = ValueReader(source, problems)
        self.nodes = NodeReader(source, problems, self.values, resolve)
        self.doubtful = self.nodes.doubtful

    def read(self, root: Item, others: tuple[str, ...] = ()) -> TreeSpec | None:
        """Return the description of the document, None when nothing of it can be used."""
        if not isinstance(root, Pairs):
            self._report(root, "K113", _no_header(root), fix="write `knothole: 1`, `tree: NAME` and `root:`")
            return None
        keys = {key.text: (key, value) for key, value in root}
        if not keys.keys() & {"knothole", "tree", "root"}:
            self._report(root, "K113", _no_header(root), fix="write `knothole: 1`, `tree: NAME` and `root:`")
            return None
        for key, _ in root:
            if key.text not in HEADER:
                self._report(
                    key,
                    "K103",
                    f"unknown key {key.text!r} of a tree",
                    guess=near_misses(key.text, HEADER),
                    fix=f"a tree has the keys {', '.join(HEADER)}",
                )
        self._version(root, keys)
        name = self._name(root, keys)
        about = self.values.text(keys["about"][1], "key 'about'") if "about" in keys else None
        inputs = self._inputs(keys["inputs"][1]) if "inputs" in keys else ()
        outputs = self._outputs(keys["outputs"][1], inputs) if "outputs" in keys else ()
        node: NodeSpec | None = None
        if "root" in keys:
            node = self.nodes.root(keys["root"][0], keys["root"][1], name)
        else:
            self._report(root, "K115", "this tree has no 'root'", fix="write `root:` and below it the first node")
        if node is None:
            return None
        return TreeSpec(name, self.source.file, node, about or "", inputs, outputs, self.source.text, others)

    def _version(self, root: Pairs, keys: Mapping[str, tuple[Scalar, Item]]) -> None:
        if "knothole" not in keys:
            self._report(root, "K113", "this tree does not say which language it is in", fix="begin with `knothole: 1`")
            return
        value = keys["knothole"][1]
        if not isinstance(value, Scalar) or value.text != "1":
            written = value.text if isinstance(value, Scalar) else "no number"
            self._report(
                value,
                "K113",
                f"language version {written} is not known here",
                why="this version of knothole reads version 1",
                fix="write `knothole: 1`",
            )

    def _name(self, root: Pairs, keys: Mapping[str, tuple[Scalar, Item]]) -> str:
        if "tree" not in keys:
            self._report(root, "K114", "this tree has no name", fix="write `tree: NAME` below `knothole: 1`")
            return "tree"
        value = keys["tree"][1]
        if not isinstance(value, Scalar) or not _TREE_NAME.match(value.text):
            written = repr(value.text) if isinstance(value, Scalar) else "this"
            self._report(value, "K114", f"{written} is no name for a tree", fix="use letters, digits, _ and -")
            return "tree"
        return value.text

    def _inputs(self, item: Item) -> tuple[InputSpec, ...]:
        found: list[InputSpec] = []
        for key, fields, kind in self._entries(item, "input", ("type", "default", "about")):
            label = f"the default of input {key.text!r}"
            default: Literal | None = None
            if "default" in fields:
                default = self.values.constant(fields["default"], Port("default", kind, ""), label)
            about = self.values.text(fields["about"], "key 'about'") if "about" in fields else None
            found.append(InputSpec(key.text, kind, self.source.place(key), about or "", default))
        return tuple(found)

    def _outputs(self, item: Item, inputs: tuple[InputSpec, ...]) -> tuple[OutputSpec, ...]:
        taken = {each.name: each.type for each in inputs}
        found: list[OutputSpec] = []
        for key, fields, kind in self._entries(item, "output", ("type", "about")):
            if taken.get(key.text, kind) != kind:
                self._report(
                    key,
                    "K122",
                    f"{key.text!r} is an input of type {taken[key.text]} and an output of type {kind}",
                    fix="give both the same type, or one of them another name",
                )
                continue
            about = self.values.text(fields["about"], "key 'about'") if "about" in fields else None
            found.append(OutputSpec(key.text, kind, self.source.place(key), about or ""))
        return tuple(found)

    def _entries(
        self, item: Item, noun: str, allowed: tuple[str, ...]
    ) -> list[tuple[Scalar, Mapping[str, Item], PortType]]:
        if isinstance(item, Scalar) and item.is_null:
            return []
        if not isinstance(item, Pairs):
            self._report(
                item, "K122", f"'{noun}s' takes a mapping", fix=f"write `NAME: {{type: text}}` for each {noun}"
            )
            return []
        found: list[tuple[Scalar, Mapping[str, Item], PortType]] = []
        for key, value in item:
            self.doubtful.add(key.text)
            if not _ENTRY_NAME.match(key.text):
                self._report(key, "K122", f"{key.text!r} is no name for an {noun}", fix="use letters, digits and _")
                continue
            if not isinstance(value, Pairs):
                self._report(value, "K122", f"{noun} {key.text!r} takes a mapping", fix="write {type: text, …}")
                continue
            fields = {name.text: each for name, each in value}
            for name, _ in value:
                if name.text not in allowed:
                    self._report(
                        name,
                        "K103",
                        f"unknown key {name.text!r} of an {noun}",
                        guess=near_misses(name.text, allowed),
                        fix=f"an {noun} has the keys {', '.join(allowed)}",
                    )
            kind = self._type(key, fields.get("type"), noun)
            if kind is not None:
                self.doubtful.discard(key.text)
                found.append((key, fields, kind))
        return found

    def _type(self, key: Scalar, item: Item | None, noun: str) -> PortType | None:
        if item is None:
            self._report(key, "K122", f"{noun} {key.text!r} has no type", fix="write `type: text`, or another type")
            return None
        text = item.text if isinstance(item, Scalar) else ""
        if text not in ENTRY_TYPES:
            self._report(
                item,
                "K122",
                f"{text!r} is no type" if text else f"the type of {noun} {key.text!r} is a word",
                guess=near_misses(text, ENTRY_TYPES),
                fix=f"use one of {', '.join(ENTRY_TYPES)}",
            )
            return None
        return text

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


def _no_header(root: Item) -> str:
    if isinstance(root, Items):
        return "a tree begins with `knothole: 1`, this is a list"
    if isinstance(root, Pairs):
        return "a tree begins with `knothole: 1`, this is another kind of file"
    return "this document is empty" if root.is_null else "a tree begins with `knothole: 1`, this is text"
