"""Print documents as canonical YAML with their comments.

Two spaces a level, lists below their key, short ports in braces, phrases in double quotes, long texts folded. What is
read from the printed text is what was printed: texts, structure, anchors, comments in their order.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ..reading.document import Comments, Documents, Item, Items, Pairs, Scalar
from ..recursion import deep_recursion
from . import quoting
from .roles import BLOCK, DOCUMENT, Kind, Role, below, element

WIDTH: Final = 120
"""Columns of a line."""
FLOW_WIDTH: Final = 100
"""Columns of what stands between braces."""
_FLOW_ROOM: Final = 5
"""What may stand in braces: a mapping takes two of this room, a list one, and what is inside them the rest."""
_LONGEST_KEY: Final = 900
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PROSE: Final = ("about", "name")


def print_yaml(documents: Documents, comments: Comments | None = None) -> str:
    """Return documents as YAML text.

    Scalars of the style ``plain`` may be quoted where YAML needs it; ``quoted`` ones always are. Items that
    ``documents.anchors`` names are written as anchors and aliases, all others in full.

    Args:
        documents: What to print.
        comments: What to print with it; left out, the comments that the documents carry.
    """
    printer = _Printer(documents, comments or documents.comments or Comments())
    with deep_recursion():
        return printer.text()


class _Printer:
    def __init__(self, documents: Documents, comments: Comments) -> None:
        self.documents = documents
        self.comments = replace(comments, beside=dict(comments.beside))
        self.anchors = documents.anchors
        self.lines: list[str] = []

    def text(self) -> str:
        self.blocks(self.comments.first, 0)
        for number, root in enumerate(self.documents.roots):
            anchor = "" if isinstance(root, Scalar) else self.anchors.get(id(root), "")
            if number or self.comments.first or anchor or self.is_empty(root):
                self.lines.append(_joined("---", anchor))
            if isinstance(root, Scalar) or not _size(root):
                self.above(root, 0)
                named = self.anchors.get(id(root), "") if isinstance(root, Scalar) else ""
                note = self.comments.beside.get(id(root))
                if named or note is not None or not self.is_empty(root):
                    self.inline_or_block("", root, named, 0, note)
            else:
                self.collection(root, 0, DOCUMENT)
        if self.comments.last:
            self.gap()
            self.blocks(self.comments.last, 0)
        return "\n".join(self.lines) + "\n"

    def is_empty(self, item: Item) -> bool:
        return isinstance(item, Scalar) and item.style == "plain" and not item.text

    def collection(self, item: Items | Pairs, indent: int, role: Role) -> None:
        """Print a list or mapping in block style, each line with its indentation."""
        if isinstance(item, Pairs):
            parted = False
            for number, (key, value) in enumerate(item):
                section = role.kind is Kind.DOCUMENT and below(role, key, value).kind in BLOCK
                if number and (section or parted or id(key) in self.comments.spaced):
                    self.gap()
                parted = section
                self.above(key, indent)
                self.entry(key, value, indent, role)
        else:
            for number, each in enumerate(item.items):
                if number and id(each) in self.comments.spaced:
                    self.gap()
                self.above(each, indent)
                self.element(each, indent, element(role))
        self.blocks(self.comments.below.get(id(item), ()), indent)

    def entry(self, key: Scalar, value: Item, indent: int, role: Role) -> None:
        """Print a key and its value."""
        name = self.anchors.get(id(key), "")
        head = name if name.startswith("*") else _joined(name, quoting.key_text(key))
        if len(head) > _LONGEST_KEY:
            self.put(indent, f"? {head}")
            head = ""
        elif name.startswith("*"):
            head += " "
        head += ":"
        note = self.comments.beside.get(id(key))
        inner = below(role, key, value)
        anchor = self.anchors.get(id(value), "")
        if anchor.startswith("*"):
            self.value(head, anchor, value, indent, note)
            return
        if isinstance(value, Scalar):
            self.scalar(head, value, anchor, indent, note, prose=key.text in _PROSE)
            return
        short = self.short(value, inner, indent + len(head) + 1 + len(anchor))
        if short is not None:
            self.value(head, _joined(anchor, short), value, indent, note)
            return
        self.put(indent, _joined(head, anchor), note)
        self.collection(value, indent + 2, inner)

    def element(self, item: Item, indent: int, role: Role) -> None:
        """Print an element of a list."""
        anchor = self.anchors.get(id(item), "")
        note = self.comments.beside.get(id(item))
        if anchor.startswith("*"):
            self.put(indent, f"- {anchor}", note)
        elif isinstance(item, Scalar):
            self.inline_or_block("-", item, anchor, indent, note)
        elif (short := self.short(item, role, indent + 2 + len(anchor), anchored=bool(anchor))) is not None:
            self.put(indent, _joined("-", anchor, short), note)
        elif anchor or self.comments.above.get(_first(item)):
            self.put(indent, _joined("-", anchor), note)
            self.collection(item, indent + 2, role)
        else:
            start = len(self.lines)
            if note is not None and not self.hand_down(item, note):
                self.put(indent, "-", note)
                self.collection(item, indent + 2, role)
                return
            self.collection(item, indent + 2, role)
            self.lines[start] = f"{' ' * indent}- {self.lines[start][indent + 2 :]}"

    def hand_down(self, item: Items | Pairs, note: str) -> bool:
        """Give the comment of an element to its first key, whose line is the same; tell whether that is possible."""
        if isinstance(item, Items):
            return False
        key, value = item.pairs[0]
        beside, above = self.comments.beside, self.comments.above
        if id(key) in beside or id(value) in beside or id(value) in above:
            return False
        beside[id(key)] = note
        return True

    def scalar(self, head: str, item: Scalar, anchor: str, indent: int, note: str | None, prose: bool) -> None:
        """Print a key and a scalar."""
        own = self.comments.beside.get(id(item))
        if self.is_empty(item) and not anchor:
            self.above(item, indent)
            self.put(indent, head, note if own is None else own if note is None else f"{note} {own}")
        elif self.comments.above.get(id(item)) or (note is not None and own is not None):
            self.put(indent, head, note)
            self.above(item, indent + 2)
            self.inline_or_block("", item, anchor, indent + 2, own, prose)
        else:
            self.inline_or_block(head, item, anchor, indent, own if own is not None else note, prose)

    def inline_or_block(
        self, head: str, item: Scalar | Items | Pairs, anchor: str, indent: int, note: str | None, prose: bool = False
    ) -> None:
        """Print a scalar behind what begins its line, on lines of its own where it is long; or an empty collection."""
        if not isinstance(item, Scalar):
            self.put(indent, _joined(head, anchor, "[]" if isinstance(item, Items) else "{}"), note)
            return
        text = quoting.inline(item, prose=prose)
        wide = indent + len(_joined(head, anchor, text)) > WIDTH
        if wide or _tall(item):
            made = quoting.block(item)
            if made is not None:
                self.put(indent, _joined(head, anchor, made[0]), note)
                for line in made[1]:
                    self.put(indent + 2, line) if line else self.lines.append("")
                return
        self.put(indent, _joined(head, anchor, text), note)

    def value(self, head: str, text: str, item: Item, indent: int, note: str | None) -> None:
        """Print a key and a value that is an alias or stands in braces."""
        own = self.comments.beside.get(id(item))
        if self.comments.above.get(id(item)) or (note is not None and own is not None):
            self.put(indent, head, note)
            self.above(item, indent + 2)
            self.put(indent + 2, text, own)
        else:
            self.put(indent, f"{head} {text}", own if own is not None else note)

    def short(self, item: Items | Pairs, role: Role, column: int, anchored: bool = False) -> str | None:
        """Return a list or mapping in brackets or braces, None where it is better written on lines of its own."""
        if not _size(item):
            return "[]" if isinstance(item, Items) else "{}"
        if role.kind in BLOCK and not (anchored and role.kind is Kind.NODE):
            return None
        text = self.flow(item, role, _FLOW_ROOM)
        return text if text is not None and len(text) <= FLOW_WIDTH and column + len(text) <= WIDTH else None

    def flow(self, item: Item, role: Role, room: int) -> str | None:
        """Return an item for use between braces; None with comments, nodes, long texts or much nesting inside."""
        anchor = self.anchors.get(id(item), "")
        if anchor.startswith("*"):
            return anchor
        if isinstance(item, Scalar):
            if self.is_empty(item) or len(item.text) > FLOW_WIDTH or (_tall(item) and quoting.block(item) is not None):
                return None
            return quoting.inline(item, flow=True)
        if not _size(item):
            return "[]" if isinstance(item, Items) else "{}"
        room -= 1 if isinstance(item, Items) else 2
        if room < 0 or id(item) in self.comments.below:
            return None
        parts: list[str] = []
        if isinstance(item, Items):
            for each in item.items:
                if isinstance(each, Pairs) and each.pairs and id(each) not in self.anchors:
                    return None
                part = None if self.noted(each) else self.inner(each, element(role), room)
                if part is None:
                    return None
                parts.append(part)
            return f"[{', '.join(parts)}]"
        for key, value in item:
            part = None if self.noted(key) or self.noted(value) else self.inner(value, below(role, key, value), room)
            if part is None or len(key.text) > FLOW_WIDTH:
                return None
            name = self.anchors.get(id(key), "")
            head = f"{name} " if name.startswith("*") else _joined(name, quoting.key_text(key, flow=True))
            parts.append(f"{head}: {part}")
        return f"{{{', '.join(parts)}}}"

    def inner(self, item: Item, role: Role, room: int) -> str | None:
        anchor = self.anchors.get(id(item), "")
        if role.kind in BLOCK and not isinstance(item, Scalar) and not anchor.startswith("*"):
            return None
        text = self.flow(item, role, room)
        return text if text is None or text == anchor else _joined(anchor, text)

    def noted(self, item: Item) -> bool:
        return id(item) in self.comments.above or id(item) in self.comments.beside

    def above(self, item: Item, indent: int) -> None:
        found = self.comments.above.get(id(item))
        if found:
            self.blocks(found, indent)
            if id(item) in self.comments.apart:
                self.gap()

    def blocks(self, blocks: tuple[str, ...] | list[str], indent: int) -> None:
        for number, text in enumerate(blocks):
            if number:
                self.gap()
            for line in _BREAK.split(text):
                self.put(indent, _note(line))

    def gap(self) -> None:
        if self.lines and self.lines[-1] and self.lines[-1] != "---":
            self.lines.append("")

    def put(self, indent: int, text: str, note: str | None = None) -> None:
        line = " " * indent + text
        if note is not None:
            line = f"{line}  {_note(_BREAK.sub(' ', note))}" if text else " " * indent + _note(note)
        self.lines.append(line)


def _tall(item: Scalar) -> bool:
    return item.style == "block" or "\n" in item.text


def _size(item: Items | Pairs) -> int:
    return len(item.items) if isinstance(item, Items) else len(item.pairs)


def _first(item: Items | Pairs) -> int:
    return id(item.items[0] if isinstance(item, Items) else item.pairs[0][0])


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _note(text: str) -> str:
    """Return one line of a comment, with ``#``."""
    text = quoting.printable(text)
    return f"#{text}" if text.startswith(("#", "!")) else f"# {text}".rstrip()
