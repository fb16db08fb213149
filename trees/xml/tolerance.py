"""Read what BehaviorTree.CPP reads though it is no XML: ``&`` and ``<`` as they are in values, ``if="a < b && c"``.

Scripts are full of both, and the parser of BehaviorTree.CPP lets them pass.
"""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = re.compile(rb"[<&]")
_REFERENCE: Final = re.compile(rb"&(?:#[0-9]+|#x[0-9a-fA-F]+|\w+);")
_NAME: Final = re.compile(rb"</?[^\s<>\"'=/!?]+")
_VALUE: Final = re.compile(rb"""[ \t\r\n]+[^\s<>"'=/]+[ \t\r\n]*=[ \t\r\n]*(?:"[^"]*"|'[^']*')""")
_END: Final = re.compile(rb"[ \t\r\n]*/?>")
_SKIPPED: Final = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"))


def repaired(data: bytes) -> tuple[bytes, list[int]] | None:
    """Return text of the same length that has another character for each bare ``&`` and ``<``, and where these stand.

    Returns:
        None if the text is no XML for another reason, or for none of these.
    """
    made = bytearray(data)
    places: list[int] = []
    at = 0
    while (found := _MARK.search(data, at)) is not None:
        at = found.start()
        if found[0] == b"&":
            at = _spare(data, at, made, places)
            continue
        ends = next((end for begin, end in _SKIPPED if data.startswith(begin, at)), None)
        if ends is not None:
            close = data.find(ends, at)
            if close < 0:
                return None
            at = close + len(ends)
            continue
        name = _NAME.match(data, at)
        if name is None:
            return None
        at = name.end()
        while (value := _VALUE.match(data, at)) is not None:
            for mark in _MARK.finditer(data, at, value.end()):
                if mark[0] == b"&":
                    _spare(data, mark.start(), made, places)
                else:
                    made[mark.start()] = ord("_")
                    places.append(mark.start())
            at = value.end()
        end = _END.match(data, at)
        if end is None:
            return None
        at = end.end()
    return (bytes(made), places) if places else None


def _spare(data: bytes, at: int, made: bytearray, places: list[int]) -> int:
    """Replace an ``&`` that begins no reference; return where to go on."""
    reference = _REFERENCE.match(data, at)
    if reference is not None:
        return reference.end()
    made[at] = ord("_")
    places.append(at)
    return at + 1
