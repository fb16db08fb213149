"""Read XML text to elements with places. Whatever XML could do to a reader is refused: entities, DTDs, endless depth.

The parser is expat of the standard library. It is only asked where tags begin; attributes are read here, because expat
tells neither their places nor the line breaks in their values, which BehaviorTree.CPP keeps.
"""

from __future__ import annotations

import bisect
import codecs
import re
import xml.parsers.expat as expat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..._base import Place
from ..problems import Problem, TreeError
from ..reading.document import Scalar, Source
from .layout import comment_said
from .syntax import ATTRIBUTE, explain
from .tolerance import repaired

MAX_DEPTH: Final = 1000
"""Levels of elements."""
MAX_ELEMENTS: Final = 200_000
"""Elements, attributes and comments of one file."""
MAX_BYTES: Final = 20_000_000

_REFERENCE = re.compile(r"&(?:#([0-9]+)|#x([0-9a-fA-F]+)|(lt|gt|amp|quot|apos));")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_DECLARED = re.compile(r"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS: Final = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252")
"""Encodings that a declaration may name, as Python's codecs call them."""


@dataclass(slots=True)
class Attribute:
    """One attribute: its name and its value with references resolved, each with its place."""

    name: Scalar
    value: Scalar


@dataclass(slots=True)
class Comment:
    """A comment, as the block it is in YAML.

    Attributes:
        text: Lines without the white space around them.
        beside: True when it begins on the line where the tag or comment before it ends.
    """

    text: str
    line: int
    column: int
    beside: bool


@dataclass(slots=True)
class Element:
    """An element.

    Attributes:
        tag: Name, placed behind the ``<``.
        inside: Elements and comments in it, in order.
        pieces: Text directly in it, as it is cut by what else is inside.
        text_at: Line and column where text other than white space begins, (0, 0) when there is none.
    """

    tag: Scalar
    attributes: list[Attribute]
    inside: list[Element | Comment] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    text_at: tuple[int, int] = (0, 0)

    @property
    def text(self) -> str:
        """The text directly in it, white space around it left off."""
        return "".join(self.pieces).strip()

    def get(self, name: str) -> Scalar | None:
        """Return the value of an attribute, None when it is absent."""
        return next((each.value for each in self.attributes if each.name.text == name), None)

    @property
    def elements(self) -> list[Element]:
        """The elements directly in it."""
        return [each for each in self.inside if isinstance(each, Element)]


@dataclass
class XmlFile:
    """One XML file: its outermost element, and what stands around it."""

    source: Source
    root: Element
    before: list[Comment]
    after: list[Comment]
    instructions: list[Scalar]
    problems: list[Problem] = field(default_factory=list)


def parse_file(path: str | Path) -> XmlFile:
    """Read an XML file.

    Raises:
        TreeError: The file cannot be read or is no XML that is accepted here.
    """
    file = str(path)
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise _file_error(file, "K001", "there is no such file", "correct the path") from None
    except IsADirectoryError:
        raise _file_error(file, "K002", "this is a directory, not a tree file", "name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _file_error(
            file, "K003", f"the file cannot be read: {reason}", "check its permissions and its path"
        ) from error
    return parse_text(decode(raw, file), file)


def parse_text(text: str, file: str = "<text>") -> XmlFile:
    """Read XML text; ``file`` is the name in messages.

    Raises:
        TreeError: The text is no XML that is accepted here.
    """
    source = Source(file, text.removeprefix("\ufeff"))
    if len(text) > MAX_BYTES:
        raise _file_error(file, "K043", f"the file has more than {MAX_BYTES // 1_000_000} MB", "split it")
    if not source.text.strip():
        raise _file_error(file, "K005", "the file is empty", "write a tree in it")
    return _Parser(source).run()


def decode(raw: bytes, file: str) -> str:
    """Return the text of an XML file, in the encoding that its byte order mark or its declaration names.

    Raises:
        TreeError: The encoding is not known here, or the bytes are not in it.
    """
    name = "utf-8"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "utf-16"
    elif not raw.startswith(codecs.BOM_UTF8):
        declared = _DECLARED.match(raw[:200].decode("latin-1"))
        if declared is not None:
            name = declared[1]
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if known not in _ENCODINGS:
        raise _file_error(
            file,
            "K053",
            f"the encoding {name!r} is not read here",
            "save the file as UTF-8, and say so in its first line",
        )
    try:
        return raw.decode("utf-8-sig" if known == "utf-8" else known)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(known, "replace").split("\n")
        raise TreeError(
            [
                Problem(
                    Place(file, len(before), len(before[-1].removeprefix("\ufeff")) + 1),
                    "K053",
                    f"the byte 0x{raw[error.start]:02X} is not {name.upper()}",
                    why="the file says it is in this encoding" if name != "utf-8" else "",
                    fix="save the file as UTF-8",
                )
            ]
        ) from None


def block_of(data: str) -> str:
    """Return a comment's text as a block: lines without their common indentation and without blanks at the ends."""
    lines = [line.expandtabs().rstrip() for line in re.split("\r\n|[\n\r\x85\u2028\u2029]", data)]
    lines[0] = lines[0].lstrip()
    rest = [len(line) - len(line.lstrip()) for line in lines[1:] if line]
    cut = min(rest, default=0)
    lines[1:] = [line[cut:] for line in lines[1:]]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return comment_said("\n".join(lines))


def _file_error(file: str, code: str, message: str, fix: str) -> TreeError:
    return TreeError([Problem(Place(file, 1, 1), code, message, fix=fix)])


class _Parser:
    """Reads one text; ``parsed`` is what expat reads instead of it, of the same length, where it would refuse it."""

    def __init__(self, source: Source, parsed: bytes | None = None, bares: Sequence[int] = ()) -> None:
        self.source, self.bares = source, bares
        self.data = source.text.encode("utf-8", "surrogatepass")
        self.parsed = self.data if parsed is None else parsed
        self.ascii = len(self.data) == len(source.text)
        self.starts = [
            0,
            *(found.end() for found in re.finditer(rb"\r\n|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9]", self.data)),
        ]
        self.stack: list[Element] = []
        self.root: Element | None = None
        self.before: list[Comment] = []
        self.after: list[Comment] = []
        self.instructions: list[Scalar] = []
        self.problems: list[Problem] = []
        self.last_line = self.count = 0
        self.empty: Element | None = None
        self.known = (0, 0)
        self.expat = expat.ParserCreate("utf-8")
        self.expat.ordered_attributes = True
        self.expat.StartElementHandler = self.opened
        self.expat.EndElementHandler = self.closed
        self.expat.CharacterDataHandler = self.text
        self.expat.CommentHandler = self.comment
        self.expat.ProcessingInstructionHandler = self.instruction
        self.expat.StartDoctypeDeclHandler = self.doctype
        self.expat.EntityDeclHandler = self.doctype

    def run(self) -> XmlFile:
        try:
            self.expat.Parse(self.parsed, True)
        except expat.ExpatError as error:
            index = max(0, self.expat.ErrorByteIndex)
            tags = [each.tag for each in self.stack]
            problem = explain(self.source, self.data, self.place, error, index, tags)
            again = repaired(self.data) if self.parsed is self.data else None
            if again is None:
                raise TreeError([problem]) from None
            return _Parser(self.source, *again).run()
        if self.problems:
            raise TreeError(self.problems)
        assert self.root is not None
        bare = [self.bare(index) for index in self.bares]
        return XmlFile(self.source, self.root, self.before, self.after, self.instructions, bare)

    def bare(self, index: int) -> Problem:
        mark = chr(self.data[index])
        return self.source.problem(
            self.place(index),
            "K057",
            f"{mark!r} stands bare where XML wants {'&amp;' if mark == '&' else '&lt;'}",
            why="BehaviorTree.CPP reads it; other programs refuse the file",
            fix=f"write {'&amp;' if mark == '&' else '&lt;'}, as a conversion does",
            severity="warning",
        )

    # places --------------------------------------------------------------------------------------------------------
    def place(self, index: int) -> tuple[int, int]:
        """Return line and column, in characters, of a byte; lines are counted as ``Source`` shows them."""
        line = bisect.bisect_right(self.starts, index) - 1
        start = self.starts[line]
        if self.ascii:
            return line + 1, index - start + 1
        known, column = self.known  # a file may be one line: count on from the place asked for before
        if not start <= known <= index:
            known, column = start, 0
        column += len(self.data[known:index].decode("utf-8", "replace"))
        self.known = index, column
        return line + 1, column + 1

    def scalar(self, raw: bytes, start: int, text: str, quoted: bool = False) -> Scalar:
        line, column = self.place(start)
        if not self.ascii or b"\n" in raw or b"\r" in raw:
            end_line, end_column = self.place(start + len(raw))
        else:
            end_line, end_column = line, column + len(raw)
        return Scalar(text, "quoted" if quoted else "plain", line, column, end_line, end_column)

    def fail(
        self, code: str, message: str, *, why: str = "", fix: str, width: int = 1, index: int | None = None
    ) -> None:
        at = self.place(self.expat.CurrentByteIndex if index is None else index)
        self.problems.append(self.source.problem(at, code, message, why=why, fix=fix, width=width))

    def stop(self, code: str, message: str, *, why: str = "", fix: str, index: int | None = None) -> None:
        self.fail(code, message, why=why, fix=fix, index=index)
        raise TreeError(self.problems)

    def counted(self, more: int) -> None:
        self.count += more
        if self.count > MAX_ELEMENTS:
            self.stop(
                "K043",
                f"more than {MAX_ELEMENTS} elements and attributes",
                fix="split the file; `<include path=…/>` joins the parts",
            )

    # what expat calls ----------------------------------------------------------------------------------------------
    def opened(self, tag: str, attributes: list[str]) -> None:
        index = self.expat.CurrentByteIndex
        raw = tag.encode("utf-8")
        name = self.scalar(raw, index + 1, tag)
        element = Element(name, [])
        at = index + 1 + len(raw)
        for _ in range(len(attributes) // 2):
            found = ATTRIBUTE.match(self.data, at)
            assert found is not None  # expat has read the same tag
            group = 2 if found[2] is not None else 3
            element.attributes.append(
                Attribute(
                    self.scalar(found[1], found.start(1), found[1].decode("utf-8")),
                    self.scalar(found[group], found.start(group), _resolved(found[group]), quoted=True),
                )
            )
            at = found.end()
        self.counted(1 + len(element.attributes))
        if len(self.stack) >= MAX_DEPTH:
            self.stop(
                "K043",
                f"nested deeper than {MAX_DEPTH} levels",
                fix="move parts of the tree to trees of their own, <SubTree>",
            )
        if self.stack:
            self.stack[-1].inside.append(element)
        else:
            self.root = element
        self.stack.append(element)
        end = self.data.index(b">", at)
        self.empty = element if self.data[end - 1 : end] == b"/" else None
        self.last_line = self.place(end)[0]

    def closed(self, _: str) -> None:
        if self.stack.pop() is not self.empty:  # of an empty tag expat tells the place behind it
            self.last_line = self.place(self.data.index(b">", self.expat.CurrentByteIndex))[0]

    def text(self, data: str) -> None:
        element = self.stack[-1]
        if self.bares:
            index, raw = self.expat.CurrentByteIndex, data.encode("utf-8")
            if self.parsed.startswith(raw, index):  # as it stands, no reference
                data = self.data[index : index + len(raw)].decode("utf-8")
        if element.text_at == (0, 0) and data.strip():
            index = self.expat.CurrentByteIndex
            blank = len(data) - len(data.lstrip())
            element.text_at = self.place(index + len(data[:blank].encode()))
        element.pieces.append(data)

    def comment(self, data: str) -> None:
        index = self.expat.CurrentByteIndex
        line, column = self.place(index)
        self.counted(1)
        made = Comment(block_of(data), line, column, line == self.last_line)
        self.last_line = self.place(self.data.index(b"-->", index))[0]
        if self.stack:
            self.stack[-1].inside.append(made)
        elif self.root is None:
            self.before.append(made)
        else:
            self.after.append(made)

    def instruction(self, target: str, data: str) -> None:
        if self.root is None:
            raw = f"{target} {data}".rstrip()
            self.instructions.append(self.scalar(raw.encode(), self.expat.CurrentByteIndex + 2, raw))
            return
        self.fail(
            "K050",
            f"the processing instruction <?{target}?> stands inside or after <root>",
            why="only those before <root> can be kept in YAML",
            fix="move it above <root>, or delete it",
            width=len(target) + 2,
        )

    def doctype(self, *_: object) -> None:
        begin = self.data.rfind(b"<!DOCTYPE", 0, self.expat.CurrentByteIndex + 1)
        self.stop(
            "K042",
            "document types and entities are refused",
            why="a file could make the reader expand text without end, or read other files",
            fix="delete <!DOCTYPE …>, and write out what its entities stand for",
            index=max(0, begin),
        )


def _resolved(raw: bytes) -> str:
    text = raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    if "&" not in text:
        return text
    return _REFERENCE.sub(
        lambda found: chr(int(found[1])) if found[1] else chr(int(found[2], 16)) if found[2] else _NAMED[found[3]], text
    )
