"""What the checker knows of a node type, read from its class: ports, kind, whether it sees, what it moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..._base import UnknownNameError
from ...behaviors.node import NODES
from ...behaviors.ports import COMMON_KEYS, Port

COMMON_NOW: Final = ("name", "about", "timeout", "retry", "repeat", "when", "skip_if")
COMMON_LATER: Final = tuple(key for key in COMMON_KEYS if key not in COMMON_NOW)
TWO_WAY: Final = ("retry", "repeat", "timeout")
"""Node types where their value has ``child``, common keys otherwise."""

COMMON_PORTS: Final[Mapping[str, Port]] = {
    "timeout": Port("duration", "duration", "longest time from the first tick", minimum=0.0),
    "retry": Port("attempts", "int", "attempts in all", minimum=1),
    "repeat": Port("times", "int", "successes in all; -1 repeats until failure", minimum=-1),
    "when": Port("condition", "expression", "runs the node only if it is true"),
    "skip_if": Port("condition", "expression", "skips the node if it is true"),
}


@dataclass(frozen=True)
class NodeType:
    """One node type.

    Attributes:
        name: Type key.
        kind: ``leaf``, ``composite`` or ``decorator``.
        ports: Port name → port, in the order they are declared.
        visual: True when it asks about a picture.
        skills: What it needs of the robot.
        limb: What it commands.
    """

    name: str
    kind: str
    ports: Mapping[str, Port]
    visual: bool = False
    skills: frozenset[str] = frozenset()
    limb: str = ""

    @property
    def main(self) -> Port | None:
        """The port that a bare scalar goes to."""
        return next((port for port in self.ports.values() if port.main), None)

    @property
    def listed(self) -> Port | None:
        """The port of a list of nodes."""
        return next((port for port in self.ports.values() if port.type == "nodes"), None)

    @property
    def single(self) -> tuple[Port, ...]:
        """The ports of one node each."""
        return tuple(port for port in self.ports.values() if port.type == "node")

    @property
    def reactive(self) -> bool:
        """True for composites that look at earlier children again in each tick."""
        return self.name.startswith("reactive_")

    @property
    def base(self) -> str:
        """The name without ``reactive_``; ``fallback`` is ``selector``."""
        name = self.name.removeprefix("reactive_")
        return "selector" if name == "fallback" else name


def node_type(name: str) -> NodeType | None:
    """Return the node type called ``name``, None when there is none."""
    try:
        cls = NODES.get(name)
    except UnknownNameError:
        return None
    return _describe(name, cls)


@lru_cache(maxsize=1024)
def _describe(name: str, cls: type) -> NodeType:
    ports: Iterable[Port] = getattr(cls, "ports", ())
    return NodeType(
        name,
        str(getattr(cls, "kind", "leaf")),
        {port.name: port for port in ports},
        bool(getattr(cls, "visual", False)),
        frozenset(getattr(cls, "skills", ())),
        str(getattr(cls, "limb", "")),
    )
