"""Where exactly in a text an entry is mentioned: inside a longer text, an expression, a block over several lines."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..._base import Place
from ..reading.document import Source

_FURTHEST = 60
"""Lines of a block that are searched."""


class Spot(NamedTuple):
    """A place to underline."""

    line: int
    column: int
    width: int


def locate(source: Source, place: Place, name: str) -> Spot:
    """Return where the value at ``place`` mentions the entry ``name``: at its dollar, else at the name, else ``place``.

    Args:
        source: The file.
        place: Where the value begins.
        name: Entry name.
    """
    if place.file != source.file:
        return Spot(place.line, place.column, len(name) + 1)
    pattern = re.compile(
        rf"\$\{{?\s*@?{re.escape(name)}(?![A-Za-z0-9_])|(?<![A-Za-z0-9_.$'\"]){re.escape(name)}(?![A-Za-z0-9_(])"
    )
    first = source.line(place.line)
    block = first[place.column - 1 : place.column] in ("|", ">")
    for number in range(place.line, min(place.line + (_FURTHEST if block else 1), len(source.lines)) + 1):
        text = source.line(number)
        start = place.column - 1 if number == place.line else 0
        found = pattern.search(text, start)
        if number == place.line and text[start : start + 1] in ("'", '"'):  # a script that begins with the name
            found = re.compile(rf"{re.escape(name)}(?![A-Za-z0-9_(])").match(text, start + 1) or found
        if found is not None:
            closed = found[0].startswith("${") and text[found.end() : found.end() + 1] == "}"
            return Spot(number, found.start() + 1, len(found[0]) + closed)
    return Spot(place.line, place.column, len(name) + 1)
