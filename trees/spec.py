"""The checked description of a tree: immutable, positions kept, every value in the type its port declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from .._base import Place
from ..behaviors.means.effects import Fact
from ..behaviors.ports import Port, PortType
from .formulas.expressions import Expression
from .formulas.references import Accessor
from .node_types import NodeType

if TYPE_CHECKING:
    from .formulas.scripts import Script


@dataclass(frozen=True)
class Literal:
    """A constant, converted to the port's type (seconds, metres, radians, bool …)."""

    value: object
    place: Place


@dataclass(frozen=True)
class Reference:
    """``$name``, ``$name.field``, ``$name[0]``; ``$@name`` is the root blackboard.

    Attributes:
        name: Entry name without ``$`` and ``@``.
        accessors: Fields and indices after the name.
        root: True for ``$@name``.
    """

    name: str
    place: Place
    accessors: tuple[Accessor, ...] = ()
    root: bool = False

    def __str__(self) -> str:
        tail = "".join(f"[{a}]" if isinstance(a, int) else f".{a}" for a in self.accessors)
        return f"${'@' if self.root else ''}{self.name}{tail}"


@dataclass(frozen=True)
class Template:
    """Text with ``${name}`` in it: strings and references in order."""

    parts: tuple[str | Reference, ...]
    place: Place


@dataclass(frozen=True)
class Computed:
    """A side-effect-free expression over blackboard entries."""

    expression: Expression
    place: Place


@dataclass(frozen=True)
class Program:
    """Statements in the script language of BehaviorTree.CPP; they may assign. Its value is that of the last one."""

    script: Script
    place: Place


Value = Literal | Reference | Template | Computed | Program


@dataclass(frozen=True)
class NodeSpec:
    """One node of a checked tree.

    Attributes:
        type: The type key, such as ``sequence``.
        kind: What the language knows of that type; also of nodes that the file declares.
        place: Where the type key stands.
        path: Unique in the run before expansion of subtrees, such as ``tidy_table/guard/sequence/pick``: the type keys
            from the root; where siblings share a type key each gets its number among them, ``see[1]``, ``see[2]``.
        name: The author's ``name``, else the type key.
        about: The author's ``about``.
        values: Ports the author gave, except node-typed ones. Out ports and ``variable`` ports hold a ``Reference``,
            ``expression`` ports a ``Computed``. Of ``use``: ``inputs.NAME`` with the value that the input gets,
            ``outputs.NAME`` with the ``Reference`` to the entry here that it is bound to. Of ``bt.SubTree``:
            ``remap.NAME``, a ``Reference`` to the entry that NAME is another name of, or the ``Literal`` it is set to.
        children: Child nodes, in order.
        parts: Other node-typed ports, such as ``check`` of a guard.
        common: The common keys that stand beside the type key (``timeout`` → Literal seconds, ``retry`` → Literal int,
            ``when`` → Computed or Program …), without ``name``, ``about``, ``meta`` and the hooks.
        uses: For ``use`` and ``bt.SubTree``: the tree it refers to.
        hooks: Nodes of the common keys ``on_success``, ``on_failure``, ``on_halt``, ``post``, ``finally``.
        meta: Texts of the common key ``meta``, which mean nothing to a run.
    """

    type: str
    kind: NodeType
    place: Place
    path: str
    name: str
    about: str = ""
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    children: tuple[NodeSpec, ...] = ()
    parts: Mapping[str, NodeSpec] = field(default_factory=lambda: MappingProxyType({}))
    common: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    uses: TreeSpec | None = None
    hooks: Mapping[str, NodeSpec] = field(default_factory=lambda: MappingProxyType({}))
    meta: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reactive(self) -> bool:
        """True when it looks at earlier children again in each tick; nodes of py_trees say so with ``memory``."""
        memory = self.values.get("memory")
        return self.kind.reactive and not (isinstance(memory, Literal) and memory.value is True)

    @property
    def is_leaf(self) -> bool:
        """True when nothing stands below it but what it ticks while it is unsure."""
        return not (self.children or self.uses or self.parts.keys() - {"on_unsure"})

    def walk(self) -> Iterator[NodeSpec]:
        """Yield this node and all below it: parts first, then children, then hooks; not into used trees."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed((*node.parts.values(), *node.children, *node.hooks.values())))


@dataclass(frozen=True)
class InputSpec:
    """A typed input of a tree.

    Attributes:
        name: Entry name.
        type: Port type.
        place: Where it is declared.
        about: The author's ``about``.
        default: None when the caller must give it.
        choices: The only allowed texts, empty for any.
        minimum: Smallest allowed number, in the SI unit of the type; of a list, of each element.
        maximum: Largest allowed number.
    """

    name: str
    type: PortType
    place: Place
    about: str = ""
    default: Literal | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def port(self) -> Port:
        """The port that stands for it: its type, its choices and its range."""
        return Port(self.name, self.type, self.about, "in", None, False, self.choices, self.minimum, self.maximum)


@dataclass(frozen=True)
class OutputSpec:
    """A blackboard entry that a tree gives back to whoever uses it."""

    name: str
    type: PortType
    place: Place
    about: str = ""


@dataclass(frozen=True)
class SkillSpec:
    """What a tree is as a skill of plans.

    Attributes:
        about: What it does, in one sentence; empty for what the tree says of itself.
        needs: Facts about its inputs that must hold when it starts.
        effects: Facts about its inputs that hold when it has succeeded.
    """

    about: str = ""
    needs: tuple[Fact, ...] = ()
    effects: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class TreeSpec:
    """A checked tree.

    Attributes:
        name: The ``tree`` key.
        file: Path as given.
        text: The whole file, for pictures and traces.
        root: Root node.
        others: Names of the other documents of the same file, in order.
        dialect: ``bt`` for a tree that came from BehaviorTree.CPP: entries may be set from outside without being
            declared. Empty for ours.
        params: Blackboard entries that are set before the first tick, from the header key ``params``.
        skill: What it is as a skill of plans; None where its header does not say so.
        texts: Name → text of what grew while it runs, for pictures and traces.
    """

    name: str
    file: str
    root: NodeSpec
    about: str = ""
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    text: str = ""
    others: tuple[str, ...] = ()
    dialect: str = ""
    params: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    skill: SkillSpec | None = None

    def walk(self) -> Iterator[NodeSpec]:
        """Yield all nodes of this tree, without those of the trees it uses."""
        return self.root.walk()
