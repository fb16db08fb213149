"""What an item of a tree file is for: that decides whether it is written in braces or below its key."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from ...behaviors.ports import HOOK_KEYS
from ..language.common_grammar import is_common
from ..node_types import node_type
from ..reading.document import Item, Items, Pairs, Scalar


class Kind(Enum):
    """What an item is for."""

    DOCUMENT = "a whole document"
    SECTION = "a mapping of the header, one entry a line"
    DECLARATIONS = "the nodes that a file declares"
    DECLARATION = "one declared node"
    NODE = "a node"
    NODES = "a list of nodes"
    PORTS = "the ports of a node"
    DATA = "anything else"


class Role(NamedTuple):
    """What an item is for; of ports also the names of those that hold nodes, and of those that may hold one."""

    kind: Kind
    nodes: frozenset[str] = frozenset()
    maybe: frozenset[str] = frozenset()


DOCUMENT: Final = Role(Kind.DOCUMENT)
_NODE: Final = Role(Kind.NODE)
_NODES: Final = Role(Kind.NODES)
_DATA: Final = Role(Kind.DATA)
_HEADER: Final = {
    "root": _NODE,
    "inputs": Role(Kind.SECTION),
    "outputs": Role(Kind.SECTION),
    "constants": Role(Kind.SECTION),
    "params": Role(Kind.SECTION),
    "nodes": Role(Kind.DECLARATIONS),
}
_LOAD_TIME: Final = {"for": frozenset({"do"}), "if": frozenset({"then", "else"})}
_CHILDREN: Final = frozenset({"child", "children"})
BLOCK: Final = frozenset({Kind.DOCUMENT, Kind.SECTION, Kind.DECLARATIONS, Kind.NODE, Kind.NODES})
"""What is never written in braces or brackets."""


def below(role: Role, key: Scalar, value: Item) -> Role:
    """Return what the value of a key is for, in a mapping of this role."""
    kind = role.kind
    if kind is Kind.DOCUMENT:
        return _HEADER.get(key.text, _DATA)
    if kind is Kind.DECLARATIONS:
        return Role(Kind.DECLARATION)
    if kind is Kind.DECLARATION and key.text == "ports":
        return Role(Kind.SECTION)
    if kind is Kind.PORTS and key.text in role.nodes:
        return _NODES if isinstance(value, Items) else _NODE
    if kind is Kind.PORTS and key.text in role.maybe and isinstance(value, Pairs):
        return _NODE
    if kind is Kind.NODE:
        if key.text in HOOK_KEYS:
            return _NODE
        if not is_common(key, value):
            return _NODES if isinstance(value, Items) else Role(Kind.PORTS, *_node_ports(key.text))
    return _DATA


def element(role: Role) -> Role:
    """Return what the elements of a list of this role are for."""
    return _NODE if role.kind is Kind.NODES else _DATA


def _node_ports(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ports of a node that hold nodes, and those that hold a value or a node."""
    if name in _LOAD_TIME:
        return _LOAD_TIME[name], frozenset()
    kind = node_type(name)
    if kind is None:
        return _CHILDREN, frozenset()
    ports = kind.ports.values()
    surely = frozenset(port.name for port in ports if port.type in ("node", "nodes"))
    return surely, frozenset(port.name for port in ports if port.or_node)
