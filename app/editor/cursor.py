"""Where the cursor is in a tree file: which mappings and lists are open there and what is being typed.

This reads lines, not YAML, for a file that is being typed is mostly broken. A bracket or quote that is not closed ends
where a line begins that is indented no deeper than the one it began in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from ...trees.editing.roles import DOCUMENT, Kind, Role, below, element
from ...trees.reading.document import Item, Items, Pairs, Scalar

_KEY: Final = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#&*!|>'"%@`{}\[\],-][^:#]*?|-[^\s:#][^:#]*?)[ \t]*:(?=[ \t]|$)"""
)
_DASH: Final = re.compile(r"-(?:[ \t]+|$)")
_PROPERTY: Final = re.compile(r"&\S+[ \t]+")
_BLOCK: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$")
_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
_FLOW: Final = re.compile(
    r"""
    (?P<space>[ \t]+)
    | (?P<note>\#.*)
    | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')
    | (?P<open>[\[{])
    | (?P<close>[\]}])
    | (?P<comma>,)
    | (?P<colon>:(?=[ \t,\[\]{}]|$))
    | (?P<plain>(?:[^\s,\[\]{}:"'\#]|:(?![ \t,\[\]{}]|$)|(?<!\s)[\#"']|[ \t]+(?![ \t\#,\[\]{}]|$))+|["'])
    """,
    re.VERBOSE,
)


@dataclass
class Frame:
    """An open list or mapping.

    Attributes:
        mapping: False for a list.
        column: Where its dashes or keys stand, from 0; of one between brackets, that of its line.
        flow: True between brackets or braces.
        keys: Keys so far → the text of their values, as far as it stands on their line.
        key: The key whose value is open, empty for none.
    """

    mapping: bool
    column: int
    flow: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True)
class Cursor:
    """Where the cursor is.

    Attributes:
        frames: Open lists and mappings, outermost first.
        part: ``key`` where a key or an element of a list begins, ``value`` behind a colon, ``none`` in comments.
        typed: What stands before the cursor of the word or value in hand, without its quote.
        quote: The quote that is open.
        column: Where the word or value in hand begins, from 0.
        document: Number of the document in the file.
    """

    frames: tuple[Frame, ...]
    part: str
    typed: str
    quote: str
    column: int
    document: int

    @property
    def inner(self) -> Frame | None:
        """The innermost list or mapping."""
        return self.frames[-1] if self.frames else None


@dataclass(frozen=True)
class Spot:
    """What the cursor is in: the role of the mapping or list, and the keys that lead to it.

    Attributes:
        role: What the innermost list or mapping is for.
        keys: Keys from the root of the document to it.
        type: The type key of the node whose ports it is in, empty elsewhere.
    """

    role: Role
    keys: tuple[str, ...]
    type: str


def cursor_at(text: str, index: int) -> Cursor:
    """Return where an index of a text is."""
    scan = _Scan()
    lines = re.split("\r\n|[\n\r]", text[:index])
    for line in lines[:-1]:
        scan.line(line)
    return scan.cursor(lines[-1])


def spot_of(frames: tuple[Frame, ...]) -> Spot:
    """Return what the innermost frame is for."""
    role, type, keys = DOCUMENT, "", []
    for number, frame in enumerate(frames):
        if number:
            outer = frames[number - 1]
            if outer.mapping:
                keys.append(outer.key)
                type = outer.key if role.kind is Kind.NODE else type
                role = below(role, _scalar(outer.key), _item_of(frame))
                type = type if role.kind in (Kind.PORTS, Kind.DATA) else ""
            else:
                role, type = element(role), ""
    return Spot(role, tuple(keys), type)


def _scalar(text: str) -> Scalar:
    return Scalar(text, "plain", 1, 1, 1, 1)


def _item_of(frame: Frame) -> Item:
    """Return a list or mapping that stands for a frame; ``child`` tells ``retry`` the node from the common key."""
    if not frame.mapping:
        return Items((), 1, 1)
    return Pairs(tuple((_scalar(key), _scalar("")) for key in ("child", *frame.keys)), 1, 1)


class _Scan:
    """Reads line after line; ``stack`` holds what is open."""

    def __init__(self) -> None:
        self.stack: list[Frame] = []
        self.document = 0
        self.begun = False
        self.block: int | None = None
        self.flow_indent = 0
        self.part, self.typed, self.quote, self.at = "key", "", "", 0

    def line(self, line: str) -> None:
        """Take a whole line."""
        content = line.strip(" \t")
        indent = len(line) - len(line.lstrip(" "))
        if self.block is not None:
            if not content or indent > self.block:
                return
            self.block = None
        if not content:
            return
        if line.startswith(("---", "...")) and line[3:4] in ("", " ", "\t"):
            self.document += self.begun
            self.stack, self.begun = [], False
            line, indent = " " * 3 + line[3:] if line[3:].strip() else "", 3
            if not line.strip():
                return
        if content.startswith("#"):
            return
        self.begun = True
        if self.in_flow:
            if indent <= self.flow_indent and (_KEY.match(line, indent) or _DASH.match(line, indent)):
                while self.in_flow:
                    self.stack.pop()
            else:
                self.flow(line, indent)
                return
        self.entries(line, indent)

    @property
    def in_flow(self) -> bool:
        return bool(self.stack) and self.stack[-1].flow

    def entries(self, line: str, at: int) -> None:
        """Take the dashes, the key and the value of a line that begins outside brackets."""
        indent = at
        while found := _DASH.match(line, at):
            self.close(at, list_stays=True)
            if not self.stack or self.stack[-1].mapping or self.stack[-1].column != at:
                self.stack.append(Frame(False, at))
            at = found.end()
        self.part, self.typed, self.quote, self.at = "key", "", "", at
        property = _PROPERTY.match(line, at)
        at = property.end() if property else at
        found = _KEY.match(line, at)
        if found is None:
            self.scalar(line, at, indent)
            return
        self.close(found.start())
        if not self.stack or not self.stack[-1].mapping or self.stack[-1].column != found.start():
            self.stack.append(Frame(True, found.start()))
        frame = self.stack[-1]
        frame.key = _plain(found[1])
        rest = line[found.end() :]
        frame.keys[frame.key] = _plain(rest.split(" #")[0].strip())
        self.part = "value"
        at = found.end() + len(rest) - len(rest.lstrip())
        property = _PROPERTY.match(line, at)
        self.scalar(line, property.end() if property else at, indent)

    def close(self, column: int, list_stays: bool = False) -> None:
        """Close what ends because something begins at a column."""
        while self.stack:
            top = self.stack[-1]
            if top.column > column or (top.column == column and not top.mapping and not list_stays):
                self.stack.pop()
            else:
                return

    def scalar(self, line: str, at: int, indent: int) -> None:
        """Take what stands where a value begins."""
        rest = line[at:]
        self.at = at
        if rest[:1] in ("{", "["):
            self.flow_indent = indent
            self.flow(line, at)
        elif rest[:1] in ('"', "'"):
            closed = _QUOTED.match(rest)
            after = rest[closed.end() :] if closed else ""
            self.part = "none" if closed and after else self.part
            self.quote, self.typed = ("" if closed else rest[0]), (rest if closed else rest[1:])
        elif _BLOCK.match(rest):
            self.block, self.part = indent, "none"
        else:
            note = re.search(r"(?:^|\s)#", rest)
            self.part = "none" if note else self.part
            self.typed = rest

    def flow(self, line: str, at: int) -> None:
        """Take what stands between brackets."""
        while at < len(line):
            found = _FLOW.match(line, at)
            if found is None:
                at += 1
                continue
            top = self.stack[-1] if self.in_flow else None
            kind, word = found.lastgroup, found[0]
            if kind == "open":
                self.stack.append(Frame(word == "{", self.flow_indent, True))
                self.part, self.typed, self.quote, self.at = "key", "", "", found.end()
            elif kind == "close":
                if top is not None:
                    self.stack.pop()
                self.part, self.typed, self.quote = ("value" if self.in_flow else "none"), "", ""
            elif kind == "comma" and top is not None:
                top.key, self.part, self.typed, self.quote, self.at = "", "key", "", "", found.end()
            elif kind == "colon" and top is not None:
                top.key = _plain(self.typed)
                top.keys.setdefault(top.key, "")
                self.part, self.typed, self.quote, self.at = "value", "", "", found.end()
            elif kind == "note":
                self.part = "none"
                return
            elif kind in ("plain", "quoted"):
                open = word in ('"', "'")
                self.at, self.quote = found.start(), word if open else ""
                self.typed = line[found.end() :] if open else word
                if top is not None and self.part == "value":
                    top.keys[top.key] = _plain(word)
                if open:
                    return
            elif kind == "space" and not self.typed:
                self.at = found.end()
            at = found.end()

    def cursor(self, line: str) -> Cursor:
        """Take the line of the cursor up to it, and return where it is."""
        self.part, self.typed, self.quote, self.at = "key", "", "", len(line)
        indent = len(line) - len(line.lstrip(" "))
        if self.block is not None and (not line.strip() or indent > self.block):
            typed = line.split(" ")[-1]
            return Cursor(tuple(self.stack), "text", typed, "", len(line) - len(typed), self.document)
        if line.strip().startswith("#"):
            self.part = "none"
        elif line.strip():
            self.line(line)
            ends_open = line.rstrip() != line and self.typed and not self.quote
            if ends_open and not self.in_flow and self.part == "key":
                self.part = "none"
        elif not self.in_flow:
            self.close(indent)
            while self.stack and not self.stack[-1].mapping and self.stack[-1].column >= indent:
                self.stack.pop()
        if self.part == "key" and not self.in_flow:
            self.close_for_word()
        return Cursor(tuple(self.stack), self.part, self.typed, self.quote, self.at, self.document)

    def close_for_word(self) -> None:
        """Close the mappings that a key at the place of the word would close."""
        top = self.stack[-1] if self.stack else None
        if top is not None and not top.mapping and top.column < self.at:
            return
        self.close(self.at)
        top = self.stack[-1] if self.stack else None
        if top is not None and top.mapping and top.column < self.at and not top.keys.get(top.key, ""):
            self.stack.append(Frame(True, self.at))


def _plain(text: str) -> str:
    """Return a word without its quotes."""
    text = text.strip()
    closed = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if closed else text
