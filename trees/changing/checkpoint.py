"""The state of a run at its last checkpoint, given to a new run that goes on from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..._base import KnotholeError
from ...behaviors.blackboard import UNSET
from ...behaviors.composites import Parallel, Selector, Sequence
from ...behaviors.node import Leaf
from ...behaviors.step import Status
from ..builder import BuiltNode, BuiltTree
from ..problems import Problem, TreeError
from ..tracing.recording import Recording, is_reload
from .comparing import fingerprint
from .encoding import CannotKeepError, decode
from .folding import folded
from .memory import LOOKED_AT, recovers, remember

_CODE: Final = "K405"


class ResumeError(KnotholeError):
    """A run cannot go on from a trace."""


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
        for message in recording.messages:
            if is_reload(message):
                reloads += 1
            elif message.topic == "/checkpoint":
                found = folded(found, message.data)
                tree = trees[min(reloads, len(trees) - 1)].data if trees else {}
        if not found or not tree:
            why = "it was recorded by an older version, or its writer was killed at once"
            raise ResumeError(f"the trace holds no checkpoint\n  why:  {why}\n  fix:  start a new run")
        return Checkpoint._of(found, tree)

    @staticmethod
    def first(recording: Recording) -> Checkpoint | None:
        """Return the first checkpoint of a trace, None where there is none; a resumed run begins with one."""
        found = next((message.data for message in recording.topic("/checkpoint")), None)
        return Checkpoint._of(folded({}, found), recording.tree) if found is not None else None

    @staticmethod
    def _of(found: Mapping[str, Any], tree: Mapping[str, Any]) -> Checkpoint:
        times = float(found["now"]), float(found["began"])
        return Checkpoint(int(found["tick"]), *times, int(found["steps"]), found, tree)

    @property
    def lost(self) -> tuple[str, ...]:
        """Entries of the blackboard that could not be kept, with the reason. They are unset after ``restore``."""
        return tuple(f"${name} ({why})" for name, _, why, *_ in self._data["cells"] if why)

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
            cells = [(name, UNSET if why else read(value), *more) for name, value, why, *more in self._data["cells"]]
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
                if whole or name in LOOKED_AT:
                    remember(each, name, value)
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
