"""Values of our own trees as text of attributes: bare text where it says what it is, else YAML on one line."""

from __future__ import annotations

from dataclasses import replace

from ..editing.quoting import inline
from ..language.constants import text_of
from ..literals import core_value
from ..problems import TreeError
from ..reading.document import Item, Items, Pairs, Scalar
from ..reading.reader import read_text


def encode(item: Item) -> str:
    """Return an item as text that ``decode`` reads as the same item.

    >>> place = (1, 1, 1, 1)
    >>> encode(Scalar("blue tray", "quoted", *place)), encode(Scalar("5", "quoted", *place))
    ('blue tray', '"5"')
    """
    if not isinstance(item, Scalar):
        return _flow(item)
    text = text_of(item)
    if item.style == "plain" and not isinstance(core_value(text), str):
        return text
    if not isinstance(core_value(text), str) or text[:1] in ("[", "{", '"'):
        return _flow(Scalar(text, "quoted", 1, 1, 1, 1))
    return text


def decode(text: str, at: Scalar) -> Item:
    """Return the item that a text stands for, placed at ``at``.

    Raises:
        TreeError: It begins as a list, mapping or quoted text and is none.
    """
    if text[:1] not in ("[", "{", '"'):
        return at._replace(text=text, style="quoted" if "\n" in text else "plain")
    read = read_text(text)
    if read.problems:
        raise TreeError(read.problems)
    return _placed(read.roots[0], at)


def _flow(item: Item) -> str:
    if isinstance(item, Items):
        return f"[{', '.join(_flow(each) for each in item.items)}]"
    if isinstance(item, Pairs):
        return f"{{{', '.join(f'{inline(key, flow=True)}: {_flow(value)}' for key, value in item)}}}"
    if item.is_null:
        return "~"
    text = text_of(item)
    safe = item.style == "plain" or (isinstance(core_value(text), str) and '"' not in text)
    return inline(Scalar(text, "plain" if safe and item.style == "plain" else "quoted", 1, 1, 1, 1), flow=True)


def _placed(item: Item, at: Scalar) -> Item:
    if isinstance(item, Items):
        return replace(item, items=tuple(_placed(each, at) for each in item.items), line=at.line, column=at.column)
    if isinstance(item, Pairs):
        placed = tuple((_key(key, at), _placed(value, at)) for key, value in item)
        return replace(item, pairs=placed, line=at.line, column=at.column)
    return _key(item, at)


def _key(item: Scalar, at: Scalar) -> Scalar:
    return item._replace(line=at.line, column=at.column, end_line=at.end_line, end_column=at.end_column)
