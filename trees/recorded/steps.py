"""What a run did, step by step, as its digest takes it in; from a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..ticking.digest import Digest, rounded
from ..tracing.recording import Message, Recording, is_reload
from ..tracing.summary import summary


class Step(NamedTuple):
    """One thing that a run did.

    Attributes:
        tick: In which tick.
        time: When, [s] since the run began.
        what: What it did: its kind, then what enters the digest.
    """

    tick: int
    time: float
    what: tuple[object, ...]


def steps(recording: Recording) -> Iterator[Step]:
    """Return what a run did, in order."""
    trees, began = [message.data for message in recording.topic("/tree")], recording.began
    at, paths = 0, [row["path"] for row in trees[0]["nodes"]] if trees else []
    if trees:
        yield Step(0, 0.0, ("tree", trees[0].get("name"), paths))
    for message in recording.messages:
        data = message.data
        if is_reload(message) and at + 1 < len(trees):
            at += 1
            paths = [row["path"] for row in trees[at]["nodes"]]
            what = ("reload", data["tick"], trees[at].get("name"), paths, list(data["came_from"]))
            yield Step(int(data["tick"]), message.time - began, what)
        elif message.topic == "/status":
            for change in data["changes"]:
                what = ("status", data["tick"], _name(paths, change["node"]), change["status"], change["reason"])
                yield Step(int(data["tick"]), message.time - began, what)
        else:
            told = _told(message)
            if told is not None:
                yield Step(int(data.get("tick", 0)), message.time - began, told)
    end = recording.end
    if end:
        last = recording.messages[-1].time - began
        for name, pose in sorted((end.get("poses") or {}).items()):
            yield Step(int(end.get("ticks", 0)), last, ("pose", name, pose))
        yield Step(int(end.get("ticks", 0)), last, ("outcome", end.get("outcome")))


def recomputed(recording: Recording) -> str:
    """Return the digest of what a recording holds, to be compared with the one that the run reported."""
    digest = Digest()
    for step in steps(recording):
        digest.add(*step.what)
    return digest.hexdigest()


def _name(paths: list[str], node: int) -> str:
    return paths[node] if 0 <= node < len(paths) else f"node {node}"


def _told(message: Message) -> tuple[object, ...] | None:
    data = message.data
    if message.topic == "/blackboard":
        return "write", data["tick"], data["name"], data["writer"], data["value"]
    if message.topic == "/questions":
        asked = (data["kind"], data["text"], data.get("choices", []), data.get("all", False))
        return "question", data["tick"], data["asker"], *asked
    if message.topic == "/cancelled":
        return "cancelled", data["tick"], data["kind"], data["text"]
    return _answer(data) if message.topic == "/answers" else None


def _answer(data: Mapping[str, Any]) -> tuple[object, ...]:
    regions = [[rounded(r["box_xyxy"]), r["label"], round(r["confidence"], 3)] for r in data["regions"]]
    probabilities = {name: round(p, 3) + 0.0 for name, p in data["probabilities"].items()}
    asked = (data["tick"], data["kind"], data["question"])
    given = (probabilities, round(data["neither"], 3) + 0.0, regions, data["text"], summary(data.get("data")))
    return "answer", *asked, *given, data["problem"]
