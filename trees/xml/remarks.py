"""Hand out the comments of a YAML file, each once, to the elements of XML that they belong at."""

from __future__ import annotations

from collections.abc import Iterable

from ..reading.document import Comments, Item, Items, Pairs, Scalar
from .layout import Note


class Remarks:
    """The comments of one file and which of them are written already.

    Args:
        comments: Comments by the items they hang on.
    """

    def __init__(self, comments: Comments) -> None:
        self.comments = comments
        self._taken: set[tuple[str, int]] = set()

    def above(self, *items: Item) -> list[str]:
        """Take the blocks above some items."""
        return [text for item in items for text in self._take("above", self.comments.above, item)]

    def below(self, *items: Item) -> list[str]:
        """Take the blocks below the last element of some lists or mappings."""
        return [text for item in items for text in self._take("below", self.comments.below, item)]

    def beside(self, *items: Item) -> list[str]:
        """Take the comments beside some items."""
        found = []
        for item in items:
            text = self.comments.beside.get(id(item))
            if text is not None and ("beside", id(item)) not in self._taken:
                self._taken.add(("beside", id(item)))
                found.append(text)
        return found

    def at_key(self, key: Scalar, value: Item) -> list[str]:
        """Take all that hangs on a key and in its value, each as a comment that begins with the key."""
        above, beside = self.above(key), self.beside(key, value)
        inner = [*above, *beside[1:], *self.within(value)]
        return [*(f"{key.text}:\n{text}" for text in inner), *(f"{key.text}: {text}" for text in beside[:1])]

    def within(self, item: Item) -> list[str]:
        """Take all that hangs anywhere in an item, in order."""
        found = [*self.above(item), *self.beside(item)]
        if isinstance(item, Items):
            for each in item.items:
                found += self.within(each)
        elif isinstance(item, Pairs):
            for key, value in item:
                found += [*self.above(key), *self.beside(key), *self.within(value)]
        return found + self.below(item)

    def _take(self, kind: str, store: dict[int, list[str]], item: Item) -> list[str]:
        blocks = store.get(id(item))
        if not blocks or (kind, id(item)) in self._taken:
            return []
        self._taken.add((kind, id(item)))
        return blocks


def notes(blocks: Iterable[str]) -> list[Note]:
    """Return blocks as comments of their own."""
    return [Note(text) for text in blocks]
