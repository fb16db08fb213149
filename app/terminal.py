"""Show a run while it goes on: the tree live in a terminal, plain lines elsewhere, and a summary at its end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from py_trees.common import Status
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..trees.builder import BuiltNode, BuiltTree
from ..vlm.questions import Answer
from ..vlm.tickets import BrokerEvent

if TYPE_CHECKING:
    from .result import RunResult

REFRESH = 0.1
"""Time between two pictures of the tree, wall clock, [s]."""

_MARKS = {Status.SUCCESS: ("✓", "green"), Status.FAILURE: ("✗", "red"), Status.RUNNING: ("▶", "yellow")}
_IDLE, _SKIPPED = ("·", "dim"), ("↷", "cyan")


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

    def ticked(self, now: float) -> None:
        """Show the state after a tick at ``now`` [s] of the run clock."""

    def say(self, text: str) -> None:
        """Show a sentence of the robot."""
        self.console.print(Text(f"robot: {text}"))

    def tell(self, text: str) -> None:
        """Show what happened to the run itself, such as a reload."""
        self.console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """End the live display."""

    def summary(self, result: RunResult) -> None:
        """Show how the run ended."""

    def running_leaf(self) -> BuiltNode | None:
        """Return the first leaf that is RUNNING."""
        nodes = self.tree.nodes if self.tree is not None else ()
        return next((b for b in nodes if b.kind == "leaf" and b.node.status is Status.RUNNING), None)

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

    def ticked(self, now: float) -> None:
        """Print the running leaf when it is another one than before."""
        leaf = self.running_leaf()
        key = (leaf.index, _without_numbers(leaf.node.feedback_message)) if leaf is not None else ()
        if key and key != self._shown and leaf is not None:
            self._print(f"{now:8.2f} s  {_words(leaf)}")
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
        self._drawn, self._now = 0.0, 0.0

    def begin(self, tree: BuiltTree, title: str) -> None:
        """Start the live display."""
        super().begin(tree, title)
        self._live.start()

    def ticked(self, now: float) -> None:
        """Redraw, unless it was drawn a moment ago."""
        self._now = now
        if time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self._picture(now), refresh=True)

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
            Text(f"now   {_words(leaf)}" if leaf is not None else "now   –"),
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
            node = built.node
            mark, style = _MARKS.get(node.status, _SKIPPED if getattr(node, "skipped", False) else _IDLE)
            line = Text("  " * depth[built.index])
            line.append(f"{mark} ", style=style)
            line.append(built.name, style=style if node.status is Status.RUNNING else "")
            if node.status in (Status.FAILURE, Status.RUNNING) and built.kind == "leaf" and node.feedback_message:
                line.append(f"  {node.feedback_message}", style="dim")
            lines.append(line)
        return lines


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", text)


def _words(leaf: BuiltNode) -> str:
    doing = leaf.node.feedback_message
    name = leaf.name if leaf.name == leaf.type else f"{leaf.type} '{leaf.name}'"
    return f"{name}: {doing}" if doing else name


@contextmanager
def watch(quiet: bool = False) -> Iterator[Watcher]:
    """Give the watcher that fits the output: live in a terminal, lines elsewhere, nearly silent when quiet."""
    console = Console(stderr=quiet, emoji=False)
    watcher: Watcher = Watcher(console) if quiet else LiveTree(console) if console.is_terminal else Lines(console)
    try:
        yield watcher
    finally:
        watcher.close()
