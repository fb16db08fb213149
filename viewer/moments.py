"""A recording as it was at the end of a tick, before what ended in it was reset: what the page shows and explains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..trees.tracing.recording import Message, Recording, is_end, is_reload
from ..trees.tracing.why import Moment, explain


def up_to(messages: Iterable[Message], tick: int) -> Recording:
    """Return the messages up to the end of a tick; the resets of what ended in that tick are left out.

    A change of the tree after the tick is left out as well, so that the nodes are those that were ticked; and so is
    the end of a run that went on after the tick.
    """
    found: list[Message] = []
    for message in messages:
        at = message.data.get("ticks" if is_end(message) else "tick")
        if isinstance(at, int) and (at > tick or (at == tick and is_reload(message))):
            break
        if message.topic == "/status" and at == tick:
            message = Message(message.topic, message.time, _unreset(message.data))
        found.append(message)
    return Recording(tuple(found), False)


def _unreset(data: Mapping[str, Any]) -> Mapping[str, Any]:
    changes = list(data["changes"])
    body = len(changes)
    while body and changes[body - 1]["status"] == "INVALID":
        body -= 1
    ended = {change["node"] for change in changes[:body]}
    return {**data, "changes": [*changes[:body], *(each for each in changes[body:] if each["node"] not in ended)]}


def explained(recording: Recording, node: str) -> dict[str, object]:
    """Return why a node has the status that it has at the end of a recording, as ``knothole why --json`` tells it.

    Of the root after the last tick of a run, it tells how the run ended.

    Args:
        recording: What was known at a moment.
        node: Path of the node; empty for the root.

    Raises:
        TraceError: The recording holds no tree.
        UnknownNameError: No node has this path.
        WhyError: The node cannot be told from others.
    """
    root = next((row["path"] for row in recording.tree_at().get("nodes", ())), "")
    if recording.end and node in ("", root):
        told = explain(recording)
    else:
        told = explain(recording, node, Moment(tick=recording.last_tick))
    return {"headline": told.headline, "text": str(told), **told.to_json()}
