"""What a loop tells others: each tick to listeners, and at the end how the run went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from ...behaviors.step import Status
from ..tracing.changes import Change
from .timing import Timing


class Outcome(IntEnum):
    """How a run ended; the value is the exit code of the command line.

    ``UNRECORDED`` is the end of a replay alone: how it goes on from there was never recorded.
    """

    SUCCESS = 0
    FAILURE = 1
    FAULT = 3
    TIME_LIMIT = 4
    UNRECORDED = 5
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Ticked:
    """What a listener learns after each tick, and once more after the run was stopped.

    Attributes:
        tick: Number of the tick, from 1.
        now: Run clock, [s].
        status: Status of the root.
        changes: What changed in the tick, in order.
        running: Indices of the leaves that are RUNNING.
        reloaded: True when the tree was changed since the last time: indices count its new nodes.
        state: After such a change the state of all nodes that are not INVALID, with what changed in the tick; else
            empty.
    """

    tick: int
    now: float
    status: Status
    changes: tuple[Change, ...]
    running: tuple[int, ...]
    reloaded: bool = False
    state: tuple[Change, ...] = ()


class Listener(Protocol):
    """Something that follows a run, such as the view in the terminal."""

    def __call__(self, ticked: Ticked, /) -> None:
        """Take note of a tick."""
        ...


@dataclass(frozen=True)
class LoopResult:
    """How a run ended.

    Attributes:
        outcome: Why it ended.
        status: ``SUCCESS``, ``FAILURE``, ``SKIPPED``, ``RUNNING`` (stopped from outside) or ``FAULT``.
        reason: Why it failed, else what the root said last.
        ticks: Number of ticks.
        time: Time on the run clock, [s].
        wall: Wall time, [s].
        overruns: See ``Timing``; 0 on a stepped clock.
        questions: Questions that leaves asked.
        model_calls: Requests that reached the backend.
        digest: See ``Digest``.
        fault: What was raised.
        problems: What went wrong while the run was stopped and the trace was closed, in words.
        timing: How punctual the run was; None on a stepped clock.
        asking: What the run asked and what that cost, in all, of each node, of each backend; see ``Broker.statistics``.
        interventions: How often somebody intervened through a ``Control``.
    """

    outcome: Outcome
    status: str
    reason: str
    ticks: int
    time: float
    wall: float
    overruns: int
    questions: int
    model_calls: int
    digest: str
    fault: BaseException | None = None
    problems: tuple[str, ...] = ()
    timing: Timing | None = None
    asking: Mapping[str, object] = field(default_factory=dict)
    interventions: int = 0
