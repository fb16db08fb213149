"""What stands in the box of a node: a title, its questions and ports in full, and its common keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ..node_types import NodeType
from ..spec import Computed, NodeSpec, Program, Reference, Template, TreeSpec, Value
from ..spec import Literal as Constant
from .clean import clean

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
        flow: How control passes its children, which decides the symbol of composites.
        reactive: True when it looks at earlier children again in each tick.
        title: The author's name, else the type key.
        lines: Text of the body: main port bare, other ports as ``port: value``.
        keys: Common keys, such as ``retry 3``.
        edge: Name of the port that it hangs on, empty for children.
        children: Nodes below, parts first.
    """

    path: str
    shape: Shape
    flow: str
    reactive: bool
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


def label_tree(tree: TreeSpec, expand: bool = False, brief: bool = False) -> Labelled:
    """Return what to draw of a tree.

    Args:
        tree: What ``load`` returned.
        expand: Draw used trees whole instead of as one box each.
        brief: Leave out all ports but the main ones.
    """
    root = _label(tree.root, "", "", brief)
    stack = [(tree.root, root, "")]
    while stack:
        spec, made, prefix = stack.pop()
        named = len([port for port in spec.parts if port != "child"])
        below = [(port, part, prefix) for port, part in spec.parts.items()]
        below += [("child" if named else "", child, prefix) for child in spec.children]
        below += [(key.replace("_", " "), hook, prefix) for key, hook in spec.hooks.items()]
        if expand and spec.uses is not None:
            below.append(("", spec.uses.root, f"{made.path}/"))
        for edge, child, inner in below:
            label = _label(child, inner, edge, brief)
            made.children.append(label)
            stack.append((child, label, inner))
    return root


def _label(node: NodeSpec, prefix: str, edge: str, brief: bool) -> Labelled:
    kind = node.kind
    named = node.name != node.type
    title, lines = node.name, list(_lines(node, kind, brief))
    if node.uses is not None:
        title = node.name if named else node.uses.name
        lines.insert(0, f"{node.type} {node.uses.name}" if named else node.type)
    elif named:
        lines.insert(0, node.type)
    body = tuple(clean(line) for line in lines)
    return Labelled(
        prefix + node.path, _shape(node, kind), kind.flow, node.reactive, clean(title), body, clean(_keys(node)), edge
    )


def _shape(node: NodeSpec, kind: NodeType) -> Shape:
    if node.uses is not None or kind.model == "subtree":
        return "use"
    if kind.kind in ("composite", "decorator"):
        return "composite" if kind.kind == "composite" else "decorator"
    return shape_of_leaf(kind)


def shape_of_leaf(kind: NodeType) -> Shape:
    """Return the box of a leaf: what decides and changes nothing is a condition."""
    if kind.model:
        return "condition" if kind.model == "condition" else "action"
    writes = any(port.direction != "in" for port in kind.ports.values())
    decides = kind.visual or any(port.type == "expression" for port in kind.ports.values())
    return "condition" if decides and not writes and not kind.limb else "action"


def _lines(node: NodeSpec, kind: NodeType, brief: bool) -> Iterator[str]:
    main = kind.main
    for name, value in sorted(node.values.items(), key=lambda item: main is None or item[0] != main.name):
        if name.startswith("mock."):
            if name == "mock.does" and isinstance(value, Constant):
                yield f"mocked: {value.value}"
            continue
        if brief and (main is None or name != main.name):
            continue
        port = kind.ports.get(name)
        text = shown_value(value, port.type if port is not None else "any")
        side, dot, entry = name.partition(".")
        if dot and side in ("inputs", "outputs", "remap"):
            yield f"{entry}: {text}"
        elif main is not None and name == main.name:
            if node.uses is None:
                yield text
        else:
            yield f"{name}: {text}"


_KEYS: Final = ("failure_if", "success_if", "skip_if", "when", "while", "repeat", "timeout", "retry")
"""Common keys with a value, outermost first."""


def _keys(node: NodeSpec) -> str:
    types = {"timeout": "duration", "retry": "int", "repeat": "int"}
    return " · ".join(
        f"{key.replace('_', ' ')} {shown_value(node.common[key], types.get(key, 'expression'))}"
        for key in _KEYS
        if key in node.common
    )


def shown_value(value: Value, type: str) -> str:
    """Write a value as an author would: units, quotes around text, ``$name`` for entries."""
    if isinstance(value, Computed):
        return value.expression.source
    if isinstance(value, Program):
        return value.script.source
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
