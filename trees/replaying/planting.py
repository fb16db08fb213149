"""A checked tree with its leaves replaced by those that play a tape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..builder import class_of, grows
from ..recursion import deep_recursion
from ..spec import NodeSpec, Program, TreeSpec
from .leaves import class_for
from .noting import shape_of_class, way_of
from .tape import LeafNote


def planted(tree: TreeSpec, note_of: Callable[[str, NodeSpec], LeafNote]) -> TreeSpec:
    """Return a tree whose leaves are played.

    Args:
        tree: The tree.
        note_of: Gives, for path and description of a leaf, what a trace says of it.
    """

    def node(spec: NodeSpec, prefix: str) -> NodeSpec:
        path = prefix + spec.path
        if str(getattr(class_of(spec), "kind", "leaf")) == "leaf":
            return leaf(spec, path)
        uses = spec.uses
        return replace(
            spec,
            parts=each(spec.parts, prefix),
            children=tuple(node(child, prefix) for child in spec.children),
            hooks=each(spec.hooks, prefix),
            uses=None if uses is None else replace(uses, root=node(uses.root, f"{path}/")),
        )

    def leaf(spec: NodeSpec, path: str) -> NodeSpec:
        read = tuple(sorted(name for name, value in spec.values.items() if not isinstance(value, Program)))
        prefix = path.removesuffix(spec.path)
        hooked = replace(spec, hooks=each(spec.hooks, prefix))
        cls = class_for(replace(spec.kind, cls=class_of(spec)), note_of(path, spec), read)
        if cls is None:
            return hooked
        below = tuple(node(child, prefix) for child in spec.children) if grows(spec) else ()
        return replace(hooked, kind=replace(spec.kind, cls=cls), children=below, parts={}, uses=None)

    def each(nodes: Mapping[str, NodeSpec], prefix: str) -> dict[str, NodeSpec]:
        return {key: node(spec, prefix) for key, spec in nodes.items()}

    with deep_recursion():
        return replace(tree, root=node(tree.root, ""))


def note_for(spec: NodeSpec) -> LeafNote:
    """Return how a leaf is played of which no trace says anything: by its class."""
    cls: Any = class_of(spec)
    return LeafNote(way_of(cls), shape_of_class(cls), str(getattr(cls, "limb", "")))
