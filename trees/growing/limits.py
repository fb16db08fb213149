"""How much may grow, and how deep: a tree that grows itself would never end."""

from __future__ import annotations

from typing import Final

from ..builder import grows
from ..spec import TreeSpec

MOST_TEXT: Final = 100_000
"""Characters of a text that may grow."""
MOST_NODES: Final = 500
"""Nodes of it, those of the trees that it uses included."""
DEEPEST: Final = 3
"""So many nodes that grow may stand one below what grew of the other."""
_USES: Final = 64


def above(tree: TreeSpec, path: str) -> tuple[TreeSpec, ...]:
    """Return the trees that a node of a run stands in, the outermost first."""
    way, node, prefix = [tree], tree.root, ""
    while True:
        below = (each for each in node.walk() if each.uses is not None and path.startswith(f"{prefix}{each.path}/"))
        here = next(below, None)
        if here is None or here.uses is None:
            return tuple(way)
        way.append(here.uses)
        prefix, node = f"{prefix}{here.path}/", here.uses.root


def too_large(branch: TreeSpec) -> str:
    """Return that a tree has too many nodes; empty when it has not."""
    count, waiting = 0, [(branch.root, 0)]
    while waiting:
        node, deep = waiting.pop()
        for each in node.walk():
            count += 1
            if each.uses is not None and deep < _USES:
                waiting.append((each.uses.root, deep + 1))
            if count > MOST_NODES:
                return f"{branch.file} has more than {MOST_NODES} nodes, which is too many to grow at run time"
    return ""


def too_deep(branch: TreeSpec, way: tuple[TreeSpec, ...], levels: int) -> str:
    """Return that a tree would grow itself, or grows too deep; empty when it does not.

    Args:
        branch: What shall grow.
        way: The trees that the node stands in which it shall grow below, the outermost first.
        levels: How many nodes that grow stand above it, itself included.
    """
    used = _used(branch)
    inside = sorted({each.type for tree in used for each in tree.walk() if grows(each)})
    around = {tree.name for tree in way}
    again = next((tree for tree in used[1:] if tree.name in around), None)
    if again is not None:
        return f"{branch.file} uses {again.name!r}, the tree in which it grows: that would never end"
    if inside and levels >= DEEPEST:
        return (
            f"{branch.file} has nodes that grow ({', '.join(inside)}) below {levels} others: that might never end\n"
            f"  fix:  let at most {DEEPEST} of them stand below each other"
        )
    return ""


def _used(tree: TreeSpec) -> list[TreeSpec]:
    """Return a tree and all trees that it uses, each use once."""
    found, waiting = [tree], [tree]
    seen = {id(tree)}
    while waiting:
        for node in waiting.pop().walk():
            if node.uses is not None and id(node.uses) not in seen:
                seen.add(id(node.uses))
                found.append(node.uses)
                waiting.append(node.uses)
    return found
