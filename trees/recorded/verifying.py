"""Verify a trace: is the file whole, does what it tells hang together, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..tracing.recording import Recording, is_reload, read_trace
from .cutting import span
from .steps import recomputed
from .structure import Structure, structure

_FORGIVEN = 20


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        what: ``wrong`` for what cannot be, ``missing`` for what is not there, ``note`` for what one should know.
        text: One sentence.
    """

    what: Literal["wrong", "missing", "note"]
    text: str


@dataclass(frozen=True)
class Verified:
    """What was found in a trace.

    Attributes:
        path: The file.
        findings: All of it; the worst first.
        ticks: Last tick of which anything is known.
        time: Its time, [s] since the run began.
        messages: Number of messages.
    """

    path: Path
    findings: tuple[Finding, ...]
    ticks: int
    time: float
    messages: int

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        return all(finding.what == "note" for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """Return what ``knothole trace verify --json`` prints."""
        known = {"ticks": self.ticks, "time_s": round(self.time, 3), "messages": self.messages}
        found = [{"what": finding.what, "text": finding.text} for finding in self.findings]
        return {"trace": str(self.path), "whole": self.whole, **known, "findings": found}

    def __str__(self) -> str:
        head = "whole" if self.whole else "not whole"
        known = f"{self.messages} messages up to tick {self.ticks} ({self.time:.2f} s)"
        lines = [f"{self.path}: {head}, {known}"]
        return "\n".join([*lines, *(f"  {finding.what:<8} {finding.text}" for finding in self.findings)])


def verify(path: Path) -> Verified:
    """Verify a trace.

    Raises:
        TraceError: There is no such file, or it is no trace.
    """
    made = structure(path)
    recording = read_trace(path)
    findings, ticks = list(_of_file(made)), 0
    try:
        findings += _of_run(recording, made.complete)
        ticks = recording.last_tick
    except Exception as error:  # whatever another program wrote, or somebody changed
        findings.append(Finding("wrong", f"it is not what a run tells: {type(error).__name__}: {error}"))
    order = ("wrong", "missing", "note")
    findings.sort(key=lambda finding: order.index(finding.what))
    last = recording.messages[-1].time if recording.messages else 0.0
    began = recording.began
    return Verified(path, tuple(findings), ticks, last - began, sum(made.messages.values()))


def _of_file(made: Structure) -> Iterator[Finding]:
    for text in made.problems:
        yield Finding("wrong", text)
    for first, last in made.gaps:
        yield Finding("missing", f"the messages {first} to {last}: a part of the file was lost")
    if not made.complete:
        rest = f", and {made.rest} bytes of a record that was not written to its end" if made.rest else ""
        yield Finding("missing", f"index and summary: the file ends in the middle{rest}")


def _of_run(recording: Recording, complete: bool) -> Iterator[Finding]:
    start, end = recording.start, recording.end
    if not start:
        yield Finding("missing", "what the run was started with (/run)")
    if not recording.tree:
        yield Finding("missing", "the tree (/tree)")
    piece = start.get("cut")
    if piece is not None:
        when = span(piece, recording.began) or "all of it"
        yield Finding("note", f"this is a piece of a run, {when}: of what was before, what still held is there")
    if not end and not (piece and piece.get("to") is not None):
        yield Finding("missing", _no_end(recording, complete))
    yield from _statuses(recording)
    yield from _order(recording)
    yield from _questions(recording, piece is not None)
    yield from _pictures(recording)
    yield from _digest(recording, piece is not None)


def _no_end(recording: Recording, complete: bool) -> str:
    last = max((m.time for m in recording.messages), default=0.0) - recording.began
    known = f"how the run ended, and whatever was after tick {recording.last_tick} ({last:.2f} s)"
    if complete:
        return f"{known}: the run was not ended in order"
    return f"{known}: its writer was killed, or is still at work; a killed one loses the last second at most"


def _statuses(recording: Recording) -> Iterator[Finding]:
    """Check that statuses are of nodes that exist, and that the root ends as the run says."""
    trees = [len(m.data.get("nodes", ())) for m in recording.topic("/tree")]
    at, strange = 0, 0
    for message in recording.messages:
        if is_reload(message):
            at += 1
            if at >= len(trees) or len(message.data["came_from"]) != trees[at]:
                yield Finding("wrong", f"the change of the tree after tick {message.data['tick']} does not fit it")
        elif message.topic == "/status":
            nodes = trees[min(at, len(trees) - 1)] if trees else 0
            strange += sum(1 for change in message.data["changes"] if not 0 <= change["node"] < nodes)
    if strange:
        yield Finding("wrong", f"{strange} changes are of nodes that the tree does not have")
    end = recording.end
    if end.get("status") in ("SUCCESS", "FAILURE"):
        roots = [c["status"] for m in recording.topic("/status") for c in m.data["changes"] if c["node"] == 0]
        if end["status"] not in roots[-2:]:
            yield Finding("wrong", f"the run ended with {end['status']}, its root never did")


def _order(recording: Recording) -> Iterator[Finding]:
    tick, time = 0, 0.0
    for message in recording.topic("/status"):
        if int(message.data["tick"]) < tick or message.time < time:
            yield Finding("wrong", f"tick {message.data['tick']} stands behind tick {tick}")
            return
        tick, time = int(message.data["tick"]), message.time
    end = recording.end
    if end and int(end.get("ticks", tick)) < tick:
        yield Finding("wrong", f"the run says it had {end['ticks']} ticks, there are {tick}")


def _questions(recording: Recording, piece: bool) -> Iterator[Finding]:
    asked: dict[tuple[object, ...], int] = {}
    strange = 0
    for message in recording.messages:
        data = message.data
        if message.topic == "/questions":
            key = (data["kind"], data["text"], data["frame"])
            asked[key] = 0
        elif message.topic in ("/answers", "/cancelled"):
            key = (data["kind"], data["question" if message.topic == "/answers" else "text"], data["frame"])
            strange += key not in asked
            asked[key] = 1
    waiting = [key for key, done in asked.items() if not done]
    if strange and not piece:
        yield Finding("wrong", f"{strange} answers are to questions that nobody asked")
    if waiting:
        first = f"{waiting[0][1]!r}"
        yield Finding("note", f"{len(waiting)} questions have no answer, the first is {first}")


def _pictures(recording: Recording) -> Iterator[Finding]:
    known, dropped, lost = set(), 0, []
    for message in recording.messages:
        if message.topic in ("/frames", "/frames_again", "/frames_dropped"):
            known.add(message.data["frame_id"])
            dropped += message.topic == "/frames_dropped"
            if message.topic == "/frames_again" and message.data["same_as"] not in known:
                lost.append(message.data["same_as"])
    for message in recording.topic("/questions"):
        if message.data["frame"] and message.data["frame"] not in known:
            lost.append(message.data["frame"])
    if lost:
        names = sorted(set(lost))
        shown = ", ".join(names[:_FORGIVEN]) + (", …" if len(names) > _FORGIVEN else "")
        yield Finding("missing", f"{len(names)} pictures that were asked about: {shown}")
    if dropped:
        why = "pictures were to be dropped" if recording.start.get("frames") == "drop" else "their rate was limited"
        yield Finding("note", f"of {dropped} pictures only the hash is there: {why}")


def _digest(recording: Recording, piece: bool) -> Iterator[Finding]:
    stated = recording.end.get("digest")
    if not stated:
        return
    if piece:
        yield Finding("note", "the digest is of the whole run, so it cannot be compared with this piece")
    elif "poses" not in recording.end:
        yield Finding("note", "an older knothole wrote this, without the final poses: its digest cannot be compared")
    elif recomputed(recording) != stated:
        yield Finding("wrong", "the digest of what is in the trace is not the one that the run reported")
