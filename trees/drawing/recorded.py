"""What a trace says of a tree, as it is drawn: its boxes, the statuses at a moment, and where the heat was."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from ..._base import KnotholeError, Place
from ...behaviors.ports import CONDITION_KEYS, HOOK_KEYS
from ..node_types import node_type
from ..spec import Literal as Constant
from ..tracing.history import History, Node
from ..tracing.moment import Moment
from ..tracing.piece import piece_of
from .clean import clean
from .labels import Labelled, Shape, shape_of_leaf, shown_value
from .paint import Paint, painted
from .style import HEAT, UNTICKED

Heat = Literal["visits", "time", "failures"]
HEATS: Final[tuple[Heat, ...]] = ("visits", "time", "failures")
_WRAPPERS: Final = ("hooks", "repeat", "timeout", "retry", *CONDITION_KEYS)
_UNITS: Final = {"visits": "visits", "time": "s", "failures": "failures"}
_MEANS: Final = {
    "visits": "visits: how often a node began anew, as far as the trace tells visits apart",
    "time": "time: how long a node was RUNNING",
    "failures": "failures: how often a node came to FAILURE",
}
"""Heat → what it counts."""


class MomentError(KnotholeError):
    """A run has no such moment."""


def drawing_of(
    history: History,
    heat: Heat | None = None,
    tick: int | None = None,
    time: float | None = None,
    brief: bool = False,
) -> tuple[Labelled, Paint]:
    """Return what to draw of a run: its tree, and colors for statuses or heat.

    Args:
        history: What happened.
        heat: Color by this; None colors by status.
        tick: Up to the end of this tick.
        time: Up to this time, [s] since the run began; with neither up to the end.
        brief: Leave out all ports but the main ones.

    Raises:
        MomentError: The run had ended before, or the trace is a piece that begins later.
    """
    piece = piece_of(history.recording)
    if piece is not None and (tick is not None or time is not None) and piece.lacks(at := Moment(tick, time)):
        raise MomentError(f"there is no {at}: {piece}\n  fix:  ask for a later one, or draw the whole trace")
    last = history.events[-1] if history.events else None
    if last is not None and ((tick or 0) > _ticks(history) or (time or 0.0) > history.ended + 1e-6):
        given = f"tick {tick}" if tick is not None else f"{time:g} s"
        end = f"tick {_ticks(history)} ({history.ended:g} s)"
        raise MomentError(f"there is no {given}: the run is known up to {end}\n  fix:  ask for an earlier one")
    moment, about, until = history.end, "at the end", history.ended
    if tick is not None:
        moment, about, until = history.at_tick(tick), f"after tick {tick}", history.tick_time(tick)
    elif time is not None:
        moment, about, until = history.at_time(time), f"at {time:g} s", min(time, history.ended)
    root = label_recording(history, brief)
    outcome = history.outcome or "unfinished"
    if heat is None:
        return root, paint_statuses(history, moment, f"statuses {about} of a run that ended with {outcome}")
    part = "" if moment == history.end else f"up to {about.removeprefix('after ').removeprefix('at ')} "
    return root, paint_heat(history, heat, moment, until, f"{part}of a run that ended with {outcome}")


def _ticks(history: History) -> int:
    return int(history.recording.end.get("ticks", history.recording.last_tick))


def label_recording(history: History, brief: bool = False) -> Labelled:
    """Return what to draw of the tree that a trace holds, its used trees whole; ``brief`` with main ports only."""
    nodes = history.nodes
    made: dict[int, Labelled] = {}
    for node in nodes:
        if not _wraps(node):
            made[node.index] = _label(node, history, brief)
    root = made[_inner(nodes, 0)]
    for node in nodes:
        if _wraps(node) or node.index == _inner(nodes, 0):
            continue
        above, edge = _above(nodes, node)
        label = made[node.index]
        label.edge = edge or label.edge
        made[above].children.append(label)
    return root


def _wraps(node: Node) -> bool:
    """Tell whether a node is the wrapper of common keys."""
    return "#" in node.path.rpartition("/")[2] and node.type in _WRAPPERS


def _inner(nodes: tuple[Node, ...], index: int) -> int:
    while _wraps(nodes[index]):
        index = nodes[index].children[0]
    return index


def _above(nodes: tuple[Node, ...], node: Node) -> tuple[int, str]:
    """Return the box that a node hangs on, and the name of the port or the key where it does."""
    below, above = node.index, node.parent
    while _wraps(nodes[above]):
        if nodes[above].type == "hooks" and below != nodes[above].children[0]:
            keys = re.findall(rf"#({'|'.join(HOOK_KEYS)})/", nodes[below].path)
            return _inner(nodes, above), keys[-1].replace("_", " ") if keys else ""
        below, above = above, nodes[above].parent
    if nodes[above].flow == "guard":
        return above, "check" if nodes[above].children[0] == below else "child"
    return above, ""


def _label(node: Node, history: History, brief: bool) -> Labelled:
    known = node_type(node.type)
    named = node.name != node.type
    lines = [node.type] if named else []
    main = known.main.name if known is not None and known.main is not None else ""
    for name, value in sorted(node.ports.items(), key=lambda item: item[0] != main):
        port = known.ports.get(name) if known is not None else None
        if (
            name.startswith("mock.")
            or (brief and name != main)
            or (port is not None and not port.required and value == port.default)
        ):
            continue
        text = _value(value, port.type if port is not None else "any")
        lines.append(text if name == main else f"{name}: {text}")
    if node.mocked:
        lines.append(f"mocked: {node.mocked}")
    shape: Shape = _shape(node)
    keys = clean(_keys(node, history))
    reactive = known.reactive if known is not None else False
    return Labelled(node.path, shape, node.flow, reactive, clean(node.name), tuple(clean(line) for line in lines), keys)


def _shape(node: Node) -> Shape:
    if node.type in ("use", "bt.SubTree"):
        return "use"
    if node.children:
        known = node_type(node.type)
        kind = known.kind if known is not None else "composite" if len(node.children) > 1 else "decorator"
        return "decorator" if kind == "decorator" else "composite"
    known = node_type(node.type)
    return shape_of_leaf(known) if known is not None else "action"


def _value(value: Any, type: str) -> str:
    if isinstance(value, Mapping) and len(value) == 1:
        return str(next(iter(value.values())))
    return shown_value(Constant(value, Place("", 0, 0)), type)


def _keys(node: Node, history: History) -> str:
    """Write the common keys of a node, outermost first."""
    found: list[str] = []
    above = node.parent
    while above >= 0 and _wraps(history.nodes[above]) and history.nodes[above].path.startswith(f"{node.path}#"):
        wrapper = history.nodes[above]
        types = {"attempts": "int", "times": "int", "duration": "duration"}
        for name, value in wrapper.ports.items():
            key = wrapper.type if name in types else name
            found.insert(0, f"{key.replace('_', ' ')} {_value(value, types.get(name, 'expression'))}")
        above = wrapper.parent
    return " · ".join(found)


def status_at(history: History, node: Node, moment: int) -> str:
    """Return the status of a node at a moment; what ended and was reset in the same tick still counts."""
    event = history.last(node.index, moment)
    if event is None or event.status != "INVALID":
        return event.status if event is not None else ""
    before = history.last(node.index, event.at - 1)
    kept = before is not None and before.message == event.message and before.status != "RUNNING"
    return before.status if kept and before is not None else ""


def paint_statuses(history: History, moment: int, about: str) -> Paint:
    """Return the colors of the statuses at a moment."""
    found: dict[str, str] = {}
    for node in history.nodes:
        status = status_at(history, node, moment)
        path = history.nodes[_inner(history.nodes, node.index)].path
        if status and (path not in found or not _wraps(node)):
            found[path] = status
    paint = painted(found, {}, legend=True)
    inks = {node.path: UNTICKED for node in history.nodes} | dict(paint.inks)
    return Paint(inks, {}, paint.signs, paint.data, (*paint.legend, (UNTICKED, "not ticked")), about)


def paint_heat(history: History, heat: Heat, moment: int, until: float, about: str) -> Paint:
    """Return colors by how much happened at each node up to a moment, with the numbers as notes.

    Args:
        history: What happened.
        heat: What is counted.
        moment: Up to this event.
        until: Its time, [s] since the run began.
        about: Which part of which run that is.
    """
    amounts = {node.path: _amount(history, node, heat, moment, until) for node in history.nodes if not _wraps(node)}
    most = max(amounts.values(), default=0.0)
    unit = _UNITS[heat]
    inks, notes = {}, {}
    for path, amount in amounts.items():
        inks[path] = HEAT[_step(amount, most)]
        if amount:
            notes[path] = f"{_said(amount, heat)} {unit if amount != 1 or heat == 'time' else unit.removesuffix('s')}"
    legend = [(HEAT[0], "none")]
    for step in range(1, len(HEAT)):
        low, high = (_bound(most, each) for each in (step - 1, step))
        if heat != "time":
            low, high = math.floor(low) + 1, math.floor(high)
            if low > high:
                continue
        span = _said(high, heat) if low == high else f"{_said(low, heat)} to {_said(high, heat)}"
        legend.append((HEAT[step], f"{span} {unit}"))
    data = {path: {"heat": f"{amount:g}"} for path, amount in amounts.items()}
    signs = {path: f"[{_said(amount, heat)}]" for path, amount in amounts.items()}
    words = f"{_MEANS[heat]}; {about}"
    return Paint(inks, notes, signs, data, tuple(legend) if most else ((HEAT[0], "none"),), words)


def _amount(history: History, node: Node, heat: Heat, moment: int, until: float) -> float:
    events = [event for event in history.of(node.index) if event.at <= moment]
    if heat == "failures":
        return float(sum(event.status == "FAILURE" for event in events))
    if heat == "visits":
        before = ["INVALID", *(event.status for event in events)]
        return float(
            sum(e.status not in ("INVALID", "SKIPPED") and b != "RUNNING" for b, e in zip(before, events, strict=False))
        )
    ends = [*(event.time for event in events[1:]), until]
    return sum(
        max(0.0, stop - event.time) for event, stop in zip(events, ends, strict=False) if event.status == "RUNNING"
    )


def _bound(most: float, step: int) -> float:
    """Return the largest amount of a step; each is as wide as the one before together with all below it."""
    return 0.0 if step == 0 else most / 2 ** (len(HEAT) - 1 - step)


def _step(amount: float, most: float) -> int:
    if amount <= 0 or most <= 0:
        return 0
    return next((step for step in range(1, len(HEAT)) if amount <= _bound(most, step) * (1 + 1e-9)), len(HEAT) - 1)


def _said(amount: float, heat: Heat) -> str:
    return f"{amount:.2f}" if heat == "time" else f"{amount:.0f}"
