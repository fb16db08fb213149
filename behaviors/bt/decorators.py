"""BehaviorTree.CPP's decorators that look at nothing but the status of their child."""

from __future__ import annotations

from typing import cast

from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from .stepwise import CHILD, BTDecorator, Tick, reset, stored
from .values import status_of, truth


@behavior("bt.Inverter")
class Inverter(BTDecorator):
    """Turn SUCCESS into FAILURE and FAILURE into SUCCESS.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SKIPPED: The child is.
        SUCCESS: The child failed.
        FAILURE: The child succeeded.

    Halt:
        Halts the child.

    Source: ``inverter_node.cpp`` of 4.10.0.
    """

    flow = "inverter"

    def run(self) -> Tick:
        """Tick the child and flip its status."""
        self.stored = RUNNING
        child = self.decorated
        status = yield child
        if status is FAILURE:
            return SUCCESS
        if status is SUCCESS:
            note = child.feedback_message
            return self.blame(f"{child.name} succeeded" + (f": {note}" if note else ""))
        return status


class Force(BTDecorator):
    """Base of ForceSuccess and ForceFailure."""

    ends: Status

    def run(self) -> Tick:
        """Tick the child and replace the status it ends with."""
        self.stored = RUNNING
        status = yield self.decorated
        if status is RUNNING or status is INVALID:
            return status
        if status is SUCCESS:
            self._why = f"{self.decorated.name} succeeded, which is turned into a failure"
        return self.ends


@behavior("bt.ForceSuccess")
class ForceSuccess(Force):
    """Succeed when the child has ended, however it did.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SKIPPED: The child is.
        SUCCESS: The child succeeded or failed.

    Halt:
        Halts the child.

    Source: ``force_success_node.h`` of 4.10.0.
    """

    flow = "success"
    ends = SUCCESS


@behavior("bt.ForceFailure")
class ForceFailure(Force):
    """Fail when the child has ended, however it did.

    Ports:
        child (in, node): The node it decorates.

    Status:
        RUNNING, SKIPPED: The child is.
        FAILURE: The child succeeded or failed.

    Halt:
        Halts the child.

    Source: ``force_failure_node.h`` of 4.10.0.
    """

    flow = "failure"
    ends = FAILURE


@behavior("bt.KeepRunningUntilFailure")
class KeepRunningUntilFailure(BTDecorator):
    """Run the child again and again until it fails, once in a tick.

    Ports:
        child (in, node): The node to repeat.

    Status:
        RUNNING: The child is, succeeded or was skipped.
        FAILURE: The child failed; its reason is passed up.

    Halt:
        Halts the child.

    Source: ``keep_running_until_failure_node.h`` of 4.10.0.
    """

    flow = "loop"

    def run(self) -> Tick:
        """Tick the child."""
        self.stored = RUNNING
        status = yield self.decorated
        return FAILURE if status is FAILURE else RUNNING


@behavior("bt.Repeat")
class Repeat(BTDecorator):
    """Run the child again when it succeeds.

    A child that succeeds in its first tick is run again in the next tick; one that took several ticks is run again at
    once.

    Ports:
        num_cycles (in, int): Successes in all; -1 repeats until the child fails.
        child (in, node): The node to repeat.

    Status:
        RUNNING: The child is, or it succeeded and another run follows.
        SUCCESS: It succeeded as often as wanted.
        FAILURE: It failed; its reason is passed up.
        SKIPPED: It was skipped; the count goes on when it is ticked next.

    Halt:
        Halts the child and forgets the count.

    Source: ``repeat_node.cpp`` of 4.10.0.
    """

    flow = "loop"
    ports = (Port("num_cycles", "int", "successes in all; -1 repeats until the child fails", minimum=-1), CHILD)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Forget the count."""
        self._count = 0

    def run(self) -> Tick:
        """Tick the child until it is RUNNING or has ended at once."""
        wanted = cast(int, self.get("num_cycles"))
        child = self.decorated
        self.stored = RUNNING
        while self._count < wanted or wanted == -1:
            before = stored(child)
            status = yield child
            if status is RUNNING:
                return RUNNING
            reset(child)
            if status is not SUCCESS:
                self._count = self._count if status is INVALID else 0
                return status
            self._count += 1
            if before is INVALID and (self._count < wanted or wanted == -1):
                self.feedback_message = f"{self._count} times" if wanted < 0 else f"{self._count} of {wanted}"
                return RUNNING
        self._count = 0
        return SUCCESS


@behavior("bt.RetryUntilSuccessful")
class RetryUntilSuccessful(BTDecorator):
    """Try the child again when it fails.

    A child that fails in its first tick is tried again in the next tick; one that took several ticks is tried again at
    once.

    Ports:
        num_attempts (in, int): Attempts in all; -1 tries until the child succeeds.
        child (in, node): The node to try.

    Status:
        RUNNING: The child is, or an attempt failed and another follows.
        SUCCESS: An attempt succeeded.
        FAILURE: The last attempt failed; its reason is passed up.
        SKIPPED: The child was skipped; the count goes on when it is ticked next.

    Halt:
        Halts the child and forgets the attempts.

    Source: ``retry_node.cpp`` of 4.10.0.
    """

    flow = "loop"
    ports = (Port("num_attempts", "int", "attempts in all; -1 tries until the child succeeds", minimum=-1), CHILD)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Forget the attempts."""
        self._count = 0

    def run(self) -> Tick:
        """Tick the child until it is RUNNING or has ended at once."""
        most = cast(int, self.get("num_attempts"))
        child = self.decorated
        self.stored = RUNNING
        if not most:
            self._why = "num_attempts is 0"
        while self._count < most or most == -1:
            before = stored(child)
            status = yield child
            if status is RUNNING:
                return RUNNING
            reset(child)
            if status is not FAILURE:
                self._count = self._count if status is INVALID else 0
                return status
            self._count += 1
            most = cast(int, self.get("num_attempts"))
            if before is INVALID and (self._count < most or most == -1):
                of = "" if most < 0 else f" of {most}"
                self.feedback_message = f"attempt {self._count}{of} failed: {self._why}"
                return RUNNING
        self._count = 0
        return FAILURE


@behavior("bt.RunOnce")
class RunOnce(BTDecorator):
    """Run the child until it has ended once in the whole run.

    Ports:
        then_skip (in, bool, default true): Whether it is skipped afterwards, else it repeats the status of the child.
        child (in, node): The node to run.

    Status:
        RUNNING: The child is.
        SUCCESS, FAILURE: The child ended so; with ``then_skip: false`` also ever after.
        SKIPPED: The child was skipped, or has ended before.

    Halt:
        Halts the child, which is then run again.

    Source: ``run_once_node.h`` of 4.10.0.
    """

    flow = "maybe"
    ports = (Port("then_skip", "bool", "whether it is skipped after the child has ended once", default=True), CHILD)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._ended: Status | None = None
        self._because = ""

    def run(self) -> Tick:
        """Tick the child, or remember how it ended."""
        if self._ended is not None:
            self._why = self._because
            return INVALID if self.get("then_skip") else self._ended
        self.stored = RUNNING
        status = yield self.decorated
        if status is SUCCESS or status is FAILURE:
            self._ended, self._because = status, self._why
        return status


@behavior("bt.Precondition")
class Precondition(BTDecorator):
    """Run the child if a script is true.

    The script is run when an execution begins, and not again until the child has ended; a halt or a skipped child does
    not end it.

    Ports:
        if (in, script): The condition, such as ``battery > 20 && !held``.
        else (in, text, default FAILURE): Status if it is false: SUCCESS, FAILURE, SKIPPED or RUNNING.
        child (in, node): The node to run.

    Status:
        RUNNING, SUCCESS, FAILURE, SKIPPED: As the child, or as ``else`` says.

    Halt:
        Halts the child.

    Source: ``script_precondition.h`` of 4.10.0.
    """

    flow = "maybe"
    ports = (
        Port("if", "script", "the condition"),
        Port(
            "else",
            "text",
            "status if it is false",
            default="FAILURE",
            choices=("SUCCESS", "FAILURE", "SKIPPED", "RUNNING"),
        ),
        CHILD,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._holds = False

    def run(self) -> Tick:
        """Run the script and tick the child."""
        if not self._holds:
            self._holds = truth(self.get("if"))
        if not self._holds:
            self._why = "the condition in `if` is false"
            return status_of(self, "else")
        status = yield self.decorated
        if status is SUCCESS or status is FAILURE:
            self._holds = False
        return status
