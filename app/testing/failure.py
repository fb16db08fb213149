"""One expectation that was not met, told whole: its place, what was expected, what came, which nodes did it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..._base import Place
from ...trees.mocking.sites import sites
from ...trees.reading.document import Item, Source
from ...trees.spec import Reference, TreeSpec
from .play import Played

_UNSET = re.compile(r"\$?(\w+) is read before it is set|(\w+) \(not set\)")
MOST = 6
"""Nodes that a failure names."""


@dataclass(frozen=True)
class Failure:
    """An expectation that was not met.

    Attributes:
        place: Where the expectation stands.
        message: What is wrong, one line.
        expected: What was expected.
        got: What came instead.
        nodes: Last statuses of the nodes concerned, a line each.
        snippet: The line of the expectation.
        width: Columns to underline.
    """

    place: Place
    message: str
    expected: str
    got: str
    nodes: tuple[str, ...] = ()
    snippet: str = ""
    width: int = 1

    def __str__(self) -> str:
        number = f"{self.place.line:>5} | "
        lines = [f"{self.place}: failed: {self.message}"]
        if self.snippet:
            under = "^" * min(self.width, max(1, len(self.snippet) - self.place.column + 1))
            lines += [number + self.snippet, " " * (len(number) - 2) + "| " + " " * (self.place.column - 1) + under]
        lines += [f"  expected:  {self.expected}", f"  got:       {self.got}"]
        lines += [f"  {'nodes:' if not i else '      '}     {node}" for i, node in enumerate(self.nodes)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return ``{file, line, column, message, expected, got, nodes}``."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "message": self.message,
            "expected": self.expected,
            "got": self.got,
            "nodes": list(self.nodes),
        }


def failure(source: Source, at: Item, message: str, expected: str, got: str, nodes: Iterable[str] = ()) -> Failure:
    """Make a failure at an item of a file."""
    line = source.line(at.line)
    return Failure(source.place(at), message, expected, got, tuple(nodes), line, max(1, at.width))


def described(played: Played, paths: Sequence[str]) -> list[str]:
    """Return the last statuses of some nodes, a line each."""
    width = max((len(path) for path in paths[:MOST]), default=0)
    lines = [f"{path:<{width}}  {last_status(played, path)}" for path in paths[:MOST]]
    if len(paths) > MOST:
        lines.append(f"and {len(paths) - MOST} more")
    return lines


def last_status(played: Played, path: str) -> str:
    """Say how a node went last: status, tick and reason."""
    if path not in played.recorder.notes:
        return "never: it stands below a mocked node"
    note = played.recorder.last(path)
    if note is None:
        return "never ticked"
    if played.recorder.halted(path):
        when = f"halted in tick {played.recorder.notes[path][-1].tick}"
    else:
        when = f"{note.status} in tick {played.recorder.latest[path]}"
    return when + (f": {note.reason}" if note.reason else "")


def blamed(played: Played) -> list[str]:
    """Return the leaves that say most about how a run ended: those that run, else those that failed last."""
    recorder = played.recorder
    last = {path: recorder.last(path) for path in recorder.leaves}
    wanted = "RUNNING" if played.status == "RUNNING" else "FAILURE"
    found = [
        (recorder.latest[path], path)
        for path, note in last.items()
        if note is not None and note.status == wanted and not recorder.halted(path)
    ]
    return [path for _, path in sorted(found, key=lambda each: -each[0])]


def silent_mocks(tree: TreeSpec, reason: str) -> list[str]:
    """Return which mocks leave an entry unwritten that a fault says is not set."""
    unset = {name for each in _UNSET.findall(reason) for name in each if name}
    found = []
    for site in sites(tree):
        kind, values = site.spec.kind, site.spec.values
        for name, value in values.items() if kind.mocked else ():
            port = kind.ports.get(name)
            if port is None or port.direction == "in" or not isinstance(value, Reference):
                continue
            if value.name in unset and f"mock.writes.{name}" not in values:
                found.append(f"the mock of {site.path} does not write {name!r}: add writes: {{{name}: …}}")
    return found
