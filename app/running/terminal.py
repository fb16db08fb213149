"""Show a run while it goes on: the tree live in a terminal, plain lines elsewhere, and a summary at its end."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..._base import drop_output
from ...trees.builder import BuiltNode, BuiltTree
from ...trees.ticking.outcome import Ticked
from ...trees.tracing.changes import HALTING
from ...vlm.questions import Answer
from ...vlm.tickets import BrokerEvent

if TYPE_CHECKING:
    from .result import RunResult

REFRESH = 0.1
"""Time between two pictures of the tree, wall clock, [s]."""

_MARKS = {
    "SUCCESS": ("✓", "green"),
    "FAILURE": ("✗", "red"),
    "RUNNING": ("▶", "yellow"),
    "SKIPPED": ("↷", "cyan"),
    "INVALID": ("·", "dim"),
}
_HALTING = ("◌", "yellow")


class Screen(Console):
    """A console without which a run goes on: it falls silent when nothing can be written any more."""

    def on_broken_pipe(self) -> None:
        """Fall silent: nobody reads any more."""
        self.quiet = True
        drop_output(self.file)  # type: ignore[arg-type]

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:  # a disk that is full, a terminal that is gone
            self.on_broken_pipe()
            with suppress(OSError):
                print(f"knothole: nothing more can be shown: {error.strerror or error}", file=sys.stderr)


@dataclass
class _Last:
    """The newest question, and its answer once it is there."""

    text: str
    answer: Answer | None = None

    def __str__(self) -> str:
        return f"{self.text}  {said(self.answer) if self.answer is not None else '…'}"


def said(answer: Answer) -> str:
    """Put an answer into a few words.

    >>> said(Answer("yes_no", probabilities={"yes": 0.93, "no": 0.04}, neither=0.03))
    'yes 0.93'
    """
    if answer.problem:
        return f"no answer: {answer.problem}"
    if answer.probabilities:
        best = max(answer.probabilities, key=lambda key: answer.probabilities[key])
        return f"{best} {answer.probabilities[best]:.2f}"
    if answer.kind == "ground":
        return ", ".join(region.label for region in answer.regions) or "nothing found"
    if answer.image is not None:
        height, width = answer.image.shape[:2]
        return f"a picture of {width} × {height}"
    return " ".join(answer.text.split())


class Watcher:
    """Shows nothing but the summary: the base of the two that show more, and what ``--json`` uses.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.tree: BuiltTree | None = None
        self.title = ""
        self.last: _Last | None = None
        self.states: dict[int, tuple[str, str]] = {}
        self.running: tuple[int, ...] = ()
        self._began = time.monotonic()

    def begin(self, tree: BuiltTree, title: str) -> None:
        """Take note of the tree that is about to be ticked."""
        self.tree, self.title, self._began = tree, title, time.monotonic()

    def asked(self, event: BrokerEvent) -> None:
        """Take note of a question or its answer."""
        question = event.ticket.question.text
        if event.what == "answered":
            self.last = _Last(question, event.ticket.answer)
        elif event.what == "asked":
            self.last = _Last(question)

    def ticked(self, ticked: Ticked) -> None:
        """Take note of what a tick changed, and show it."""
        self.running = ticked.running
        if ticked.reloaded:
            self.states.clear()
        for change in ticked.state if ticked.reloaded else ticked.changes:
            self.states[change.node] = (change.status, change.reason)

    def say(self, text: str) -> None:
        """Show a sentence of the robot."""
        self.console.print(Text(f"robot: {text}"))

    def tell(self, text: str) -> None:
        """Show what happened to the run itself, such as a reload."""
        self.console.print(Text(text), soft_wrap=True)

    def hold(self, still: bool) -> None:
        """Keep a live display still while somebody types, or let it go on."""

    def close(self) -> None:
        """End the live display."""

    def summary(self, result: RunResult) -> None:
        """Show how the run ended."""

    def running_leaf(self) -> BuiltNode | None:
        """Return the first leaf that is RUNNING."""
        return self.tree.nodes[self.running[0]] if self.tree is not None and self.running else None

    def words(self, leaf: BuiltNode) -> str:
        """Say which leaf it is and what it is doing."""
        doing = self.states[leaf.index][1]
        name = leaf.name if leaf.name == leaf.type else f"{leaf.type} '{leaf.name}'"
        return f"{name}: {doing}" if doing else name

    def clock(self, now: float) -> str:
        """Return simulated time and how fast it passes."""
        wall = max(1e-6, time.monotonic() - self._began)
        return f"{now:.1f} s, {now / wall:.1f} × real time"


class Lines(Watcher):
    """One plain line whenever another leaf runs or a question is answered."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._shown: tuple[object, ...] = ()
        self._said: dict[str, str] = {}

    def begin(self, tree: BuiltTree, title: str) -> None:
        """Print what is about to run."""
        super().begin(tree, title)
        self._print(title)

    def asked(self, event: BrokerEvent) -> None:
        """Print the answer to a question, unless the same question was answered like this before."""
        super().asked(event)
        if event.what == "answered" and self.last is not None:
            text, verdict = self.last.text, _without_numbers(str(self.last))
            if self._said.get(text) != verdict:
                self._print(f"{event.now:8.2f} s  asked  {self.last}")
            self._said[text] = verdict

    def ticked(self, ticked: Ticked) -> None:
        """Print the running leaf when it is another one than before."""
        super().ticked(ticked)
        leaf = self.running_leaf()
        key = (leaf.path, _without_numbers(self.states[leaf.index][1])) if leaf is not None else ()
        if key and key != self._shown and leaf is not None:
            self._print(f"{ticked.now:8.2f} s  {self.words(leaf)}")
        self._shown = key

    def summary(self, result: RunResult) -> None:
        """Print the summary."""
        self._print(str(result))

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveTree(Watcher):
    """The tree, redrawn in place: statuses, running leaf, last question, clock."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn, self._now, self._still = 0.0, 0.0, False

    def begin(self, tree: BuiltTree, title: str) -> None:
        """Start the live display."""
        super().begin(tree, title)
        self._live.start()

    def ticked(self, ticked: Ticked) -> None:
        """Redraw, unless it was drawn a moment ago."""
        super().ticked(ticked)
        self._now = ticked.now
        if not self._still and time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self._picture(self._now), refresh=True)

    def hold(self, still: bool) -> None:
        """Keep the picture still while somebody types below it, or let it go on."""
        if still != self._still:
            self._still = still
            if still:
                self._live.stop()
            else:
                self._live.start()

    def close(self) -> None:
        """Draw how it ended, and leave that picture standing."""
        if self._live.is_started:
            self._live.update(self._picture(self._now))
            self._live.transient = False
            self._live.stop()

    def summary(self, result: RunResult) -> None:
        """Print the summary below the tree."""
        color = {"SUCCESS": "green", "FAILURE": "red"}.get(result.status, "yellow")
        text = Text(str(result))
        text.stylize(f"bold {color}", 0, len(result.status))
        self.console.print(text, soft_wrap=True)

    def _picture(self, now: float) -> Group:
        lines = self._tree_lines()
        room = max(5, self.console.height - 6)
        if len(lines) > room:
            leaf = self.running_leaf()
            middle = leaf.index if leaf is not None else 0
            first = min(max(0, middle - room // 2), len(lines) - room)
            lines = lines[first : first + room]
        leaf = self.running_leaf()
        state = [
            Text(self.title, style="bold"),
            *lines,
            Text(f"now   {self.words(leaf)}" if leaf is not None else "now   –"),
            Text(f"asked {self.last}" if self.last is not None else "asked –"),
            Text(f"time  {self.clock(now)}", style="dim"),
        ]
        for text in state:
            text.truncate(self.console.width, overflow="ellipsis")
        return Group(*state)

    def _tree_lines(self) -> list[Text]:
        assert self.tree is not None
        depth: dict[int, int] = {-1: -1}
        lines = []
        for built in self.tree.nodes:
            depth[built.index] = depth[built.parent] + 1
            status, reason = self.states.get(built.index, ("INVALID", ""))
            halting = status == "INVALID" and reason == HALTING
            mark, style = _HALTING if halting else _MARKS[status]
            line = Text("  " * depth[built.index])
            line.append(f"{mark} ", style=style)
            line.append(built.name, style=style if status == "RUNNING" else "")
            if (halting or status in ("FAILURE", "RUNNING")) and built.kind == "leaf" and reason:
                line.append(f"  {reason}", style="dim")
            lines.append(line)
        return lines


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", text)


@contextmanager
def watch(quiet: bool = False) -> Iterator[Watcher]:
    """Give the watcher that fits the output: live in a terminal, lines elsewhere, nearly silent when quiet.

    What the output cannot write, such as half a surrogate pair in the words of a model, becomes a question mark.
    """
    stream = sys.stderr if quiet else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    console = Screen(stderr=quiet, emoji=False)
    watcher: Watcher = Watcher(console) if quiet else LiveTree(console) if console.is_terminal else Lines(console)
    try:
        yield watcher
    finally:
        watcher.close()
