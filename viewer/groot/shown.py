"""Which nodes of a tree a monitor sees, under which numbers and names.

A tree that came from BehaviorTree.CPP looks as it does there: pre- and post-conditions are attributes of their node.
Of ours, each wrapper of a common key is a decorator of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from ..._base import KnotholeError
from ...trees.builder import BuiltNode, BuiltTree
from ...trees.node_types import NodeType
from ...trees.spec import Program
from ...trees.subtree import SUBTREE
from ...trees.xml.names import CATEGORIES, CONDITIONS, HOOKS, category, id_of
from .texts import attributes_of, clean, conditions_of

MOST_NODES: Final = 65_535
"""Most nodes that the protocol has numbers for."""
TAKEN: Final = frozenset((*CATEGORIES, "root", "BehaviorTree", "TreeNodesModel", "SubTreePlus", "include"))
"""Names of elements that are no nodes."""
_NO_LETTER: Final = re.compile(r"[^A-Za-z0-9_]")
_GROWN: Final = "grown"
"""The wrapper of a leaf that grows something, which is seen as it is."""


class GrootError(KnotholeError):
    """A run cannot be watched by the Groot2 protocol."""


@dataclass(frozen=True)
class ShownNode:
    """A node as a monitor sees it.

    Attributes:
        uid: Its number, from 1, in the order in which the nodes are written.
        outer: Index in ``BuiltTree.nodes`` of the node whose status it has.
        inner: Index of the node that it is without its conditions; hooks belong to it.
        parent: ``uid`` of its parent, 0 for the root.
        tag: Name of its element.
        category: ``Action``, ``Condition``, ``Control``, ``Decorator`` or ``SubTree``.
        attributes: Names and texts, without ``name``, ``ID`` and those that the protocol adds.
        path: Of a subtree: the names of the subtrees from the root to it, joined by ``/``; of any other empty.
    """

    uid: int
    outer: int
    inner: int
    parent: int
    tag: str
    category: str
    attributes: tuple[tuple[str, str], ...]
    path: str = ""


@dataclass(frozen=True)
class ShownTree:
    """What a monitor sees of a tree.

    Attributes:
        tree: The tree.
        nodes: What is seen, by ``uid - 1``.
        uids: Index in ``BuiltTree.nodes`` → uid of the node whose status that is, 0 for none.
        kinds: Tag → one node type that has it; wrappers of common keys have none.
        order: All uids in the order of the protocol: tree by tree, the root tree first.
        scopes: Path of each subtree, that of the root tree being its name → scope on the blackboard.
    """

    tree: BuiltTree
    nodes: tuple[ShownNode, ...]
    uids: tuple[int, ...]
    kinds: dict[str, NodeType | None]
    order: tuple[int, ...]
    scopes: dict[str, str]

    def built(self, node: ShownNode) -> BuiltNode:
        """Return the node of the run that a shown node is."""
        return self.tree.nodes[node.inner]

    def uid_of(self, index: int) -> int:
        """Return the uid of a node by its index in ``BuiltTree.nodes``, 0 for what is not shown."""
        return next((node.uid for node in self.nodes if index in (node.inner, node.outer)), 0)

    def blocks(self) -> list[tuple[ShownNode | None, list[ShownNode]]]:
        """Return each tree: the node that uses it, None for the root tree, and its own nodes, all in order."""
        home = [0] * (len(self.nodes) + 1)
        found: dict[int, list[ShownNode]] = {0: []}
        for node in self.nodes:
            above = node.parent
            home[node.uid] = above if above and self.nodes[above - 1].category == "SubTree" else home[above]
            found[home[node.uid]].append(node)
            if node.category == "SubTree":
                found[node.uid] = []
        return [(self.nodes[uid - 1] if uid else None, nodes) for uid, nodes in found.items()]


def show(tree: BuiltTree) -> ShownTree:
    """Return what a monitor sees of a tree.

    Raises:
        GrootError: The tree has more nodes than the protocol has numbers.
    """
    if len(tree.nodes) > MOST_NODES:
        raise GrootError(
            f"the tree has {len(tree.nodes)} nodes, the Groot2 protocol has numbers for {MOST_NODES}\n"
            "  fix:  run it without --groot2"
        )
    return _Shower(tree).run()


class _Shower:
    def __init__(self, tree: BuiltTree) -> None:
        self.tree = tree
        self.nodes: list[ShownNode] = []
        self.uids = [0] * len(tree.nodes)
        self.inner: set[int] = set()
        self.hidden: set[int] = set()
        self.below: list[list[BuiltNode]] = [[] for _ in tree.nodes]
        for built in tree.nodes:
            if built.parent >= 0:
                self.below[built.parent].append(built)
        self.tags: dict[str, tuple[str, str]] = {}
        self.kinds: dict[str, NodeType | None] = {}
        self.paths: dict[int, str] = {}
        self.used = {tree.spec.name}

    def run(self) -> ShownTree:
        above: list[int] = []
        count = [0] * (len(self.tree.nodes) + 1)
        for built in self.tree.nodes:
            parent = above[built.parent] if built.parent >= 0 else 0
            above.append(self._number(built, parent))
            if above[-1] != parent:
                count[parent] += 1
        self.nodes = [self._named(node, count[node.uid]) for node in self.nodes]
        shown = ShownTree(self.tree, tuple(self.nodes), tuple(self.uids), self.kinds, (), self._scopes())
        return replace(shown, order=tuple(node.uid for _, nodes in shown.blocks() for node in nodes))

    def _number(self, built: BuiltNode, parent: int) -> int:
        """Give a node its number, and return which shown node it is, or that of its parent where it is not shown."""
        index = built.index
        if built.parent in self.hidden or index in self.hidden:
            self.hidden.add(index)
            return parent
        if index in self.inner:  # seen already, as what stands around it
            return parent
        inner = self._fold(built)
        uid = len(self.nodes) + 1
        self.nodes.append(ShownNode(uid, index, inner, parent, "", "", ()))
        self.uids[index] = uid
        return uid

    def _fold(self, built: BuiltNode) -> int:
        """Return the node inside wrappers that are attributes in BehaviorTree.CPP, else the index itself."""
        if not is_wrapper(built) or not _is_as_there(built) or built.type == _GROWN:
            return built.index
        at = built
        here = built.path.rpartition("#")[0]
        while is_wrapper(at) and at.type != _GROWN:
            wrapped, others = None, []
            for each in self.below[at.index]:
                if each.path == here or (is_wrapper(each) and each.path.rpartition("#")[0] == here):
                    wrapped = each
                else:
                    others.append(each.index)
            assert wrapped is not None, "a wrapper has what it wraps below it"
            self.hidden.update(others)
            self.inner.add(wrapped.index)
            at = wrapped
        return at.index

    def _named(self, node: ShownNode, children: int) -> ShownNode:
        outer, built = self.tree.nodes[node.outer], self.tree.nodes[node.inner]
        attributes = attributes_of(built) + (conditions_of(outer) if outer is not built else ())
        if not is_wrapper(built) and built.spec.uses is not None and children == 1:
            path = self._path(node, built)
            self.paths[node.uid] = path
            return replace(node, tag="SubTree", category="SubTree", attributes=attributes, path=path)
        self.paths[node.uid] = self.paths.get(node.parent, "")
        base = "Control" if built.type == "hooks" else "Decorator" if is_wrapper(built) else _category(built)
        fits = _fitting(base, children)
        tag = self._tag(built, fits, "" if fits == base else f"_{fits.lower()}")
        return replace(node, tag=tag, category=fits, attributes=attributes)

    def _path(self, node: ShownNode, built: BuiltNode) -> str:
        above = self.paths.get(node.parent, "")
        uses = built.spec.uses
        unnamed = f"{uses.name if uses is not None else built.name}::{node.uid}"
        name = built.spec.name if built.spec.name not in ("", built.type) else unnamed
        path = clean(f"{above}/{name}" if above else name).replace(";", ",")
        if path in self.used:
            path = f"{path}::{node.uid}"
        self.used.add(path)
        return path

    def _tag(self, built: BuiltNode, fits: str, suffix: str) -> str:
        """Return the name of an element: one for each type key and category, and of each one only."""
        kind = None if is_wrapper(built) else built.spec.kind
        key = built.type if kind is None or kind.dialect in ("bt", "nav2", "stub") else built.type.replace(".", "_")
        stem = _NO_LETTER.sub("_", id_of(key) if kind is not None else key) + suffix
        stem = f"_{stem}" if not stem[:1].isalpha() or stem in TAKEN or stem.lower().startswith("xml") else stem
        tag, number = stem, 1
        while self.tags.setdefault(tag, (built.type, fits)) != (built.type, fits):
            number += 1
            tag = f"{stem}_{number}"
        self.kinds.setdefault(tag, kind)
        return tag

    def _scopes(self) -> dict[str, str]:
        found = {self.tree.spec.name: ""}
        for node in self.nodes:
            if node.category == "SubTree":
                path = self.tree.nodes[node.inner].path
                found[node.path] = self.tree.scopes.get(path, path)
        return found


def is_wrapper(built: BuiltNode) -> bool:
    """Tell whether a node stands for common keys of the node that it wraps."""
    return "#" in built.path.rpartition("/")[2]


def _is_as_there(built: BuiltNode) -> bool:
    """Tell whether all common keys of a node are such that BehaviorTree.CPP has as attributes."""
    spec = built.spec
    return all(key in CONDITIONS.values() and isinstance(value, Program) for key, value in spec.common.items()) and all(
        key in HOOKS.values()
        and hook.type == "bt.Script"
        and isinstance(hook.values.get("code"), Program)
        and not (hook.common or hook.hooks)
        for key, hook in spec.hooks.items()
    )


def _category(built: BuiltNode) -> str:
    kind = built.spec.kind
    if built.type == SUBTREE or kind.model == "subtree":
        return "Action"  # declared only: there is no tree behind it
    return "Control" if kind.listed is not None or len(kind.single) > 1 else category(kind)


def _fitting(base: str, children: int) -> str:
    """Return the category that allows a number of children, the usual one where that does."""
    if not children:
        return base if base in ("Action", "Condition") else "Action"
    if children == 1:
        return base if base in ("Decorator", "Control") else "Decorator"
    return "Control"
