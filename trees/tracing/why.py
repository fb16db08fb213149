"""Why a run ended as it did: the chain of causes from the root to the node that decided, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..._base import KnotholeError, UnknownNameError, near_misses
from ..explaining.absent import absence, halted
from ..explaining.evidence import Evidence
from ..explaining.story import story
from .causes import Asked, Causes, Link
from .history import History, Node
from .moment import Moment
from .piece import piece_of
from .recording import Recording

__all__ = ["UNFINISHED", "Explanation", "Moment", "WhyError", "explain", "why"]

UNFINISHED: Final = "UNFINISHED"
"""Outcome of a trace that does not say how the run ended."""
_MOST_RECOVERED: Final = 8
_LIMITS: Final = {
    "TIME_LIMIT": "was still running when its time was over",
    "INTERRUPTED": "was interrupted (Ctrl-C)",
    "TERMINATED": "was told to end (SIGTERM)",
    "UNRECORDED": "was still running where the replayed recording says no more",
}


class WhyError(KnotholeError):
    """What was asked about a trace is not in it."""


@dataclass(frozen=True)
class Explanation:
    """Why a run, or one of its nodes, ended as it did.

    Attributes:
        tree: Name of the tree.
        outcome: How the run ended: a name of ``Outcome``, or ``UNFINISHED``.
        node: Path of the node in question, empty for the run.
        status: The status that is explained, ``FAULT`` for something that was raised, empty for a node never ticked.
        headline: What happened, one line.
        tick: In which tick.
        time: When, [s] since the run began.
        reason: The reason in short; empty if there is none.
        links: The chain, from the root, or the node in question, down to what decided.
        recovered: After SUCCESS: what failed on the way, one line each.
        remarks: What else the author should know, one line each.
        story: What was planned, what failed of it and how that was repaired, one line each; empty where nothing was.
    """

    tree: str
    outcome: str
    node: str
    status: str
    headline: str
    tick: int
    time: float
    reason: str
    links: tuple[Link, ...]
    recovered: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    story: tuple[str, ...] = ()

    @property
    def evidence(self) -> Evidence | None:
        """The answer that decided: that of the last link which asked; None if nothing was asked."""
        return next((link.evidence for link in reversed(self.links) if link.evidence is not None), None)

    def to_json(self) -> dict[str, object]:
        """Return what ``knothole why … --json`` prints."""
        return {
            "tree": self.tree,
            "outcome": self.outcome,
            "node": self.node,
            "status": self.status,
            "tick": self.tick,
            "time_s": round(self.time, 3),
            "reason": self.reason,
            "headline": self.headline,
            "chain": [_link_json(link) for link in self.links],
            "needed": [{"path": link.path, "text": line} for link in reversed(self.links) for line in link.needed],
            "recovered": list(self.recovered),
            "remarks": list(self.remarks),
            "story": list(self.story),
        }

    def __str__(self) -> str:
        lines = [self.headline]
        if self.links:
            lines.append("")
        tick = self.tick
        for link in self.links:
            lines.append(f"{link.label}  {link.place}")
            words = link.says or f"{link.status}{': ' + link.reason if link.reason else ''}"
            when = "since" if link.status == "RUNNING" else "in"
            when = f", {when} tick {link.tick} ({link.time:.2f} s)" if link.tick not in (tick, 0) else ""
            tick = link.tick or tick
            lines.append(f"    {_indented(words, 4)}{when}")
            lines += (f"      {_indented(note, 6)}" for note in link.notes)
        needed = [f"{link.short}: {line}" for link in reversed(self.links) for line in link.needed]
        if needed:
            lines += ["", "what would have had to be different:", *(f"    {_indented(line, 4)}" for line in needed)]
        if self.story:
            lines += ["", "what was planned:", *(f"    {line}" for line in self.story)]
        if self.recovered:
            lines += ["", "on the way these failed:", *(f"    {line}" for line in self.recovered)]
        if self.remarks:
            lines += ["", *self.remarks]
        return "\n".join(lines)


def explain(recording: Recording, node: str = "", at: Moment | None = None) -> Explanation:
    """Explain a recorded run; see ``why``.

    Raises:
        TraceError: The trace holds no tree.
        UnknownNameError: No node is called so.
        WhyError: Several nodes are called so, the run had ended before ``at``, or the trace begins later.
    """
    return why(History(recording), node, at)


def why(history: History, node: str = "", moment: Moment | None = None) -> Explanation:
    """Explain how a run ended, or what became of one of its nodes: what the command and the viewer show.

    Args:
        history: What happened.
        node: Explain this node instead of the run: its last FAILURE, or its last status if it never failed. A path, an
            end of a path, a name, or a part of one of these, as long as only one node is meant.
        moment: Explain the state at the end of this tick, or at this time, instead of the end.

    Raises:
        TraceError: The trace holds no tree.
        UnknownNameError: No node is called so.
        WhyError: Several nodes are called so, the run had ended before ``moment``, or the trace begins later.
    """
    whole = _Why(history)
    if moment is None:
        return whole.explain(node)
    recording = history.recording
    then = recording.before_change(whole.tick_of(moment))
    if then is recording:
        return whole.at(node, moment)
    return replace(_Why(History(then)).at(node, moment), outcome=whole.outcome)


class _Why:
    def __init__(self, history: History) -> None:
        self.history = history
        self.causes = Causes(history)
        recording = history.recording
        self.tree = str(recording.tree_at().get("name", ""))
        self.outcome = history.outcome or UNFINISHED
        last = recording.messages[-1]
        self.ticks = int(recording.end.get("ticks", recording.last_tick))
        self.time = history.time(last)

    def tick_of(self, at: Moment) -> int:
        """Return the tick that a moment is in.

        Raises:
            WhyError: The run had ended before, or the trace is a piece that begins later.
        """
        piece = piece_of(self.history.recording)
        if piece is not None and piece.lacks(at):
            raise WhyError(f"there is no {at}: {piece}\n  fix:  ask for a later one, or look into the whole trace")
        if at.tick > self.ticks if at.tick is not None else (at.time or 0.0) > self.time + 1e-6:
            known = "ended in" if self.history.outcome else "is known up to"
            raise WhyError(
                f"there is no {at}: the run {known} tick {self.ticks} ({self.time:g} s)\n  fix:  ask for an earlier one"
            )
        if at.tick is not None:
            return at.tick
        return self.history.tick_at(at.time or 0.0)

    def at(self, node: str, at: Moment) -> Explanation:
        """Explain the state of the run, or of a node, at a moment."""
        return self._at(self._find(node) if node else self.history.nodes[0], at, bool(node))

    def explain(self, node: str) -> Explanation:
        """Explain how the run, or what became of a node."""
        if node:
            return self._node(self._find(node))
        if not self.history.events:
            return self._made("", f"{self.outcome}  {self.tree} ended before its first tick{self._fault()}", ())
        if self.outcome == "FAULT":
            return self._raised()
        if self.outcome == "FAILURE":
            return self._failed()
        if self.outcome == "SUCCESS":
            return self._succeeded()
        return self._stopped()

    def _made(self, status: str, headline: str, links: tuple[Link, ...], **more: Any) -> Explanation:
        given: dict[str, Any] = {"node": "", "tick": self.ticks, "time": self.time, "reason": "", **more}
        problems = tuple(f"while stopping: {problem}" for problem in self.history.recording.end.get("problems", ()))
        given["remarks"] = (*given.get("remarks", ()), *problems)
        given["story"] = story(self.history.recording, None if given["tick"] >= self.ticks else given["tick"])
        return Explanation(self.tree, self.outcome, status=status, headline=headline, links=links, **given)

    def _when(self, tick: int, time: float) -> str:
        return f"in tick {tick} ({time:.2f} s)"

    def _failed(self) -> Explanation:
        links = self.causes.chain(0, self.history.end, "FAILURE")
        reason = links[0].reason
        headline = f"FAILURE  {self.tree} failed {self._when(self.ticks, self.time)}: {reason}"
        return self._made("FAILURE", headline, links, reason=reason)

    def _fault(self) -> str:
        fault = str(self.history.recording.end.get("fault", ""))
        return f": {fault.partition(chr(10))[0]}" if fault else ""

    def _raised(self) -> Explanation:
        fault = str(self.history.recording.end.get("fault", "")) or "something was raised"
        cause, *rest = fault.splitlines()
        notes = tuple(line.strip() for line in rest)
        node = _raiser(cause, self.history.nodes)
        moment = self.history.end
        headline = f"FAULT  {self.tree} broke off {self._when(self.ticks, self.time)}: {cause}"
        if node is not None:
            what = cause.removeprefix(node.path).removeprefix(f" {node.name!r}").removeprefix(":").strip()
            notes = tuple(line for line in notes if line.partition(":")[0] != "at")
            links = self.causes.down_to(node.index, moment, what, notes)
            return self._made("FAULT", headline, links, reason=cause)
        links = self.causes.chain(0, moment, "RUNNING") if self.history.status(0, moment) == "RUNNING" else ()
        remark = "no node raised this but the driver, the backend or the loop; the chain shows what was running"
        return self._made("FAULT", headline, links, reason=cause, remarks=(*notes, remark))

    def _stopped(self) -> Explanation:
        moment = self.history.end
        root = self.history.last(0, moment)
        status = root.status if root is not None else "RUNNING"
        links = self.causes.chain(0, moment, status) if root is not None else ()
        reason = links[-1].reason if links else ""
        if self.outcome == UNFINISHED:
            piece = (self.history.recording.start.get("cut") or {}).get("to") is not None
            headline = f"{UNFINISHED}  {self.tree} is known up to tick {self.ticks} ({self.time:.2f} s); " + (
                "this is a piece of its trace, which ends there"
                if piece
                else "its trace has no end: the writer was killed, or is still at work"
            )
            return self._made(status, headline, links, reason=reason)
        limit = self.history.recording.start.get("max_time")
        after = f" of {limit:g} s" if self.outcome == "TIME_LIMIT" and isinstance(limit, int | float) else ""
        words = _LIMITS[self.outcome].replace("its time", f"its time{after}")
        headline = f"{self.outcome}  {self.tree} {words}, {self._when(self.ticks, self.time)}"
        return self._made(status, headline, links, reason=reason)

    def _succeeded(self) -> Explanation:
        status = str(self.history.recording.end.get("status", "SUCCESS"))
        words = "succeeded" if status == "SUCCESS" else "was skipped, which counts as SUCCESS,"
        headline = f"SUCCESS  {self.tree} {words} {self._when(self.ticks, self.time)}"
        links = self.causes.chain(0, self.history.end, status)
        return self._made(status, headline, links, recovered=self._recovered())

    def _recovered(self) -> tuple[str, ...]:
        """List what failed for a reason of its own, first failures first, equal ones once."""
        seen: dict[tuple[int, str], list[int]] = {}
        for event in self.history.events[: self.history.end + 1]:
            if event.status == "FAILURE":
                following = self.causes.following(Asked(event.node, event.at, "FAILURE"))
                if following is None or following.status != "FAILURE":
                    seen.setdefault((event.node, event.reason), []).append(event.tick)
        rows = []
        for (index, reason), ticks in seen.items():
            often = f", and {len(ticks) - 1} more times" if len(ticks) > 2 else ", and again" if len(ticks) == 2 else ""
            rows.append(f"tick {ticks[0]}{often}  {self.history.nodes[index].label}: {reason}")
        more = [f"… and {len(rows) - _MOST_RECOVERED} more"] if len(rows) > _MOST_RECOVERED else []
        return (*rows[:_MOST_RECOVERED], *more)

    def _node(self, node: Node) -> Explanation:
        history = self.history
        events = [event for event in history.of(node.index) if event.at <= history.end]
        told = [event for event in events if event.status != "INVALID"]
        if not told:
            headline = f"NOT TICKED  {node.label}: the run, which ended with {self.outcome}, never came to it"
            return self._absent(node, history.end, headline, node=node.path)
        failures = [event for event in told if event.status == "FAILURE"]
        event = (failures or told)[-1]
        moment = history.held(event, history.end)
        links = self.causes.chain(node.index, moment, event.status)
        words = "failed last" if failures else "never failed; it got this status"
        headline = f"{event.status}  {node.label} {words} {self._when(event.tick, event.time)}"
        headline += f": {event.reason}" if event.reason else ""
        remarks: tuple[str, ...] = ()
        if failures and told[-1] is not event:
            remarks = (f"afterwards it was {told[-1].status}, {self._when(told[-1].tick, told[-1].time)}",)
        last = events[-1]
        if last.status == "INVALID" and told[-1].status == "RUNNING" and last.at > told[-1].at:
            remarks = (*remarks, halted(history, node, last).words)
        more = {"tick": event.tick, "time": event.time, "reason": event.reason, "remarks": remarks}
        return self._made(event.status, headline, links, node=node.path, **more)

    def _at(self, node: Node, at: Moment, given: bool) -> Explanation:
        history = self.history
        moment = history.at_tick(at.tick) if at.tick is not None else history.at_time(at.time or 0.0)
        event = history.last(node.index, moment)
        tick, time = (event.tick, event.time) if event is not None else (0, 0.0)
        what = node.label if given else self.tree
        if event is None or event.status == "INVALID":
            headline = f"NOT TICKED  {what}, at {at}"
            return self._absent(node, moment, headline, node=node.path if given else "", tick=tick, time=time)
        links = self.causes.chain(node.index, moment, event.status)
        headline = f"{event.status}  {what}, at {at}, since tick {tick} ({time:.2f} s)"
        headline += f": {event.reason}" if event.reason else ""
        more = {"tick": tick, "time": time, "reason": event.reason}
        return self._made(event.status, headline, links, node=node.path if given else "", **more)

    def _absent(self, missing: Node, moment: int, headline: str, **more: Any) -> Explanation:
        """Explain a node without a status: who passed it by, halted or reset it, and why that one did."""
        if moment < 0:
            return self._made("", f"{headline}: nothing had been ticked yet", (), **more)
        found = absence(self.history, missing, moment)
        links: tuple[Link, ...] = ()
        if found.node >= 0 and found.status:
            links = self.causes.chain(found.node, found.moment, found.status)
        own = Link(missing.path, missing.name, missing.type, missing.place, "", "", 0, 0.0, found.words)
        own = replace(own, needed=(found.needed,) if found.needed else ())
        return self._made("", headline, (own, *links), reason=found.words, **more)

    def _find(self, wanted: str) -> Node:
        nodes = self.history.nodes
        bare = [node for node in nodes if "#" not in node.path.rpartition("/")[2] or "#" in wanted]
        part = wanted.casefold()
        for fits in (
            [node for node in nodes if node.path == wanted],
            [node for node in nodes if node.path.endswith(f"/{wanted}")],
            [node for node in bare if node.name == wanted],
            [node for node in bare if part in node.name.casefold() or part in node.path.rpartition("/")[2].casefold()],
            [node for node in bare if part in node.path.casefold()],
        ):
            if len(fits) == 1:
                return fits[0]
            if fits:
                paths = "\n".join(f"    {node.path}" for node in fits[:6])
                more = f"\n    … and {len(fits) - 6} more" if len(fits) > 6 else ""
                raise WhyError(f"{wanted!r} is {len(fits)} nodes:\n{paths}{more}\n  fix:  give the whole path")
        ends = [end for node in nodes for end in (node.path, node.path.rpartition("/")[2], node.name)]
        near = near_misses(wanted, ends)
        raise UnknownNameError("node of the trace", wanted, near or ends, "give the path or the name of a node")


def _raiser(fault: str, nodes: tuple[Node, ...]) -> Node | None:
    """Return the node that a fault names at its beginning."""
    named = [node for node in nodes if re.match(rf"{re.escape(node.path)}[ :]", fault)]
    return max(named, key=lambda node: len(node.path), default=None)


def _link_json(link: Link) -> Mapping[str, object]:
    return {
        "path": link.path,
        "name": link.name,
        "type": link.type,
        "file": link.place.file,
        "line": link.place.line,
        "column": link.place.column,
        "status": link.status,
        "reason": link.reason,
        "tick": link.tick,
        "time_s": round(link.time, 3),
        "says": link.says,
        "notes": list(link.notes),
        "needed": list(link.needed),
        "answer": link.evidence.to_json() if link.evidence is not None else None,
    }


def _indented(text: str, columns: int) -> str:
    return text.replace("\n", "\n" + " " * columns)
