"""A tree in the language of Mermaid, for documents that draw it themselves."""

from __future__ import annotations

import re
from typing import Final

from .labels import Labelled
from .paint import Paint
from .style import Ink

_SHAPES: Final = {
    "composite": ("[", "]"),
    "decorator": ("(", ")"),
    "condition": ("([", "])"),
    "action": ("[", "]"),
    "use": ("[[", "]]"),
}
_SAFE: Final = frozenset(" _,:/()=$'")


def to_mermaid(root: Labelled, title: str, paint: Paint, right: bool) -> str:
    """Return the tree as a flowchart.

    Args:
        root: What to draw.
        title: Told in a comment.
        paint: Colors and notes.
        right: Draw from left to right instead of downwards.
    """
    out = [f"%% {_words(title)}", f"flowchart {'LR' if right else 'TD'}"]
    numbers = {id(node): f"n{number}" for number, node in enumerate(root.walk())}
    classes: dict[Ink, list[str]] = {}
    for node in root.walk():
        lines = [node.title, *node.lines, node.keys, paint.notes.get(node.path, "")]
        text = "<br/>".join(quoted(line) for line in lines if line)
        begin, end = _SHAPES[node.shape]
        out.append(f'  {numbers[id(node)]}{begin}"{text or "#32;"}"{end}')
        classes.setdefault(paint.ink(node.path, node.shape), []).append(numbers[id(node)])
    for node in root.walk():
        for child in node.children:
            label = f'|"{quoted(child.edge)}"|' if child.edge else ""
            out.append(f"  {numbers[id(node)]} -->{label} {numbers[id(child)]}")
    for number, (colors, members) in enumerate(classes.items()):
        dash = ",stroke-dasharray:5 4" if colors.dashed else ""
        out.append(f"  classDef c{number} fill:{colors.fill},stroke:{colors.line},color:#1f2933{dash}")
        out.append(f"  class {','.join(members)} c{number}")
    return "\n".join([*out, ""])


def quoted(text: str) -> str:
    """Write text so that nothing in it is markup, a directive or the end of a label: all signs but a few by number."""
    plain = " ".join(text.split("\n"))
    begin = re.match(r"[\d.\-+ ]*", plain)
    listed = begin.end() if begin is not None else 0  # "1. " and "- " would begin a list
    return "".join(
        each if each in _SAFE or each.isalnum() or (each in "._-+?!" and at >= listed) else f"#{ord(each)};"
        for at, each in enumerate(plain)
    )


def _words(text: str) -> str:
    return "".join(each if each.isalnum() or each in " _-." else " " for each in text)
