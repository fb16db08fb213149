"""What a trace holds so that its run can be ticked again: what came into the tree from outside, in its exact order.

The channel ``/replay`` says how the tree is built, when each tick was, what leaves that cannot be ticked again wrote
and asked, and at which ``moment`` of its tick each leaf changed. What the leaves said stands in ``/status``, what was
asked and answered in ``/questions``, ``/cancelled`` and ``/answers``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ...behaviors.blackboard import Cell
from ...behaviors.context import Glance
from ...behaviors.means.picture import Picture
from ...behaviors.node import Leaf
from ...vlm.tickets import BrokerEvent
from ..builder import BuiltNode, BuiltTree
from ..changing.encoding import CannotKeepError, copied, encode
from ..invariants.enforcing import is_ruled
from ..tracing.changes import Changes
from .spec_data import tree_data

if TYPE_CHECKING:
    from ..tracing.trace import TraceWriter

TOPIC: Final = "/replay"
VERSION: Final = 1
OUTSIDE: Final = -1
"""The node of a write that no node of the tree made."""
_MOST: Final = 32
"""Segments that wait to be written in one message."""
_PATIENCE: Final = 0.25
"""Longest wall time that they wait, [s]."""
_BUILT: Final = ("params", "input", "")
"""Writers of what a tree begins with, and nobody, who forgets an entry; all that is done again."""

_PLAIN: Final = (float, int, bool, str, type(None))
"""Types of values that nobody can change."""

_WITHHELD: Final = object()

Kind = Literal["begin", "tick", "reload", "end"]
Mark = tuple[Any, ...]
"""``(moment, what, node, …)``: ``w`` a write (name, value, writer), ``q`` the next question of the trace, ``c``
the next one that was cancelled, ``g`` a look that showed nothing new (stamp), ``i`` what an inner node saw outside,
``r`` a tick that an invariant refused (why)."""


_Segment = tuple[Kind, int, float, int, Callable[[], str] | None, list[int], list[Mark]]
"""Kind, tick, time, number of changes, check sum, moments of the changes of leaves, and what came in."""


def way_of(cls: type) -> str:
    """Return what a replay does with leaves of a class: ``recorded``, ``ticked`` or ``answers``."""
    return str(vars(cls).get("replays", "recorded"))


def shape_of_class(cls: Any) -> str:
    """Return how leaves of a class are stopped and reported: ``light``, ``queued`` (for their limb), ``hooked``."""
    if not issubclass(cls, Leaf):
        return "hooked"
    if cls._x is Leaf._x_queued:
        return "queued"
    return "light" if cls._light else "hooked"


class Notes:
    """Writes the channel ``/replay`` of one run.

    What stands between two fetches of the change log, such as a tick, is a segment. Some of them are written at a time.

    Args:
        tree: The tree.
        trace: Where to.
        changes: The change log of the tree.
    """

    def __init__(self, tree: BuiltTree, trace: TraceWriter, changes: Changes) -> None:
        self._tree, self._trace, self._changes = tree, trace, changes
        self._marks: list[Mark] = []
        self._segments: list[_Segment] = []
        self._waits = float("inf")
        self._paths: dict[str, int] = {}
        self._ways: list[str] = []
        self._follow()

    def _follow(self) -> None:
        built = self._tree.nodes
        self._paths = {each.path: each.index for each in built}
        self._ways = [
            "recorded" if each.path in self._tree.overrides else way_of(type(each.node)) if each.kind == "leaf" else ""
            for each in built
        ]

    def begin(self, halt_timeout: float) -> None:
        """Write how the tree was built. What was written to its blackboard before is told to ``wrote`` afterwards."""
        tree, context = self._tree, self._tree.context
        data = {
            "what": "start",
            "version": VERSION,
            "tick": context.tick,
            "now": context.now,
            "halt_timeout": halt_timeout,
            "human": context.human is not None,
            "inputs": {name: _kept(value) for name, value in tree.inputs.items()},
        }
        self._put_tree(data)

    def reload(self, origins: Mapping[str, str] | None, grown: str = "") -> None:
        """Note that the tree was changed after the last segment.

        Args:
            origins: As for ``reload``.
            grown: As for ``reload``.
        """
        self._follow()
        self.flush()
        data = {"what": "tree", "tick": self._tree.context.tick, "origins": dict(origins or {})}
        self._put_tree({**data, **({"grown": grown} if grown else {})})

    def _put_tree(self, data: Mapping[str, object]) -> None:
        spec, nodes = self._tree.spec, self._tree.nodes
        overrides = set(self._tree.overrides)
        leaves = [_leaf(each, self._ways[each.index], each.path in overrides) for each in nodes if each.kind == "leaf"]
        ruled = [each.index for each in nodes if is_ruled(each.node)]
        more: dict[str, object] = {"leaves": leaves, **({"ruled": ruled} if ruled else {})}
        self._trace.put(TOPIC, self._tree.context.now, lambda: {**data, "tree": tree_data(spec), **more})

    def wrote(self, cell: Cell) -> None:
        """Note a write that a replay cannot make by itself."""
        if cell.writer in _BUILT:
            return
        node = self._owner(cell.writer)
        if node == OUTSIDE or self._ways[node] == "recorded":
            value = cell.value
            kept = value if type(value) in _PLAIN else copied(value)
            if isinstance(value, Picture) and self._trace.frames != "keep":
                kept = _WITHHELD
            self._marks.append((self._changes.moment, "w", node, cell.name, kept, cell.writer))

    def asked(self, event: BrokerEvent) -> None:
        """Note that a question was asked or cancelled."""
        if event.what != "answered":
            what = "c" if event.what == "cancelled" else "q"
            self._marks.append((self._changes.moment, what, self._owner(event.asker)))

    def glanced(self, glance: Glance) -> None:
        """Note a look that showed nothing new."""
        if not glance.asked:
            self._marks.append((self._changes.moment, "g", self._owner(glance.path), glance.frame.stamp))

    def outside(self, path: str, value: object) -> None:
        """Note what an inner node saw outside of the tree."""
        self._marks.append((self._changes.moment, "i", self._owner(path), value))

    def refused(self, path: str, why: str) -> None:
        """Note that an invariant refuses a tick of a node; what a node runs inside itself is no node of the tree."""
        node = self._paths.get(path)
        if node is not None:
            self._marks.append((self._changes.moment, "r", node, why))

    def began(self) -> None:
        """Note that everything which was on the blackboard before the first tick was told."""
        if self._marks:
            self.segment("begin", 0)

    def segment(self, kind: Kind, changes: int, so_far: Callable[[], str] | None = None) -> None:
        """Note what came into the tree since the last segment; call it after the change log was fetched.

        Args:
            kind: What made the segment.
            changes: How many changes were fetched.
            so_far: Gives the check sum of the digest, those changes included; called later.
        """
        context = self._tree.context
        self._segments.append((kind, context.tick, context.now, changes, so_far, self._changes.fetched, self._marks))
        self._marks = []
        if len(self._segments) >= _MOST or time.monotonic() > self._waits:
            self.flush()
        elif len(self._segments) == 1:
            self._waits = time.monotonic() + _PATIENCE

    def flush(self) -> None:
        """Write the segments that wait."""
        segments, self._segments, self._waits = self._segments, [], float("inf")
        if segments:
            self._trace.put(TOPIC, segments[-1][2], lambda: {"what": "segments", "segments": _rows(segments)})

    def end(self, poses: Mapping[str, Sequence[float]]) -> None:
        """Write where things were at the end."""
        self.flush()
        numbers = {name: [float(v) for v in pose] for name, pose in poses.items()}
        self._trace.put(TOPIC, self._tree.context.now, {"what": "end", "poses": numbers})

    def _owner(self, path: str) -> int:
        """Return the index of a node, also for what a node runs inside itself under a path below its own."""
        while path not in self._paths:
            path, slash, _ = path.rpartition("/")
            if not slash:
                return OUTSIDE
        return self._paths[path]


def _leaf(built: BuiltNode, way: str, overridden: bool) -> dict[str, object]:
    found: dict[str, object] = {"node": built.index, "way": way, "shape": shape_of_class(type(built.node))}
    limb = str(getattr(built.node, "limb", ""))
    return {**found, **({"limb": limb} if limb else {}), **({"overridden": True} if overridden else {})}


def _kept(value: object) -> dict[str, object]:
    if value is _WITHHELD:
        return {"lost": "a picture, and pictures are not kept in this trace"}
    try:
        return {"of": encode(value)}
    except CannotKeepError as error:
        return {"lost": str(error)}


def _rows(segments: Sequence[_Segment]) -> list[list[object]]:
    rows: list[list[object]] = []
    for kind, tick, now, changes, so_far, moments, marks in segments:
        row: list[object] = [kind, tick, now, changes, so_far() if so_far is not None else ""]
        rows.append([*row, moments, [_row(mark) for mark in marks]] if moments or marks else row)
    return rows


def _row(mark: Mark) -> list[object]:
    if mark[1] == "i":
        return [*mark[:3], _kept(cast(object, mark[3]))]
    if mark[1] != "w":
        return list(mark)
    moment, what, node, name, value, writer = mark
    return [moment, what, node, name, _kept(cast(object, value)), writer]
