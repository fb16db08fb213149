"""A tree as words: lines with branches for the terminal, and the dot language of Graphviz."""

from __future__ import annotations

import re
from typing import Final

from .clean import clean
from .labels import Labelled
from .paint import Paint
from .style import Ink

_SIGN: Final = {"composite": "▣", "decorator": "◇", "condition": "?", "action": "▸", "use": "⊞"}
_DOT: Final = {"composite": "box", "decorator": "box", "condition": "ellipse", "action": "box", "use": "box"}
_END: Final = "\x1b[0m"
_FAINT: Final = "\x1b[2m"


def to_text(root: Labelled, title: str, about: str, paint: Paint, colored: bool = False) -> str:
    """Return the tree as lines, one a node, branches drawn with box characters; ``colored`` for a terminal."""
    first = clean(f"{title}: {about}" if about else title)
    out = [first, *([clean(paint.about)] if paint.about else [])]
    stack: list[tuple[Labelled, str, str]] = [(root, "", "")]
    while stack:
        node, lead, below = stack.pop()
        branch = f"{_FAINT}{lead}{_END}" if colored and lead else lead
        out.append(f"{branch}{_line(node, paint, colored)}")
        count = len(node.children)
        for number, child in reversed(list(enumerate(node.children, 1))):
            last = number == count
            stack.append((child, below + ("└── " if last else "├── "), below + ("    " if last else "│   ")))
    if paint.legend and colored:
        out.append("  ".join(f"{_color(ink)} {clean(text)} {_END}" for ink, text in paint.legend))
    return "\n".join(out) + "\n"


def _line(node: Labelled, paint: Paint, colored: bool) -> str:
    sign = paint.signs.get(node.path, "")
    edge = f"{node.edge}: " if node.edge else ""
    body = ", ".join(" ".join(line.split()) for line in node.lines)
    keys = f"  ({node.keys})" if node.keys else ""
    head = f"{sign} {edge}{_SIGN[node.shape]} {node.title}" if sign else f"{edge}{_SIGN[node.shape]} {node.title}"
    head = " ".join(head.split("\n"))
    if not colored:
        return head + (f"  {body}" if body else "") + keys
    if node.path in paint.inks:
        head = f"{_color(paint.inks[node.path])}{head}{_END}"
    return head + (f"  {_FAINT}{body}{_END}" if body else "") + (f"{_FAINT}{keys}{_END}" if keys else "")


def _color(ink: Ink) -> str:
    """Return what makes a terminal write dark on the fill of a box."""
    red, green, blue = (int(ink.fill[at : at + 2], 16) for at in (1, 3, 5))
    return f"\x1b[38;2;31;41;51;48;2;{red};{green};{blue}m"


def to_dot(root: Labelled, title: str, paint: Paint, right: bool = False) -> str:
    """Return the tree in the dot language."""
    out = [f"digraph {_quoted(clean(title))} {{", '  node [fontname="Helvetica", style=filled];']
    out += ["  edge [arrowhead=none];", *(["  rankdir=LR;"] if right else [])]
    numbers: dict[int, int] = {}
    for number, node in enumerate(root.walk()):
        numbers[id(node)] = number
        colors = paint.ink(node.path, node.shape)
        styles = ["filled"]
        if node.shape == "decorator":
            styles.append("rounded")
        if colors.dashed:
            styles.append("dashed")
        rims = ", peripheries=2" if node.shape == "use" else ""
        note = paint.notes.get(node.path, "")
        text = "\n".join([node.title, *node.lines, *([node.keys] if node.keys else []), *([note] if note else [])])
        out.append(
            f"  n{number} [label={_quoted(text)}, shape={_DOT[node.shape]}, style={_quoted(','.join(styles))}, "
            f'fillcolor="{colors.fill}", color="{colors.line}"{rims}];'
        )
    for node in root.walk():
        for child in node.children:
            label = f" [label={_quoted(child.edge)}]" if child.edge else ""
            out.append(f"  n{numbers[id(node)]} -> n{numbers[id(child)]}{label};")
    return "\n".join([*out, "}", ""])


def _quoted(text: str) -> str:
    """Write a text for dot, which would read ``&name;`` in it as a letter."""
    escaped = re.sub(r"&(?=[#\w]+;)", "&amp;", text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
    return f'"{escaped}"'
