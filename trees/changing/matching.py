"""Which nodes of an edited branch are those of the branch before, wherever they stand now."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

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
    _match(new, old, prefix, pairs)
    found = {path: pairs.get(path, "") for path, _ in nodes_of(new, prefix)}
    return {path: was for path, was in found.items() if path != was}


def _match(new: NodeSpec, old: NodeSpec, prefix: str, pairs: dict[str, str]) -> None:
    if _whole(new) == _whole(old):
        pairs.update(zip((p for p, _ in nodes_of(new, prefix)), (p for p, _ in nodes_of(old, prefix)), strict=True))
        return
    if fingerprint(new) != fingerprint(old):
        return
    pairs[prefix + new.path] = prefix + old.path
    for key in new.parts.keys() & old.parts.keys():
        _match(new.parts[key], old.parts[key], prefix, pairs)
    for key in new.hooks.keys() & old.hooks.keys():
        _match(new.hooks[key], old.hooks[key], prefix, pairs)
    before, after = [_whole(child) for child in old.children], [_whole(child) for child in new.children]
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what in ("equal", "replace"):
            for one, other in zip(new.children[k:m], old.children[i:j], strict=False):
                _match(one, other, prefix, pairs)
    if new.uses is not None and old.uses is not None and prefix + new.path == prefix + old.path:
        _match(new.uses.root, old.uses.root, f"{prefix}{new.path}/", pairs)


def _whole(node: NodeSpec) -> str:
    """Return a text that is equal for nodes that are equal with everything below them."""
    inner = [_whole(each) for each in (*node.parts.values(), *node.children, *node.hooks.values())]
    if node.uses is not None:
        inner.append(_whole(node.uses.root))
    return f"{fingerprint(node)}({','.join(inner)})"
