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
from pathlib import Path
from typing import Final

import yaml

from ..._base import Place
from ..problems import Problem, TreeError
from .document import Documents, Item, Items, Pairs, Scalar, Source
from .syntax import explain

MAX_DEPTH: Final = 2000
"""Levels of YAML: 500 levels of nodes take three each."""
MAX_ITEMS: Final = 500_000
"""Scalars, lists and mappings of one file, each alias counted as the copy it is."""

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_file(path: str | Path) -> Documents:
    """Read a YAML file.

    Raises:
        TreeError: The file cannot be read, is not UTF-8, is empty, or is no YAML.
    """
    file = str(path)
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise _file_error(file, "K001", "there is no such file", "correct the path") from None
    except IsADirectoryError:
        raise _file_error(
            file,
            "K002",
            "this is a directory, not a tree file",
            f"name a file in it, such as {file.rstrip('/')}/tree.yaml",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _file_error(
            file, "K003", f"the file cannot be read: {reason}", "check its permissions and its path"
        ) from error
    return read_text(_decode(raw, file), file)


def read_text(text: str, file: str = "<text>") -> Documents:
    """Read YAML text; ``file`` is the name in messages.

    Raises:
        TreeError: The text is empty or no YAML.
    """
    source = Source(file, text.removeprefix("\ufeff"))
    control = _CONTROL.search(source.text)
    if control is not None:
        line, column = _position(source.text, control.start())
        code = f"U+{ord(control[0]):04X}"
        raise TreeError(
            [
                source.problem(
                    (line, column),
                    "K008",
                    f"the control character {code} does not belong in a text file",
                    fix="delete it, or write it as an escape in double quotes",
                )
            ]
        )
    with gc_paused():
        reader = _Reader(source)
        try:
            for event in yaml.parse(source.text, Loader=_loader()):
                if type(event) is yaml.ScalarEvent:  # four of five events
                    reader.scalar(event)
                else:
                    reader.take(event)
        except yaml.MarkedYAMLError as error:
            raise TreeError([explain(source, error)]) from None
        except yaml.YAMLError as error:
            raise TreeError([source.problem((1, 1), "K010", f"this is no YAML: {error}", fix="correct it")]) from None
    if not reader.roots:
        raise _file_error(file, "K005", "the file is empty", "write a tree, or start from `knothole new tree NAME`")
    return Documents(source, tuple(reader.roots), reader.problems + reader.unused_anchors())


def _file_error(file: str, code: str, message: str, fix: str) -> TreeError:
    return TreeError([Problem(Place(file, 1, 1), code, message, fix=fix)])


def _decode(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        line, column = _position(before, len(before))
        rest = raw[error.start : error.start + 200].decode("latin-1")
        snippet = re.split("[\n\r]", before)[-1] + "?" + re.split("[\n\r]", rest)[0][1:]
        shown = "".join(c if c.isprintable() else "?" for c in snippet)
        raise TreeError(
            [
                Problem(
                    Place(file, line, column),
                    "K004",
                    f"the byte 0x{raw[error.start]:02X} is not UTF-8",
                    why="tree files are UTF-8 text",
                    fix="save the file as UTF-8",
                    snippet=shown,
                )
            ]
        ) from None


def _position(text: str, index: int) -> tuple[int, int]:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text[:index])
    return len(lines), len(lines[-1]) + 1


def _loader() -> type:
    if yaml.__with_libyaml__:
        return yaml.CSafeLoader
    warnings.warn(
        "PyYAML has no libyaml here: reading trees takes about nine times as long", RuntimeWarning, stacklevel=4
    )
    return yaml.SafeLoader


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause collection while many small objects are made that all live on: there is nothing to collect."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Open:
    """A list or mapping whose end has not come."""

    __slots__ = ("anchor", "count", "event", "items", "keys")

    def __init__(self, event: yaml.CollectionStartEvent, count: int) -> None:
        self.event, self.anchor, self.count = event, event.anchor, count
        self.items: list[Item] = []
        self.keys: dict[str, Scalar] = {}


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.roots: list[Item] = []
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Item, int]] = {}
        self.scalar_anchors: dict[str, Scalar] = {}
        self.count = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            self.opened(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.closed()
        elif isinstance(event, yaml.AliasEvent):
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

    def scalar(self, event: yaml.ScalarEvent) -> None:
        self.count += 1
        if self.count > MAX_ITEMS:
            self.counted(event, 0)
        start, end, style = event.start_mark, event.end_mark, event.style
        scalar = Scalar(
            event.value,
            "plain" if not style else "block" if style in "|>" else "quoted",
            start.line + 1,  # type: ignore[union-attr]
            start.column + 1,  # type: ignore[union-attr]
            end.line + 1,  # type: ignore[union-attr]
            end.column + 1,  # type: ignore[union-attr]
        )
        if event.tag is not None:
            self.tag(scalar, event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (scalar, 1)
            self.scalar_anchors[event.anchor] = scalar
        (self.stack[-1].items if self.stack else self.roots).append(scalar)

    def opened(self, event: yaml.CollectionStartEvent) -> None:
        self.counted(event)
        if len(self.stack) >= MAX_DEPTH:
            raise TreeError(
                [
                    self.source.problem(
                        _start(event),
                        "K006",
                        f"nested deeper than {MAX_DEPTH} levels",
                        why="a tree has at most 500 levels of nodes",
                        fix="move parts of the tree to subtrees with `use:`",
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
        self.stack.append(_Open(event, self.count))

    def closed(self) -> None:
        made = self.stack.pop()
        line, column = _start(made.event)
        flow = bool(made.event.flow_style)
        item: Item
        if isinstance(made.event, yaml.SequenceStartEvent):
            item = Items(tuple(made.items), line, column, flow)
        else:
            item = Pairs(tuple(self.paired(made, flow)), line, column, flow)
        if made.anchor is not None:
            self.anchors[made.anchor] = (item, self.count - made.count + 1)
        self.put(item, made.event)

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
        self.put(found[0], event)

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

    def put(self, item: Item, event: yaml.Event) -> None:
        if self.stack:
            self.stack[-1].items.append(item)
        else:
            self.roots.append(item)


def _start(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None
    return event.start_mark.line + 1, event.start_mark.column + 1
