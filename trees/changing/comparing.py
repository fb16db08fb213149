"""What an edit left as it was: nodes of two checked trees, paired by path and compared without their positions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from ..builder import class_of, grows
from ..formulas.scripts import Script
from ..spec import Computed, Literal, NodeSpec, Program, Reference, Template, TreeSpec

Answers = Callable[[str, list[str] | None], bool]
"""Tells of the old node at a path whether a new one can go on in its place. Given are the paths its children had before
where these are not the same ones in the same order, None where only something further below differs."""


class Comparison:
    """Pair the nodes of an edited tree with those of the tree that runs.

    A node has a pair when the node at its path has the same type, class, name, ports and common keys, all nodes above
    have pairs too, and it can go on with the children it has now.

    Args:
        new: The edited tree.
        old: The tree that runs.
        origins: New path → old path of nodes that an edit moved, empty for nodes it added; every other node is looked
            for at its own path.
        goes_on: Tells whether an old node can go on with something else below.

    Attributes:
        pairs: New path → old path of all pairs, without wrappers.
        whole: New paths of pairs with nothing different below, hooks included.
        bare: New paths of pairs with nothing different below, whatever their hooks are.
    """

    def __init__(self, new: TreeSpec, old: TreeSpec, origins: Mapping[str, str], goes_on: Answers) -> None:
        self.pairs: dict[str, str] = {}
        self.whole: set[str] = set()
        self.bare: set[str] = set()
        self._origins, self._goes_on = origins, goes_on
        if self._origin(new.root.path) == old.root.path:
            self._pair(new.root, old.root, "", "")

    def _origin(self, path: str) -> str:
        return self._origins.get(path, path)

    def _pair(self, new: NodeSpec, old: NodeSpec, new_prefix: str, old_prefix: str) -> bool:
        """Pair two nodes and what is below; tell whether nothing differs."""
        path, was = new_prefix + new.path, old_prefix + old.path
        if own_of(new) != own_of(old):
            return False
        before = [old_prefix + child.path for child in old.children]
        after = [self._origin(new_prefix + child.path) for child in new.children]
        if before != after and not self._goes_on(was, after):
            return False
        first = len(self.pairs)
        self.pairs[path] = was
        same = before == after
        by_path = dict(zip(before, old.children, strict=True))
        for child, origin in zip(new.children, after, strict=True):
            same &= origin in by_path and self._pair(child, by_path[origin], new_prefix, old_prefix)
        for key, part in new.parts.items():
            same &= self._met(part, old.parts[key], new_prefix, old_prefix)
        if new.uses is not None and old.uses is not None:
            same &= self._met(new.uses.root, old.uses.root, f"{path}/", f"{was}/")
        if same or grows(new):  # a leaf stays what it is, whatever grew beside it
            self.bare.add(path)
        elif not self._goes_on(was, None):
            self._part(first)
            return False
        for key, hook in new.hooks.items():
            same &= self._met(hook, old.hooks[key], new_prefix, old_prefix)
        if same:
            self.whole.add(path)
        return same

    def _part(self, first: int) -> None:
        """Undo all pairs from one on."""
        for path in list(self.pairs)[first:]:
            del self.pairs[path]
            self.whole.discard(path)
            self.bare.discard(path)

    def _met(self, new: NodeSpec, old: NodeSpec, new_prefix: str, old_prefix: str) -> bool:
        there = self._origin(new_prefix + new.path) == old_prefix + old.path
        return there and self._pair(new, old, new_prefix, old_prefix)


def own_of(spec: NodeSpec) -> tuple[object, ...]:
    """Return what a node is without the nodes below it and without positions; equal for equal nodes."""
    return (
        spec.type,
        class_of(spec),
        spec.name,
        _named(spec.values),
        _named(spec.common),
        set(spec.hooks),
        set(spec.parts),
        None if spec.uses is None else _header(spec.uses),
    )


def fingerprint(spec: NodeSpec) -> str:
    """Return a short text that is equal for nodes that are equal, see ``own_of``, in any process."""
    return hashlib.sha256(repr(_ordered(own_of(spec))).encode()).hexdigest()[:16]


def _ordered(value: object) -> object:
    """Return a value whose ``repr`` depends on what it is alone."""
    if isinstance(value, Mapping):
        return [(key, _ordered(value[key])) for key in sorted(value)]
    if isinstance(value, list | tuple):
        return [_ordered(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return value.source if isinstance(value, Script) else value


def _header(tree: TreeSpec) -> tuple[object, ...]:
    inputs = [
        (i.name, i.type, _plain(i.default) if i.default is not None else None, i.choices, i.minimum, i.maximum)
        for i in tree.inputs
    ]
    return tree.name, inputs, [(o.name, o.type) for o in tree.outputs], tree.dialect, _named(tree.params)


def _named(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    """Return a value without positions; numbers of different types are different."""
    if isinstance(value, Literal):
        return "=", _plain(value.value)
    if isinstance(value, Reference):
        return "$", str(value)
    if isinstance(value, Template):
        return "template", [_plain(part) for part in value.parts]
    if isinstance(value, Computed):
        return "expression", value.expression.source
    if isinstance(value, Program):
        return "script", value.script
    if isinstance(value, list | tuple):
        return type(value), [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return "mapping", _named(value)
    return type(value), value
