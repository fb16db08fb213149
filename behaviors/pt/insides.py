"""What stands below an instance of a py_trees class: nodes that it made for itself, and nodes of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..step import FAILURE, Steps


def reason_of(node: Any) -> str:
    """Return what a node says that failed; behind it, where it is py_trees' own, why its child did."""
    said: str = node.feedback_message
    if isinstance(node, Steps):
        return said
    child = getattr(node, "current_child", None)
    if child is None or child.status is not FAILURE:
        child = next((c for c in reversed(node.children) if c.status is FAILURE), None)
    why = (reason_of(child) or f"{child.name} failed") if child is not None else ""
    if said and why and why not in said:
        return f"{said}: {why}"
    return said or why


def own_nodes(node: Any) -> Iterator[Any]:
    """Yield an instance and what it has made for itself below, children first; not the nodes of the tree."""
    for child in node.children:
        if not isinstance(child, Steps):
            yield from own_nodes(child)
    yield node
