"""Places in a text: as the tree reader counts them, as an editor counts them, and as an index."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

_LINES: Final = re.compile("\r\n|[\n\r]")
_YAML_LINES: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNITS: Final = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


class Position(NamedTuple):
    """A place as an editor counts it: line and character from 0."""

    line: int
    character: int


class Text:
    """One text.

    Args:
        text: All of it.
        encoding: What an editor counts in a line: units of ``utf-16``, ``utf-8`` or ``utf-32``.
    """

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self.codec, self.size = _UNITS.get(encoding, _UNITS["utf-16"])
        self.starts = [0, *(found.end() for found in _LINES.finditer(text))]
        self.yaml_starts = [0, *(found.end() for found in _YAML_LINES.finditer(text))]

    def index(self, position: Position) -> int:
        """Return the index of a place of an editor; one outside the text is moved to its nearest end."""
        if position.line >= len(self.starts):
            return len(self.text)
        start = self.starts[max(0, position.line)]
        end = self.starts[position.line + 1] if position.line + 1 < len(self.starts) else len(self.text)
        line = self.text[start:end].rstrip("\r\n")
        units = line.encode(self.codec, "surrogatepass")[: max(0, position.character) * self.size]
        return start + len(units.decode(self.codec, "ignore"))

    def position(self, index: int) -> Position:
        """Return the place of an index as an editor counts it."""
        index = max(0, min(index, len(self.text)))
        line = bisect_right(self.starts, index) - 1
        units = self.text[self.starts[line] : index].encode(self.codec, "surrogatepass")
        return Position(line, len(units) // self.size)

    def index_of(self, line: int, column: int) -> int:
        """Return the index of a place of the reader: line and column from 1."""
        if line > len(self.yaml_starts):
            return len(self.text)
        return min(self.yaml_starts[max(0, line - 1)] + column - 1, len(self.text))

    def place_of(self, index: int) -> tuple[int, int]:
        """Return line and column of an index as the reader counts them."""
        line = bisect_right(self.yaml_starts, index)
        return line, index - self.yaml_starts[line - 1] + 1
