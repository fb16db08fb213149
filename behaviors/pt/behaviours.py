"""The leaves of py_trees that need no blackboard, and its timer; each has its own class inside."""

from __future__ import annotations

from typing import Any, cast

from py_trees import behaviours as theirs
from py_trees import timers
from py_trees.common import Status

from ..node import behavior
from ..ports import Port
from .adapted import Adapted
from .arguments import given
from .decorators import STATUSES, as_status


def _statuses(names: object) -> list[Status]:
    if not isinstance(names, list | tuple) or not names:
        raise ValueError("queue is empty\n  fix:  write statuses, such as [RUNNING, SUCCESS]")
    return [as_status(name) for name in names]


def _weights(values: object) -> list[float] | None:
    return None if values is None else [float(cast(float, value)) for value in cast("list[Any]", values)]


@behavior("pt.Success")
class Success(Adapted):
    """Succeed.

    Status:
        SUCCESS: At once.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.Success
    borrows = False


@behavior("pt.Failure")
class Failure(Adapted):
    """Fail.

    Status:
        FAILURE: At once.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.Failure
    borrows = False


@behavior("pt.Running")
class Running(Adapted):
    """Run for ever.

    Status:
        RUNNING: Always.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.Running
    borrows = False


@behavior("pt.Dummy")
class Dummy(Adapted):
    """Run for ever, in the place of something that is not there yet.

    Status:
        RUNNING: Always.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.Dummy
    borrows = False


@behavior("pt.Periodic")
class Periodic(Adapted):
    """Give each status for a number of ticks in turn; the count goes on through halts.

    Ports:
        n (in, int, main): Ticks with one status.

    Status:
        RUNNING: For the first ``n`` ticks, then again after the failures.
        SUCCESS: For the next ``n + 1`` ticks.
        FAILURE: For the ``n + 1`` ticks after them.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.Periodic
    borrows = False
    arguments = (given(Port("n", "int", "ticks with one status", main=True)),)


@behavior("pt.StatusQueue")
class StatusQueue(Adapted):
    """Give the statuses of a list, one a tick; the place in the list stays through halts.

    Ports:
        queue (in, list): Statuses, such as ``[RUNNING, SUCCESS]``.
        eventually (in, text, default none): Status after the end of the list; without it the list begins again.

    Status:
        RUNNING, SUCCESS, FAILURE: What the list says.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.StatusQueue
    borrows = False
    arguments = (
        given(Port("queue", "list", "statuses, one for each tick"), _statuses),
        given(
            Port("eventually", "text", "status after the end of the list", default=None, choices=STATUSES),
            lambda name: None if name is None else as_status(name),
        ),
    )


@behavior("pt.SuccessEveryN")
class SuccessEveryN(Adapted):
    """Succeed in every n-th tick and fail in all others.

    Ports:
        n (in, int, main): How often, in ticks.

    Status:
        SUCCESS: In every n-th tick.
        FAILURE: In all other ticks.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.SuccessEveryN
    borrows = False
    arguments = (given(Port("n", "int", "how often, in ticks", main=True, minimum=1)),)


@behavior("pt.TickCounter")
class TickCounter(Adapted):
    """Run for a number of ticks and end with a given status.

    Ports:
        duration (in, int): Ticks with RUNNING.
        completion_status (in, text): Status of the tick after them.

    Status:
        RUNNING: For ``duration`` ticks.
        SUCCESS, FAILURE: In the next tick, whichever was asked for.

    Halt:
        Forgets the count.
    """

    replays = "ticked"

    origin = theirs.TickCounter
    borrows = False
    arguments = (
        given(Port("duration", "int", "ticks with RUNNING")),
        given(Port("completion_status", "text", "status of the tick after them", choices=STATUSES), as_status),
    )


@behavior("pt.ProbabilisticBehaviour")
class ProbabilisticBehaviour(Adapted):
    """Give a status by chance; the dice are those of the run, so the same seed gives the same statuses.

    Ports:
        weights (in, list, default equal): How likely SUCCESS, FAILURE and RUNNING are, three numbers.

    Status:
        RUNNING, SUCCESS, FAILURE: As the dice fall.

    Halt:
        Nothing to halt.
    """

    origin = theirs.ProbabilisticBehaviour
    arguments = (given(Port("weights", "list", "how likely each status is", default=None), _weights),)


@behavior("pt.Timer")
class Timer(Adapted):
    """Let a time pass, by the time of the run; a pause by a guard does not count.

    Ports:
        duration (in, duration, main, default 5s): How long, [s].

    Status:
        RUNNING: Until a tick comes after the time.
        SUCCESS: In that tick.

    Halt:
        Forgets the time.
    """

    replays = "ticked"

    origin = timers.Timer
    arguments = (given(Port("duration", "duration", "how long", default=5.0, main=True)),)
