"""Cut a piece out of a trace that is a whole trace by itself: what still holds from before comes along.

Of what was before the piece these messages stay, with their own times: start and trees; the last change of each node;
the last write of each entry; each node's last question with its answer, and questions that are open; the pictures that
all these and the piece itself are about; the last joints and transforms; the last checkpoint, whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..changing.folding import folded
from .raw import Raw

_ALWAYS: Final = ("/tree",)
_CHECKPOINT: Final = "/checkpoint"
_LAST: Final = ("/joints", _CHECKPOINT)


def cut(trace: Iterable[Raw], begin_ns: int | None, end_ns: int | None) -> Iterator[Raw]:
    """Return the messages of a piece.

    Args:
        trace: The trace, which is read twice.
        begin_ns: Time of the first message of the piece, run clock, [ns]; None for the beginning.
        end_ns: Time of the last one; None for the end.
    """
    plan = _Plan(begin_ns if begin_ns is not None else -1, end_ns)
    for at, raw in enumerate(trace):
        if not plan.note(at, raw):
            break
    carried = plan.carried()
    for at, raw in enumerate(trace):
        if plan.is_past(raw):
            return
        if raw.time_ns >= plan.begin:
            yield plan.marked(raw)
        elif at in plan.changes:
            yield _only(raw, plan.changes[at])
        elif at in carried:
            yield plan.marked(raw)


class _Plan:
    """Which messages before a piece still hold."""

    def __init__(self, begin_ns: int, end_ns: int | None) -> None:
        self.begin, self.end = begin_ns, end_ns
        self.changes: dict[int, set[int]] = {}
        self._status: dict[int, int] = {}
        self._always: set[int] = set()
        self._last: dict[tuple[str, ...], int] = {}
        self._asked: dict[str, tuple[int, dict[str, Any]]] = {}
        self._open: dict[tuple[str, ...], tuple[int, dict[str, Any]]] = {}
        self._answers: dict[tuple[str, ...], int] = {}
        self._frames: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._same: dict[str, str] = {}
        self._wanted: set[str] = set()
        self._checkpoint: dict[str, Any] = {}

    def is_past(self, raw: Raw) -> bool:
        """Tell whether the piece has ended before a message."""
        return self.end is not None and raw.time_ns > self.end

    def note(self, at: int, raw: Raw) -> bool:
        """Take note of a message; False when the piece has ended before it."""
        if self.is_past(raw):
            return False
        data = raw.data()
        if raw.time_ns >= self.begin:
            self._wanted.update(str(data[key]) for key in ("frame", "same_as") if data.get(key))
        else:
            self._before(at, raw.topic, data)
        return True

    def _before(self, at: int, topic: str, data: dict[str, Any]) -> None:
        if topic in _ALWAYS or (topic == "/run" and data.get("event") in ("start", "reload")):
            self._always.add(at)
            if data.get("event") == "reload":
                self._freeze()
        elif topic == "/status":
            self._status.update((change["node"], at) for change in data["changes"])
        elif topic == "/blackboard":
            self._last[topic, data["name"]] = at
        elif topic == "/questions":
            self._asked[data["asker"]] = self._open[_key(data, "text")] = at, data
        elif topic in ("/answers", "/cancelled"):
            key = _key(data, "question" if topic == "/answers" else "text")
            self._open.pop(key, None)
            if topic == "/answers":
                self._answers[key] = at
        elif topic.startswith("/frames"):
            self._picture(at, data)
        elif topic == "/transforms":
            for row in data["transforms"]:
                self._places[row["child_frame_id"]] = at
        elif topic in ("/scene", "/simulated"):
            names = [each["id"] for each in (*data["entities"], *data["deletions"])]
            self._last[topic, *names] = at
        elif topic in _LAST or topic.startswith("/calibration/"):
            self._last[(topic,)] = at
            if topic == _CHECKPOINT:
                self._checkpoint = folded(self._checkpoint, data)

    def _picture(self, at: int, data: dict[str, Any]) -> None:
        name = str(data["frame_id"])
        self._frames[name] = at
        self._last["/frames", name.partition("#")[0]] = at
        if "same_as" in data:
            self._same[name] = str(data["same_as"])

    def _freeze(self) -> None:
        """Keep what holds now: nodes have other numbers from here on."""
        for node, at in self._status.items():
            self.changes.setdefault(at, set()).add(node)
        self._status = {}

    def carried(self) -> set[int]:
        """Return positions of the messages before the piece that stay whole."""
        self._freeze()
        kept = self._always | set(self._last.values())
        for at, data in (*self._asked.values(), *self._open.values()):
            kept.add(at)
            self._wanted.add(str(data.get("frame", "")))
            answer = self._answers.get(_key(data, "text"))
            if answer is not None:
                kept.add(answer)
        kept_pictures = {name for name, at in self._frames.items() if at in kept} | self._wanted
        for name in kept_pictures | {self._same[name] for name in kept_pictures if name in self._same}:
            kept.update(at for at in (self._frames.get(name), self._places.get(name)) if at is not None)
        kept.update(at for name, at in self._places.items() if "#" not in name)
        return kept

    def marked(self, raw: Raw) -> Raw:
        """Return a message; the start says that this is a piece, and the checkpoint before it is whole."""
        if raw.topic == _CHECKPOINT and raw.time_ns < self.begin:
            return raw._replace(text=_json(self._checkpoint))
        if raw.topic != "/run":
            return raw
        data = raw.data()
        if data.get("event") != "start" or (self.begin < 0 and self.end is None):
            return raw
        before = data.get("cut") or {}
        begins = [before.get("from"), round(self.begin * 1e-9, 9) if self.begin >= 0 else None]
        ends = [before.get("to"), round(self.end * 1e-9, 9) if self.end is not None else None]
        begin = max((each for each in begins if each is not None), default=None)
        end = min((each for each in ends if each is not None), default=None)
        return raw._replace(text=_json({**data, "cut": {"from": begin, "to": end}}))


def span(piece: Mapping[str, Any], began: float) -> str:
    """Return in words from when to when a piece is, in time since the run began.

    Args:
        piece: What the start of its trace says of it.
        began: When the run began, run clock, [s].
    """
    ends = (("from", piece.get("from")), ("to", piece.get("to")))
    return " ".join(f"{word} {time - began:.2f} s" for word, time in ends if time is not None)


def _key(data: dict[str, Any], text: str) -> tuple[str, ...]:
    return str(data.get("kind")), str(data.get(text)), str(data.get("frame"))


def _only(raw: Raw, nodes: set[int]) -> Raw:
    data = raw.data()
    changes = [change for change in data["changes"] if change["node"] in nodes]
    return raw._replace(text=_json({**data, "changes": changes}))


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
