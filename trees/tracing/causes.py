"""From a node to what decided its status: one link after the other, by how control passes its children."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from ..._base import Place
from ...behaviors.ports import CONDITION_KEYS
from ..explaining.evidence import Evidence, evidence
from ..explaining.needed import WHATEVER, Decided, Needed
from .history import Event, History, Node

_MOST_NOTES: Final = 12
_TAKES_TURNS: Final = ("selector", "round_robin")
_PASSES_UP: Final = ("sequence", "pipeline", "same", "loop", "for_each", "selector")
"""Flows in which a child that failed is the cause, also where the node says it in words of its own."""


@dataclass(frozen=True)
class Link:
    """One node of a chain of causes.

    Attributes:
        path: Path of the node.
        name: Its name.
        type: Its type key, or the common key of a wrapper.
        place: Where it stands in its file.
        status: Its status at the moment in question.
        reason: The reason it gave; empty if none.
        tick: In which tick it got this status; 0 if it was never ticked.
        time: When that was, [s] since the run began.
        says: What the link means, in words; empty for the last one, whose reason says it.
        notes: Further lines: attempts, alternatives that were tried, what waits, the last answer.
        needed: What would have had to be different, one line each; empty where the trace does not settle it.
        evidence: The answer that a leaf decided by; None for others.
    """

    path: str
    name: str
    type: str
    place: Place
    status: str
    reason: str
    tick: int
    time: float
    says: str = ""
    notes: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    evidence: Evidence | None = None

    @property
    def short(self) -> str:
        """The last part of the path, and the name where the author gave one."""
        return self.label.rpartition("/")[2] if "/" not in self.name else self.path.rpartition("/")[2]

    @property
    def label(self) -> str:
        """Path, and the name where the author gave one."""
        own = self.path.rpartition("/")[2]
        return self.path if "#" in own or self.name == own.partition("[")[0] else f"{self.path} {self.name!r}"


class Asked(NamedTuple):
    """What a chain asks next: why a node has a status at a moment."""

    node: int
    moment: int
    status: str


class Causes:
    """Follow causes through the history of a run.

    Args:
        history: What happened.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.needed = Needed(history)

    def chain(self, node: int, moment: int, status: str) -> tuple[Link, ...]:
        """Return the links from a node down to the one that decided that it has a status at a moment."""
        links: list[Link] = []
        following: Asked | None = Asked(node, moment, status)
        whatever = False
        while following is not None:
            link, following = self.link(following)
            links.append(replace(link, needed=()) if whatever else link)
            whatever = whatever or any(line.startswith(WHATEVER) for line in link.needed)
        return tuple(links)

    def link(self, asked: Asked) -> tuple[Link, Asked | None]:
        """Return one link, and what to ask next; None at the end of the chain."""
        node = self.history.nodes[asked.node]
        event = self.history.became(node.index, asked.status, asked.moment, -1)
        if event is None:
            return self._made(node, None, asked.status, "it was not ticked"), None
        link, following = self._linked(node, event, asked)
        seen = None if node.children else evidence(self.history, node.index, event, asked.moment)
        child, child_status = (following.node, following.status) if following is not None else (-1, "")
        decided = Decided(node, asked.status, event, asked.moment, child, child_status, seen)
        notes = (*link.notes, *(seen.notes() if seen is not None else ()))
        return replace(link, notes=notes, needed=self.needed.of(decided), evidence=seen), following

    def following(self, asked: Asked) -> Asked | None:
        """Return what to ask after a link; None at the end of the chain."""
        event = self.history.became(asked.node, asked.status, asked.moment, -1)
        return self._linked(self.history.nodes[asked.node], event, asked)[1] if event is not None else None

    def _linked(self, node: Node, event: Event, asked: Asked) -> tuple[Link, Asked | None]:
        if asked.status == "FAILURE":
            return self._failed(node, event, asked.moment)
        if asked.status == "RUNNING":
            return self._runs(node, event, asked.moment)
        if asked.status == "SUCCESS":
            return self._succeeded(node, event, asked.moment)
        if asked.status == "SKIPPED":
            return self._skipped(node, event, asked.moment)
        return self._made(node, event, asked.status, "it was halted or reset"), None

    def _skipped(self, node: Node, event: Event, moment: int) -> tuple[Link, Asked | None]:
        """Follow what was passed over to the first child that was."""
        below = [c for c in node.children if self._passed_in(c, event)]
        if not below:
            says = "a condition was against it" if node.type in CONDITION_KEYS else "it was passed over"
            return self._made(node, event, "SKIPPED", says), None
        says = "its child was passed over" if len(node.children) == 1 else "all its children were passed over"
        return self._made(node, event, "SKIPPED", says), Asked(below[0], event.at, "SKIPPED")

    def _passed_in(self, node: int, event: Event) -> bool:
        """Tell whether a node was passed over in the tick of an event, or since then stands so."""
        last = self.history.last(node, event.at)
        return last is not None and last.status == "SKIPPED"

    def down_to(self, node: int, moment: int, cause: str, notes: tuple[str, ...] = ()) -> tuple[Link, ...]:
        """Return the links from the root to a node that raised."""
        way = [node]
        while self.history.nodes[way[0]].parent >= 0:
            way.insert(0, self.history.nodes[way[0]].parent)
        links = []
        for index, below in zip(way, [*way[1:], -1], strict=True):
            each, event = self.history.nodes[index], self.history.last(index, moment)
            if below < 0:
                links.append(self._made(each, event, "FAULT", "", notes, cause))
            else:
                status = event.status if event is not None and event.status != "INVALID" else "RUNNING"
                links.append(self._made(each, event, status, f"it ticked {self._which(each, below)}"))
        return tuple(links)

    def running(self, node: int, moment: int) -> list[tuple[Node, Event]]:
        """Return the nodes below one, or itself, that are RUNNING with nothing RUNNING below them, in order."""
        found: list[tuple[Node, Event]] = []
        waiting = [node]
        while waiting:
            index = waiting.pop()
            event = self.history.last(index, moment)
            if event is None or event.status != "RUNNING":
                continue
            below = [c for c in self.history.nodes[index].children if self.history.status(c, moment) == "RUNNING"]
            waiting += reversed(below)
            if not below:
                found.append((self.history.nodes[index], event))
        return found

    def _made(
        self,
        node: Node,
        event: Event | None,
        status: str,
        says: str,
        notes: tuple[str, ...] = (),
        reason: str | None = None,
    ) -> Link:
        since = self.history.began(node.index, event.at) if event is not None and status == "RUNNING" else event
        tick, time = (since.tick, since.time) if since is not None else (0, 0.0)
        why = reason if reason is not None else event.reason if event is not None else ""
        return Link(node.path, node.name, node.type, node.place, status, why, tick, time, says, notes)

    def _failed(self, node: Node, event: Event, moment: int) -> tuple[Link, Asked | None]:
        if not node.children:
            return self._made(node, event, "FAILURE", ""), None
        if node.type in CONDITION_KEYS and event.reason.startswith("failure_if"):
            return self._made(node, event, "FAILURE", "", ()), None
        since = self.history.start(node.index, moment)
        failed = self._children(node, "FAILURE", moment, since)
        if node.flow == "grown":
            return self._grown_failed(node, event, failed, moment)
        gave_up = node.flow == "guard" and event.reason.startswith("gave up")
        decided = None if gave_up else _deciding(node, event.reason, failed, self.history.nodes)
        if decided is None:
            return self._failed_otherwise(node, event, moment, since)
        says, notes = self._how_it_failed(node, event, decided, failed, since)
        child = Asked(decided.node, self.history.held(decided, moment), "FAILURE")
        return self._made(node, event, "FAILURE", says, notes), child

    def _grown_failed(self, node: Node, event: Event, failed: list[Event], moment: int) -> tuple[Link, Asked | None]:
        """Follow a leaf that grew something into what it grew, where that is what failed last."""
        leaf, grew = node.children[0], [each for each in failed if each.node != node.children[0]]
        decided = next((each for each in grew if _fits(each, event.reason, self.history.nodes)), None)
        if decided is None:
            own = next((each for each in failed if each.node == leaf), None)
            following = Asked(leaf, self.history.held(own, moment), "FAILURE") if own is not None else None
            return self._made(node, event, "FAILURE", "its leaf failed"), following
        child = Asked(decided.node, self.history.held(decided, moment), "FAILURE")
        return self._made(node, event, "FAILURE", f"what grew failed: {event.reason}"), child

    def _failed_otherwise(self, node: Node, event: Event, moment: int, since: int) -> tuple[Link, Asked | None]:
        """Explain a FAILURE that is no child's FAILURE: a limit, a pause, a child's SUCCESS, its own reason."""
        if node.flow in ("inverter", "failure"):
            done = self._children(node, "SUCCESS", moment, since)
            if done:
                says = "its child succeeded, which it turns into FAILURE"
                below = Asked(done[-1].node, self.history.held(done[-1], moment), "SUCCESS")
                return self._made(node, event, "FAILURE", says), below
        before = self.history.before_halting(node.index, event.at)
        if node.flow == "guard" and event.reason.startswith("gave up"):
            check = node.children[0]
            status = self.history.status(check, before)
            says = event.reason.partition(":")[0]
            return self._made(node, event, "FAILURE", says, self._waits(node, before)), self._below(
                check, before, status
            )
        running = [c for c in node.children if self.history.status(c, before) == "RUNNING"]
        if running and node.flow == "timeout":
            says = f"{event.reason.partition(' (')[0]}, and {self._which(node, running[0])} was halted"
            return self._made(node, event, "FAILURE", says), self._below(running[0], before, "RUNNING")
        return self._made(node, event, "FAILURE", "", ()), None

    def _below(self, node: int, moment: int, status: str) -> Asked | None:
        return Asked(node, moment, status) if status in ("FAILURE", "RUNNING", "SUCCESS") else None

    def _how_it_failed(
        self, node: Node, event: Event, decided: Event, failed: list[Event], since: int
    ) -> tuple[str, tuple[str, ...]]:
        if node.flow in _TAKES_TURNS and len(node.children) > 1:
            return self._every_child_failed(node, event, failed)
        if node.flow == "loop":
            return self._attempts(node, event, decided, since)
        if node.flow == "for_each":
            element = re.search(r"\(element (\d+ of \d+)\)$", event.reason)
            return f"its child failed{' for element ' + element[1] if element else ''}", ()
        if node.type in ("use", "bt.SubTree"):
            return "the tree that it uses failed", ()
        others = [f for f in failed if f is not decided] if node.flow == "parallel" else []
        notes = tuple(self._note("failed too", f) for f in others)
        return f"{self._which(node, decided.node)} failed", notes

    def _every_child_failed(self, node: Node, event: Event, failed: list[Event]) -> tuple[str, tuple[str, ...]]:
        by_child = {each.node: each for each in failed}
        notes = []
        for child in node.children:
            if child in by_child:
                notes.append(self._note("tried", by_child[child]))
            elif self.history.status(child, event.at) == "SKIPPED":
                notes.append(f"skipped  {self.history.nodes[child].label}")
        count = len(failed)
        says = f"all {count} alternatives failed" if count > 1 else "the only alternative that was tried failed"
        return says, _few(notes)

    def _attempts(self, node: Node, event: Event, decided: Event, since: int) -> tuple[str, tuple[str, ...]]:
        """Say which attempts there were: as the node noted them, else by the failures of the child."""
        own = [e for e in self.history.of(node.index) if since <= e.at < event.at and e.reason.startswith("attempt ")]
        if own:
            notes = [f"tick {e.tick}  {e.reason}" for e in own]
            last = re.sub(r"^(.*) \((attempt \d+ of \d+)\)$", r"\2 failed: \1", event.reason, flags=re.S)
            return f"all {len(own) + 1} attempts failed", _few([*notes, f"tick {event.tick}  {last}"])
        found = [e for e in self.history.of(decided.node) if since <= e.at <= event.at and e.status == "FAILURE"]
        if len(found) < 2:
            return f"{self._which(node, decided.node)} failed", ()
        return "its child failed again and again", _few([f"tick {e.tick}  {e.reason}" for e in found])

    def _runs(self, node: Node, event: Event, moment: int) -> tuple[Link, Asked | None]:
        if not node.children:
            return self._made(node, event, "RUNNING", ""), None
        if node.flow == "guard" and event.reason.startswith("paused: "):
            return self._paused(node, event, moment)
        running = [child for child in node.children if self.history.status(child, moment) == "RUNNING"]
        if node.type == "on_unsure":
            running.reverse()  # the question waits for what the node on it does
        if not running and node.type == "hooks":
            begun = self.history.begun_after(node.children, moment)
            if begun is not None:
                says = f"{self._which(node, begun.node)} is running"
                return self._made(node, event, "RUNNING", says), Asked(begun.node, begun.at, "RUNNING")
        if not running:
            since = self.history.start(node.index, moment)
            decided = _matching(event.reason, self._children(node, "FAILURE", moment, since), self.history.nodes)
            if decided is None:
                return self._made(node, event, "RUNNING", ""), None
            below = Asked(decided.node, self.history.held(decided, moment), "FAILURE")
            return self._made(node, event, "RUNNING", "it tries again in the next tick"), below
        notes = tuple(
            f"also running  {leaf.label}{_colon(seen.reason)}"
            for child in running[1:]
            for leaf, seen in self.running(child, moment)
        )
        says = f"{self._which(node, running[0])} is running"
        return self._made(node, event, "RUNNING", says, _few(notes)), Asked(running[0], moment, "RUNNING")

    def _paused(self, node: Node, event: Event, moment: int) -> tuple[Link, Asked | None]:
        began = event
        for earlier in reversed([e for e in self.history.of(node.index) if e.at < event.at]):
            if not earlier.reason.startswith("paused: "):
                break
            began = earlier
        check = node.children[0]
        says = f"it pauses its child since tick {began.tick} ({began.time:.2f} s), as its check does not succeed"
        link = self._made(node, event, "RUNNING", says, self._waits(node, moment))
        return link, self._below(check, moment, self.history.status(check, moment))

    def _waits(self, node: Node, moment: int) -> tuple[str, ...]:
        return _few(
            [
                f"waits  {leaf.label}{_colon(seen.reason)}"
                for child in node.children[1:]
                for leaf, seen in self.running(child, moment)
            ]
        )

    def _succeeded(self, node: Node, event: Event, moment: int) -> tuple[Link, Asked | None]:
        if not node.children:
            return self._made(node, event, "SUCCESS", ""), None
        since = self.history.start(node.index, moment)
        if node.flow == "inverter":
            failed = self._children(node, "FAILURE", moment, since)
            if failed:
                says = "its child failed, which it turns into SUCCESS"
                below = Asked(failed[-1].node, self.history.held(failed[-1], moment), "FAILURE")
                return self._made(node, event, "SUCCESS", says), below
        done = self._children(node, "SUCCESS", moment, since)
        if not done or (node.flow not in _TAKES_TURNS and len(node.children) > 1):
            says = "its children succeeded" if done else ""
            return self._made(node, event, "SUCCESS", says), None
        last = max(done, key=lambda each: each.at)
        says = f"{self._which(node, last.node)} succeeded"
        return self._made(node, event, "SUCCESS", says), Asked(last.node, self.history.held(last, moment), "SUCCESS")

    def _children(self, node: Node, status: str, moment: int, since: int) -> list[Event]:
        found = (self.history.became(child, status, moment, since) for child in node.children)
        return [event for event in found if event is not None]

    def _which(self, node: Node, child: int) -> str:
        if len(node.children) < 2:
            return "its child"
        if node.flow == "guard":
            return "its check" if child == node.children[0] else "its child"
        if node.type == "on_unsure":
            return "the question" if child == node.children[0] else "its node on_unsure"
        if node.type == "hooks":
            return "the node" if child == node.children[0] else f"its hook {self.history.nodes[child].path}"
        return f"its child {node.children.index(child) + 1} of {len(node.children)}"

    def _note(self, what: str, event: Event) -> str:
        return f"{what}  {self.history.nodes[event.node].label}{_colon(event.reason)}"


def _deciding(node: Node, reason: str, failed: list[Event], nodes: tuple[Node, ...]) -> Event | None:
    """Return the failure of the child that decided: one whose reason was passed up, else the last of those that can."""
    if node.flow == "inverter":
        return None
    fits = [f for f in failed if _fits(f, reason, nodes)]
    if fits and node.flow == "parallel":
        return fits[0]
    if not fits and (node.flow in _PASSES_UP or not reason):
        fits = failed
    return max(fits, key=lambda event: event.at) if fits else None


def _matching(reason: str, failed: list[Event], nodes: tuple[Node, ...]) -> Event | None:
    fits = [f for f in failed if _fits(f, reason, nodes)]
    return max(fits, key=lambda event: event.at) if fits else None


def _fits(event: Event, reason: str, nodes: tuple[Node, ...]) -> bool:
    """Tell whether a node passed up the reason of a child."""
    return (event.reason or f"{nodes[event.node].name} failed") in reason


def _few(notes: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the middle of a long list."""
    if len(notes) <= _MOST_NOTES:
        return tuple(notes)
    left_out = len(notes) - _MOST_NOTES + 1
    return (*notes[:3], f"… {left_out} more …", *notes[3 + left_out :])


def _colon(reason: str) -> str:
    return f": {reason}" if reason else ""
