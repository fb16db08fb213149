"""Say in plain words why a text is no XML."""

from __future__ import annotations

import re
import xml.parsers.expat as expat
from collections.abc import Callable, Sequence
from typing import Final

from ..problems import Problem
from ..reading.document import Scalar, Source

ATTRIBUTE: Final = re.compile(rb"""[ \t\r\n]+([^\s=>/]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')""")
"""An attribute with the white space before it: name, value in double quotes or value in single ones."""

_CODES: Final = expat.errors.codes
_DUPLICATE: Final = _CODES[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]
_MISMATCH: Final = _CODES[expat.errors.XML_ERROR_TAG_MISMATCH]
_ENTITY: Final = _CODES[expat.errors.XML_ERROR_UNDEFINED_ENTITY]
_JUNK: Final = _CODES[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_UNENDED: Final = tuple(
    _CODES[each]
    for each in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
_UNKNOWN_ENTITY: Final = re.compile(rb"&(?!#|(?:lt|gt|amp|quot|apos);)")
_BARE_AMPERSAND: Final = re.compile(rb"&(?!#?\w+;)")


def explain(
    source: Source,
    data: bytes,
    place: Callable[[int], tuple[int, int]],
    error: expat.ExpatError,
    index: int,
    open: Sequence[Scalar],
) -> Problem:
    """Return the one problem that a syntax error is.

    Args:
        source: The file.
        data: Its text in UTF-8.
        place: Gives line and column of a byte.
        error: What expat says.
        index: The byte where it says so.
        open: The tags that are open there.
    """
    name = open[-1] if open else None
    if error.code == _DUPLICATE:
        return _twice(source, data, place, index)
    if error.code == _MISMATCH and name is not None:
        closing = re.compile(rb"(?:</)?\s*([^\s>]*)").match(data, index)
        found = closing[1].decode("utf-8", "replace") if closing else ""
        return source.problem(
            place(index),
            "K040",
            f"</{found}> closes <{name.text}>",
            why=f"<{name.text}> was opened in line {name.line}, column {name.column - 1}",
            fix=f"write </{name.text}> before it, or correct the name",
            width=max(1, len(found)),
        )
    if error.code == _ENTITY:
        unknown = _UNKNOWN_ENTITY.search(data, index)
        index = unknown.start() if unknown is not None else index
        return source.problem(
            place(index),
            "K042",
            "this entity is not known",
            why="XML knows &lt; &gt; &amp; &quot; &apos; and numbers such as &#176;",
            fix="write the character itself",
        )
    if error.code == _JUNK:
        fix = "put all of it into one <root>"
        return source.problem(place(index), "K040", "something stands behind the outermost element", fix=fix)
    if error.code in _UNENDED:
        at = (name.line, name.column) if name is not None and not _inside_tag(data, index) else place(index)
        message = f"<{name.text}> is not closed" if name is not None else "here something is not closed"
        if not data[index:].strip() and name is None:
            message = "there is no element in this file"
        return source.problem(at, "K040", message, fix="close what was opened; a tree file holds one <root>")
    return _malformed(source, data, place, error, index)


def _inside_tag(data: bytes, index: int) -> bool:
    return data[index : index + 1] == b"<"


def _malformed(
    source: Source, data: bytes, place: Callable[[int], tuple[int, int]], error: expat.ExpatError, index: int
) -> Problem:
    """Return the problem of a character that cannot stand where it does."""
    begin = max(data.rfind(b"<", 0, index), 0)
    ampersand = _BARE_AMPERSAND.search(data, begin, index + 1)
    message, why, fix = f"this is no XML: {expat.ErrorString(error.code)}", "", 'write attributes as name="value"'
    comment = data.rfind(b"<!--", 0, index)
    if comment >= 0 and data.find(b"-->", comment, index) < 0:
        message, why, fix = (
            "'--' stands inside a comment",
            "two dashes may only end it",
            "write one dash, or a space between",
        )
    elif ampersand is not None:
        index = ampersand.start()
        message, why, fix = "'&' stands alone", "it begins a reference such as &lt;", "write &amp; for the character"
    elif data[index : index + 1] == b"<":
        message, why = "'<' stands inside a tag or a value", "it begins a tag"
        fix = "write &lt; for the character, or close the quote or the tag before it"
    elif re.compile(rb"=\s*\Z").search(data[max(0, index - 40) : index]):
        message, why, fix = "a value without quotes", "XML quotes every value", 'write name="value"'
    elif data[max(0, index - 1) : index] in (b'"', b"'"):
        message, why, fix = "two attributes stand together", "", "put a space between them"
    return source.problem(place(index), "K040", message, why=why, fix=fix)


def _twice(source: Source, data: bytes, place: Callable[[int], tuple[int, int]], index: int) -> Problem:
    """Return the problem of an attribute that stands twice in one tag."""
    start = data.rfind(b"<", 0, index + 1)
    tag = re.compile(rb"<[^\s/>]+").match(data, max(0, start))
    at = tag.end() if tag else index
    seen: set[bytes] = set()
    found = ATTRIBUTE.match(data, at)
    while found is not None and found[1] not in seen:
        seen.add(found[1])
        found = ATTRIBUTE.match(data, found.end())
    name = found[1].decode("utf-8", "replace") if found is not None else ""
    return source.problem(
        place(found.start(1) if found is not None else index),
        "K041",
        f"the attribute {name!r} stands twice in this tag",
        why="only one of them could count",
        fix="delete one of them",
        width=max(1, len(name)),
    )
