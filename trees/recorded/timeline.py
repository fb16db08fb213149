"""When each node had which status, as a drawing for a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from ..tracing.history import Event, History, Node

MOST: Final = 300
"""Nodes that are drawn."""
_LABEL, _WIDTH, _ROW, _HEAD = 300, 860, 18, 20
_SHOWN: Final = ("RUNNING", "SUCCESS", "FAILURE", "SKIPPED")


def timeline(history: History, seconds: float) -> Iterator[str]:
    """Yield the drawing as SVG: a row for each node that was ever ticked, in the order of the tree.

    Args:
        history: The run.
        seconds: Length of the time axis, [s].
    """
    rows = [node for node in history.nodes if history.of(node.index)]
    drawn = rows[:MOST]
    height = _HEAD + _ROW * len(drawn)
    yield f'<svg viewBox="0 0 {_LABEL + _WIDTH} {height}" width="{_LABEL + _WIDTH}" height="{height}" role="img">'
    yield from _axis(seconds, height)
    depths = _depths(history.nodes)
    for number, node in enumerate(drawn):
        top = _HEAD + number * _ROW
        x = min(depths[node.index], 12) * 10
        name = escape(node.name[: max(8, 44 - x // 7)])
        yield f'<text class="name" x="{x}" y="{top + 13}"><title>{escape(node.label)}</title>{name}</text>'
        yield from _bars(history.of(node.index), top, seconds)
    yield "</svg>"
    if len(rows) > MOST:
        yield f"<p class='faint'>{len(rows) - MOST} more nodes are in the trace.</p>"


def _axis(seconds: float, height: int) -> Iterator[str]:
    for part in range(11):
        x = _LABEL + _WIDTH * part / 10
        yield f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEAD - 4}" y2="{height}"/>'
        if part < 10:
            yield f'<text class="mark" x="{x + 2:.1f}" y="12">{seconds * part / 10:.4g} s</text>'


def _depths(nodes: tuple[Node, ...]) -> dict[int, int]:
    found = {-1: -1}
    for node in nodes:
        found[node.index] = found.get(node.parent, -1) + 1
    return found


def _bars(events: list[Event], top: int, seconds: float) -> Iterator[str]:
    """Yield a bar for each stretch of one status; stretches too short to be seen share one bar."""
    scale = _WIDTH / seconds if seconds > 0 else 0.0
    drawn: tuple[int, str] | None = None
    for number, event in enumerate(events):
        if event.status not in _SHOWN:
            continue
        until = events[number + 1].time if number + 1 < len(events) else seconds
        x = _LABEL + min(event.time * scale, _WIDTH - 1.5)
        width = min(max(1.5, (until - event.time) * scale), _LABEL + _WIDTH - x)
        if width <= 1.5 and drawn == (round(x), event.status):
            continue
        drawn = round(x), event.status
        told = f"{event.status} tick {event.tick} ({event.time:.2f} s)" + (f": {event.reason}" if event.reason else "")
        shape = f'x="{x:.1f}" y="{top + 2}" width="{width:.1f}" height="{_ROW - 4}"'
        yield f'<rect class="{event.status}" {shape}><title>{escape(told)}</title></rect>'
