"""Which nodes of an edited branch are those of the branch before, wherever they stand now."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from ..recursion import deep_recursion
from ..spec import NodeSpec
from .comparing import fingerprint


def nodes_of(node: NodeSpec, prefix: str) -> Iterator[tuple[str, NodeSpec]]:
    """Yield path in the run and description of a node and all below it, also in used trees."""
    path = prefix + node.path
    yield path, node
    for below in (*node.parts.values(), *node.children, *node.hooks.values()):
        yield from nodes_of(below, prefix)
    if node.uses is not None:
        yield from nodes_of(node.uses.root, f"{path}/")


def matched(new: NodeSpec, old: NodeSpec, prefix: str) -> dict[str, str]:
    """Return new path → old path of the nodes that moved, empty for nodes that are new, as ``reload`` takes it.

    Children of nodes that are the same but for them are compared as lines of a text are: what is equal, with all below
    it, is the same node, in the order in which it stands.

    Args:
        new: The branch now.
        old: The branch before.
        prefix: What their paths begin with in the run.
    """
    pairs: dict[str, str] = {}
    _match(new, old, prefix, prefix, pairs)
    found = {path: pairs.get(path, "") for path, _ in nodes_of(new, prefix)}
    return {path: was for path, was in found.items() if path != was}


def moved(new: NodeSpec, old: NodeSpec) -> dict[str, str]:
    """Return what ``matched`` does of a tree whose file was edited, by its roots.

    A node for which none was found there is looked for at its own path, where no other one stood there before.
    """
    with deep_recursion():
        found = matched(new, old, "")
    taken = set(found.values())
    return {path: was for path, was in found.items() if was or path in taken}


def _match(new: NodeSpec, old: NodeSpec, here: str, there: str, pairs: dict[str, str]) -> None:
    """Pair two nodes and what is below; ``here`` and ``there`` are what their paths begin with."""
    if _whole(new) == _whole(old):
        pairs.update(zip((p for p, _ in nodes_of(new, here)), (p for p, _ in nodes_of(old, there)), strict=True))
        return
    if fingerprint(new) != fingerprint(old):
        return
    pairs[here + new.path] = there + old.path
    for key in new.parts.keys() & old.parts.keys():
        _match(new.parts[key], old.parts[key], here, there, pairs)
    for key in new.hooks.keys() & old.hooks.keys():
        _match(new.hooks[key], old.hooks[key], here, there, pairs)
    before, after = [_whole(child) for child in old.children], [_whole(child) for child in new.children]
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what in ("equal", "replace"):
            for one, other in zip(new.children[k:m], old.children[i:j], strict=False):
                _match(one, other, here, there, pairs)
    if new.uses is not None and old.uses is not None:
        _match(new.uses.root, old.uses.root, f"{here}{new.path}/", f"{there}{old.path}/", pairs)


def _whole(node: NodeSpec) -> str:
    """Return a text that is equal for nodes that are equal with everything below them."""
    inner = [_whole(each) for each in (*node.parts.values(), *node.children, *node.hooks.values())]
    if node.uses is not None:
        inner.append(_whole(node.uses.root))
    return f"{fingerprint(node)}({','.join(inner)})"
