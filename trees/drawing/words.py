"""A tree as words: lines with branches for the terminal, and the dot language of Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .labels import Labelled
from .style import ink

_SIGN: Final = {"composite": "▣", "decorator": "◇", "condition": "?", "action": "▸", "use": "⊞"}
_STATUS: Final = {"SUCCESS": "✓", "FAILURE": "✗", "RUNNING": "…", "SKIPPED": "-"}
_MARK: Final = {"covered": "●", "partly": "◐", "never": "○"}
_DOT: Final = {"composite": "box", "decorator": "box", "condition": "ellipse", "action": "box", "use": "box"}


def to_text(root: Labelled, title: str, about: str, statuses: Mapping[str, object], marks: Mapping[str, str]) -> str:
    """Return the tree as lines, one a node, branches drawn with box characters."""
    out = [f"{title}: {about}" if about else title]
    stack: list[tuple[Labelled, str, str]] = [(root, "", "")]
    while stack:
        node, lead, below = stack.pop()
        out.append(f"{lead}{_line(node, statuses.get(node.path), marks.get(node.path, ''))}")
        count = len(node.children)
        for number, child in reversed(list(enumerate(node.children, 1))):
            last = number == count
            stack.append((child, below + ("└── " if last else "├── "), below + ("    " if last else "│   ")))
    return "\n".join(out) + "\n"


def _line(node: Labelled, status: object, marked: str) -> str:
    name = str(getattr(status, "name", status or ""))
    mark = f"{_STATUS[name]} " if name in _STATUS else ""
    mark = f"{_MARK[marked]} " if marked in _MARK else mark
    edge = f"{node.edge}: " if node.edge else ""
    body = ", ".join(" ".join(line.split()) for line in node.lines)
    keys = f"  ({node.keys})" if node.keys else ""
    return f"{mark}{edge}{_SIGN[node.shape]} {node.title}" + (f"  {body}" if body else "") + keys


def to_dot(root: Labelled, title: str, statuses: Mapping[str, object], marks: Mapping[str, str]) -> str:
    """Return the tree in the dot language."""
    out = [f"digraph {_quoted(title)} {{", '  node [fontname="Helvetica", style=filled];', "  edge [arrowhead=none];"]
    numbers: dict[int, int] = {}
    for number, node in enumerate(root.walk()):
        numbers[id(node)] = number
        colors = ink(node.shape, statuses.get(node.path), marks.get(node.path, ""))
        styles = ["filled"]
        if node.shape == "decorator":
            styles.append("rounded")
        if colors.dashed:
            styles.append("dashed")
        rims = ", peripheries=2" if node.shape == "use" else ""
        text = "\n".join([node.title, *node.lines, *([node.keys] if node.keys else [])])
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
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
