"""What YAML 1.2 reads a tree file as, for the tests of the JSON Schema."""

from __future__ import annotations

from knothole.trees.literals import core_value
from knothole.trees.reading.document import NULLS, Item, Items, Scalar
from knothole.trees.reading.reader import read_text


def documents(text: str) -> list[object]:
    """Return the documents of a text as plain data."""
    return [value(root) for root in read_text(text).roots]


def value(item: Item) -> object:
    if isinstance(item, Scalar):
        if item.style != "plain":
            return item.text
        return None if item.text in NULLS else core_value(item.text)
    if isinstance(item, Items):
        return [value(each) for each in item.items]
    return {key.text: value(each) for key, each in item}
