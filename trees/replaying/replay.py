"""Tick a tree on a tape: the recorded one, to see that it does the same, or one to which something else happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ..._base import KnotholeError
from ...behaviors.blackboard import Blackboard
from ...behaviors.step import FAULTS, RUNNING
from ...vlm.broker import Broker
from ..builder import build
from ..changing.comparing import fingerprint
from ..changing.encoding import CannotKeepError, decode
from ..recursion import deep_recursion
from ..spec import NodeSpec, TreeSpec
from ..ticking.loop import Loop, LoopResult, Outcome
from ..tracing.recording import Message
from .calls import Log
from .changing import Wishes
from .planting import note_for, planted
from .player import Base, Follower, Player, UnrecordedError
from .refusing import PlayedRules
from .steering import Steering
from .surroundings import PlayedBroker, PlayedClock, PlayedContext, PlayedHuman
from .tape import LeafNote, Planted, ReplayError, Story, Tape, is_picture
from .wishes import INTERVENTIONS

if TYPE_CHECKING:
    from ..tracing.trace import TraceWriter


_ENDED: Final = ("SUCCESS", "FAILURE", "FAULT")
"""Outcomes of runs that ended by themselves."""
_LEFT: Final = ("TIME_LIMIT", "INTERRUPTED", "TERMINATED")
"""Outcomes of runs that were ended from outside."""


@dataclass(frozen=True)
class Stopped:
    """Where a tape had no more answers.

    Attributes:
        tick: Number of the tick.
        node: Path of the leaf that needed one.
        why: What is missing.
    """

    tick: int
    node: str
    why: str


@dataclass(frozen=True)
class Played:
    """One run on a tape.

    Attributes:
        story: What it did.
        told: How many lines of that came before the end of the run.
        result: How it ended.
        broke: Whether a node raised.
        stopped: Where the tape had no more answers; None when it had all.
    """

    story: Story
    told: int
    result: LoopResult
    broke: bool
    stopped: Stopped | None


def replay(tape: Tape, trace: TraceWriter | None = None, wishes: Wishes | None = None) -> tuple[Played, Log]:
    """Tick a recorded run again as it was; return what it did, and each call of its leaves.

    Args:
        tape: The tape.
        trace: Where to record it.
        wishes: Only noted, not granted (``play=False``).

    Raises:
        ReplayError: The tree cannot be built as it was.
    """
    player = Player(tape)

    def tree(number: int) -> TreeSpec:
        there = tape.trees[number]
        _check_same(there)
        return planted(there.spec, lambda path, spec: there.leaves.get(path, LeafNote("recorded", "light")))

    return _play(tape, player, tree, trace, wishes), player.log


def follow(
    tape: Tape,
    log: Log,
    trace: TraceWriter | None = None,
    wishes: Wishes | None = None,
    edited: TreeSpec | None = None,
) -> Played:
    """Tick a recorded run to which something else happens, as far as the recording can say what leaves did then.

    Args:
        tape: The tape.
        log: What ``replay`` returned.
        trace: Where to record it.
        wishes: What happens otherwise.
        edited: A tree in the place of the recorded one.

    Raises:
        ReplayError: The tree cannot be built.
    """
    if edited is None:
        follower = Follower(tape, log)

        def tree(number: int) -> TreeSpec:
            there = tape.trees[number]
            return planted(there.spec, lambda path, spec: there.leaves.get(path, LeafNote("recorded", "light")))

        return _play(tape, follower, tree, trace, wishes)
    first, other = tape.trees[0], edited
    same: dict[str, bool] = {}

    def note_of(path: str, spec: NodeSpec) -> LeafNote:
        same[path] = first.own.get(path) == fingerprint(spec)
        return first.leaves[path] if same[path] and path in first.leaves else note_for(spec)

    return _play(tape, Follower(tape, log, same), lambda number: planted(other, note_of), trace, wishes, once=True)


def _check_same(there: Planted) -> None:
    """Make sure that what the trace holds is built into what was recorded."""
    with deep_recursion():
        for path, spec in _nodes(there.spec.root, ""):
            own = there.own.get(path)
            if own and own != fingerprint(spec) and not there.leaves.get(path, LeafNote("", "")).overridden:
                raise ReplayError(
                    f"{path} is another node here than the one that was recorded\n"
                    "  why:  its class was changed, or its module is not here\n"
                    "  fix:  replay with the code that ran then"
                )


def _nodes(spec: NodeSpec, prefix: str) -> list[tuple[str, NodeSpec]]:
    path = prefix + spec.path
    found = [(path, spec)]
    for below in (*spec.parts.values(), *spec.children, *spec.hooks.values()):
        found += _nodes(below, prefix)
    return found + (_nodes(spec.uses.root, f"{path}/") if spec.uses is not None else [])


def _play(
    tape: Tape,
    gives: Base,
    tree_of: Callable[[int], TreeSpec],
    trace: TraceWriter | None,
    wishes: Wishes | None,
    once: bool = False,
) -> Played:
    broker = PlayedBroker(tape)
    context = PlayedContext(broker=cast(Broker, broker), player=gives)
    broker.context, gives.broker = context, broker
    context.outside = lambda path, look: gives.outside(path)
    context.human = PlayedHuman(tape, context) if tape.human else None
    if any(there.ruled for there in tape.trees):
        context.invariants = PlayedRules(context, gives)
    clock = PlayedClock(tape.began)
    try:
        tree = build(tree_of(0), context, _inputs(tape, tree_of(0)))
    except KnotholeError as error:
        if trace is not None:
            trace.close()
        if isinstance(error, ReplayError):
            raise
        raise ReplayError(f"the tree of the trace cannot be built: {error}") from error
    gives.board = tree.blackboard
    loop = Loop(
        tree,
        clock=clock,
        watchdog=0.0,
        trace=trace,
        start={key: value for key, value in tape.recording.start.items() if key not in ("event", "inputs")},
        halt_timeout=tape.halt_timeout,
        resume=tape.checkpoint,
        poses=lambda: tape.poses,
    )
    loop.record.digest = story = Story(tree)
    gives.changes = loop.record.changes
    steering, wishes = Steering(tape), wishes or Wishes(())
    again = Wishes(wishes.over(tape.wishes), trace=trace)
    wishes.trace = trace

    def plant() -> None:
        steering.plant(tree)
        again.plant(tree, broker)
        wishes.plant(tree, broker)

    plant()
    fault, stopped = _Deck(tape, loop, clock, gives, tree_of, trace, once).run(plant)
    told = len(story.lines)
    outcome, goes_on = tape.outcome, fault is None and loop.goes_on
    if stopped is not None or (goes_on and outcome not in _LEFT):
        loop.request_stop(Outcome.UNRECORDED)
    elif goes_on and outcome != Outcome.TIME_LIMIT.name:
        loop.request_stop(Outcome[outcome])
    clock.free = True
    result = loop.close(fault if stopped is None else None)
    return Played(story, told, result, fault is not None, stopped)


class _Deck:
    """Lets a loop go through the segments of a tape."""

    def __init__(
        self,
        tape: Tape,
        loop: Loop,
        clock: PlayedClock,
        gives: Base,
        tree_of: Callable[[int], TreeSpec],
        trace: TraceWriter | None,
        once: bool,
    ) -> None:
        self._tape, self._loop, self._clock, self._gives = tape, loop, clock, gives
        self._tree_of, self._trace, self._once = tree_of, trace, once
        self._shown = [m for m in tape.recording.messages if _is_shown(m)] if trace is not None else []

    def run(self, changed: Callable[[], None]) -> tuple[BaseException | None, Stopped | None]:
        """Go through all segments; return what was raised, and where the tape had no more answers."""
        loop, gives = self._loop, self._gives
        for number, segment in enumerate(self._tape.segments):
            self._clock.next = segment.now
            if self._tape.checkpoint is None or segment.kind != "tick":
                self._clock.time = segment.now  # before a first tick nobody waits
            gives.enter(number)
            if segment.kind == "end" and segment.tick <= loop.context.tick:
                break
            try:
                if segment.kind in ("tick", "end"):  # an end with a tick of its own broke off in it
                    self._show(segment.tick)
                    root = loop.tick()
                    if root is not RUNNING and self._is_over(number):
                        break
                elif segment.kind == "reload":
                    if self._once:
                        why = "the recorded run changed its tree here"
                        return None, Stopped(segment.tick, loop.tree.root.path, why)
                    gives.tree = segment.tree + 1
                    there = self._tape.trees[gives.tree]
                    loop.reload(self._tree_of(gives.tree), there.origins or None, there.grown)
                    changed()
            except FAULTS as error:
                cause: BaseException | None = error
                while cause is not None and not isinstance(cause, UnrecordedError):
                    cause = cause.__cause__
                if isinstance(cause, UnrecordedError):
                    return error, Stopped(segment.tick, cause.path or getattr(error, "path", ""), str(cause))
                return error, None
        if isinstance(gives, Follower) and loop.tree.root.status is RUNNING and self._tape.outcome in _ENDED:
            why = "the recorded run ended with the tick before"
            return None, Stopped(self._tape.last_tick + 1, loop.tree.root.path, why)
        return None, None

    def _is_over(self, number: int) -> bool:
        """Tell whether a run whose root has ended is over, although the recorded one went on."""
        following = self._tape.segments[number + 1 : number + 2]
        return isinstance(self._gives, Follower) and (not following or following[0].kind != "end")

    def _show(self, tick: int) -> None:
        """Write the recorded pictures up to a tick, and what was forced."""
        if self._trace is None:
            return
        while self._shown and self._shown[0].time <= self._clock.time + 1e-6:
            message = self._shown.pop(0)
            self._trace.put(message.topic, message.time, message.data)


def _is_shown(message: Message) -> bool:
    return is_picture(message) or (message.topic == INTERVENTIONS and message.data.get("do") in ("force", "release"))


def _inputs(tape: Tape, spec: TreeSpec) -> Mapping[str, Any]:
    """Return the values of the inputs that a tree declares."""
    found: dict[str, Any] = {}
    declared = {entry.name for entry in spec.inputs}
    for name, kept in tape.inputs.items():
        if name not in declared:
            continue
        if "lost" in kept:
            raise ReplayError(
                f"the input {name!r} is not in the trace: {kept['lost']}\n  fix:  give plain values to a run to replay"
            )
        try:
            found[name] = decode(kept["of"], lambda path: None, Blackboard())
        except CannotKeepError as error:
            raise ReplayError(f"the input {name!r} of the trace cannot be read: {error}") from error
    return found
