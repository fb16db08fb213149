"""A trace as lines of JSON, and as one table of plain text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TextIO

from ..tracing.recording import Recording, is_reload
from .raw import Raw

COLUMNS: Final = ("time_s", "tick", "channel", "what", "value", "more")
_LEAD: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the begin of a formula."""


def write_lines(file: TextIO, trace: Iterable[Raw]) -> int:
    """Write each message as a line of JSON: ``topic``, ``time_ns``, ``data``; return how many."""
    count = 0
    for raw in trace:
        file.write(f'{{"topic":{json.dumps(raw.topic)},"time_ns":{raw.time_ns},"data":{raw.text.decode()}}}\n')
        count += 1
    return count


def write_table(file: TextIO, recording: Recording) -> int:
    """Write statuses, blackboard, questions, answers, joints and log as one table; return the number of rows.

    ``what`` is the path of a node, the name of an entry, a question or a joint; ``value`` what it became, ``more`` the
    reason, the writer, the asker or the probability. Text that a spreadsheet would take for a formula gets a ``'``.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows(recording):
        writer.writerow([_safe(cell) for cell in row])
        count += 1
    return count


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_LEAD) else cell


def _rows(recording: Recording) -> Iterator[tuple[object, ...]]:
    trees = [[row["path"] for row in m.data["nodes"]] for m in recording.topic("/tree")]
    at, began = 0, recording.began
    for message in recording.messages:
        data, topic = message.data, message.topic
        begin = (round(message.time - began, 6), data.get("tick", ""), topic.lstrip("/"))
        if is_reload(message):
            at = min(at + 1, len(trees) - 1)
        for row in _of(topic, data, trees[at] if trees else []):
            yield (*begin, *row)


def _of(topic: str, data: Mapping[str, Any], paths: list[str]) -> Iterator[tuple[object, object, object]]:
    if topic == "/status":
        for change in data["changes"]:
            node = change["node"]
            yield paths[node] if node < len(paths) else node, change["status"], change["reason"]
    elif topic == "/blackboard":
        yield data["name"], json.dumps(data["value"], ensure_ascii=False), data["writer"]
    elif topic == "/questions":
        yield data["text"], data["kind"], data["asker"]
    elif topic == "/answers":
        yield data["question"], *answered(data)
    elif topic == "/joints":
        names = [joint["name"] for joint in data.get("joints", ())] or [f"joint{i + 1}" for i in range(len(data["q"]))]
        for name, position in zip(names, [*data["q"], data["gripper_width"]], strict=False):
            yield name, position, ""
        for name, number in zip("xyz", data["tcp"], strict=False):
            yield f"tcp {name}", number, ""
    elif topic == "/log":
        yield data["name"], data["message"], data["level"]
    elif topic == "/run":
        yield data.get("event", ""), data.get("outcome", ""), data.get("reason", "")


def answered(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return what an answer says, in short, and how sure it is."""
    if data.get("problem"):
        return "", f"no answer: {data['problem']}"
    regions, chances = data.get("regions") or (), data.get("probabilities") or {}
    if data.get("kind") == "ground":
        labels = ", ".join(str(region["label"]) for region in regions)
        return (f"{len(regions)} found" + (f": {labels}" if labels else "")), ""
    if chances:
        best = max(chances, key=lambda name: chances[name])
        return str(best), f"p {chances[best]:.3f}"
    return str(data.get("text") or ""), ""
