"""The state of a run, written into its trace now and then, and given to a new run that goes on from there."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dis import get_instructions
from functools import cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..._base import KnotholeError
from ...behaviors.blackboard import UNSET
from ...behaviors.composites import Parallel, Selector, Sequence
from ...behaviors.inner import Inner
from ...behaviors.node import Leaf
from ...behaviors.step import INVALID, Status
from ..builder import BuiltNode, BuiltTree
from ..problems import Problem, TreeError
from ..tracing.recording import Recording, is_reload
from .comparing import fingerprint
from .encoding import CannotKeepError, copied, decode, encode
from .reload import STRUCTURE

if TYPE_CHECKING:
    from ..tracing.trace import TraceWriter

EVERY: Final = 1.0
"""Time between two checkpoints, run clock, [s]."""
_SHARE: Final = 100
"""A checkpoint is taken only when so many times of what the last one took have passed since, wall clock."""
_CALM: Final = 0.2
"""Least wall time between two checkpoints, [s]; simulations are faster than the clock."""
_NOT_MEMORY: Final = STRUCTURE | {"status", "_noted", "_said"}
_SEEN: Final = ("feedback_message", "skipped")
"""What of the memory of a node only others look at."""
_COMPARED: Final = (list, dict, set, deque, float, int, str, tuple)
"""Types whose values are compared with what a node was built with; of all others it must be another object."""
_CODE: Final = "K405"
_MISSING: Final = object()


class ResumeError(KnotholeError):
    """A run cannot go on from a trace."""


def recovers(node: Any) -> str:
    """Return what becomes of a node that was RUNNING in a run that is resumed: ``no``, ``anew`` or ``state``."""
    if isinstance(node, Leaf):
        return type(node).recovers
    return "state" if isinstance(node, Inner) else "no"


class Checkpoints:
    """Writes checkpoints of one run into its trace.

    What is copied within a tick is what nodes remember beyond what they were built with; it is put into words on the
    thread of the trace. Entries are written when they changed since the checkpoint before.

    Args:
        tree: The tree, before its first tick.
        trace: Where to.
    """

    def __init__(self, tree: BuiltTree, trace: TraceWriter) -> None:
        self._tree, self._trace = tree, trace
        self._base = {id(built.node): _memory(built.node) for built in tree.nodes}
        self._late: set[int] = set()
        self._versions: dict[str, int] = {}
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
            took = time.perf_counter() - begins
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
        self._trace.put(
            "/checkpoint",
            now,
            lambda: {
                **data,
                "rng": encode(rng),
                "nodes": [noted.kept() for noted in nodes],
                "cells": [[name, *_kept(value), *more] for name, value, *more in written],
                "notes": [[key, *_kept(value)] for key, value in notes],
            },
        )

    def _noted(self, built: BuiltNode) -> _Noted | None:
        node = built.node
        memory, base = {}, self._base[id(node)]
        anew = recovers(node) == "anew"  # what it remembers, such as the picture of a see, is not given back
        for name, value in _entries(node):
            if (name in _SEEN or not anew) and not _same(base.get(name, _MISSING), value):
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

    def kept(self) -> dict[str, object]:
        """Put it into words. Of a node that came later, all that can be kept is what it remembers."""
        found: dict[str, object] = {"path": self.path, "status": self.status}
        if self.child:
            found["child"] = self.child
        memory = {}
        for name, value in self.memory.items():
            data, why = _kept(value)
            if not why:
                memory[name] = data
            elif not self.late:
                found["lost"] = f"{name.lstrip('_')} is {why}"
        if memory:
            found["memory"] = memory
        return found


def _entries(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a node remembers, by name; of a part of it that says what it ``remembers`` that, as ``PART.NAME``."""
    for name, value in _attributes(node):
        parts = getattr(type(value), "remembers", None)
        if type(parts) is tuple:
            for each in parts:
                yield f"{name}.{each}", getattr(value, each)
        else:
            yield name, value


def _attributes(node: Any) -> list[tuple[str, Any]]:
    cls: Any = type(node)
    names = _assigned(cls)
    if names is None:
        return [(name, value) for name, value in node.__dict__.items() if name not in _NOT_MEMORY]
    found = ((name, getattr(node, name, _MISSING)) for name in names)
    return [(name, value) for name, value in found if value is not _MISSING]


@cache
def _assigned(cls: Any) -> tuple[str, ...] | None:
    """Return the names of what the methods of a class assign; None for classes of others, whose objects are asked.

    CPython 3.11 finds attributes slower on an object once somebody looked at its ``__dict__``, some 6 % of a tick, so
    the objects of our own classes are not asked.
    """
    if cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
        return None
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        methods = (getattr(each, "fget", each) for each in vars(base).values())
        waiting = [each.__code__ for each in methods if isinstance(each, FunctionType)]
        while waiting:
            code = waiting.pop()
            names.update((step.argval, None) for step in get_instructions(code) if step.opname == "STORE_ATTR")
            waiting += (each for each in code.co_consts if isinstance(each, CodeType))
    own = (name for name in names if name not in _NOT_MEMORY)
    return tuple(name for name in own if not isinstance(getattr(cls, name, None), property))


def _set(node: Any, name: str, value: object) -> None:
    part, _, each = name.rpartition(".")
    setattr(getattr(node, part) if part else node, each, value)


def _memory(node: Any) -> dict[str, object]:
    return {name: copied(value) for name, value in _entries(node)}


def _same(before: object, now: object) -> bool:
    if before is now and type(now) not in (list, dict, set, tuple, deque, np.ndarray):
        return True
    return type(before) is type(now) and type(now) in _COMPARED and bool(before == now)


def _kept(value: object) -> tuple[Any, str]:
    """Return a value in its kept form and an empty text, or None and why it is not kept."""
    try:
        return encode(value), ""
    except CannotKeepError as error:
        return None, str(error)


@dataclass(frozen=True)
class Checkpoint:
    """The last checkpoint of a trace.

    Attributes:
        tick: Number of the tick after which it was taken.
        now: When, run clock, [s].
        began: When the run began, on that clock, [s].
        steps: How many deadlines had passed.
    """

    tick: int
    now: float
    began: float
    steps: int
    _data: Mapping[str, Any]
    _cells: Mapping[str, list[Any]]
    _tree: Mapping[str, Any]

    @staticmethod
    def of(recording: Recording) -> Checkpoint:
        """Return the last checkpoint of a trace.

        Raises:
            ResumeError: There is none, or the run ended by itself.
        """
        outcome = recording.end.get("outcome", "")
        if outcome in ("SUCCESS", "FAILURE"):
            raise ResumeError(f"the run has ended with {outcome}: nothing is left to do\n  fix:  start a new run")
        trees, reloads = recording.topic("/tree"), 0
        found: Mapping[str, Any] = {}
        tree: Mapping[str, Any] = {}
        cells: dict[str, list[Any]] = {}
        for message in recording.messages:
            if is_reload(message):
                reloads += 1
            elif message.topic == "/checkpoint":
                found, tree = message.data, trees[min(reloads, len(trees) - 1)].data if trees else {}
                cells.update((cell[0], cell) for cell in found["cells"])
        if not found or not tree:
            why = "it was recorded by an older version, or its writer was killed at once"
            raise ResumeError(f"the trace holds no checkpoint\n  why:  {why}\n  fix:  start a new run")
        times = float(found["now"]), float(found["began"])
        return Checkpoint(int(found["tick"]), *times, int(found["steps"]), found, cells, tree)

    @staticmethod
    def first(recording: Recording) -> Checkpoint | None:
        """Return the first checkpoint of a trace, None where there is none; a resumed run begins with one."""
        found = next((message.data for message in recording.topic("/checkpoint")), {})
        if not found:
            return None
        times = float(found["now"]), float(found["began"])
        cells = {cell[0]: cell for cell in found["cells"]}
        return Checkpoint(int(found["tick"]), *times, int(found["steps"]), found, cells, recording.tree)

    @property
    def lost(self) -> tuple[str, ...]:
        """Entries of the blackboard that could not be kept, with the reason. They are unset after ``restore``."""
        return tuple(f"${name} ({why})" for name, _, why, *_ in self._cells.values() if why)

    def check(self, tree: BuiltTree) -> None:
        """Make sure that a tree can take over; for the errors see ``restore``."""
        noted = {each["path"]: each for each in self._data["nodes"]}
        kept = _kept_of(self._tree, noted, tree)
        there = {built.path: built for built in tree.nodes}
        problems = [_refusal(there[path], each) for path, each in noted.items() if path in kept]
        if any(problems):
            raise TreeError([problem for problem in problems if problem is not None])

    def restore(self, tree: BuiltTree) -> tuple[str, ...]:
        """Give a tree that was built anew the state of the checkpoint. Nothing is changed when this raises.

        The tree may have been edited. What was edited, and everything below it, begins anew, and so does a node that
        has other children now and cannot go on with them.

        Returns:
            Paths of the nodes that were RUNNING and begin anew.

        Raises:
            TreeError: Nodes that were RUNNING cannot go on; all of them are in the error.
            ResumeError: The checkpoint cannot be read.
        """
        self.check(tree)
        there = {built.path: built for built in tree.nodes}
        all_noted = {noted["path"]: noted for noted in self._data["nodes"]}
        kept = _kept_of(self._tree, all_noted, tree)
        here = [noted for path, noted in all_noted.items() if path in kept]

        def read(data: Any) -> Any:
            return decode(data, lambda path: there[path].node if path in there else None, tree.blackboard)

        try:
            nodes = [
                (there[noted["path"]].node, noted, {name: read(v) for name, v in noted.get("memory", {}).items()})
                for noted in here
            ]
            cells = [(name, UNSET if why else read(value), *more) for name, value, why, *more in self._cells.values()]
            notes = {key: read(value) for key, value, why in self._data["notes"] if not why}
            rng = read(self._data["rng"])
        except CannotKeepError as error:
            raise ResumeError(f"the checkpoint cannot be read: {error}\n  fix:  start a new run") from error
        lost_ones = all_noted.keys() - kept
        anew = [path for path in there if path in lost_ones and all_noted[path]["status"] == "RUNNING"]
        for each, noted, memory in nodes:
            if noted["status"] == "RUNNING" and _begins_anew(each, noted):
                anew.append(noted["path"])
                continue
            each.status = Status(noted["status"])
            whole = recovers(each) != "anew" and "lost" not in noted
            for name, value in memory.items():
                if whole or name in _SEEN:
                    _set(each, name, value)
            if noted.get("child") in there:
                each.current_child = there[noted["child"]].node
        for name, value, version, writer, declared in cells:
            cell = tree.blackboard.cell(name)
            cell.value, cell.version, cell.writer, cell.declared = value, version, writer, declared
        tree.context.notes.update(notes)
        tree.context.rng.bit_generator.state = rng
        tree.context.tick, tree.context.now = self.tick, self.now
        return tuple(anew)


def _begins_anew(node: Any, noted: Mapping[str, Any]) -> bool:
    waited = noted.get("memory", {}).get("_queued") is True  # for its limb: it never started
    return recovers(node) == "anew" or waited


def _kept_of(before: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]], tree: BuiltTree) -> set[str]:
    """Return the paths of nodes that take over what the node of that path remembered.

    They are what they were, stand below nodes of which the same is true, and can go on with the children they have now.
    """
    rows = {row["path"]: row for row in before["nodes"]}
    was = _children((row["path"], row["index"], row["parent"]) for row in rows.values())
    now = _children((built.path, built.index, built.parent) for built in tree.nodes)
    kept: set[str] = set()
    for built in tree.nodes:
        path = built.path
        if path not in rows or rows[path].get("own") != fingerprint(built.spec):
            continue
        if built.parent >= 0 and tree.nodes[built.parent].path not in kept:
            continue
        running = nodes.get(path, {}).get("status") == "RUNNING"
        if not running or was.get(path) == now.get(path) or _goes_on(built.node, nodes[path], now.get(path, [])):
            kept.add(path)
    return kept


def _children(rows: Iterable[tuple[str, int, int]]) -> dict[str, list[str]]:
    listed = list(rows)
    paths = {index: path for path, index, _ in listed}
    found: dict[str, list[str]] = {}
    for path, _, parent in listed:
        found.setdefault(paths.get(parent, ""), []).append(path)
    return found


def _goes_on(node: Any, noted: Mapping[str, Any], children: list[str]) -> bool:
    """Tell whether a node that was RUNNING goes on with other children."""
    if isinstance(node, Sequence | Selector):
        return not node.memory or noted.get("child") in children
    return isinstance(node, Parallel)


def _refusal(built: BuiltNode, noted: Mapping[str, Any]) -> Problem | None:
    """Return why a node that is kept cannot go on; None if it can."""
    shown, node, fix = repr(built.path.rpartition("/")[2]), built.node, "take it out of the tree, or start a new run"
    if noted["status"] != "RUNNING":
        if isinstance(node, Leaf) or recovers(node) != "no":
            return None
        what = f"{shown} was ticked, and keeps what it remembers in an object of py_trees"
        return Problem(built.place, _CODE, what, fix=fix)
    if _begins_anew(node, noted):
        return None
    what = f"{shown} was RUNNING when the run was left"
    if recovers(node) == "no":
        why = type(node).why_not if isinstance(node, Leaf) else "py_trees keeps what it remembers"
        return Problem(built.place, _CODE, f"{what}, and cannot go on in another one", why, fix=fix)
    if "lost" in noted:
        return Problem(built.place, _CODE, f"{what}, and what it remembers is not kept", noted["lost"], fix=fix)
    return None
