"""The decorators of py_trees that turn one status into another, each with its own class inside."""

from __future__ import annotations

from py_trees import decorators as theirs

from ..node import behavior
from .adapted import AdaptedDecorator


@behavior("pt.Inverter")
class Inverter(AdaptedDecorator):
    """Turn SUCCESS into FAILURE and FAILURE into SUCCESS.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is.
        SUCCESS: The child failed.
        FAILURE: The child succeeded.

    Halt:
        Halts the child.
    """

    origin = theirs.Inverter
    borrows = False
    flow = "inverter"


@behavior("pt.RunningIsFailure")
class RunningIsFailure(AdaptedDecorator):
    """Turn RUNNING into FAILURE; the child is halted then.

    Ports:
        child (in, node): The node it decorates.

    Status:
        SUCCESS: The child succeeded.
        FAILURE: The child failed or was RUNNING.

    Halt:
        Halts the child.
    """

    origin = theirs.RunningIsFailure
    borrows = False
    flow = "timeout"


@behavior("pt.RunningIsSuccess")
class RunningIsSuccess(AdaptedDecorator):
    """Turn RUNNING into SUCCESS; the child is halted then.

    Ports:
        child (in, node): The node it decorates.

    Status:
        SUCCESS: The child succeeded or was RUNNING.
        FAILURE: The child failed; its reason is passed up.

    Halt:
        Halts the child.
    """

    origin = theirs.RunningIsSuccess
    borrows = False
    flow = "maybe"


@behavior("pt.FailureIsSuccess")
class FailureIsSuccess(AdaptedDecorator):
    """Turn FAILURE into SUCCESS.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is.
        SUCCESS: The child succeeded or failed.

    Halt:
        Halts the child.
    """

    origin = theirs.FailureIsSuccess
    borrows = False
    flow = "success"


@behavior("pt.FailureIsRunning")
class FailureIsRunning(AdaptedDecorator):
    """Turn FAILURE into RUNNING; the child starts again in the next tick.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or it failed.
        SUCCESS: The child succeeded.

    Halt:
        Halts the child.
    """

    origin = theirs.FailureIsRunning
    borrows = False
    flow = "loop"


@behavior("pt.SuccessIsFailure")
class SuccessIsFailure(AdaptedDecorator):
    """Turn SUCCESS into FAILURE.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is.
        FAILURE: The child succeeded or failed.

    Halt:
        Halts the child.
    """

    origin = theirs.SuccessIsFailure
    borrows = False
    flow = "failure"


@behavior("pt.SuccessIsRunning")
class SuccessIsRunning(AdaptedDecorator):
    """Turn SUCCESS into RUNNING; the child starts again in the next tick.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING: The child is, or it succeeded.
        FAILURE: The child failed; its reason is passed up.

    Halt:
        Halts the child.
    """

    origin = theirs.SuccessIsRunning
    borrows = False
    flow = "loop"
