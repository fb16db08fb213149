"""The loop: it owns the clock, ticks the tree, and whatever happens it leaves the robot still and the trace closed."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from ..._base import KnotholeError
from ...behaviors.mirror import Mirror
from ...behaviors.step import FAULTS, INVALID, RUNNING, SUCCESS, NodeFault, Stalled, Status, raise_fault
from ...vlm.contract import BackendError
from ..builder import BuiltTree
from ..changing.checkpoint import Checkpoint
from ..changing.graft import grafted, pruned
from ..changing.reload import Reloaded, reload
from ..changing.taking import Checkpoints
from ..debugging.control import Control
from ..debugging.gates import TickLeft
from ..growing.garden import Garden
from ..recursion import deep_recursion
from ..spec import TreeSpec
from ..tracing.trace import TraceWriter
from .clock import Clock, clock_of
from .ending import Ending
from .outcome import Listener, LoopResult, Outcome, Ticked
from .pace import Pace
from .priority import real_time
from .record import Record
from .signals import stop_on_signals
from .timing import OVERRUN, Overrun
from .watchdog import REAL, Watchdog

__all__ = ["RATE", "Listener", "Loop", "LoopResult", "Outcome", "Overrun", "Ticked"]

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
        resume: Go on from there. Time, numbers of ticks, entries and states of nodes are those of the checkpoint;
            ``max_time`` counts from now on, the digest too. ``anew`` names the leaves that had to begin anew.
        overrun: What happens to ticks whose time passed while an earlier one still ran, on a real clock.
        halt_timeout: How long a leaf that was halted may be ``halting``, run clock, [s].
        watchdog: Longest wall time for a tick, and between two, before the robot is stopped, [s]; 0 for no watchdog.
            None means 2 s on a real clock and none on a stepped one.
        mirror: Show the entries of the run on py_trees' own Blackboard while it lasts, under this namespace; see
            ``Mirror``. Empty for no.
        realtime: Ask the system to prefer the thread that ticks; ``tell`` hears when it refuses.
        tell: Called with sentences about the run itself, such as a warning; the watchdog calls it on its own thread.
        stuck: Called on the thread of the watchdog when a tick cannot be ended by anything; the trace is closed then.
            May end the process.
        control: Lets somebody pause the run, step it, change it and stop it; see ``debugging.Control``.

    Raises:
        TreeError: Nodes that were RUNNING in what is to be resumed cannot go on.
        ResumeError: The checkpoint cannot be resumed for another reason.
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
        resume: Checkpoint | None = None,
        overrun: Overrun = "skip",
        halt_timeout: float = 2.0,
        watchdog: float | None = None,
        realtime: bool = False,
        mirror: str = "",
        tell: Callable[[str], None] = lambda text: None,
        stuck: Callable[[str], None] | None = None,
        control: Control | None = None,
    ) -> None:
        if not rate > 0:
            raise ValueError(f"rate is {rate}, must be > 0")
        if overrun not in OVERRUN:
            raise ValueError(f"overrun is {overrun!r}, must be one of {', '.join(OVERRUN)}")
        self._checkpoints = Checkpoints(tree, trace) if trace is not None else None
        self._resume = resume
        self.anew = resume.restore(tree) if resume is not None else ()
        self.tree, self.context = tree, tree.context
        if self.context.grow is None:
            self.context.grow = Garden()
        self._garden = self.context.grow if isinstance(self.context.grow, Garden) else None
        if self._garden is not None:
            self._garden.tend(tree)
            self.context.skill_of, self.context.outline = self._garden.skill, self._garden.outline
        self.max_time, self.halt_timeout = max_time, halt_timeout
        self.record = Record(tree, trace, listeners)
        self.trace, self.listeners = trace, self.record.listeners
        self.tell = tell
        self.result: LoopResult | None = None
        self._start_info = dict(start or {})
        self._poses = poses
        self._stack = ExitStack()
        self._pace = Pace(clock or clock_of(self.context.robot), 1.0 / rate, overrun, lambda text: self._say(text, 3))
        self._ending = Ending(tree, self._pace, halt_timeout)
        self._begun = self._ended = self._stopping = self._untraced = False
        self._wish: Outcome | None = None
        self._wall = 0.0
        self._limit = (0.0 if self._pace.clock.stepped else REAL) if watchdog is None else watchdog
        self._stuck, self._realtime, self._mirror = stuck, realtime, mirror
        self._control, self._pausing = control, control.pausing if control is not None else None
        if control is not None:
            control.attach(self, self._pace, self._ending, lambda: self._ended or self._wish is not None)

    @property
    def is_stepped(self) -> bool:
        """Whether time passes only when the loop lets it."""
        return self._pace.clock.stepped

    @property
    def goes_on(self) -> bool:
        """Whether the tree has not ended by itself: its root is RUNNING, or was never ticked."""
        root = self.tree.root
        return bool(root.status is RUNNING or not self._begun or (root.status is INVALID and not root.skipped))

    def wake(self) -> None:
        """Let the next tick come at once, before its time; on a stepped clock nothing happens.

        Between two deadlines the loop ticks early once at most, and the deadlines stay where they are. It wakes by
        itself when an answer arrives. May be called from any thread and from a signal handler.
        """
        self._pace.wake()

    def request_stop(self, outcome: Outcome = Outcome.INTERRUPTED) -> None:
        """Let the run end before its next tick. May be called from a signal handler or another thread."""
        if self._wish is None:
            self._wish = outcome
        self.wake()

    def run(self) -> LoopResult:
        """Tick until the root is not RUNNING, the time is over, something is raised, or a signal comes.

        Ctrl-C and SIGTERM end the run after the present tick; a second Ctrl-C breaks a wait. Faults do not leave this
        method, they are in the result.
        """
        fault: BaseException | None = None
        outcome = Outcome.FAULT
        with stop_on_signals(self._signalled, lambda: self._stopping and not self._ending.resting):
            try:
                outcome = self._until_it_ends()
            except KeyboardInterrupt as error:
                outcome, fault = Outcome.INTERRUPTED, error
            except FAULTS as error:
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
            if self._pace.is_over(self.max_time):
                return Outcome.TIME_LIMIT

    def _signalled(self, number: int) -> None:
        self.request_stop(Outcome.INTERRUPTED if number == signal.SIGINT else Outcome.TERMINATED)

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        self.close(error)

    def close(self, fault: BaseException | None = None) -> LoopResult:
        """Stop the robot, halt the tree, close broker and trace. Idempotent; the first call decides the result."""
        status: Status = self.tree.root.status
        if fault is not None:
            outcome = Outcome.INTERRUPTED if isinstance(fault, KeyboardInterrupt) else Outcome.FAULT
        elif self.goes_on or self._wish is Outcome.UNRECORDED:
            outcome = self._wish or Outcome.TIME_LIMIT
        else:
            outcome = Outcome.SUCCESS if status is SUCCESS or status is INVALID else Outcome.FAILURE
        return self._end(outcome, fault)

    def tick(self) -> Status:
        """Let time pass to the next tick, deliver answers, tick the tree, send its questions; return the root's status.

        When a stop was requested meanwhile, nothing is ticked any more. Stands still while a ``Control`` has paused it.

        Raises:
            KnotholeError: A node, the driver or the backend has a fault. Call ``close``, or leave the ``with`` block.
            RuntimeError: The run has ended.
        """
        if self._ended:
            raise RuntimeError("the run has ended; build the tree again for another one")
        begins_now = not self._begun
        if begins_now:
            self._begin()
        if not begins_now or self._resume is not None:
            self._pace.wait(lambda: self._wish is not None, self.context.broker)
            if self._wish is not None:
                return RUNNING  # the root may be a new one that was never ticked
        context, pace, watchdog, pausing = self.context, self._pace, self._ending.watchdog, self._pausing
        if pausing is not None and pausing.attentive and not pausing.before_tick():
            return RUNNING
        stopwatch = pace.stopwatch
        begins = stopwatch.begins() if stopwatch is not None else 0.0
        context.now = now = pace.clock.now()
        context.tick += 1
        self.record.changes.tick = context.tick
        stalled = ""
        self._collect(now)
        if watchdog is not None:
            watchdog.enter()
        try:
            if context.halting:
                self._come_to_rest(now)
            status: Status = self.tree.root._t()
        except Stalled as stall:
            raise NodeFault(str(stall)) from stall
        except TickLeft:
            status = RUNNING
        finally:
            if watchdog is not None:
                stalled = watchdog.leave(pace.period)
            if context.broker is not None:
                context.broker.flush(now)
        self.record.tick(status)
        if self._checkpoints is not None:
            self._checkpoints.tick(now, pace.began, pace.steps)
        if self.trace is not None and self.trace.problem and not self._untraced:
            self._untraced = True
            self.tell(self.trace.problem)
        if stopwatch is not None:
            stopwatch.ended(time.perf_counter() - begins)
        if stalled:
            raise NodeFault(stalled)
        if status is RUNNING and self._garden is not None and self._garden.wishes:
            self._garden.plant(self.reload)
        if pausing is not None and pausing.attentive:
            pausing.after_tick()
        return status

    def reload(self, spec: TreeSpec, origins: Mapping[str, str] | None = None, grown: str = "") -> Reloaded:
        """Replace the tree by an edited one between two ticks; see ``changing.reload``. The trace gets the new tree.

        Raises:
            KnotholeError: The edited tree cannot be built, and the old one goes on; or a node that is gone raised when
                it was halted, and the new tree is in place.
            RuntimeError: The run has ended.
        """
        if self._ended:
            raise RuntimeError("the run has ended; its tree cannot be changed any more")
        done = reload(self.tree, spec, origins, grown)
        self.record.reload(done, self._begun, origins, grown)
        if grown:
            self.record.revived(grown)
        if self._checkpoints is not None:
            self._checkpoints.follow()
        if self._control is not None:
            self._control.follow(done)
        if done.faults:
            raise done.faults[0]
        return done

    def graft(self, parent: str, branch: TreeSpec, position: int | None = None) -> Reloaded:
        """Put the root node of a tree below a node between two ticks; see ``changing.graft``."""
        return self.reload(*grafted(self.tree.spec, parent, branch, position))

    def prune(self, path: str) -> Reloaded:
        """Take a node out of the tree between two ticks; see ``changing.graft``."""
        return self.reload(*pruned(self.tree.spec, path))

    def _say(self, text: str, level: int) -> None:
        """Tell something about the run itself, in the trace too."""
        self.record.log(text, level)
        self.tell(text)

    def _begin(self) -> None:
        self._begun = True
        self._stack.enter_context(deep_recursion())
        self._wall = time.monotonic()
        context, pace = self.context, self._pace
        context.shift = pace.begin(self._resume)
        self._stack.callback(pace.close)
        context.now = pace.since
        if not pace.clock.stepped:
            context.wake = self.wake
            if self.trace is not None:
                self.trace.waits = False
        if self._limit > 0:
            self._ending.watchdog = Watchdog(
                self._limit,
                self._ending.stop_robot,
                lambda text: self._say(text, 4),
                between=not pace.clock.stepped,
                stuck=self._give_up if self._stuck is not None else None,
            )
            self._stack.callback(self._ending.watchdog.close)
            context.resting = self._ending.watchdog.resting
        if context.broker is not None and context.broker.interrupted is None:
            context.broker.interrupted = lambda: self._wish is not None
        if context.broker is not None:
            context.broker.notify = lambda text: self._say(text, 3)
        self.record.begin(self._start_info, self.halt_timeout)
        if self._checkpoints is not None and self._resume is not None:
            self._checkpoints.take(context.now, pace.began, pace.steps)  # what a replay of this part begins with
        if self._control is not None:
            self._control.begin()
        if self._mirror:
            self._stack.enter_context(Mirror(self.tree.blackboard, self._mirror))
        if self._realtime:
            self._stack.enter_context(real_time(lambda text: self._say(text, 3)))

    def _collect(self, now: float) -> None:
        """Deliver answers; a backend that is broken is the fault of the node that asked it."""
        human, broker = self.context.human, self.context.broker
        if self._pace.clock.stepped:
            for one in (human, self.context.microphone):
                if one is not None:
                    one.wait(lambda: self._wish is not None)
        if broker is None:
            return
        try:
            broker.collect(now)
        except BackendError as error:
            asker = next((built.node for built in self.tree.nodes if built.path in broker.askers), None)
            if asker is None:
                raise
            raise_fault(asker, error)

    def _come_to_rest(self, now: float) -> None:
        """Ask the leaves that are halting whether they are at rest.

        Raises:
            NodeFault: One was not in time, or raised.
        """
        halting = self.context.halting
        for leaf, since in tuple(halting.items()):
            if not leaf.rest() and now - since > self.halt_timeout + _TIE:
                del halting[leaf]
                raise_fault(leaf, KnotholeError(f"it is not at rest {self.halt_timeout:g} s after it was halted"))

    def _end(self, outcome: Outcome, fault: BaseException | None) -> LoopResult:
        if self.result is not None:
            return self.result
        self._ended = self._stopping = True
        if self._control is not None:
            self._control.end()
        root = self.tree.root
        status = "FAULT" if outcome is Outcome.FAULT else str(root.status.value)
        if outcome is Outcome.SUCCESS and root.status is INVALID:
            status = "SKIPPED"
        elif root.status is INVALID and outcome is not Outcome.FAULT:
            status = "RUNNING"
        reason = str(fault) if outcome is Outcome.FAULT else root.feedback_message
        ending, pace, checkpoints, now = self._ending, self._pace, self._checkpoints, self.context.now
        if checkpoints is not None and self._begun and fault is None and root.status is RUNNING:
            take = checkpoints.take
            ending.attempt("taking a checkpoint", lambda: take(now, pace.began, pace.steps), watched=False)
        ending.leave(outcome is Outcome.FAULT)
        ending.attempt("following the end of the run", lambda: self.record.tick(root.status, True), watched=False)
        if self._poses is not None:
            poses = self._poses
            ending.attempt("reading the final poses", lambda: self.record.poses(poses()), watched=False)
        self.record.digest.outcome(outcome.name)
        broker = self.context.broker
        if broker is not None:
            ending.attempt("closing the backend", broker.close, watched=False)
        self.result = self._result(outcome, status, reason, fault)
        self.record.end(self.result)
        self._stack.close()
        self._stopping = False
        return self.result

    def _give_up(self, text: str) -> None:
        """The tick never ends: close the trace in its place."""
        self.record.end(self._result(Outcome.FAULT, "FAULT", text, NodeFault(text)))
        if self._stuck is not None:
            self._stuck(text)

    def _result(self, outcome: Outcome, status: str, reason: str, fault: BaseException | None) -> LoopResult:
        pace, stopwatch = self._pace, self._pace.stopwatch
        broker = self.context.broker
        counters = broker.counters if broker is not None else None
        return LoopResult(
            outcome,
            status,
            reason,
            ticks=self.context.tick,
            time=self.context.now - pace.began,
            wall=time.monotonic() - self._wall if self._begun else 0.0,
            overruns=stopwatch.overruns if stopwatch is not None else 0,
            questions=counters.questions if counters is not None else 0,
            model_calls=counters.model_calls if counters is not None else 0,
            digest=self.record.digest.hexdigest(),
            fault=fault,
            problems=tuple(self._ending.problems),
            timing=stopwatch.timing() if stopwatch is not None else None,
            asking=broker.statistics if broker is not None else {},
            interventions=self._control.interventions if self._control is not None else 0,
        )
