"""What the language knows of a node type: ports, kind, how control flows through it, whether it sees, what it moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from .._base import UnknownNameError
from ..behaviors.node import NODES
from ..behaviors.ports import COMMON_KEYS, CONDITION_KEYS, HOOK_KEYS, Port

TWO_WAY: Final = ("retry", "repeat", "timeout")
"""Node types where their value has ``child``, common keys otherwise."""

BT_TEXT: Final = frozenset(("bt", "nav2", "stub"))
"""Dialects whose ports take the text of BehaviorTree.CPP."""

COMMON_PORTS: Final[Mapping[str, Port]] = {
    "timeout": Port("duration", "duration", "longest time from the first tick", minimum=0.0),
    "retry": Port("attempts", "int", "attempts in all", minimum=1),
    "repeat": Port("times", "int", "successes in all; -1 repeats until failure", minimum=-1),
    "when": Port("condition", "expression", "runs the node only if it is true"),
    "skip_if": Port("condition", "expression", "skips the node if it is true"),
    "success_if": Port("condition", "expression", "succeeds without running the node if it is true"),
    "failure_if": Port("condition", "expression", "fails without running the node if it is true"),
    "while": Port("condition", "expression", "halts and skips the node when it becomes false"),
}
"""Common keys with a value; the hooks (``HOOK_KEYS``) hold nodes, ``meta`` a mapping of texts."""

assert set(COMMON_KEYS) == {"name", "about", "meta", *COMMON_PORTS, *HOOK_KEYS}
assert set(CONDITION_KEYS) < set(COMMON_PORTS)


@dataclass(frozen=True)
class NodeType:
    """One node type.

    Attributes:
        name: Type key as authors write it.
        kind: ``leaf``, ``composite`` or ``decorator``.
        ports: Port name → port, in the order they are declared.
        visual: True when it asks about a picture.
        skills: What it needs of the robot.
        limb: What it commands.
        flow: How control passes its children; see ``FLOWS`` of ``behaviors/flow.py``. Empty for leaves.
        reactive: True for composites that look at earlier children again in each tick.
        open: True when the author may give ports that are not declared; their type is ``any``, their direction inout.
        dialect: Empty for ours, else the prefix: ``pt``, ``bt``, ``nav2``; ``stub`` for a node a file declares.
        model: For declared nodes: ``action``, ``condition``, ``control``, ``decorator`` or ``subtree``.
        cls: The class that is built, None for a declared node.
        asks: True when it asks a model anything, with a picture or without one.
    """

    name: str
    kind: str
    ports: Mapping[str, Port]
    visual: bool = False
    skills: frozenset[str] = frozenset()
    limb: str = ""
    flow: str = ""
    reactive: bool = False
    open: bool = False
    dialect: str = ""
    model: str = ""
    cls: type | None = field(default=None, compare=False)
    asks: bool = False

    @property
    def main(self) -> Port | None:
        """The port that a bare scalar goes to."""
        return next((port for port in self.ports.values() if port.main), None)

    @property
    def mocked(self) -> bool:
        """True when a mock stands in for the node; see ``mocking/apply.py``."""
        return "mock.does" in self.ports

    @property
    def listed(self) -> Port | None:
        """The port of a list of nodes."""
        return next((port for port in self.ports.values() if port.type == "nodes"), None)

    @property
    def single(self) -> tuple[Port, ...]:
        """The ports of one node each."""
        return tuple(port for port in self.ports.values() if port.type == "node")


def node_type(name: str) -> NodeType | None:
    """Return the registered node type called ``name``, None when there is none."""
    try:
        cls = NODES.get(name)
    except UnknownNameError:
        return None
    return describe(name, cls)


@lru_cache(maxsize=4096)
def describe(name: str, cls: type) -> NodeType:
    """Return what a node class declares, under the type key ``name``."""
    ports: Iterable[Port] = getattr(cls, "ports", ())
    prefix, dot, _ = name.partition(".")
    return NodeType(
        name,
        str(getattr(cls, "kind", "leaf")),
        {port.name: port for port in ports},
        bool(getattr(cls, "visual", False)),
        frozenset(getattr(cls, "skills", ())),
        str(getattr(cls, "limb", "")),
        str(getattr(cls, "flow", "")),
        bool(getattr(cls, "reactive", False)),
        bool(getattr(cls, "open_ports", False)),
        prefix if dot else "",
        "",
        cls,
        bool(getattr(cls, "visual", False) or getattr(cls, "asks", False)),
    )
