"""The node types that a file may name: the registered ones, and those that it or an included file declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..._base import near_misses, slips
from ...behaviors.node import NODES
from ..node_types import NodeType, node_type
from ..reading.document import Item, Items, Pairs

_GUESSES: Final = 300
"""Unknown names of one file that get a guess; comparing more would take minutes in a hostile file."""


class NodeNames:
    """The node types known in one file.

    Args:
        declared: Nodes of the header key ``nodes``, by type key.
    """

    def __init__(self, declared: Mapping[str, NodeType] | None = None) -> None:
        self.declared: Mapping[str, NodeType] = declared or {}
        self._found: dict[str, NodeType | None] = {}
        self._guesses: dict[str, tuple[str, ...]] = {}

    def find(self, name: str) -> NodeType | None:
        """Return the node type called ``name``, None when there is none."""
        try:
            return self._found[name]
        except KeyError:
            kind = self._found[name] = self.declared.get(name) or node_type(name)
            return kind

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    def near(self, name: str, value: Item | None = None) -> tuple[str, ...]:
        """Return the node types that ``name`` may mean, closest first; of equally close ones those that fit.

        Args:
            name: What was written.
            value: What stands below it.
        """
        if name not in self._guesses and len(self._guesses) < _GUESSES:
            self._guesses[name] = near_misses(name, {*NODES, *self.declared}, limit=6)

        def strange(other: str) -> int:
            kind = self.find(other)
            return 0 if kind is None else _misfit(kind, value)

        return tuple(sorted(self._guesses.get(name, ()), key=lambda each: (slips(name, each), strange(each))))[:3]

    def subtree(self, name: str) -> NodeType | None:
        """Return the declaration of the subtree whose ID is ``name``."""
        for key in (name, f"stub.{name}"):
            kind = self.declared.get(key)
            if kind is not None and kind.model == "subtree":
                return kind
        return None


def _misfit(kind: NodeType, value: Item | None) -> int:
    """Return how badly what stands below a type key fits a node type; 0 is well."""
    if isinstance(value, Pairs):
        return sum(key.text not in kind.ports for key, _ in value)
    if isinstance(value, Items):
        return int(kind.listed is None)
    if value is not None and not value.is_null:
        return int(kind.main is None)
    return int(any(port.required for port in kind.ports.values()))
