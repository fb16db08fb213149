"""Why a node has no status at a moment: nobody came to it, or somebody halted or reset it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..tracing.history import Event, History, Node


@dataclass(frozen=True)
class Absence:
    """Why a node has no status.

    Attributes:
        words: What happened, one line.
        node: Index of the node that decided so, -1 for none.
        status: The status of that node which decided; empty for none.
        moment: When it had that.
        needed: What would have had to be different, one line; empty where the trace does not settle it.
    """

    words: str
    node: int = -1
    status: str = ""
    moment: int = -1
    needed: str = ""


def absence(history: History, node: Node, moment: int) -> Absence:
    """Say why a node has no status at a moment.

    Args:
        history: What happened.
        node: A node that was not ticked up to the moment, or was halted or reset.
        moment: Position of an event.
    """
    event = history.last(node.index, moment)
    if event is None:
        return _never(history, node, moment)
    before = [each for each in history.of(node.index) if each.at < event.at]
    if before and before[-1].status == "RUNNING":
        return halted(history, node, event)
    ended = f" after its {before[-1].status} in tick {before[-1].tick}" if before else ""
    return Absence(f"it was reset{ended}, and not ticked again since")


def halted(history: History, node: Node, event: Event) -> Absence:
    """Say who halted a node that was RUNNING.

    Args:
        history: What happened.
        node: The node.
        event: Its change to INVALID.
    """
    where = f"in tick {event.tick} ({event.time:.2f} s)"
    below = node
    while below.parent >= 0:
        above = history.nodes[below.parent]
        own = _own_change(history, above.index, event)
        if own is None or own.status != "INVALID":
            return _halted_by(history, above, below, own, event, where)
        below = above
    how = f"the run was ended ({history.outcome})" if history.outcome else "the whole tree was halted"
    return Absence(f"it was halted {where}: {how}")


def _own_change(history: History, node: int, event: Event) -> Event | None:
    """Return what a node became in the tick in which another one was halted, before everything was reset."""
    same = [each for each in history.of(node) if each.message == event.message]
    if not same:
        return None
    before = history.last(node, same[-1].at - 1)
    reset = same[-1].status == "INVALID" and before is not None and before.status != "RUNNING"
    return before if reset and before is not None and before.message == event.message else same[-1]


def _halted_by(history: History, above: Node, below: Node, own: Event | None, event: Event, where: str) -> Absence:
    by = f"it was halted {where} by {above.label}"
    held = own.at if own is not None else history.at_message(event)
    for sibling in above.children:
        status = history.status(sibling, held)
        name = history.nodes[sibling].short
        earlier = above.children.index(sibling) < above.children.index(below.index)
        if above.flow in ("sequence", "pipeline") and earlier and status in ("RUNNING", "FAILURE"):
            needed = f"{name} would have had to succeed again in that tick"
            return Absence(f"{by}: the earlier child {name} was {status} again", sibling, status, held, needed)
        if above.flow == "selector" and earlier and status in ("RUNNING", "SUCCESS"):
            needed = f"{name} would have had to fail again in that tick"
            return Absence(f"{by}: the better choice {name} was {status}", sibling, status, held, needed)
        decides = own is not None and own.status == status and status in ("SUCCESS", "FAILURE")
        if above.flow in ("parallel", "any") and sibling != below.index and decides:
            needed = f"{name} would have had to go on, or to {'fail' if status == 'SUCCESS' else 'succeed'}"
            return Absence(f"{by}, which ended: its child {name} was {status}", sibling, status, held, needed)
    if own is not None and own.status != "RUNNING":
        reason = f": {own.reason}" if own.reason else ""
        words = {"SKIPPED": "a condition turned against it"}.get(own.status, f"it ended with {own.status}{reason}")
        return Absence(f"{by}: {words}", above.index, own.status, own.at)
    return Absence(by)


def _never(history: History, node: Node, moment: int) -> Absence:
    """Find the lowest node above that was ticked, and say why it did not come down to here."""
    below = node
    while below.parent >= 0:
        above = history.nodes[below.parent]
        event = history.last(above.index, moment)
        if event is not None:
            return _passed_by(history, above, below, event, moment)
        below = above
    return Absence("the run ended before its first tick")


def _passed_by(history: History, above: Node, below: Node, event: Event, moment: int) -> Absence:
    began = history.began(above.index, moment)
    if event.status == "SKIPPED":
        return Absence(f"{above.label} was passed over", above.index, "SKIPPED", event.at)
    if event.status == "INVALID":
        told = [each for each in history.of(above.index) if each.at < event.at and each.status != "INVALID"]
        if told:
            return _passed_by(history, above, below, told[-1], told[-1].at)
    held = history.held(event, moment)
    before = above.children[: above.children.index(below.index)]
    stops = {
        "sequence": ("FAILURE", "RUNNING"), "pipeline": ("FAILURE", "RUNNING"), "selector": ("SUCCESS", "RUNNING"),
        "guard": ("FAILURE", "RUNNING"), "if": ("SUCCESS", "FAILURE", "RUNNING"), "try": ("SUCCESS", "RUNNING"),
        "recovery": ("SUCCESS", "RUNNING"), "round_robin": ("SUCCESS", "RUNNING"), "parallel": (),
    }.get(above.flow, ())  # fmt: skip
    since = history.start(above.index, held) if began is not None else 0
    for sibling in before:
        for status in stops:
            seen = history.became(sibling, status, held, since)
            if seen is None:
                continue
            other = history.nodes[sibling]
            words = {"SUCCESS": "succeeded", "FAILURE": "failed", "RUNNING": "was running"}[status]
            wanted = {"sequence": "succeed", "pipeline": "succeed", "guard": "succeed", "selector": "fail",
                      "try": "fail", "recovery": "fail", "round_robin": "fail"}.get(above.flow, "")  # fmt: skip
            needed = (
                f"{other.short} would have had to {wanted}" if wanted else f"{other.short} would have had to choose it"
            )
            return Absence(
                f"{above.label} did not come to it: {other.short} {words} before", sibling, status, held, needed
            )
    if above.type == "hooks":
        hook = re.search(r"#(on_success|on_failure|on_halt|post|finally)(?![^/#]*#)", below.path)
        which = f"{hook[1]}: " if hook else ""
        return Absence(
            f"{which}nothing called for it, {history.nodes[above.children[0]].label} was {event.status}",
            above.index,
            event.status,
            held,
        )
    if event.reason.startswith(("failure_if:", "success_if:")):
        return Absence(f"{above.label} decided without it: {event.reason}", above.index, event.status, held)
    reason = f" ({event.reason})" if event.reason else ""
    return Absence(f"{above.label} did not come to it: it was {event.status}{reason}", above.index, event.status, held)
