"""The loop: it owns the clock, ticks the tree, and whatever happens it leaves the robot still and the trace closed."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from ...behaviors.blackboard import UNSET, Cell
from ...behaviors.step import INVALID, RUNNING, SUCCESS, Status
from ...robots.contract import CameraFrame
from ...vlm.tickets import BrokerEvent
from ..builder import BuiltTree
from ..changing.graft import grafted, pruned
from ..changing.reload import Reloaded, reload
from ..recursion import deep_recursion
from ..spec import TreeSpec
from ..tracing.changes import Changes
from ..tracing.trace import TraceWriter
from .clock import Clock, clock_of
from .digest import Digest
from .outcome import Listener, LoopResult, Outcome, Ticked
from .signals import stop_on_signals

__all__ = ["RATE", "Listener", "Loop", "LoopResult", "Outcome", "Ticked"]

RATE = 20.0
"""Ticks per second unless told otherwise."""
_TIE = 1e-9


class Loop:
    """Tick a built tree until it ends.

    ``run()`` does everything. For single steps use it as a context manager and call ``tick()``; leaving the block stops
    the robot and closes the trace. A loop runs once.

    Args:
        tree: The tree; its context has the robot and the broker.
        rate: Ticks per second of run clock.
        max_time: Longest time on the run clock, [s]; None for no limit.
        trace: Where to record; the loop closes it.
        start: What the trace shall say about the start: versions, seed, scene, backend, robot, arguments.
        listeners: Called after each tick.
        poses: Gives the final poses of the objects for the digest: name → position [m], and more numbers if wanted.
        clock: Time, where it is not the robot's.
    """

    def __init__(
        self,
        tree: BuiltTree,
        *,
        rate: float = RATE,
        max_time: float | None = None,
        trace: TraceWriter | None = None,
        start: Mapping[str, object] | None = None,
        listeners: Sequence[Listener] = (),
        poses: Callable[[], Mapping[str, Sequence[float]]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not rate > 0:
            raise ValueError(f"rate is {rate}, must be > 0")
        self.tree, self.context = tree, tree.context
        self.period, self.max_time = 1.0 / rate, max_time
        self.trace, self.listeners = trace, list(listeners)
        self.clock = clock or clock_of(self.context.robot)
        self.changes = Changes(tree)
        self.digest = Digest(tree)
        self.overruns = 0
        self.result: LoopResult | None = None
        self._start_info = dict(start or {})
        self._poses = poses
        self._stack = ExitStack()
        self._steps = 0
        self._begun = self._ended = self._stopping = False
        self._wish: Outcome | None = None
        self._began = self._wall = 0.0
        self._problems: list[str] = []

    def request_stop(self, outcome: Outcome = Outcome.INTERRUPTED) -> None:
        """Let the run end before its next tick. May be called from a signal handler or another thread."""
        if self._wish is None:
            self._wish = outcome

    def run(self) -> LoopResult:
        """Tick until the root is not RUNNING, the time is over, something is raised, or a signal comes.

        Ctrl-C and SIGTERM end the run after the present tick; a second Ctrl-C breaks a wait. Faults do not leave this
        method, they are in the result.
        """
        fault: BaseException | None = None
        outcome = Outcome.FAULT
        with stop_on_signals(self._signalled, lambda: self._stopping):
            try:
                outcome = self._until_it_ends()
            except KeyboardInterrupt as error:
                outcome, fault = Outcome.INTERRUPTED, error
            except Exception as error:
                outcome, fault = Outcome.FAULT, error
            finally:
                result = self._end(outcome, fault)
        return result

    def _until_it_ends(self) -> Outcome:
        while True:
            status = self.tick()
            if status is SUCCESS or status is INVALID:
                return Outcome.SUCCESS
            if status is not RUNNING:
                return Outcome.FAILURE
            if self._wish is not None:
                return self._wish
            if self.max_time is not None and self._next_time() - self._began > self.max_time + _TIE:
                return Outcome.TIME_LIMIT

    def _signalled(self, number: int) -> None:
        self.request_stop(Outcome.INTERRUPTED if number == signal.SIGINT else Outcome.TERMINATED)

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        self.close(error)

    def close(self, fault: BaseException | None = None) -> LoopResult:
        """Stop the robot, halt the tree, close broker and trace. Idempotent; the first call decides the result."""
        status = self.tree.root.status
        if fault is not None:
            outcome = Outcome.INTERRUPTED if isinstance(fault, KeyboardInterrupt) else Outcome.FAULT
        elif status is RUNNING or not self._begun:
            outcome = self._wish or Outcome.TIME_LIMIT
        else:
            outcome = Outcome.SUCCESS if status is SUCCESS or status is INVALID else Outcome.FAILURE
        return self._end(outcome, fault)

    def tick(self) -> Status:
        """Let time pass to the next tick, deliver answers, tick the tree, send its questions; return the root's status.

        When a stop was requested meanwhile, nothing is ticked any more.

        Raises:
            KnotholeError: A node, the driver or the backend has a fault. Call ``close``, or leave the ``with`` block.
            RuntimeError: The run has ended.
        """
        if self._ended:
            raise RuntimeError("the run has ended; build the tree again for another one")
        if not self._begun:
            self._begin()
        else:
            self._pass_time()
            if self._wish is not None:
                return self.tree.root.status
        context, broker = self.context, self.context.broker
        context.now = now = self.clock.now()
        context.tick += 1
        self.changes.tick = context.tick
        if broker is not None:
            broker.collect(now)
        try:
            status: Status = self.tree.root._t()
        finally:
            if broker is not None:
                broker.flush(now)
        self._publish(status)
        return status

    def reload(self, spec: TreeSpec, origins: Mapping[str, str] | None = None) -> Reloaded:
        """Replace the tree by an edited one between two ticks; see ``changing.reload``. The trace gets the new tree.

        Raises:
            KnotholeError: The edited tree cannot be built, and the old one goes on; or a node that is gone raised when
                it was halted, and the new tree is in place.
            RuntimeError: The run has ended.
        """
        if self._ended:
            raise RuntimeError("the run has ended; its tree cannot be changed any more")
        context = self.context
        done = reload(self.tree, spec, origins)
        changes = self.changes.fetch()
        self.digest.changes(changes)
        self.changes.follow(self.tree, done.came_from)
        if self._begun:
            self.digest.reload(context.tick, self.tree, done.came_from)
        else:
            self.digest = Digest(self.tree)
        if self.trace is not None and self._begun:
            self.trace.changes(context.now, context.tick, changes)
            self.trace.tree(context.now, self.tree)
            self.trace.put("/run", context.now, {"event": "reload", "tick": context.tick, **_listed(done)})
        if done.faults:
            raise done.faults[0]
        return done

    def graft(self, parent: str, branch: TreeSpec, position: int | None = None) -> Reloaded:
        """Put the root node of a tree below a node between two ticks; see ``changing.graft``."""
        return self.reload(*grafted(self.tree.spec, parent, branch, position))

    def prune(self, path: str) -> Reloaded:
        """Take a node out of the tree between two ticks; see ``changing.graft``."""
        return self.reload(*pruned(self.tree.spec, path))

    def _next_time(self) -> float:
        return self._began + (self._steps + 1) * self.period

    def _pass_time(self) -> None:
        if not self.clock.stepped:
            late = self.clock.now() - self._next_time()
            if late > self.period:
                missed = int(late / self.period)
                self.overruns += missed
                self._steps += missed
        until = self._next_time()
        self._steps += 1
        self.clock.wait_until(until, lambda: self._wish is not None)

    def _publish(self, status: Status) -> None:
        context = self.context
        changes = self.changes.fetch()
        self.digest.changes(changes)
        if self.trace is not None:
            self.trace.changes(context.now, context.tick, changes)
            if context.robot is not None:
                self.trace.joints(context.now, context.tick, context.robot.state())
        if self.listeners:
            ticked = Ticked(context.tick, context.now, status, tuple(changes), self.changes.running)
            for listener in self.listeners:
                listener(ticked)

    def _begin(self) -> None:
        self._begun = True
        self._stack.enter_context(deep_recursion())
        self._wall = time.monotonic()
        context = self.context
        context.now = self._began = self.clock.now()
        self._follow()
        if self.trace is not None:
            start = {"event": "start", "inputs": dict(self.tree.inputs), **self._start_info}
            self.trace.put("/run", self._began, start)
            self.trace.tree(self._began, self.tree)
        for cell in self.tree.blackboard:
            if cell.value is not UNSET:
                self._wrote(cell)

    def _follow(self) -> None:
        """Put trace and digest beside whatever the application hung into the context."""
        context, broker = self.context, self.context.broker
        self.tree.blackboard.on_write = self._wrote
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
        if broker is not None:
            heard = broker.listener

            def event(what: BrokerEvent) -> None:
                self._heard(what)
                if heard is not None:
                    heard(what)

            broker.listener = event
            if broker.interrupted is None:
                broker.interrupted = lambda: self._wish is not None

    def _wrote(self, cell: Cell) -> None:
        self.digest.write(self.context.tick, cell)
        if self.trace is not None:
            self.trace.write(self.context.now, self.context.tick, cell)

    def _heard(self, event: BrokerEvent) -> None:
        if event.what != "answered":
            self.digest.question(self.context.tick, event.asker, event.ticket.question)
        elif event.ticket.answer is not None:
            self.digest.answer(self.context.tick, event.ticket.question, event.ticket.answer)
        if self.trace is not None:
            self.trace.broker(self.context.tick, event)

    def _end(self, outcome: Outcome, fault: BaseException | None) -> LoopResult:
        if self.result is not None:
            return self.result
        self._ended = self._stopping = True
        root = self.tree.root
        status = "FAULT" if outcome is Outcome.FAULT else str(root.status.value)
        if outcome is Outcome.SUCCESS and root.status is INVALID:
            status = "SKIPPED"
        elif root.status is INVALID and outcome is not Outcome.FAULT:
            status = "RUNNING"
        reason = str(fault) if outcome is Outcome.FAULT else root.feedback_message
        self._try("stopping the robot", self._stop_robot)
        for problem in self.tree.halt():
            self._problems.append(f"halting: {problem}")
        self._try("stopping the robot", self._stop_robot)
        for built in self.tree.nodes:
            self._try(f"shutting down {built.path}", built.node.shutdown)
        self._try("following the end of the run", lambda: self._publish(root.status))
        if self._poses is not None:
            poses = self._poses
            self._try("reading the final poses", lambda: self.digest.poses(poses()))
        self.digest.outcome(outcome.name)
        broker = self.context.broker
        if broker is not None:
            self._try("closing the backend", broker.close)
        self.result = self._result(outcome, status, reason, fault)
        self._close_trace(self.result)
        self._stack.close()
        self._stopping = False
        return self.result

    def _result(self, outcome: Outcome, status: str, reason: str, fault: BaseException | None) -> LoopResult:
        counters = self.context.broker.counters if self.context.broker is not None else None
        return LoopResult(
            outcome,
            status,
            reason,
            ticks=self.context.tick,
            time=self.context.now - self._began,
            wall=time.monotonic() - self._wall if self._begun else 0.0,
            overruns=self.overruns,
            questions=counters.questions if counters is not None else 0,
            model_calls=counters.model_calls if counters is not None else 0,
            digest=self.digest.hexdigest(),
            fault=fault,
            problems=tuple(self._problems),
        )

    def _close_trace(self, result: LoopResult) -> None:
        if self.trace is None:
            return
        end = {
            "event": "end",
            "outcome": result.outcome.name,
            "status": result.status,
            "reason": result.reason,
            "fault": str(result.fault) if result.fault is not None else "",
            "ticks": result.ticks,
            "questions": result.questions,
            "model_calls": result.model_calls,
            "digest": result.digest,
            "problems": list(result.problems),
        }
        self.trace.put("/run", self.context.now, end)
        self.trace.close()

    def _stop_robot(self) -> None:
        if self.context.robot is not None:
            self.context.robot.stop()

    def _try(self, what: str, act: Callable[[], object]) -> None:
        """Do one thing of the shutdown; a failure is noted and the next thing is done all the same."""
        try:
            act()
        except Exception as error:
            self._problems.append(f"{what}: {error}")


def _listed(done: Reloaded) -> dict[str, object]:
    names = ("kept", "replaced", "added", "removed", "halted", "came_from")
    lists: dict[str, object] = {name: list(getattr(done, name)) for name in names}
    return {**lists, "faults": [str(fault) for fault in done.faults]}
