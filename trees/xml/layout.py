"""Lay out XML text: two spaces a level, attributes on one line where they fit, comments as blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

WIDTH: Final = 110
_WRITTEN_OUT: Final = re.compile("-&#(?=(?:38;#)*45;)")
_DASHES: Final = re.compile("-((?:&#45;)*)(&#38;#(?=(?:38;#)*45;))?")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}


@dataclass
class Note:
    """A comment; ``beside`` puts it on the line of what is before it."""

    text: str
    beside: bool = False


@dataclass
class Tag:
    """An element to be written."""

    name: str
    attributes: list[tuple[str, str]] = field(default_factory=list)
    inside: list[Tag | Note] = field(default_factory=list)
    text: str = ""


def add_inside(parent: Tag, tag: Tag, inside: Tag, beside: list[Note]) -> None:
    """Put what was collected in ``inside`` into an element, and the comments on its line where they are read there."""
    if any(isinstance(each, Tag) for each in inside.inside):
        tag.inside[:0] = beside
    else:
        parent.inside.extend(beside)
    tag.inside.extend(inside.inside)


def lay_out(root: Tag, before: list[Note], after: list[Note], instructions: list[str]) -> str:
    """Return the text of an XML file."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', *(f"<?{each}?>" for each in instructions)]
    for note in before:
        lines.extend(_note(note, ""))
    lines.extend(_element(root, ""))
    for note in after:
        lines.extend(_note(note, ""))
    return "\n".join(lines) + "\n"


def comment_text(text: str) -> str:
    """Return the text of a comment such that it is one in XML: ``--`` cannot stand there, so it is ``-&#45;``.

    >>> comment_text("a -- b"), comment_text("--->")
    ('a -&#45; b', '-&#45;&#45;>')
    """
    return re.sub("(?<=-)-", "&#45;", _WRITTEN_OUT.sub("-&#38;#", text))


def comment_said(text: str) -> str:
    """Return what a comment in XML says; the inverse of ``comment_text``."""
    return _DASHES.sub(lambda found: "-" * (1 + len(found[1]) // 5) + ("&#" if found[2] else ""), text)


def _element(tag: Tag, indent: str) -> list[str]:
    lines = _opening(tag, indent)
    if tag.text:
        lines[-1] += _escaped(tag.text, in_text=True)
        if not tag.inside:
            lines[-1] += f"</{tag.name}>"
            return lines
    if not tag.inside:
        lines[-1] = lines[-1][:-1] + "/>"
        return lines
    for number, each in enumerate(tag.inside):
        if isinstance(each, Tag):
            lines.extend(_element(each, indent + "  "))
        elif each.beside and "\n" not in each.text and (number == 0 or isinstance(tag.inside[number - 1], Tag)):
            lines[-1] += f" <!-- {comment_text(each.text)} -->"
        else:
            lines.extend(_note(each, indent + "  "))
    lines.append(f"{indent}</{tag.name}>")
    return lines


def _opening(tag: Tag, indent: str) -> list[str]:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in tag.attributes]
    line = " ".join([f"{indent}<{tag.name}", *pairs]) + ">"
    if len(line) <= WIDTH or len(pairs) < 2:
        return [line]
    return [f"{indent}<{tag.name}", *(f"{indent}    {pair}" for pair in pairs[:-1]), f"{indent}    {pairs[-1]}>"]


def _escaped(text: str, in_text: bool = False) -> str:
    kept = '"\n' if in_text else ""
    return "".join(c if c in kept else _ESCAPES.get(c, c) for c in text)


def _note(note: Note, indent: str) -> list[str]:
    lines = comment_text(note.text).split("\n")
    if len(lines) == 1:
        return [f"{indent}<!-- {lines[0]} -->" if lines[0] else f"{indent}<!-- -->"]
    return [f"{indent}<!--", *(f"{indent}  {line}".rstrip() for line in lines), f"{indent}-->"]
