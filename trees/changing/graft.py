"""Put a node into a tree or take one out of it: the edited description, and where each node of it stood before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from ..._base import KnotholeError, UnknownNameError
from ..builder import BuiltTree, grows
from ..recursion import deep_recursion
from ..spec import NodeSpec, TreeSpec
from .matching import matched, nodes_of
from .reload import Reloaded, base_of, reload

_Change = Callable[[NodeSpec, str], list[NodeSpec]]
"""Gives the children that a node at a path has from now on."""


class GraftError(KnotholeError):
    """A node cannot be put there, or cannot be taken out."""


class Edit(NamedTuple):
    """An edited tree.

    Attributes:
        spec: The tree.
        origins: New path → old path of the nodes whose path is another one now; empty for nodes that are new.
    """

    spec: TreeSpec
    origins: dict[str, str]


def graft(built: BuiltTree, parent: str, branch: TreeSpec, position: int | None = None) -> Reloaded:
    """Put the root node of a tree below a node between two ticks; everything that runs goes on.

    Args:
        built: The tree that runs.
        parent: Path of a node with a list of children.
        branch: A checked tree. Its entries, inputs and outputs are the entries of those names in the tree around.
        position: Index among the children, from 0; the last one if left out.

    Raises:
        UnknownNameError: No node has this path.
        GraftError: The node has no list of children, the position does not exist, or the branch sets params or
            defaults of inputs.
    """
    return reload(built, *grafted(built.spec, parent, branch, position))


def prune(built: BuiltTree, path: str) -> Reloaded:
    """Take a node and everything below it out of a tree between two ticks; what runs there is halted.

    Raises:
        UnknownNameError: No node has this path.
        GraftError: It is the root, it is not one of a list of children, or it has no siblings.
    """
    return reload(built, *pruned(built.spec, path))


def grafted(tree: TreeSpec, parent: str, branch: TreeSpec, position: int | None = None) -> Edit:
    """Return a tree with the root node of another one below a node; see ``graft``."""
    if branch.params or any(entry.default is not None for entry in branch.inputs):
        what = "params" if branch.params else "a default of an input"
        raise GraftError(
            f"cannot graft {branch.name}: it declares {what}, and has no blackboard of its own there\n"
            f"  fix:  graft a tree whose root is `use: {branch.name}`"
        )

    def change(node: NodeSpec, path: str) -> list[NodeSpec]:
        count = len(node.children)
        if node.kind.listed is None:
            raise GraftError(
                f"cannot graft below {path}: {node.type} has no list of children\n"
                "  fix:  name a node with such a list, as sequence, selector and parallel have"
            )
        at = count if position is None else position
        if not 0 <= at <= count:
            raise GraftError(
                f"cannot graft at position {at} below {path}: it has {count} children\n"
                f"  fix:  give a position from 0 to {count}"
            )
        return [*node.children[:at], branch.root, *node.children[at:]]

    return _edited(tree, base_of(parent), change)


def grown(tree: TreeSpec, path: str, branch: NodeSpec, keep: bool = False) -> Edit:
    """Return a tree in which a node has another one below it, in the place of what grew there before.

    Args:
        tree: The tree.
        path: Path of a leaf that grows.
        branch: The node, with the paths of its own tree.
        keep: What stands at a place where a node stood before counts as that node; else everything is new.

    Raises:
        UnknownNameError: No node has this path.
    """
    path = base_of(path)
    edit = _edited(tree, path, lambda node, here: [branch])
    old, new = grown_in(tree).get(path), grown_in(edit.spec).get(path)
    if not keep or old is None or new is None:
        return edit
    prefix = path.removesuffix(old.path.rpartition("/")[0])
    with deep_recursion():
        return edit._replace(origins=matched(new, old, prefix))


def grown_in(tree: TreeSpec) -> dict[str, NodeSpec]:
    """Return path of a leaf that grows → what grew below it, the outer ones first."""
    with deep_recursion():
        return {path: node.children[0] for path, node in nodes_of(tree.root, "") if node.children and grows(node)}


def pruned(tree: TreeSpec, path: str) -> Edit:
    """Return a tree without a node; see ``prune``."""
    path = base_of(path)
    if path == tree.root.path:
        raise GraftError(f"cannot prune {path}: it is the root\n  fix:  end the run, or reload another tree")
    with deep_recursion():
        known = dict(nodes_of(tree.root, ""))
    if path not in known:
        raise _unknown(tree, path)
    above = next(
        (
            each
            for each, spec in known.items()
            for child in spec.children
            if each + child.path[len(spec.path) :] == path
        ),
        None,
    )
    if above is None or known[above].kind.listed is None:
        raise GraftError(
            f"cannot prune {path}: the node above it needs it\n"
            "  fix:  prune the node above, or graft another one beside that first"
        )

    def change(node: NodeSpec, here: str) -> list[NodeSpec]:
        if len(node.children) == 1:
            raise GraftError(f"cannot prune {path}: it is the only child of {here}\n  fix:  prune {here}")
        return [child for child in node.children if here + child.path[len(node.path) :] != path]

    return _edited(tree, above, change)


def _edited(tree: TreeSpec, target: str, change: _Change) -> Edit:
    origins: dict[str, str] = {}
    with deep_recursion():
        root = _changed(tree.root, "", target, change, origins)
    if root is None:
        raise _unknown(tree, target)
    return Edit(replace(tree, root=root), origins)


def _unknown(tree: TreeSpec, path: str) -> UnknownNameError:
    with deep_recursion():
        known = [each for each, _ in nodes_of(tree.root, "")]
    return UnknownNameError("node path", path, known, "use a path of `knothole draw`")


def _changed(node: NodeSpec, prefix: str, target: str, change: _Change, origins: dict[str, str]) -> NodeSpec | None:
    """Return a node with the change somewhere in it, None where the target is elsewhere."""
    path = prefix + node.path
    if path == target:
        return _with_children(node, prefix, change(node, path), origins)
    if not target.startswith((f"{path}/", f"{path}#")):
        return None
    for key, part in node.parts.items():
        new = _changed(part, prefix, target, change, origins)
        if new is not None:
            return replace(node, parts=MappingProxyType({**node.parts, key: new}))
    for key, hook in node.hooks.items():
        new = _changed(hook, prefix, target, change, origins)
        if new is not None:
            return replace(node, hooks=MappingProxyType({**node.hooks, key: new}))
    for at, child in enumerate(node.children):
        new = _changed(child, prefix, target, change, origins)
        if new is not None:
            return replace(node, children=(*node.children[:at], new, *node.children[at + 1 :]))
    if node.uses is not None:
        new = _changed(node.uses.root, f"{path}/", target, change, origins)
        if new is not None:
            return replace(node, uses=replace(node.uses, root=new))
    return None


def _with_children(node: NodeSpec, prefix: str, children: list[NodeSpec], origins: dict[str, str]) -> NodeSpec:
    """Return a node with other children: numbers of siblings with one type key begin anew, as when a file is read."""
    old = {id(child) for child in (*node.parts.values(), *node.children)}
    kids = [*node.parts.values(), *children]
    keys = [_key(kid) for kid in kids]
    counts, seen = Counter(keys), Counter[str]()
    new: list[NodeSpec] = []
    for kid, key in zip(kids, keys, strict=True):
        seen[key] += 1
        named = _renamed(kid, kid.path, f"{node.path}/{key}" + (f"[{seen[key]}]" if counts[key] > 1 else ""))
        before = [path for path, _ in nodes_of(kid, prefix)]
        after = [path for path, _ in nodes_of(named, prefix)]
        if id(kid) not in old:
            origins.update(dict.fromkeys(after, ""))
        elif named.path != kid.path:
            origins.update(zip(after, before, strict=True))
        new.append(named)
    count = len(node.parts)
    return replace(node, parts=MappingProxyType(dict(zip(node.parts, new, strict=False))), children=tuple(new[count:]))


def _key(node: NodeSpec) -> str:
    """Return the type key as the author wrote it."""
    return re.sub(r"\[\d+\]$", "", node.path.rpartition("/")[2])


def _renamed(node: NodeSpec, old: str, new: str) -> NodeSpec:
    """Return a node, and everything below it in its tree, with another beginning of its path."""
    return replace(
        node,
        path=new + node.path[len(old) :],
        parts=MappingProxyType({key: _renamed(each, old, new) for key, each in node.parts.items()}),
        children=tuple(_renamed(each, old, new) for each in node.children),
        hooks=MappingProxyType({key: _renamed(each, old, new) for key, each in node.hooks.items()}),
    )
