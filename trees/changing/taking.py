"""Checkpoints of a run are taken now and then, and written into its trace as far as they differ from the one before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...behaviors.step import INVALID
from ..builder import BuiltNode, BuiltTree
from .encoding import CannotKeepError, copied, encode
from .marking import mark
from .memory import LOOKED_AT, MISSING, entries, memory, recovers, same

if TYPE_CHECKING:
    from ..tracing.trace import TraceWriter

EVERY: Final = 1.0
"""Time between two checkpoints, run clock, [s]."""
_SHARE: Final = 100
"""A checkpoint is taken only when so many times of what the last one took, on both threads, has passed, wall clock."""
_CALM: Final = 0.2
"""Least wall time between two checkpoints, [s]; simulations are faster than the clock."""
_JSON: Final = 2.0
"""What a checkpoint takes on the thread of the trace, as a multiple of putting it into words: JSON, zstd, the file."""


class Checkpoints:
    """Writes checkpoints of one run into its trace.

    What is copied within a tick is what nodes remember beyond what they were built with; it is put into words on the
    thread of the trace. Entries, notes and what nodes remember are written when they changed since the checkpoint
    before; see ``folding``.

    Args:
        tree: The tree, before its first tick.
        trace: Where to.
    """

    def __init__(self, tree: BuiltTree, trace: TraceWriter) -> None:
        self._tree, self._trace = tree, trace
        self._base = {id(built.node): memory(built.node) for built in tree.nodes}
        self._late: set[int] = set()
        self._versions: dict[str, int] = {}
        self._words = _Words()
        self._due = float("-inf")
        self._calm = 0.0

    def follow(self) -> None:
        """Take note that the tree was changed. What its new nodes were built with is not known any more."""
        old, self._base = self._base, {}
        for built in self._tree.nodes:
            key = id(built.node)
            self._base[key] = old.get(key, {})
            if key not in old:
                self._late.add(key)

    def tick(self, now: float, began: float, steps: int) -> None:
        """Write one if it is time; for the arguments see ``take``."""
        if now >= self._due and (begins := time.perf_counter()) >= self._calm:
            self.take(now, began, steps)
            took = time.perf_counter() - begins + _JSON * self._words.took
            self._due, self._calm = now + EVERY, begins + max(_CALM, _SHARE * took)

    def take(self, now: float, began: float, steps: int) -> None:
        """Write one.

        Args:
            now: Run clock, [s].
            began: When the run began on that clock, [s].
            steps: How many deadlines have passed.
        """
        context = self._tree.context
        data = {"tick": context.tick, "now": now, "began": began, "steps": steps}
        rng = context.rng.bit_generator.state
        nodes = [noted for built in self._tree.nodes if (noted := self._noted(built)) is not None]
        cells = [(c, c.value, c.version) for c in self._tree.blackboard if self._versions.get(c.name) != c.version]
        self._versions.update((cell.name, version) for cell, _, version in cells)
        written = [(c.name, copied(value), version, c.writer, c.declared) for c, value, version in cells]
        notes = [(key, copied(value)) for key, value in context.notes.items()]
        words = self._words
        self._trace.put("/checkpoint", now, lambda: words.of({**data, "rng": encode(rng)}, nodes, written, notes))

    def _noted(self, built: BuiltNode) -> _Noted | None:
        node = built.node
        memory, base = {}, self._base[id(node)]
        anew = recovers(node) == "anew"  # what it remembers, such as the picture of a see, is not given back
        for name, value in entries(node):
            if (name in LOOKED_AT or not anew) and not same(base.get(name, MISSING), value):
                memory[name] = copied(value)
        if node.status is INVALID and not memory:
            return None
        path = getattr(getattr(node, "current_child", None), "path", "")
        return _Noted(built.path, node.status.value, path, memory, id(node) in self._late)


@dataclass(frozen=True)
class _Noted:
    """A node as it was within a tick."""

    path: str
    status: str
    child: str
    memory: dict[str, object]
    late: bool


class _Words:
    """Puts checkpoints into words, on the thread of the trace.

    Attributes:
        took: CPU time that the last one took, [s].
    """

    def __init__(self) -> None:
        self.took = 0.0
        self._marks: dict[tuple[str, ...], Any] = {}

    def of(
        self,
        data: Mapping[str, object],
        nodes: list[_Noted],
        cells: list[tuple[Any, ...]],
        notes: list[tuple[str, object]],
    ) -> Mapping[str, object]:
        """Return the message: the next after the one that was asked for before."""
        begins = time.thread_time()
        before, self._marks = self._marks, {}
        found = {
            **data,
            "nodes": [self._node(noted, before) for noted in nodes],
            "cells": [[name, *_kept(value), *more] for name, value, *more in cells],
            "notes": [[key] if self._is_same(before, value, key) else self._note(key, value) for key, value in notes],
        }
        self.took = time.thread_time() - begins
        return found

    def _node(self, noted: _Noted, before: Mapping[tuple[str, ...], Any]) -> dict[str, object]:
        """Put a node into words. Of one that came later, all that can be kept is what it remembers."""
        found: dict[str, object] = {"path": noted.path, "status": noted.status}
        if noted.child:
            found["child"] = noted.child
        memory, unchanged = {}, []
        for name, value in noted.memory.items():
            if self._is_same(before, value, noted.path, name):
                unchanged.append(name)
                continue
            data, why = _kept(value)
            if not why:
                memory[name] = data
                continue
            del self._marks[noted.path, name]
            if not noted.late:
                found["lost"] = f"{name.lstrip('_')} is {why}"
        if memory:
            found["memory"] = memory
        if unchanged:
            found["same"] = unchanged
        return found

    def _note(self, key: str, value: object) -> list[object]:
        data, why = _kept(value)
        if why:
            del self._marks[(key,)]
        return [key, data, why]

    def _is_same(self, before: Mapping[tuple[str, ...], Any], value: object, *key: str) -> bool:
        """Note what a value is now; tell whether it is what it was in the message before."""
        self._marks[key] = found = mark(value)
        return key in before and bool(before[key] == found)


def _kept(value: object) -> tuple[Any, str]:
    """Return a value in its kept form and an empty text, or None and why it is not kept."""
    try:
        return encode(value), ""
    except CannotKeepError as error:
        return None, str(error)
