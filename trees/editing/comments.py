"""Find the comments of a YAML file and hang each on the item that it stands at; see ``Comments``.

A comment is what stands after ``#`` outside scalars, so the parser's events say where to look: in the gaps between two
tokens. Events and items are walked side by side. Of a comment on a line of its own the column decides whether it ends
a list or mapping or stands above what comes next.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import yaml

from ..problems import TreeError
from ..reading.document import Comments, Documents, Item, Items, Pairs, Scalar

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NOTE_OR_DASH: Final = re.compile("#[^\r\n\x85\u2028\u2029]*|-")
_ANCHOR: Final = re.compile(r"&[-\w]+")
_ANCHOR_GAP: Final = re.compile("(?:[ \t\r\n\x85\u2028\u2029]|#[^\r\n\x85\u2028\u2029]*)*")
_HEADER: Final = re.compile("[|>][-+0-9]*[ \t]+(#[^\r\n\x85\u2028\u2029]*)")


def find_comments(documents: Documents) -> Comments:
    """Return all comments of a file that was read from YAML, none lost and none twice.

    Raises:
        TreeError: The reader left something of the file out; then some comments would have no item to hang on.
    """
    if documents.problems:
        raise TreeError(documents.problems)
    return _Finder(documents).run()


@dataclass(frozen=True)
class _Note:
    """One comment: text, place, whether it is alone on its line and whether it stands behind the dash of an element."""

    text: str
    line: int
    column: int
    alone: bool
    dashed: bool


@dataclass
class _Open:
    """A list or mapping: where its elements stand, how many were taken, how many comments were hung before it."""

    item: Items | Pairs
    flow: bool
    owner: int | None
    notes: int
    column: int = 0
    taken: int = 0


class _Finder:
    def __init__(self, documents: Documents) -> None:
        self.roots, self.text = documents.roots, documents.source.text
        self.copies = {item for item, name in documents.anchors.items() if name.startswith("*")}
        self.starts = [0, *(found.end() for found in _BREAK.finditer(self.text))]
        self.comments = Comments()
        self.stack: list[_Open] = []
        self.ended: list[_Open] = []  # since the last token, innermost first
        self.carried: list[_Note] = []  # that no item of the document before could take
        self.ends: dict[int, int] = {}  # id of a list of blocks → line of its last comment
        self.count = self.number = 0
        self.at = self.before = 0  # behind the last token; the same of the token before the gap in hand
        self.dash = -1  # in the gap in hand
        self.tail: int | None = None  # what a comment on the line of the last token hangs on

    def run(self) -> Comments:
        for event in yaml.parse(self.text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
            start = event.start_mark.index  # type: ignore[union-attr]
            end = event.end_mark.index  # type: ignore[union-attr]
            if isinstance(event, yaml.ScalarEvent):
                self.scalar(event, start, end)
            elif isinstance(event, yaml.AliasEvent):
                self.tail = id(self.entry(start))
                self.at = end
            elif isinstance(event, yaml.CollectionStartEvent):
                self.opened(event, start, end)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.closed(start, end)
            elif isinstance(event, yaml.DocumentStartEvent | yaml.DocumentEndEvent) and event.explicit:
                self.between(start, end)
        self.outside(self.gap(len(self.text)))
        return self.comments

    def scalar(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        """Take a scalar, and hang what stands within it: behind its anchor, or behind ``|`` and ``>``."""
        item = self.entry(start)
        anchor = _ANCHOR.match(self.text, start) if event.anchor is not None else None
        if anchor is not None:
            start = _ANCHOR_GAP.match(self.text, anchor.end(), end).end()  # type: ignore[union-attr]
            self.hang_above(id(item), list(self.notes(anchor.end(), start)))
        header = _HEADER.match(self.text, start) if event.style in ("|", ">") else None
        if header is not None:
            self.beside(id(item), header[1])
        self.at, self.tail = end, id(item)

    def opened(self, event: yaml.CollectionStartEvent, start: int, end: int) -> None:
        item = self.entry(start)
        assert not isinstance(item, Scalar)
        owner: int | None = None
        if self.stack:
            within = self.stack[-1].item
            owner = id(within.pairs[(self.stack[-1].taken - 1) // 2][0] if isinstance(within, Pairs) else item)
        self.stack.append(_Open(item, bool(event.flow_style), owner, self.count))
        anchor = _ANCHOR.match(self.text, start) if event.anchor is not None else None
        self.at = end if event.flow_style else anchor.end() if anchor is not None else start
        self.tail = owner if anchor is not None and not event.flow_style else None
        if event.flow_style and anchor is not None:
            self.hang_above(_first(item), list(self.notes(anchor.end(), end)))

    def closed(self, start: int, end: int) -> None:
        made = self.stack[-1]
        if self.text[start:end] not in ("]", "}"):
            self.stack.pop()
            self.ended.append(made)
            return
        notes = self.gap(start)
        self.stack.pop()
        if _first(made.item) == id(made.item):
            self.hang_above(id(made.item), notes)
            self.tail = id(made.item)
        else:
            self.hang(self.comments.below.setdefault(id(made.item), []), notes) if notes else None
            bare = self.count == made.notes and _first(made.item) not in self.comments.above
            self.tail = made.owner if bare else None
        made.column = len(self.text)
        self.at, self.ended = end, [made] if self.tail is None else []

    def between(self, start: int, end: int) -> None:
        """Take ``---`` or ``...``; directives before ``---`` are a part of it."""
        notes = [*self.gap(start), *self.notes(start, end)]
        self.at, self.tail = end, None
        if self.number == 0:
            self.hang(self.comments.first, notes)
        elif self.number == len(self.roots):
            self.outside(notes)
        else:
            self.carried += self.below(notes, 0)
        self.ended = self.ended[-1:]

    def entry(self, start: int) -> Item:
        """Take the next item, which begins at ``start``, and hang what stands before it."""
        notes = self.gap(start)
        item: Item
        if not self.stack:
            item = self.roots[self.number]
            self.number += 1
            self.above(_first(item), [*self.carried, *notes], start)
            self.carried = []
        else:
            within = self.stack[-1]
            taken, within.taken = within.taken, within.taken + 1
            if isinstance(within.item, Items):
                item = within.item.items[taken]
                self.element(within, item, notes, start)
            elif taken % 2:
                item = within.item.pairs[taken // 2][1]
                self.above(id(item) if id(item) in self.copies else _first(item), notes, start)
            else:
                item = within.item.pairs[taken // 2][0]
                self.next(within, id(item), notes, start)
        self.ended = []
        return item

    def element(self, within: _Open, item: Item, notes: list[_Note], start: int) -> None:
        """Hang what stands before an element of a list: before its dash, beside the dash, behind it."""
        before = [note for note in notes if not note.dashed]
        behind = notes[len(before) :]
        self.next(within, id(item), before, start if within.flow else self.dash)
        if isinstance(item, Scalar) or item.flow or id(item) in self.copies:
            self.above(id(item), behind, start)
            return
        if behind and not behind[0].alone:
            self.beside(id(item), behind.pop(0).text)
        self.above(_first(item), behind, start)

    def next(self, within: _Open, target: int, notes: list[_Note], start: int) -> None:
        """Hang what stands between the entry before and the next one, which begins at ``start``."""
        column = self.column_of(start)
        first = not within.column
        within.column = within.column or column
        mine = notes if within.flow else self.below(notes, column)
        if not within.flow and not first:
            others = [note.line for note in notes if note not in mine]
            top = mine[0].line if mine else self.line_of(start)
            if top - max([self.line_of(self.before), *others]) > 1:
                self.comments.spaced.add(target)
        self.above(target, mine, start)

    def below(self, notes: Sequence[_Note], column: int) -> list[_Note]:
        """Hang what is indented as the ended lists and mappings are; return what belongs to the next at ``column``."""
        for number, note in enumerate(notes):
            if note.alone and note.column <= column:
                return list(notes[number:])
            home = next((made for made in self.ended if not note.alone or made.column <= note.column), None)
            if home is None:
                return list(notes[number:])
            self.ended = self.ended[self.ended.index(home) :]
            self.hang(self.comments.below.setdefault(id(home.item), []), [note])
        return []

    def outside(self, notes: Sequence[_Note]) -> None:
        """Hang what stands behind the last item of the file."""
        roots = {id(root) for root in self.roots}
        root = next((made.column for made in self.ended if id(made.item) in roots), 0)
        self.ended = [made for made in self.ended if id(made.item) not in roots]
        self.hang(self.comments.last, [*self.carried, *self.below(notes, root)])
        self.carried, self.ended = [], []

    def above(self, target: int, notes: Sequence[_Note], start: int) -> None:
        self.hang_above(target, notes)
        if notes and self.line_of(start) - notes[-1].line > 1:
            self.comments.apart.add(target)

    def hang_above(self, target: int, notes: Sequence[_Note]) -> None:
        if notes:
            self.hang(self.comments.above.setdefault(target, []), notes)

    def hang(self, blocks: list[str], notes: Sequence[_Note]) -> None:
        for note in notes:
            text = _said(note.text)
            if blocks and self.ends[id(blocks)] == note.line - 1:
                blocks[-1] += "\n" + text
            else:
                blocks.append(text)
            self.ends[id(blocks)] = note.line
            self.count += 1

    def beside(self, target: int, text: str) -> None:
        self.comments.beside[target] = _said(text)
        self.count += 1

    def gap(self, upto: int) -> list[_Note]:
        """Return the comments from the last token to ``upto``; one on the line of that token is hung beside it."""
        notes = list(self.notes(self.at, upto))
        self.before = self.at - _blank_before(self.text, self.at)
        if notes and not notes[0].alone and self.tail is not None and self.tail not in self.comments.beside:
            start = self.starts[notes[0].line - 1]
            if start < self.before:
                self.beside(self.tail, notes.pop(0).text)
        return notes

    def notes(self, start: int, end: int) -> Iterator[_Note]:
        """Yield the comments between two indices with no scalar between them; sets ``dash``."""
        self.dash = -1
        for found in _NOTE_OR_DASH.finditer(self.text, start, end):
            if found[0] == "-":
                self.dash = found.start()
                continue
            line = self.line_of(found.start())
            begin = self.starts[line - 1]
            alone = not self.text[begin : found.start()].strip()
            yield _Note(found[0].rstrip(), line, found.start() - begin + 1, alone, self.dash >= 0)

    def line_of(self, index: int) -> int:
        return bisect_right(self.starts, index)

    def column_of(self, index: int) -> int:
        return index - self.starts[self.line_of(index) - 1] + 1


def _blank_before(text: str, index: int) -> int:
    """Return how many characters of white space stand before an index."""
    width = 64
    while True:
        piece = text[max(0, index - width) : index]
        blank = len(piece) - len(piece.rstrip())
        if blank < len(piece) or width >= index:
            return blank
        width *= 4


def _first(item: Item) -> int:
    """Return what a comment hangs on that stands above the whole of an item: its first element or key."""
    if isinstance(item, Items) and item.items:
        return id(item.items[0])
    if isinstance(item, Pairs) and item.pairs:
        return id(item.pairs[0][0])
    return id(item)


def _said(note: str) -> str:
    """Return the text of a comment without ``#`` and the one space behind it."""
    return note[1:].removeprefix(" ").rstrip()
