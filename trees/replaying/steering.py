"""Statuses that somebody forced while the run went on: they are forced again, in the ticks in which they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...behaviors.bt.stepwise import Stepwise, keeps, stored
from ...behaviors.context import Context
from ...behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from ..builder import BuiltTree
from ..tracing.history import FORCED
from .tape import Tape

TOPIC: Final = "/interventions"
_GIVES: Final = {"SUCCESS": SUCCESS, "FAILURE": FAILURE, "RUNNING": RUNNING}


@dataclass(frozen=True)
class Order:
    """What somebody wanted of a node.

    Attributes:
        since: First tick in which it counts.
        status: The status to give; empty to let the node go.
        once: Whether it is given once.
    """

    since: int
    status: str
    once: bool = False


class Steering:
    """The orders of a recorded run.

    Args:
        tape: The run.
    """

    def __init__(self, tape: Tape) -> None:
        self._orders: dict[str, list[Order]] = {}
        self._steered: set[int] = set()
        paths = [set(tree.paths) for tree in tape.trees]
        forced = {
            (tape.trees[segment.tree].paths[event.node], segment.tick)
            for segment in tape.segments
            for event in segment.events
            if event.reason == FORCED
        }
        for message in tape.recording.topic(TOPIC):
            data = message.data
            node, tick = str(data.get("node", "")), int(data.get("tick", 0))
            if data.get("do") not in ("force", "release") or not any(node in each for each in paths):
                continue
            force = data["do"] == "force"
            orders = self._orders.setdefault(node, [])
            explained = bool(orders) and bool(orders[-1].status) and orders[-1].since <= tick
            at_once = force and (node, tick) in forced and not explained  # it came while that tick went on
            status = str(data.get("status", "")) if force else ""
            orders.append(Order(tick if at_once else tick + 1, status, bool(data.get("once"))))

    def plant(self, tree: BuiltTree) -> None:
        """Steer the nodes of a tree that is about to be ticked."""
        for built in tree.nodes:
            orders = self._orders.get(built.path)
            if orders and id(built.node) not in self._steered:
                self._steered.add(id(built.node))
                _Steered(built.node, list(orders), tree.context)


class _Steered:
    """Stands in front of a node as what forced it did then."""

    def __init__(self, node: Any, orders: list[Order], context: Context) -> None:
        self._node, self._orders, self._context = node, orders, context
        self._order: Order | None = None
        self._pretends = False  # RUNNING, but never started
        self._ticks, self._stops = node._t, node._x
        self._pauses, self._resumes = node._pause, node._resume
        node._t, node._x, node._pause, node._resume = self._ticked, self._stopped, self._paused, self._resumed

    def _ticked(self) -> Status:
        tick = self._context.tick
        while self._orders and self._orders[0].since <= tick:
            self._order = self._orders.pop(0)
        order = self._order
        if order is None or order.status not in _GIVES:
            if self._pretends:
                self._forget()
            status: Status = self._ticks()
            return status
        if order.once:
            self._order = None
        return self._give(_GIVES[order.status])

    def _give(self, status: Status) -> Status:
        node = self._node
        if not self._pretends and (node.status is RUNNING or stored(node) is RUNNING):
            self._stops(INVALID)
        node.skipped = False
        node.status, node.feedback_message = status, FORCED
        if isinstance(node, Stepwise):
            node.stored = status if status is RUNNING or keeps(node.parent) else INVALID
        self._pretends = status is RUNNING
        if node._log is not None:
            node._log(node)
        return status

    def _forget(self) -> None:
        self._pretends = False
        self._node.status, self._node.feedback_message = INVALID, ""
        if isinstance(self._node, Stepwise):
            self._node.stored = INVALID

    def _stopped(self, new: Status) -> None:
        if self._pretends:
            self._forget()
            if self._node._log is not None:
                self._node._log(self._node)
        self._stops(new)

    def _paused(self) -> None:
        if not self._pretends:
            self._pauses()

    def _resumed(self) -> None:
        if not self._pretends:
            self._resumes()
