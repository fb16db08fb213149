"""Read YAML text to documents with places. One pass over parser events: nothing recurses, nothing is typed.

Scalars stay text, because only a port can say of which type they are. A syntax error is raised alone; what leaves the
rest readable (a key twice, text that YAML cut at a comma, a tag) is collected.
"""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, cast

import yaml

from ..problems import Problem, TreeError
from .document import Documents, Item, Items, Pairs, Scalar, Source, Style
from .raw_text import TREE_FILE, FileKind, file_error, read_raw, refuse_control_characters
from .syntax import explain

MAX_DEPTH: Final = 2000
"""Levels of YAML: 500 levels of nodes take three each."""
MAX_ITEMS: Final = 500_000
"""Scalars, lists and mappings of one file, each alias counted as the copy it is."""

_STYLES: Final[dict[str | None, Style]] = {
    None: "plain", "": "plain", "'": "quoted", '"': "quoted", "|": "block", ">": "block",
}  # fmt: skip
_STARTS: Final = frozenset((yaml.SequenceStartEvent, yaml.MappingStartEvent))
_ENDS: Final = frozenset((yaml.SequenceEndEvent, yaml.MappingEndEvent))


def read_file(path: str | Path, kind: FileKind = TREE_FILE) -> Documents:
    """Read a YAML file.

    Args:
        path: The file.
        kind: What it is meant to be, for messages.

    Raises:
        TreeError: The file cannot be read, is not UTF-8, is empty, or is no YAML.
    """
    return read_text(read_raw(path, kind), str(path), kind)


def read_text(text: str, file: str = "<text>", kind: FileKind = TREE_FILE) -> Documents:
    """Read YAML text; ``file`` is the name in messages, ``kind`` what it is meant to be.

    Raises:
        TreeError: The text is empty or no YAML.
    """
    source = Source(file, text.removeprefix("\ufeff"))
    refuse_control_characters(source)
    with gc_paused():
        reader = _Reader(source, kind)
        try:
            reader.read(_parser(source.text))
        except yaml.MarkedYAMLError as error:
            raise TreeError([explain(source, error)]) from None
        except yaml.YAMLError as error:
            raise TreeError([source.problem((1, 1), "K010", f"this is no YAML: {error}", fix="correct it")]) from None
    if not reader.roots:
        raise file_error(file, "K005", "the file is empty", kind.start)
    problems = reader.problems + reader.unused_anchors()
    return Documents(source, tuple(reader.roots), problems, anchors=reader.names)


class _Parser(Protocol):
    """What is used of PyYAML's loaders: one event after the other."""

    def get_event(self) -> yaml.Event: ...
    def dispose(self) -> None: ...


def _parser(text: str) -> _Parser:
    if yaml.__with_libyaml__:
        return cast(_Parser, yaml.CSafeLoader(text))
    warnings.warn(
        "PyYAML has no libyaml here: reading trees takes about nine times as long", RuntimeWarning, stacklevel=4
    )
    return yaml.SafeLoader(text)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause collection while many small objects are made that all live on: there is nothing to collect.

    They go to the oldest generation unseen; to look through them at once would take a tenth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


class _Open:
    """A list or mapping whose end has not come."""

    __slots__ = ("anchor", "count", "event", "items")

    def __init__(self, event: yaml.CollectionStartEvent, count: int) -> None:
        self.event, self.anchor, self.count = event, event.anchor, count
        self.items: list[Item] = []


class _Reader:
    def __init__(self, source: Source, kind: FileKind) -> None:
        self.source, self.kind = source, kind
        self.roots: list[Item] = []
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.items: list[Item] = self.roots
        """Where the next item goes: of the innermost open list or mapping."""
        self.anchors: dict[str, tuple[Item, int]] = {}
        self.scalar_anchors: dict[str, Scalar] = {}
        self.names: dict[int, str] = {}
        self.count = 0

    def read(self, parser: _Parser) -> None:
        """Take all events. Four of five are scalars: they are made here, without a call each."""
        try:
            get, new, scalar, end = parser.get_event, tuple.__new__, yaml.ScalarEvent, yaml.StreamEndEvent
            while True:
                event = get()
                if type(event) is scalar:
                    start, stop = event.start_mark, event.end_mark
                    made = new(
                        Scalar,
                        (
                            event.value,
                            _STYLES[event.style],
                            start.line + 1,  # type: ignore[union-attr]
                            start.column + 1,  # type: ignore[union-attr]
                            stop.line + 1,  # type: ignore[union-attr]
                            stop.column + 1,  # type: ignore[union-attr]
                        ),
                    )
                    self.items.append(made)
                    self.count += 1
                    if event.tag is not None or event.anchor is not None or self.count > MAX_ITEMS:
                        self.marked(event, made)
                elif type(event) in _STARTS:
                    self.opened(event)  # type: ignore[arg-type]
                elif type(event) in _ENDS:
                    self.closed()
                elif type(event) is end:
                    return
                else:
                    self.take(event)
        finally:
            parser.dispose()

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.anchors = {}

    def counted(self, event: yaml.Event, more: int = 1) -> None:
        self.count += more
        if self.count > MAX_ITEMS:
            raise TreeError(
                [
                    self.source.problem(
                        _start(event),
                        "K007",
                        f"more than {MAX_ITEMS} values, aliases counted as the copies they are",
                        fix="write fewer, or use subtrees with `use:`",
                    )
                ]
            )

    def marked(self, event: yaml.ScalarEvent, scalar: Scalar) -> None:
        """Look at a scalar with a tag or an anchor, or one too many."""
        self.counted(event, 0)
        if event.tag is not None:
            self.tag(scalar, event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (scalar, 1)
            self.scalar_anchors[event.anchor] = scalar
            self.names[id(scalar)] = f"&{event.anchor}"

    def opened(self, event: yaml.CollectionStartEvent) -> None:
        self.count += 1
        if self.count > MAX_ITEMS:
            self.counted(event, 0)
        if len(self.stack) >= MAX_DEPTH:
            raise TreeError(
                [
                    self.source.problem(
                        _start(event),
                        "K006",
                        f"nested deeper than {MAX_DEPTH} levels",
                        why=self.kind.depth[0],
                        fix=self.kind.depth[1],
                    )
                ]
            )
        if event.tag is not None:
            at = _start(event)
            self.problems.append(
                self.source.problem(
                    at, "K019", f"the tag {event.tag!r} has no meaning here", fix="delete it", width=len(event.tag)
                )
            )
        made = _Open(event, self.count)
        self.stack.append(made)
        self.items = made.items

    def closed(self) -> None:
        made = self.stack.pop()
        self.items = self.stack[-1].items if self.stack else self.roots
        line, column = _start(made.event)
        flow = bool(made.event.flow_style)
        item: Item
        if isinstance(made.event, yaml.SequenceStartEvent):
            item = Items(tuple(made.items), line, column, flow)
        else:
            item = Pairs(_plain_pairs(made.items, flow) or tuple(self.paired(made, flow)), line, column, flow)
        if made.anchor is not None:
            self.anchors[made.anchor] = (item, self.count - made.count + 1)
            self.names[id(item)] = f"&{made.anchor}"
        self.items.append(item)

    def paired(self, made: _Open, flow: bool) -> Iterator[tuple[Scalar, Item]]:
        seen: dict[str, Scalar] = {}
        last: Item | None = None
        bare: list[Scalar] = []
        for key, value in zip(made.items[::2], made.items[1::2], strict=True):
            if bare and not (isinstance(key, Scalar) and flow and self.is_bare(key, value)):
                self.cut_by_comma(bare, last)
                bare = []
            if not isinstance(key, Scalar):
                self.problems.append(
                    self.source.problem(
                        key, "K020", "a key must be a word, not a list or mapping", fix="quote the text"
                    )
                )
            elif flow and self.is_bare(key, value):
                bare.append(key)
                continue
            elif key.text == "<<" and key.style == "plain":
                self.problems.append(
                    self.source.problem(
                        key,
                        "K018",
                        "merge keys `<<` are not part of the tree language",
                        why="what a node is must be readable where it stands",
                        fix="write the keys out, or use a subtree with `use:`",
                    )
                )
            elif key.text in seen:
                first = seen[key.text]
                self.problems.append(
                    self.source.problem(
                        key,
                        "K017",
                        f"the key {key.text!r} stands twice in this mapping",
                        why=f"the first is in line {first.line}, column {first.column}; only one of them could count",
                        fix="delete one of them",
                    )
                )
            else:
                seen[key.text] = key
                yield key, value
            last = value
        if bare:
            self.cut_by_comma(bare, last)

    def is_bare(self, key: Scalar, value: Item) -> bool:
        """True for ``b`` in ``{a: x, b}``: a key without a colon."""
        if not isinstance(value, Scalar) or value.text or value.style != "plain":
            return False
        if (value.line, value.column) < (key.end_line, key.end_column):
            return False
        between = self.source.line(key.end_line)[key.end_column - 1 :]
        return not between.lstrip().startswith(":")

    def cut_by_comma(self, pieces: list[Scalar], last: Item | None) -> None:
        first = pieces[0]
        if isinstance(last, Scalar) and last.style == "plain" and last.text:
            whole = ", ".join([last.text, *(piece.text for piece in pieces)])
            problem = self.source.problem(
                first,
                "K012",
                "this looks like a text cut by a comma",
                why="between braces a comma ends plain text",
                fix=f'quote the whole text: "{whole}"',
            )
        else:
            problem = self.source.problem(
                first, "K012", f"the key {first.text!r} has no value", fix=f"write `{first.text}: VALUE`"
            )
        self.problems.append(problem)

    def alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        line, column = _start(event)
        self.scalar_anchors.pop(name, None)
        found = self.anchors.get(name)
        if found is None:
            inside = any(made.anchor == name for made in self.stack)
            self.problems.append(
                self.source.problem(
                    (line, column),
                    "K021",
                    f"the alias *{name} stands inside what it repeats"
                    if inside
                    else f"no &{name} stands before *{name}",
                    why="plain text that begins with * is a YAML alias, a copy of what &NAME marked",
                    fix=f'quote it if it is text: "*{name}"',
                    width=len(name) + 1,
                )
            )
            found = Scalar(f"*{name}", "plain", line, column, line, column + len(name) + 1), 1
        self.counted(event, found[1])
        copy = found[0]._replace() if isinstance(found[0], Scalar) else replace(found[0])
        self.names[id(copy)] = f"*{name}"
        self.items.append(copy)

    def tag(self, scalar: Scalar, event: yaml.ScalarEvent) -> None:
        written = self.source.line(scalar.line)[scalar.column - 1 :].rstrip()
        tag = re.match(r"\S*", written)
        shown = tag[0] if tag else "!"
        if shown.startswith("!!"):
            problem = self.source.problem(
                scalar,
                "K019",
                f"the tag {shown!r} has no meaning here",
                why="a value takes the type that its port declares",
                fix="delete the tag",
                width=len(shown),
            )
        else:
            problem = self.source.problem(
                scalar,
                "K015",
                "plain text cannot begin with '!'",
                why="YAML takes the first word for a tag and drops it",
                fix=f'quote the whole text: "{shown} {event.value}"',
                width=len(shown),
            )
        self.problems.append(problem)

    def unused_anchors(self) -> list[Problem]:
        """A marked scalar that nothing repeats is text that began with ``&``."""
        return [
            self.source.problem(
                scalar,
                "K015",
                "plain text cannot begin with '&'",
                why="YAML takes the first word for the name of an anchor and drops it; no alias uses it",
                fix=f'quote the whole text: "&{name} {scalar.text}"',
                width=len(name) + 1,
            )
            for name, scalar in self.scalar_anchors.items()
        ]


def _plain_pairs(items: list[Item], flow: bool) -> tuple[tuple[Scalar, Item], ...] | None:
    """Return keys and values where nothing can be wrong with them, None where each has to be looked at."""
    keys, values = items[::2], items[1::2]
    texts = set()
    for key in keys:
        if type(key) is not Scalar:
            return None
        texts.add(key[0])
    if len(texts) != len(keys) or "<<" in texts:
        return None
    if flow:
        for value in values:
            if type(value) is Scalar and not value[0]:
                return None
    return tuple(zip(keys, values, strict=True))  # type: ignore[arg-type]


def _start(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None
    return event.start_mark.line + 1, event.start_mark.column + 1
