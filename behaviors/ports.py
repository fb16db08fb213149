"""Ports: the typed, declared inputs and outputs of a node. What the checker knows of a node, it knows from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PORT_TYPES: Final[tuple[str, ...]] = (
    "text",  # any scalar, as written
    "number",
    "int",
    "bool",  # true or false only
    "duration",  # 20s, 500ms, 2min → seconds
    "length",  # 0.1m, 5cm, 3mm → metres
    "angle",  # 30deg, 0.5rad → radians
    "color",  # a name or "#rrggbb" → (red, green, blue), each from 0 to 1
    "object",  # one grounded object (GroundedObject)
    "objects",  # list of grounded objects
    "pose",
    "point",
    "box",
    "image",  # a camera frame
    "list",  # also list[T] with any value type T, such as list[pose]
    "mapping",
    "any",
    "expression",  # side-effect-free, over blackboard entries
    "script",  # statements in the script language of BehaviorTree.CPP; gives the value of the last one
    "node",  # a nested node
    "nodes",  # nested nodes, in order
    "variable",  # the name of a blackboard entry; out: bound for the child, in: must be set, inout: may be unset
)
VALUE_TYPES: Final[tuple[str, ...]] = tuple(
    t for t in PORT_TYPES if t not in ("expression", "script", "node", "nodes", "variable")
)
"""Types that a blackboard entry can have."""
PortType = str
"""One of ``PORT_TYPES``, or ``list[T]`` with one of ``VALUE_TYPES`` as T."""
Direction = Literal["in", "out", "inout"]

CONDITION_KEYS: Final[tuple[str, ...]] = ("failure_if", "success_if", "skip_if", "when", "while")
"""Common keys that decide, before the node is ticked, whether it is; in the order they are looked at."""
HOOK_KEYS: Final[tuple[str, ...]] = ("on_success", "on_failure", "on_halt", "post", "finally")
"""Common keys that hold a node which is ticked when the node has ended."""


def is_port_type(name: str) -> bool:
    """Tell whether ``name`` is a port type."""
    return name in PORT_TYPES or element_type(name) in VALUE_TYPES


def element_type(name: str) -> str:
    """Return ``T`` of ``list[T]``, ``object`` of ``objects``; empty for anything else."""
    if name.startswith("list[") and name.endswith("]"):
        return name[5:-1]
    return "object" if name == "objects" else ""


COMMON_KEYS: Final[tuple[str, ...]] = (
    "name",
    "about",
    "meta",
    "when",
    "skip_if",
    "while",
    "success_if",
    "failure_if",
    "on_success",
    "on_failure",
    "on_halt",
    "post",
    "finally",
    "timeout",
    "retry",
    "repeat",
)


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


@dataclass(frozen=True)
class Port:
    """One declared input or output.

    Attributes:
        name: Lower-case word; of our own nodes never a common key (``name`` of ``set`` is the one exception).
        type: One of ``PORT_TYPES``, or ``list[T]``.
        about: One sentence for authors: what it means, with unit and frame.
        direction: ``in`` is read, ``out`` is written, ``inout`` both.
        default: Value when the author gives none, already converted (seconds, metres, radians); ``REQUIRED`` if there
            is no default. For an ``out`` port ``None`` means: not written unless bound.
        main: The port that a bare scalar after the type key goes to.
        choices: The only allowed texts, empty for any.
        minimum: Smallest allowed number, in the SI unit of the type.
        maximum: Largest allowed number.
        takes: Of a port of any type, the types of entries that it can use; empty for all.
        names: Of a list of mappings, the key whose value is the name of an entry that is read.
        lists: What the texts of a list name: ``skills``, what may ``never`` happen, ``facts``, or ``alarms``, which may
            also be one text; empty for anything.
        or_node: Whether it takes a nested node as well; that is then in ``Wiring.parts`` and the port has its default.
    """

    name: str
    type: PortType
    about: str
    direction: Direction = "in"
    default: object = REQUIRED
    main: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    takes: tuple[str, ...] = ()
    names: str = ""
    or_node: bool = False
    lists: Literal["", "skills", "never", "facts", "alarms"] = ""

    def __post_init__(self) -> None:
        if not is_port_type(self.type):
            raise ValueError(f"port {self.name!r} has the unknown type {self.type!r}")

    @property
    def required(self) -> bool:
        """True when the author must give it."""
        return self.default is REQUIRED

    @property
    def form(self) -> str:
        """What can be written there, in words: its type, or a node."""
        return f"{self.type} or node" if self.or_node else self.type
