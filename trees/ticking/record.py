"""What of a run is written down: changes, digest and trace, beside whatever the application listens to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...behaviors.blackboard import UNSET, Cell
from ...behaviors.context import Glance
from ...behaviors.step import Status
from ...robots.contract import CameraFrame
from ...vlm.tickets import BrokerEvent
from ..builder import BuiltTree
from ..changing.reload import Reloaded
from ..replaying.noting import Notes
from ..tracing.changes import Changes
from ..tracing.summary import summary
from ..tracing.trace import TraceWriter
from .digest import Digest, rounded
from .outcome import Listener, LoopResult, Ticked


class Record:
    """The record of one run.

    Args:
        tree: The tree.
        trace: Where to record; None for no trace.
        listeners: Called after each tick.

    Attributes:
        changes: The change log of the tree.
        digest: The digest of the run so far.
    """

    def __init__(self, tree: BuiltTree, trace: TraceWriter | None, listeners: Sequence[Listener]) -> None:
        self._tree, self._context = tree, tree.context
        self.trace, self.listeners = trace, list(listeners)
        self.changes, self.digest = Changes(tree), Digest(tree)
        self._notes = Notes(tree, trace, self.changes) if trace is not None else None
        self._poses: Mapping[str, Sequence[float]] = {}
        self._reloaded = False

    def begin(self, start: Mapping[str, object], halt_timeout: float) -> None:
        """Note the start, the tree, and what is on the blackboard already; follow the run from now on."""
        self._follow()
        now, arm = self._context.now, getattr(self._context.robot, "arm", None)  # a base alone has none
        if self.trace is not None:
            self.trace.joint_names = arm.joints if arm is not None else ()
            self.trace.put("/run", now, {"event": "start", "inputs": dict(self._tree.inputs), **start})
            self.trace.tree(now, self._tree)
        if self._notes is not None:
            self._notes.begin(halt_timeout)
        for cell in self._tree.blackboard:
            if cell.value is not UNSET:
                self._wrote(cell)
        if self._notes is not None:
            self._notes.began()
        self.changes.tick = self._context.tick + 1  # in which it is told
        for built in self._tree.nodes:
            self.changes.record(built.node)  # what a run that is resumed begins with

    def tick(self, status: Status, ended: bool = False) -> None:
        """Note what a tick changed, or the end of the run, and tell it."""
        context = self._context
        changes = self.changes.fetch()
        self.digest.changes(changes)
        if self._notes is not None:
            self._notes.segment("end" if ended else "tick", len(changes), self.digest.so_far() if changes else None)
        if self.trace is not None:
            self.trace.changes(context.now, context.tick, changes)
            if context.robot is not None:
                self.trace.joints(context.now, context.tick, context.robot.state)
        if self.listeners:
            reloaded, self._reloaded = self._reloaded, False
            state = tuple(self.changes.state()) if reloaded else ()
            ticked = Ticked(context.tick, context.now, status, tuple(changes), self.changes.running, reloaded, state)
            for listener in tuple(self.listeners):  # one may leave
                listener(ticked)

    def log(self, text: str, level: int = 2) -> None:
        """Write a line of the loop itself into the trace; from any thread."""
        if self.trace is not None:
            self.trace.log(self._context.now, text, level, name="loop")

    def reload(self, done: Reloaded, begun: bool, origins: Mapping[str, str] | None, grown: str = "") -> None:
        """Note that the tree was changed, after the fact."""
        context = self._context
        changes = self.changes.fetch()
        self.digest.changes(changes)
        so_far = self.digest.so_far()
        self.changes.follow(self._tree, done.came_from)
        self._reloaded = True
        if not begun:
            self.digest = Digest(self._tree)
            if self.trace is not None:
                self._notes = Notes(self._tree, self.trace, self.changes)
            return
        self.digest.reload(context.tick, self._tree, done.came_from)
        if self.trace is not None and self._notes is not None:
            self._notes.segment("reload", len(changes), so_far)
            self._notes.reload(origins, grown)
            self.trace.changes(context.now, context.tick, changes)
            self.trace.tree(context.now, self._tree)
            self.trace.put("/run", context.now, {"event": "reload", "tick": context.tick, **_listed(done, grown)})

    def revived(self, grown: str) -> None:
        """Note which nodes go on below a leaf that grows, although they had ended."""
        self.changes.tick = self._context.tick + 1  # in which it is told
        for built in self._tree.nodes:
            if built.path.startswith(f"{grown}/") and built.node.status is not built.node._noted:
                self.changes.record(built.node)

    def poses(self, poses: Mapping[str, Sequence[float]]) -> None:
        """Note where things are at the end: name → position [m], and further numbers if wanted."""
        self.digest.poses(poses)
        self._poses = poses

    def end(self, result: LoopResult) -> None:
        """Write how the run ended, and close the trace."""
        if self.trace is None:
            return
        if self._notes is not None:
            self._notes.end(self._poses)
        poses = {name: rounded(numbers) for name, numbers in self._poses.items()}
        self.trace.put("/run", self._context.now, {**_ended(result), "poses": poses})
        self.trace.close()

    def _follow(self) -> None:
        """Put trace and digest beside whatever the application hung into the context."""
        context, broker = self._context, self._context.broker
        self._tree.blackboard.listeners.append(self._wrote)
        show, say, emit = context.frames, context.say, context.emit

        def frames(frame: CameraFrame) -> None:
            if self.trace is not None:
                self.trace.frame(context.now, frame)
            show(frame)

        def said(text: str) -> None:
            if self.trace is not None:
                self.trace.log(context.now, text, name="say")
            say(text)

        def emitted(channel: str, data: Mapping[str, object]) -> None:
            if self.trace is not None:
                self.trace.put(f"/{channel.lstrip('/')}", context.now, {"tick": context.tick, **data})
            emit(channel, data)

        context.frames, context.say, context.emit = frames, said, emitted
        if self._notes is not None:
            context.glances = self._glanced(context.glances)
            context.outside = self._outside(context.outside)
            context.refusals = self._refused(context.refusals)
        if broker is not None:
            broker.listener = self._beside(broker.listener)

    def _beside(self, heard: Callable[[BrokerEvent], None] | None) -> Callable[[BrokerEvent], None]:
        def event(what: BrokerEvent) -> None:
            self._heard(what)
            if heard is not None:
                heard(what)

        return event

    def _glanced(self, told: Callable[[Glance], None]) -> Callable[[Glance], None]:
        def glanced(glance: Glance) -> None:
            if self._notes is not None:
                self._notes.glanced(glance)
            told(glance)

        return glanced

    def _outside(self, looks: Callable[[str, Callable[[], Any]], Any]) -> Callable[[str, Callable[[], Any]], Any]:
        def outside(path: str, look: Callable[[], Any]) -> Any:
            value = looks(path, look)
            if self._notes is not None:
                self._notes.outside(path, value)
            return value

        return outside

    def _refused(self, told: Callable[[str, str], None]) -> Callable[[str, str], None]:
        def refused(path: str, why: str) -> None:
            if self._notes is not None:
                self._notes.refused(path, why)
            told(path, why)

        return refused

    def _wrote(self, cell: Cell) -> None:
        value = None if cell.value is UNSET else summary(cell.value)
        self.digest.write(self._context.tick, cell, value)
        if self._notes is not None:
            self._notes.wrote(cell)
        if self.trace is not None:
            self.trace.write(self._context.now, self._context.tick, cell, value)

    def _heard(self, event: BrokerEvent) -> None:
        tick = self._context.tick
        if event.what in ("asked", "shared"):
            self.digest.question(tick, event.asker, event.ticket.question)
        elif event.what == "cancelled":
            self.digest.cancelled(tick, event.ticket.question)
        elif event.ticket.answer is not None:
            self.digest.answer(tick, event.ticket.question, event.ticket.answer)
        if self.trace is not None and self._notes is not None:
            self._notes.asked(event)
            self.trace.broker(tick, event)


def _ended(result: LoopResult) -> dict[str, object]:
    return {
        "event": "end",
        "outcome": result.outcome.name,
        "status": result.status,
        "reason": result.reason,
        "fault": str(result.fault) if result.fault is not None else "",
        "ticks": result.ticks,
        "questions": result.questions,
        "model_calls": result.model_calls,
        "asking": dict(result.asking),
        "digest": result.digest,
        **({"interventions": result.interventions} if result.interventions else {}),
        "problems": list(result.problems),
        **({"timing": result.timing.to_json()} if result.timing is not None else {}),
    }


def _listed(done: Reloaded, grown: str) -> dict[str, object]:
    names = ("kept", "replaced", "added", "removed", "halted", "came_from")
    lists: dict[str, object] = {name: list(getattr(done, name)) for name in names}
    return {**lists, "faults": [str(fault) for fault in done.faults], **({"grown": grown} if grown else {})}
