"""The events of a recorded run in order, and which state each node had at any moment between them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ..._base import Place
from .recording import Message, Recording, TraceError, is_reload

STOPPED: Final = ("TIME_LIMIT", "INTERRUPTED", "TERMINATED", "UNRECORDED")
"""Outcomes of runs whose root was RUNNING when they were ended from outside, or when a recording said no more."""
FORCED: Final = "forced by the debugger"
"""The reason of a status that was given to a node by hand."""
FAULT: Final = "fault: "
"""How the reason of a node begins that raised."""
_TIE: Final = 1e-6


@dataclass(frozen=True)
class Node:
    """A node of the recorded tree.

    Attributes:
        index: Its number in the trace.
        path: Unique path.
        type: Type key, or the common key of a wrapper.
        name: Display name.
        flow: How control passes its children, a key of ``behaviors.flow.FLOWS``; empty for leaves and where unknown.
        place: Where it stands in its file.
        parent: Index of its parent, -1 for the root.
        children: Indices of its children; what a wrapper of a common key wraps comes first.
        ports: What its ports were given, as in ``given.ports_given``; empty in traces of earlier versions.
        reads: Reference → name of the entry on the blackboard of the run.
        mocked: What its mock does; empty when it has none.
    """

    index: int
    path: str
    type: str
    name: str
    flow: str
    place: Place
    parent: int
    children: tuple[int, ...]
    ports: Mapping[str, Any] = field(default_factory=dict, compare=False)
    reads: Mapping[str, str] = field(default_factory=dict, compare=False)
    mocked: str = ""

    @property
    def short(self) -> str:
        """The last part of the path without a common key, and the name where the author gave one."""
        own = self.path.rpartition("/")[2]
        bare = own.partition("#")[0]
        return bare if "#" in own or self.name == bare.partition("[")[0] else f"{bare} {self.name!r}"

    @property
    def label(self) -> str:
        """Path, and the name where the author gave one."""
        own = self.path.rpartition("/")[2].partition("[")[0]
        return self.path if self.name == own or "#" in own else f"{self.path} {self.name!r}"


class Event(NamedTuple):
    """One change of a node.

    Attributes:
        at: Position among all events of the run.
        node: Index of the node.
        tick: In which tick.
        time: When, [s] since the run began.
        status: What it became.
        reason: Why, or what it is doing.
        message: Position of the message among all messages of the trace.
        cut: Position at which the event counts as the end of what was before it: that of a reset at the end of a tick
            is where the resets of that tick begin.
    """

    at: int
    node: int
    tick: int
    time: float
    status: str
    reason: str
    message: int
    cut: int


class History:
    """What a recording says of each node, by moments.

    A moment is the position of an event: the state then is what stood after that event. Nodes that ended are reset at
    the end of a tick and those that run are halted after the last one; ``until`` and ``end`` see through both. Of a
    tree that was changed, the last one counts: its nodes have the events of those that they came from, too.

    Args:
        recording: The trace.

    Attributes:
        nodes: The nodes of the tree, by index.
        events: All events, in order.
        outcome: How the run ended, empty when the trace has no end.
        end: The last moment before everything was halted, -1 when there was none.

    Raises:
        TraceError: The trace holds no tree.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.nodes = _nodes(recording.tree_at())
        origins = _origins(recording, len(self.nodes))
        self._paths = [{node.path} for node in self.nodes]
        self._now = origins.pop(0)
        trees = [message.data for message in recording.topic("/tree")]
        self._note_paths(trees.pop(0))
        self._began = recording.began
        self.events: list[Event] = []
        self._of: dict[int, list[Event]] = defaultdict(list)
        self._last_message = (0, 0)
        for number, message in enumerate(recording.messages):
            if message.topic == "/status":
                self._take(number, message)
            elif is_reload(message):
                self._now = origins.pop(0)
                self._note_paths(trees.pop(0))
        self.outcome = str(recording.end.get("outcome", ""))
        self.end = self._before_the_halt()
        self._asked = _questions(recording)
        self._forces = [
            (number, message.data)
            for number, message in enumerate(recording.messages)
            if message.topic == "/interventions" and message.data.get("do") in ("force", "release")
        ]
        self._writes: dict[str, list[Mapping[str, Any]]] | None = None

    def _note_paths(self, tree: Mapping[str, Any]) -> None:
        """Note under which paths nodes asked before the tree was changed."""
        for row in tree["nodes"]:
            if row["index"] in self._now:
                self._paths[self._now[row["index"]]].add(row["path"])

    def _take(self, number: int, message: Message) -> None:
        first = len(self.events)
        changes = [{**c, "node": self._now[c["node"]]} for c in message.data["changes"] if c["node"] in self._now]
        body = len(changes)
        while body and changes[body - 1]["status"] == "INVALID":
            body -= 1
        tick, time = int(message.data["tick"]), message.time - self._began
        for i, change in enumerate(changes):
            at = first + i
            cut = first + min(i, body)
            event = Event(at, change["node"], tick, time, change["status"], change["reason"], number, cut)
            self.events.append(event)
            self._of[event.node].append(event)
        self._last_message = (first, first + body)

    def _before_the_halt(self) -> int:
        last = len(self.events) - 1
        root = self._of.get(0)
        first, body = self._last_message
        if not self.outcome or root is None:
            return last
        if self.outcome == "FAULT":
            faults = (e.at for e in reversed(self.events[first:]) if e.reason.startswith(FAULT))
            return next(faults, body - 1)
        if self.outcome in STOPPED:
            return first - 1 if root[-1].status == "INVALID" and root[-1].at >= first else last
        return root[-1].at

    def time(self, message: Message) -> float:
        """Return the time of a message, [s] since the run began."""
        return message.time - self._began

    @property
    def ended(self) -> float:
        """Time of the last message, [s] since the run began."""
        return self.time(self.recording.messages[-1])

    def since_began(self, now: float) -> float:
        """Return a time of the run clock [s] as [s] since the run began."""
        return now - self._began

    def writes(self, entry: str) -> list[Mapping[str, Any]]:
        """Return all writes of an entry of the blackboard, in order; ``message`` is their position in the trace."""
        if self._writes is None:
            self._writes = defaultdict(list)
            for number, message in enumerate(self.recording.messages):
                if message.topic == "/blackboard":
                    self._writes[message.data["name"]].append({**message.data, "message": number})
        return self._writes.get(entry, [])

    def forced(self, event: Event) -> Mapping[str, Any] | None:
        """Return the intervention by which somebody forced a node to the status of an event; None if nobody did."""
        if event.reason != FORCED:
            return None
        path, found = self.nodes[event.node].path, None
        for number, data in self._forces:
            if number < event.message and data.get("node") == path:
                found = data if data["do"] == "force" else None
        return found if found is not None and found.get("status") == event.status else None

    def writer(self, path: str) -> str:
        """Return how a writer of an entry is called: its path with its name, or what it is if it is no node."""
        return next((node.label for node in self.nodes if node.path == path), path)

    def of(self, node: int) -> list[Event]:
        """Return all events of a node."""
        return self._of.get(node, [])

    def last(self, node: int, moment: int) -> Event | None:
        """Return the last event of a node up to a moment; None if it was not ticked yet."""
        events = self.of(node)
        found = bisect_right(events, moment, key=lambda event: event.at)
        return events[found - 1] if found else None

    def status(self, node: int, moment: int) -> str:
        """Return the status of a node at a moment."""
        event = self.last(node, moment)
        return event.status if event is not None else "INVALID"

    def until(self, event: Event) -> float:
        """Return the position at which a node left what it became in an event, ``inf`` if it did not."""
        events = self.of(event.node)
        following = bisect_right(events, event.at, key=lambda each: each.at)
        return events[following].cut if following < len(events) else math.inf

    def start(self, node: int, moment: int) -> int:
        """Return the position from which on the events of the node's present, or last, execution stand.

        What the children did in the tick in which it began stands before the node's own event, and counts.
        """
        begin = self.began(node, moment)
        return self._tick_start(begin) if begin is not None else 0

    def began(self, node: int, moment: int) -> Event | None:
        """Return the first event of the node's present, or last, execution; None if it was not ticked yet."""
        begin: Event | None = None
        for event in self._back(node, moment):
            if begin is not None and event.status != "RUNNING":
                break
            begin = event
        return begin

    def _back(self, node: int, moment: int) -> Iterator[Event]:
        return (event for event in reversed(self.of(node)) if event.at <= moment)

    def _tick_start(self, event: Event) -> int:
        at = event.at
        while at and self.events[at - 1].message == event.message:
            at -= 1
        return at

    def at_message(self, event: Event) -> int:
        """Return the last position of what happened in the same tick as an event, resets at its end left out."""
        same = [
            each.at for each in self.events[event.at :] if each.message == event.message and each.status != "INVALID"
        ]
        return max(same, default=event.at)

    def became(self, node: int, status: str, moment: int, since: int) -> Event | None:
        """Return the last event up to a moment that gave a node a status which it still had at ``since`` or later."""
        for event in self._back(node, moment):
            if event.status == status:
                return event if self.until(event) > since else None
        return None

    def held(self, event: Event, moment: int) -> int:
        """Return the latest moment up to ``moment`` at which the node still was what the event made it."""
        return int(min(moment, max(event.at, self.until(event) - 1)))

    def before_halting(self, node: int, moment: int) -> int:
        """Return the moment before a node halted what ran below it, right before its event at ``moment``."""
        at, tick = moment, self.events[moment].message
        while at and self.events[at - 1].message == tick:
            earlier = self.events[at - 1]
            if not self.is_below(earlier.node, node):
                break
            if earlier.status != "INVALID" and not self._is_hook(earlier.node):
                break
            at -= 1
        return at - 1 if at < moment else moment

    def begun_after(self, nodes: tuple[int, ...], moment: int) -> Event | None:
        """Return the first event right after a moment, in the same tick, by which one of some nodes began to run."""
        following = self.events[moment + 1 :]
        for event in following:
            if event.message != following[0].message:
                return None
            if event.status == "RUNNING" and event.node in nodes:
                return event
        return None

    def is_below(self, node: int, above: int) -> bool:
        """Tell whether a node stands below another one."""
        while node >= 0:
            node = self.nodes[node].parent
            if node == above:
                return True
        return False

    def _is_hook(self, node: int) -> bool:
        """Tell whether a node is, or stands below, what is ticked when another one was halted."""
        while node >= 0:
            parent = self.nodes[node].parent
            if parent >= 0 and self.nodes[parent].type == "hooks":
                above = self.nodes[parent].path.removesuffix("hooks")
                if self.nodes[node].path.startswith((f"{above}on_halt", f"{above}finally")):
                    return True
            node = parent
        return False

    def at_tick(self, tick: int) -> int:
        """Return the moment at the end of a tick."""
        return min(self.end, max((e.at for e in self.events if e.tick <= tick), default=-1))

    def tick_at(self, time: float) -> int:
        """Return the last tick in which anything happened up to a time, [s] since the run began."""
        return max((e.tick for e in self.events if e.time <= time + _TIE), default=0)

    def tick_time(self, tick: int) -> float:
        """Return the time of the last thing that happened up to the end of a tick, [s] since the run began."""
        return max((self.time(m) for m in self.recording.messages if m.data.get("tick", tick + 1) <= tick), default=0.0)

    def at_time(self, time: float) -> int:
        """Return the moment at the end of the last tick up to a time, [s] since the run began."""
        return min(self.end, max((e.at for e in self.events if e.time <= time + _TIE), default=-1))

    def asked(self, node: int, moment: int) -> tuple[Mapping[str, Any], Mapping[str, Any] | None] | None:
        """Return the last question of a node up to a moment and its answer; of those answered, where there are any.

        Of several answers, as in a replay in which another one came, it is the last.
        """
        limit = self._seen_until(moment)
        asked = [(n, data) for n, data in self._asked if n < limit and data.get("asker") in self._paths[node]]
        answers = self.recording.messages[:limit]
        for number, data in reversed(asked):
            key = (data.get("kind"), data.get("text"), data.get("frame"))
            for answer in reversed(answers if data.get("shared") else answers[number:]):
                given = answer.data
                if answer.topic == "/answers" and (given["kind"], given["question"], given["frame"]) == key:
                    return data, given
        return (asked[-1][1], None) if asked else None

    def _seen_until(self, moment: int) -> int:
        """Return how many messages had been written at a moment."""
        if moment < self.end or self.outcome not in (*STOPPED, ""):
            return self.events[moment].message if moment >= 0 else 0
        following = moment + 1
        return self.events[following].message if following < len(self.events) else len(self.recording.messages)


def _nodes(tree: Mapping[str, Any]) -> tuple[Node, ...]:
    rows = tree.get("nodes")
    if not rows:
        raise TraceError("the trace holds no tree\n  fix:  record the run again; its writer was killed at once")
    below: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        below[row["parent"]].append(row["index"])
    return tuple(
        Node(
            row["index"],
            row["path"],
            row["type"],
            row["name"],
            str(row.get("flow", "")),
            Place(row["file"], row["line"], row["column"]),
            row["parent"],
            tuple(sorted(below[row["index"]])),
            row.get("ports", {}),
            row.get("reads", {}),
            str(row.get("mocked", "")),
        )
        for row in rows
    )


def _origins(recording: Recording, count: int) -> list[dict[int, int]]:
    """Return for each tree of a run, in order, the index of its nodes → that in the last tree."""
    found = [{index: index for index in range(count)}]
    for message in reversed(recording.messages):
        if is_reload(message):
            later = found[0]
            old = enumerate(message.data["came_from"])
            found.insert(0, {before: later[index] for index, before in old if before >= 0 and index in later})
    return found


def _questions(recording: Recording) -> list[tuple[int, Mapping[str, Any]]]:
    return [(n, m.data) for n, m in enumerate(recording.messages) if m.topic == "/questions"]
