"""What every node did in a run: when it started, which statuses it had, how each execution ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...behaviors.step import INVALID, RUNNING, Status
from ...trees.builder import BuiltTree
from ...trees.ticking.loop import Ticked


@dataclass(frozen=True)
class Noted:
    """A status that a node took in a tick."""

    tick: int
    status: str
    reason: str


def is_wrapper(path: str) -> bool:
    """Tell whether a path is that of the wrapper of a common key, such as ``tidy/pick#retry``."""
    return "#" in path.rpartition("/")[2]


def _bare(path: str) -> str:
    above, slash, last = path.rpartition("/")
    return above + slash + last.partition("#")[0]


class Recorder:
    """Follows all nodes of a built tree, from outside: each tick and each halt is seen, also one that changes nothing.

    Args:
        tree: The tree; nothing of it was ticked yet.

    Attributes:
        paths: Of all nodes, wrappers included.
        leaves: Paths of the nodes that have none below.
        starts: Tick and path of each start of an execution, in order; wrappers of common keys are left out.
        outcomes: Path → how often it was ticked to ``SUCCESS``, ``FAILURE``, ``RUNNING``, ``SKIPPED``, how often it was
            ``HALTED``, and in how many ticks it was ``UNSURE``. Wrappers have ``#`` and their key at the end.
        notes: Path → its changes of status.
        latest: Path → number of the last tick in which it was ticked.
        inner: Path of a wrapper → path of what it wraps.
    """

    def __init__(self, tree: BuiltTree) -> None:
        self.paths = [built.path for built in tree.nodes]
        parents = {built.parent for built in tree.nodes}
        self.leaves = [built.path for built in tree.nodes if built.index not in parents]
        self.starts: list[tuple[int, str]] = []
        self.outcomes: dict[str, Counter[str]] = {path: Counter() for path in self.paths}
        self.notes: dict[str, list[Noted]] = {path: [] for path in self.paths}
        self.latest: dict[str, int] = {}
        self.inner = {
            self.paths[built.parent]: built.path
            for built in tree.nodes
            if built.parent >= 0
            and is_wrapper(self.paths[built.parent])
            and _bare(self.paths[built.parent]) == _bare(built.path)
        }
        self._context = tree.context
        self._open = True
        for built in tree.nodes:
            kind = built.spec.kind
            unsure = kind.visual and "on_unsure" in kind.ports and not is_wrapper(built.path)
            self._follow(built.node, built.path, unsure)

    def ticked(self, ticked: Ticked) -> None:
        """Take note of what changed in a tick (a listener of the loop)."""
        for change in ticked.changes if self._open else ():
            self.notes[self.paths[change.node]].append(Noted(change.tick, change.status, change.reason))

    def close(self) -> None:
        """Take note of nothing any more: the run is being stopped."""
        self._open = False

    def last(self, path: str) -> Noted | None:
        """Return the last status of a node that says how it went, so none that only clears it."""
        return next((note for note in reversed(self.notes[path]) if note.status != "INVALID"), None)

    def halted(self, path: str) -> bool:
        """Tell whether the last execution of a node was halted."""
        notes = self.notes[path]
        return len(notes) > 1 and notes[-1].status == "INVALID" and notes[-2].status == "RUNNING"

    def status_at(self, path: str, tick: int) -> str:
        """Return the status that a node had after a tick; ``INVALID`` before its first."""
        return next((note.status for note in reversed(self.notes[path]) if note.tick <= tick), "INVALID")

    def _follow(self, node: Any, path: str, unsure: bool) -> None:
        tick: Callable[[], Status] = node._t
        stop: Callable[[Status], None] = node._x
        outcomes = self.outcomes[path]
        wrapper = is_wrapper(path)

        def ticked() -> Status:
            if node.status is not RUNNING and not wrapper:
                self.starts.append((self._context.tick, path))
            self.latest[path] = self._context.tick
            halts = outcomes["HALTED"]
            status = tick()
            if status is INVALID:  # a node that ends as skipped was not halted
                outcomes["HALTED"] = halts
                outcomes["SKIPPED"] += 1
            else:
                outcomes[status.name] += 1
                if unsure and node.feedback_message.startswith("unsure"):
                    outcomes["UNSURE"] += 1
            return status

        def stopped(new: Status) -> None:
            if node.status is RUNNING and new is INVALID and self._open:
                outcomes["HALTED"] += 1
            stop(new)

        node._t, node._x = ticked, stopped
