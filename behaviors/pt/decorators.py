"""The decorators of py_trees, each with its own class inside; see ``translators.py`` for those that only translate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from py_trees import decorators as theirs
from py_trees.common import OneShotPolicy, Status

from ..node import behavior
from ..ports import Port
from ..step import FAILURE
from .adapted import AdaptedDecorator
from .arguments import Argument, entry, given

STATUSES = tuple(status.name for status in Status)


def as_status(name: object) -> Status:
    """Return the status with a name."""
    return Status[str(name)]


def _condition(node: Any) -> Callable[[], bool]:
    def holds() -> bool:
        value = node.get("condition")
        if not isinstance(value, bool):
            raise TypeError(f"condition must be true or false, it is {value!r}")
        return value

    return holds


@behavior("pt.Repeat")
class Repeat(AdaptedDecorator):
    """Run the child again when it succeeds, one run in a tick.

    Ports:
        num_success (in, int): Successes in all; -1 repeats until the child fails.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or it succeeded and another run follows in the next tick.
        SUCCESS: It succeeded as often as wanted.
        FAILURE: It failed; its reason is passed up.

    Halt:
        Halts the child and forgets the count.
    """

    origin = theirs.Repeat
    borrows = False
    flow = "loop"
    arguments = (given(Port("num_success", "int", "successes in all; -1 repeats until the child fails")),)


@behavior("pt.Retry")
class Retry(AdaptedDecorator):
    """Try the child again when it fails, one attempt in a tick.

    Ports:
        num_failures (in, int): Failures in all, the last one counts.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or it failed and another attempt follows in the next tick.
        SUCCESS: The child succeeded.
        FAILURE: It failed as often as allowed; its reason is passed up.

    Halt:
        Halts the child and forgets the count.
    """

    origin = theirs.Retry
    borrows = False
    flow = "loop"
    arguments = (given(Port("num_failures", "int", "failures in all, the last one counts")),)


@behavior("pt.StatusToBlackboard")
class StatusToBlackboard(AdaptedDecorator):
    """Write the child's status to an entry, as py_trees' Status.

    Ports:
        variable_name (out, any): The entry that is written in each tick.
        child (in, node): The node it decorates.

    Status:
        RUNNING, SUCCESS, FAILURE: As the child.

    Halt:
        Halts the child.
    """

    origin = theirs.StatusToBlackboard
    flow = "same"
    arguments = (entry(Port("variable_name", "any", "the entry that is written in each tick", direction="out")),)


@behavior("pt.EternalGuard")
class EternalGuard(AdaptedDecorator):
    """Check a condition before each tick of the child; halt the child and fail when it does not hold.

    The function of the original is an expression here; ``blackboard_keys``, which allows it to read, is not needed.

    Ports:
        condition (in, expression): What must hold.
        child (in, node): The node it decorates.

    Status:
        RUNNING, SUCCESS: As the child.
        FAILURE: The condition does not hold, or the child failed.

    Halt:
        Halts the child.
    """

    origin = theirs.EternalGuard
    flow = "maybe"
    reactive = True
    arguments = (Argument("condition", (Port("condition", "expression", "what must hold"),), _condition, live=True),)

    def _reason(self) -> str:
        if self._below[0].status is FAILURE:
            return super()._reason()
        shown = self.wiring.options.get("shown.condition")
        return f"{shown() if callable(shown) else 'the condition'} is false"


@behavior("pt.Timeout")
class Timeout(AdaptedDecorator):
    """Halt the child and fail when it takes too long, by the time of the run.

    Ports:
        duration (in, duration, default 5s): Longest time from the first tick, [s].
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is.
        SUCCESS: The child succeeded.
        FAILURE: The child failed, or it was still RUNNING in a tick after the time.

    Halt:
        Halts the child.
    """

    origin = theirs.Timeout
    flow = "timeout"
    arguments = (given(Port("duration", "duration", "longest time from the first tick", default=5.0)),)


@behavior("pt.Count")
class Count(AdaptedDecorator):
    """Count how often the child was ticked and how it ended; the counts are the message of the node.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SUCCESS, FAILURE: As the child.

    Halt:
        Halts the child; counts as an interruption.
    """

    origin = theirs.Count
    borrows = False
    flow = "same"


@behavior("pt.OneShot")
class OneShot(AdaptedDecorator):
    """Run the child to its end once; from then on give the same status without ticking it.

    Ports:
        policy (in, text): ``ON_COMPLETION``: a failure counts as an end; ``ON_SUCCESSFUL_COMPLETION``: it is tried
            again.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is.
        SUCCESS: The child succeeded, now or before.
        FAILURE: The child failed, now or before.

    Halt:
        Halts the child; what has ended stays ended.
    """

    origin = theirs.OneShot
    borrows = False
    flow = "maybe"
    arguments = (
        given(
            Port("policy", "text", "which end counts", choices=tuple(OneShotPolicy.__members__)),
            lambda name: OneShotPolicy[str(name)],
        ),
    )


@behavior("pt.Condition")
class Condition(AdaptedDecorator):
    """Wait until the child has a certain status; it is ticked again until then, whatever it gave.

    Ports:
        status (in, text): The status to wait for.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child has another status.
        SUCCESS: The child has it.

    Halt:
        Halts the child.
    """

    origin = theirs.Condition
    borrows = False
    flow = "maybe"
    arguments = (given(Port("status", "text", "the status to wait for", choices=STATUSES), as_status),)


@behavior("pt.PassThrough")
class PassThrough(AdaptedDecorator):
    """Do nothing but give the child's status.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SUCCESS, FAILURE: As the child.

    Halt:
        Halts the child.
    """

    origin = theirs.PassThrough
    borrows = False
    flow = "same"


@behavior("pt.ForEach")
class ForEach(AdaptedDecorator):
    """Run the child for each element of the list in an entry, one run in a tick.

    As in the original the child is ticked once for an empty list too, and an element that is none ends the loop.

    Ports:
        source_key (in, variable): The entry with the list; read when an execution starts.
        target_key (out, variable): The entry that holds the present element.
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or more elements follow in the next tick.
        SUCCESS: The child succeeded for each element.
        FAILURE: The child failed for an element; its reason is passed up and the rest is left.

    Halt:
        Halts the child.
    """

    origin = theirs.ForEach
    flow = "for_each"
    arguments = (
        entry(Port("source_key", "variable", "the entry with the list")),
        entry(Port("target_key", "variable", "the entry that holds the present element", direction="out")),
    )
