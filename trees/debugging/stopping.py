"""The breakpoints of one run, and when they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from typing import TYPE_CHECKING

from ...vlm.tickets import BrokerEvent
from ..builder import BuiltTree
from .breakpoints import Breakpoint, said
from .commands import CommandError

if TYPE_CHECKING:
    from ..ticking.outcome import Listener, Ticked


class Breakpoints:
    """Looks at breakpoints after each tick, and hears of ticks only while there are any.

    Args:
        tree: The tree.
        listeners: Who hears of ticks.
        changed: Its lock guards them.
        hit: Called with a sentence, on the thread that ticks, when the run is to stand.
        tell: Called on that thread when a condition can be computed no more, or can be again.
    """

    def __init__(
        self,
        tree: BuiltTree,
        listeners: list[Listener],
        changed: Condition,
        hit: Callable[[str], None],
        tell: Callable[[], None],
    ) -> None:
        self._tree, self._listeners, self._changed, self._hit, self._tell = tree, listeners, changed, hit, tell
        self._there: dict[int, Breakpoint] = {}
        self._count = 0
        self._answers: list[tuple[tuple[str, ...], str]] = []

    def add(self, made: Breakpoint) -> None:
        """Add a breakpoint and give it its number.

        Raises:
            KnotholeError: It does not fit the tree.
        """
        made.bind(self._tree)
        with self._changed:
            self._count += 1
            made.id = self._count
            self._there[made.id] = made
            self._watch()

    def remove(self, id: int) -> Breakpoint:
        """Take a breakpoint away and return it.

        Raises:
            CommandError: There is none of this number.
        """
        with self._changed:
            if id not in self._there:
                known = ", ".join(map(str, self._there)) or "none"
                raise CommandError(f"there is no breakpoint {id}\n  fix:  give the number of one; there is {known}")
            gone = self._there.pop(id)
            self._watch()
        return gone

    def to_json(self) -> list[dict[str, object]]:
        """Return plain data."""
        with self._changed:
            return [each.to_json() for each in self._there.values()]

    def heard(self, event: BrokerEvent) -> None:
        """Take note of an answer, for the end of the tick."""
        if event.what == "answered" and self._there:
            self._answers.append(((event.ticket.asker, *event.ticket.waiting), said(event.ticket)))

    def end(self) -> None:
        """Hear of nothing any more."""
        if self._ticked in self._listeners:
            self._listeners.remove(self._ticked)

    def _watch(self) -> None:
        if not self._there:
            self.end()
            self._answers.clear()
        elif self._ticked not in self._listeners:
            self._listeners.append(self._ticked)

    def _ticked(self, ticked: Ticked) -> None:
        """Look after a tick."""
        nodes = self._tree.nodes
        changes = [(nodes[each.node].path, each.status) for each in ticked.changes]
        answers, self._answers = self._answers, []
        with self._changed:
            problems = [each.problem for each in self._there.values()]
            hit = [each for each in self._there.values() if each.holds(changes, answers)]
            news = [each.problem for each in self._there.values()] != problems
            for each in hit:
                each.hits += 1
                if each.once:
                    del self._there[each.id]
            self._watch()
        if hit:
            self._hit("; ".join(f"breakpoint {each.id}: {each}" for each in hit))
        elif news:
            self._tell()
