"""The control of one run from outside: commands come from any thread, and what they do is written into the trace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ..._base import KnotholeError
from ...behaviors.step import Status
from ...vlm.tickets import BrokerEvent
from ..tracing.summary import summary
from .breakpoints import Breakpoint, find_entry, node_of
from .commands import CommandError, read_command
from .entries import value_for
from .forcing import ForcedResults
from .gates import Gates, TickLeft
from .hooks import Hook, Hooks
from .humans import SharedHuman, SharedInquiry
from .pausing import Pausing
from .standstill import Standstill
from .stopping import Breakpoints

if TYPE_CHECKING:
    from ..changing.reload import Reloaded
    from ..ticking.ending import Ending
    from ..ticking.loop import Loop
    from ..ticking.pace import Pace

WRITER: Final = "debugger"
"""Who wrote an entry that was set from outside."""
_RUN_TO: Final = "1 run to"
"""Name at the gate of a node: run_to stands first, then hooks act, then what is forced."""
_STOP_PATIENCE: Final = 0.5
"""Longest wait for a driver to stop the robot, [s]; the end of the run tells it again."""


@dataclass(frozen=True)
class _Run:
    """What belongs to the run."""

    loop: Loop
    pace: Pace
    ending: Ending
    gates: Gates
    hooks: Hooks
    human: SharedHuman
    breakpoints: Breakpoints
    forced: ForcedResults


class Control:
    """Pause a run, step it, stop at breakpoints, change values and results, answer its questions, stop it.

    Give it to ``Loop`` (or ``bind``), and send commands from another thread than the one that ticks. It belongs to one
    run; one that is not used costs nothing.

    Args:
        paused: Stand before the first tick.

    Attributes:
        pausing: Whether the run goes on; what the loop asks.
        interventions: How many commands but ``state`` were obeyed, and how often hooks were changed.
    """

    def __init__(self, *, paused: bool = False) -> None:
        self.interventions = 0
        self._standstill = Standstill()
        self._changed = self._standstill.changed
        self.pausing = Pausing(self._standstill, self._goes_on, paused)
        self._standstill.stands = self._stands
        self._run: _Run | None = None
        self._ended = False
        self._early: list[dict[str, object]] | None = []
        self._run_to: int | None = None
        self._at_hook = ""
        self._telling = threading.RLock()
        self._subscribers: list[Callable[[dict[str, Any]], None]] = []

    def command(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Obey a command; see ``commands.COMMANDS``. May be called from any thread.

        ``set`` waits for the present tick to end, at most ten seconds; all others return at once.

        Returns:
            ``{"ok": True, "state": …}``, or ``{"ok": False, "error": …}`` when nothing was done.
        """
        try:
            command = read_command(data)
            do = command.pop("do")
            if do != "state":
                if self._ended:
                    raise CommandError("the run has ended\n  fix:  start another one")
                getattr(self, f"_do_{do}")(**command)
        except KnotholeError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "state": self.state()}

    def state(self) -> dict[str, Any]:
        """Return how the run stands, as plain data."""
        with self._changed:
            run = self._run
            context = run.loop.context if run is not None else None
            return {
                "paused": self.pausing.paused,
                "standing": self.pausing.paused and self._standstill.standing,
                "tick": context.tick if context is not None else 0,
                "time": context.now if context is not None else 0.0,
                "reason": self.pausing.reason,
                "breakpoints": run.breakpoints.to_json() if run is not None else [],
                "forced": run.forced.to_json() if run is not None else [],
                "questions": [_open(each, run.pace.since) for each in run.human.questions] if run is not None else [],
                "ended": self._ended,
            }

    def subscribe(self, heard: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call a function with the state whenever that changes, on the thread that changed it.

        It must not wait, nor send commands. As long as anyone is subscribed, a simulated run waits for answers to what
        it asks a human.

        Returns:
            A function that ends the subscription.
        """
        with self._telling:
            self._subscribers = [*self._subscribers, heard]

        def unsubscribe() -> None:
            with self._telling:
                self._subscribers = [each for each in self._subscribers if each is not heard]

        return unsubscribe

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, on another thread than the one that ticks, until the run stands or has ended.

        Args:
            timeout: Longest wait, wall clock, [s]; None for no limit.

        Returns:
            False when the time was over.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._ended or (self.pausing.paused and self._standstill.standing), timeout
            )

    @property
    def hooks(self) -> Hooks:
        """The hooks on nodes of the run.

        Raises:
            RuntimeError: No loop has the control yet.
        """
        if self._run is None:
            raise RuntimeError("the control belongs to no run yet: give it to a Loop")
        return self._run.hooks

    # Commands; each changes something, notes it, and tells the subscribers.

    def _do_pause(self) -> None:
        self.pausing.pause("paused")
        self._obeyed("pause", text="paused")
        if self._run is not None:
            self._run.loop.wake()

    def _do_resume(self) -> None:
        self._go_on(0)
        self._obeyed("resume", text="goes on")

    def _do_step(self, ticks: int) -> None:
        self._go_on(ticks)
        self._obeyed("step", text=f"{ticks} tick{'s' if ticks > 1 else ''}", ticks=ticks)

    def _go_on(self, ticks: int) -> None:
        with self._changed:
            self.pausing.resume(ticks)
            if self._run is not None:
                self._run.hooks.pass_by()

    def _do_run_to(self, node: str) -> None:
        run = self._bound()
        index = node_of(run.loop.tree, node).index
        with self._changed:
            self._forget_run_to()
            self._run_to = index
            run.gates.put(index, _RUN_TO, before=lambda: self._arrived(node))
            self._go_on(0)
        self._obeyed("run_to", node, f"runs to {node}")

    def _do_break(self, node: str | None, status: str | None, when: str | None, answer: str | None, once: bool) -> None:
        made = Breakpoint(0, node, status, when, answer, once)
        self._bound().breakpoints.add(made)
        given = {"status": status, "when": when, "answer": answer, "once": once}
        self._obeyed("break", node or "", f"breakpoint {made.id}: {made}", id=made.id, **given)

    def _do_unbreak(self, id: int) -> None:
        gone = self._bound().breakpoints.remove(id)
        self._obeyed("unbreak", gone.node or "", f"no breakpoint {id}: {gone}", id=id)

    def _do_set(self, name: str, value: object) -> None:
        run = self._bound()
        cell = find_entry(run.loop.tree.blackboard, name.removeprefix("$"))
        new = value_for(cell, value)
        self.pausing.between(lambda: cell.set(new, WRITER))
        shown = summary(new)
        self._obeyed("set", text=f"${cell.name} is {shown!r}", name=cell.name, value=shown)

    def _do_force(self, node: str, status: str, once: bool) -> None:
        self._bound().forced.force(node, status, once)
        self._obeyed("force", node, f"{node} gives {status}{' once' if once else ''}", status=status, once=once)

    def _do_release(self, node: str) -> None:
        self._bound().forced.release(node)
        self._obeyed("release", node, f"{node} gives its own result")

    def _do_answer(self, question: int, text: str) -> None:
        asked = self._bound().human.answer(question, text)
        said = f"{asked.prompt}  {asked.said}" if asked.said is not None else f"{text.strip()} is for the guards"
        self._obeyed("answer", text=said, question=question, answer=asked.said)

    def _do_stop(self) -> None:
        run = self._bound()
        self._obeyed("stop", text="stopped from outside")
        run.loop.request_stop()
        self.pausing.leave()
        if not run.loop.is_stepped:  # in a stepped world nothing moves without the loop
            stopping = threading.Thread(target=run.ending.stop_robot, name="stop from outside", daemon=True)
            stopping.start()
            stopping.join(_STOP_PATIENCE)

    def _bound(self) -> _Run:
        if self._run is None:
            raise CommandError("there is no run yet\n  fix:  wait until it has begun")
        return self._run

    # What the loop calls, on the thread that ticks.

    def attach(self, loop: Loop, pace: Pace, ending: Ending, stopped: Callable[[], bool]) -> None:
        """Belong to a loop.

        Raises:
            ValueError: It belongs to one already.
        """
        if self._run is not None:
            raise ValueError("this Control belongs to another run\n  fix:  make one for each run")
        tree, context = loop.tree, loop.context
        self._standstill.attach(tree, pace, ending, stopped)
        gates = Gates(tree)
        hooks = Hooks(tree, gates, self._standstill)
        hooks.on_break.append(self._hook_reached)
        hooks.on_pass.append(self._hook_passed)
        hooks.on_change.append(self._hook_changed)
        human = SharedHuman(
            context.human, context, self._standstill, self._tell, lambda: bool(self._subscribers), self.pausing
        )
        context.human = human
        breakpoints = Breakpoints(tree, loop.listeners, self._changed, self.pausing.pause, self._tell)
        forced = ForcedResults(tree, gates, self._changed, self._tell)
        self._run = _Run(loop, pace, ending, gates, hooks, human, breakpoints, forced)
        if context.broker is not None:
            heard = context.broker.listener

            def listener(event: BrokerEvent) -> None:
                breakpoints.heard(event)
                if heard is not None:
                    heard(event)

            context.broker.listener = listener

    def begin(self) -> None:
        """Write down what was done before the first tick."""
        self.pausing.begin()
        with self._changed:
            early, self._early = self._early or [], None
        for message in early:
            self._write(message)

    def follow(self, done: Reloaded) -> None:
        """Stay at the same nodes of a tree that was changed."""
        run = self._bound()
        with self._changed:
            run.gates.follow(done.came_from)
            run.hooks.follow(done.came_from)
            run.forced.follow(done.came_from)
            now = {before: node for node, before in enumerate(done.came_from) if before >= 0}
            self._run_to = now.get(self._run_to) if self._run_to is not None else None
        self._tell()

    def end(self) -> None:
        """Obey nothing any more: the run ends. Nodes keep what they were forced to until they are halted."""
        run = self._bound()
        with self._changed:
            self._ended = True
            run.gates.clear()
            run.breakpoints.end()
            self.pausing.end()
        self._tell()

    def _arrived(self, path: str) -> Status | None:
        """Stand before a node."""
        self._forget_run_to()
        self.pausing.pause(f"before {path}")
        if not self.pausing.stand():
            raise TickLeft
        return None

    def _forget_run_to(self) -> None:
        run, index = self._bound(), self._run_to
        if index is not None:
            self._run_to = None
            run.gates.take(index, _RUN_TO)

    def _hook_reached(self, hook: Hook) -> None:
        path = self._bound().loop.tree.nodes[hook.node].path
        self._at_hook = f"hook {'before' if hook.position == 'pre' else 'after'} {path}"
        self.pausing.pause(self._at_hook)

    def _hook_passed(self, hook: Hook) -> None:
        """Go on, unless somebody has decided otherwise meanwhile."""
        if self.pausing.paused and self.pausing.reason == self._at_hook:
            self.pausing.resume()
        self._tell()

    def _hook_changed(self, what: str, hook: Hook) -> None:
        if what == "gone":
            return
        path = self._bound().loop.tree.nodes[hook.node].path
        self._obeyed("hook", path, f"{what}: {hook.mode} {hook.position} {path}", what=what, **_without_node(hook))

    def _stands(self) -> None:
        """Say that the run stands, and where."""
        self._forget_run_to()
        self._write(self._message("stands", text=self.pausing.reason))
        self._tell()

    def _goes_on(self, seconds: float) -> None:
        self._bound().human.put_off(seconds)
        self._tell()

    # Telling.

    def _obeyed(self, do: str, node: str = "", text: str = "", **more: object) -> None:
        with self._changed:
            self.interventions += 1
            message = self._message(do, node, text, **more)
            if self._early is not None:
                self._early.append(message)
                message = {}
        if message:
            self._write(message)
        self._tell()

    def _message(self, do: str, node: str = "", text: str = "", **more: object) -> dict[str, object]:
        tick = self._run.loop.context.tick if self._run is not None else 0
        return {"tick": tick, "do": do, "node": node, "text": text, **more}

    def _write(self, message: dict[str, object]) -> None:
        run = self._bound()
        if run.loop.trace is not None:
            run.loop.trace.put("/interventions", run.loop.context.now, message)

    def _tell(self) -> None:
        with self._telling:
            for heard in self._subscribers:
                try:
                    heard(self.state())
                except Exception as error:
                    self._subscribers = [each for each in self._subscribers if each is not heard]
                    if self._run is not None:
                        why = f"{type(error).__name__}: {error}"
                        self._run.loop.record.log(f"somebody who followed the debugger is left out: {why}", 3)


def _open(inquiry: SharedInquiry, began: float) -> dict[str, object]:
    """Return a question as plain data; ``until`` in seconds since the run began, which is what people are shown."""
    until = inquiry.until
    return {**inquiry.to_json(), "until": until - began if until is not None else None}


def _without_node(hook: Hook) -> dict[str, object]:
    return {key: value for key, value in asdict(hook).items() if key != "node"}
