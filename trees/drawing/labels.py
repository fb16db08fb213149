"""What stands in the box of a node: a title, its questions and ports in full, and its common keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ..node_types import NodeType
from ..spec import Computed, NodeSpec, Reference, Template, TreeSpec, Value
from ..spec import Literal as Constant

Shape = Literal["composite", "decorator", "condition", "action", "use"]
_UNIT: Final[Mapping[str, Callable[[float], str]]] = {
    "duration": lambda s: f"{s * 1000:g}ms" if 0 < abs(s) < 1 else f"{s:g}s",
    "length": lambda m: f"{m * 100:g}cm" if 0 < abs(m) < 1 else f"{m:g}m",
    "angle": lambda rad: f"{rad * 57.29577951308232:g}deg",
}


@dataclass
class Labelled:
    """One node as it is drawn.

    Attributes:
        path: Path from the root of the run, through used trees.
        shape: What kind of box it gets.
        type: Type key; its first word decides the symbol of composites.
        title: The author's name, else the type key.
        lines: Text of the body: main port bare, other ports as ``port: value``.
        keys: Common keys, such as ``retry 3``.
        edge: Name of the port that it hangs on, empty for children.
        children: Nodes below, parts first.
    """

    path: str
    shape: Shape
    type: str
    title: str
    lines: tuple[str, ...] = ()
    keys: str = ""
    edge: str = ""
    children: list[Labelled] = field(default_factory=list)

    def walk(self) -> Iterator[Labelled]:
        """Yield this node and all below it, in the order they are ticked."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


def label_tree(tree: TreeSpec, expand: bool = False) -> Labelled:
    """Return what to draw of a tree; used trees are one box each, or drawn whole with ``expand``."""
    root = _label(tree.root, "", "")
    stack = [(tree.root, root, "")]
    while stack:
        spec, made, prefix = stack.pop()
        named = len([port for port in spec.parts if port != "child"])
        below = [(port, part, prefix) for port, part in spec.parts.items()]
        below += [("child" if named else "", child, prefix) for child in spec.children]
        if expand and spec.uses is not None:
            below.append(("", spec.uses.root, f"{made.path}/"))
        for edge, child, inner in below:
            label = _label(child, inner, edge)
            made.children.append(label)
            stack.append((child, label, inner))
    return root


def _label(node: NodeSpec, prefix: str, edge: str) -> Labelled:
    kind = node.kind
    named = node.name != node.type
    title, lines = node.name, list(_lines(node, kind))
    if node.type == "use" and node.uses is not None:
        title = node.name if named else node.uses.name
        lines.insert(0, f"use {node.uses.name}" if named else "use")
    elif named:
        lines.insert(0, node.type)
    return Labelled(prefix + node.path, _shape(node, kind), node.type, title, tuple(lines), _keys(node), edge)


def _shape(node: NodeSpec, kind: NodeType | None) -> Shape:
    if node.type == "use":
        return "use"
    if kind is None:
        return "action"
    if kind.kind in ("composite", "decorator"):
        return "composite" if kind.kind == "composite" else "decorator"
    writes = any(port.direction != "in" for port in kind.ports.values())
    decides = kind.visual or any(port.type == "expression" for port in kind.ports.values())
    return "condition" if decides and not writes and not kind.limb else "action"


def _lines(node: NodeSpec, kind: NodeType | None) -> Iterator[str]:
    main = kind.main if kind is not None else None
    for name, value in sorted(node.values.items(), key=lambda item: main is None or item[0] != main.name):
        port = kind.ports.get(name) if kind is not None else None
        text = shown_value(value, port.type if port is not None else "any")
        if node.type == "use":
            side, _, entry = name.partition(".")
            if side in ("inputs", "outputs"):
                yield f"{entry}: {text}"
        elif main is not None and name == main.name:
            yield text
        else:
            yield f"{name}: {text}"


def _keys(node: NodeSpec) -> str:
    types = {"timeout": "duration", "retry": "int", "repeat": "int"}
    order = ("when", "skip_if", "repeat", "timeout", "retry")
    return " · ".join(
        f"{key.replace('_', ' ')} {shown_value(node.common[key], types.get(key, 'expression'))}"
        for key in order
        if key in node.common
    )


def shown_value(value: Value, type: str) -> str:
    """Write a value as an author would: units, quotes around text, ``$name`` for entries."""
    if isinstance(value, Computed):
        return value.expression.source
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, Template):
        parts = (part if isinstance(part, str) else f"${{{str(part)[1:]}}}" for part in value.parts)
        return f'"{"".join(parts)}"'
    return _constant(value, type)


def _constant(value: Constant, type: str) -> str:
    held = value.value
    if isinstance(held, bool) or held is None:
        return "none" if held is None else str(held).lower()
    if isinstance(held, int | float):
        written = _UNIT.get(type)
        return written(held) if written is not None else f"{held:g}"
    if isinstance(held, str):
        return f'"{held}"' if " " in held else held
    if isinstance(held, list | tuple):
        return "[" + ", ".join(_constant(Constant(each, value.place), "any") for each in held) + "]"
    return str(held)
