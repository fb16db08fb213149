"""Make items of the tree language from elements: scalars that stand where the XML stands, and their comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..reading.document import NULLS, Comments, Item, Items, Pairs, Scalar, Style
from .elements import Attribute, Comment, Element

Entry = tuple[Scalar, Item]
"""A key and its value."""


def word(text: str, at: Scalar | Element) -> Scalar:
    """Return a scalar with another text than what stands in the XML, at its place."""
    place = at.tag if isinstance(at, Element) else at
    style: Style = "quoted" if text in NULLS or "\n" in text else "plain"
    return Scalar(text, style, place.line, place.column, place.end_line, place.end_column)


def nothing(at: Element) -> Scalar:
    """Return the value of a key that has none."""
    tag = at.tag
    return Scalar("", "plain", tag.line, tag.column, tag.line, tag.column)


def pairs(entries: Iterable[Entry], at: Element, flow: bool = False) -> Pairs:
    """Return a mapping at an element."""
    return Pairs(tuple(entries), at.tag.line, at.tag.column, flow, len(at.tag.text))


def items(each: Iterable[Item], at: Element) -> Items:
    """Return a list at an element."""
    return Items(tuple(each), at.tag.line, at.tag.column, False, len(at.tag.text))


def inner_comments(blocks: Sequence[str], at: Element, prefix: str) -> list[Entry]:
    """Return comments as entries ``PREFIX#1``, ``PREFIX#2`` …: for elements with nothing in them to hang them on."""
    return [(word(f"{prefix}#{number}", at), word(text, at)) for number, text in enumerate(blocks, 1)]


def is_inner_comment(key: str, prefix: str) -> bool:
    """Tell whether a key is one of ``inner_comments``."""
    return key.startswith(f"{prefix}#")


def texts(entries: Iterable[tuple[str, Attribute]], at: Element) -> Pairs:
    """Return a mapping of names to the values of attributes, as they stand."""
    return pairs(((word(name, each.name), word(each.value.text, each.value)) for name, each in entries), at)


class CommentKeeper:
    """Hangs the comments of elements on the items that the elements become.

    A comment that stands above an element and begins with the name of one of its keys is one about that key:
    ``<!-- speed: in m/s -->`` stands beside ``speed`` in YAML. So every comment of the YAML has a place in XML.
    """

    def __init__(self) -> None:
        self.comments = Comments()

    def above(self, item: Item, blocks: Sequence[str]) -> None:
        """Hang blocks above an item."""
        if blocks:
            self.comments.above.setdefault(id(item), []).extend(blocks)

    def below(self, item: Item, blocks: Sequence[str]) -> None:
        """Hang blocks below the last element of a list or mapping."""
        if blocks:
            self.comments.below.setdefault(id(item), []).extend(blocks)

    def moved(self, old: Item, new: Item) -> None:
        """Hang what stands above one item above another, which replaces it."""
        self.above(new, self.comments.above.pop(id(old), []))

    def take_beside(self, comment: Comment, item: Item | None) -> bool:
        """Hang a comment beside an item if it stands on the same line; tell whether it does."""
        if item is None or not comment.beside or "\n" in comment.text or not comment.text:
            return False
        if id(item) in self.comments.beside:
            return False
        self.comments.beside[id(item)] = comment.text
        return True

    def at_keys(self, blocks: list[str], keys: Sequence[Scalar]) -> list[str]:
        """Hang the last of some blocks on the keys that they are about; return the others."""
        found: list[tuple[str, int, bool]] = []
        latest = 2 * len(keys)
        rank = {key.text: number for number, key in reversed(list(enumerate(keys)))}
        cut = len(blocks)
        while cut:
            head = re.match(r"([^\s:#]+):(?: (?=.)|\n(?=.))", blocks[cut - 1])
            if head is None or head[1] not in rank:
                break
            beside = not head[0].endswith("\n")
            if beside and "\n" in blocks[cut - 1]:
                break
            position = 2 * rank[head[1]] + beside
            if position > latest or (position == latest and beside):
                break
            latest = position
            cut -= 1
            found.append((blocks[cut][head.end() :], rank[head[1]], beside))
        for text, number, beside in reversed(found):
            if beside:
                self.comments.beside[id(keys[number])] = text
            else:
                self.above(keys[number], [text])
        return blocks[:cut]


def blocks_of(comments: Iterable[Comment]) -> list[str]:
    """Return the texts of comments."""
    return [each.text for each in comments]
