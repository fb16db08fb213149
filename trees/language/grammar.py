"""The grammar of a tree: from a YAML document to a description, with every mistake on the way reported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from ..problems import Problem
from ..reading.document import Item, Scalar, Source
from ..spec import NodeSpec, TreeSpec
from .interface_grammar import InterfaceReader
from .node_grammar import NodeReader
from .node_names import NodeNames
from .params import params_of
from .port_values import ValueReader
from .skill_grammar import SkillReader
from .tree_header import HeaderReader, Keys


class Resolver(Protocol):
    """Finds the tree that a ``use`` or ``bt.SubTree`` names; reports by itself when there is none."""

    def __call__(self, source: Source, name: Scalar, stub: bool = False) -> TreeSpec | None:
        """Return the checked tree, or None; with ``stub`` it is no mistake that there is none."""
        ...


class TreeReader:
    """Reads one document of a file.

    Args:
        source: The file.
        problems: Collects mistakes.
        resolve: Finds used trees.
        names: The node types of the file.
    """

    def __init__(
        self, source: Source, problems: list[Problem], resolve: Resolver, names: NodeNames | None = None
    ) -> None:
        self.source, self.problems = source, problems
        self.values = ValueReader(source, problems)
        self.nodes = NodeReader(source, problems, self.values, resolve, names or NodeNames())
        self.doubtful = self.nodes.doubtful
        self.interface = InterfaceReader(source, problems, self.values, self.doubtful)

    def read(self, root: Item, others: tuple[str, ...] = (), first: bool = True) -> TreeSpec | None:
        """Return the description of the document, None when nothing of it can be used.

        Args:
            root: The document.
            others: Names of the other trees of the file.
            first: Whether it is the first document of the file.
        """
        keys = HeaderReader(self.source, self.problems).read(root, first)
        if keys is None:
            return None
        name = self._name(root, keys)
        about = self.values.text(keys["about"][1], "key 'about'") if "about" in keys else None
        inputs = self.interface.inputs(keys["inputs"][1]) if "inputs" in keys else ()
        outputs = self.interface.outputs(keys["outputs"][1], inputs) if "outputs" in keys else ()
        skill = SkillReader(self.source, self.problems).read(keys["skill"][1], inputs) if "skill" in keys else None
        params = params_of(self.source, keys["params"][1], self.problems) if "params" in keys else {}
        node: NodeSpec | None = None
        if "root" in keys:
            node = self.nodes.root(keys["root"][0], keys["root"][1], name)
        else:
            self._report(root, "K115", "this tree has no 'root'", fix="write `root:` and below it the first node")
        if node is None:
            return None
        return TreeSpec(
            name,
            self.source.file,
            node,
            about or "",
            inputs,
            outputs,
            self.source.text,
            others,
            _dialect(keys),
            MappingProxyType(dict(params)),
            skill=skill,
        )

    def _name(self, root: Item, keys: Keys) -> str:
        if "tree" not in keys:
            self._report(root, "K114", "this tree has no name", fix="write `tree: NAME` below `knothole: 1`")
            return "tree"
        value = keys["tree"][1]
        if not isinstance(value, Scalar) or not value.text.strip() or len(value.text.splitlines()) != 1:
            written = repr(value.text) if isinstance(value, Scalar) else "this"
            self._report(value, "K114", f"{written} is no name for a tree", fix="write a word or a line of text")
            return "tree"
        return value.text

    def _report(self, item: Item, code: str, message: str, *, fix: str) -> None:
        self.problems.append(self.source.problem(item, code, message, fix=fix))


def _dialect(keys: Mapping[str, tuple[Scalar, Item]]) -> str:
    item = keys["dialect"][1] if "dialect" in keys else None
    return item.text if isinstance(item, Scalar) else ""
