"""Nodes with one child: inverter, retry, repeat, timeout, and the subtree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from .blackboard import Cell
from .inner import Decorator
from .node import Wiring, behavior
from .ports import Port
from .step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault

CHILD = Port("child", "node", "the node it decorates")


def _why(child: Any) -> str:
    return child.feedback_message or f"{child.name} failed"


@behavior("inverter")
class Inverter(Decorator):
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

    flow = "inverter"
    ports = (CHILD,)

    def decide(self, status: Status) -> Status:
        """Flip the status."""
        note = self.decorated.feedback_message
        self.feedback_message = note
        if status is SUCCESS:
            self.feedback_message = f"{self.decorated.name} succeeded" + (f": {note}" if note else "")
            return FAILURE
        return SUCCESS if status is FAILURE else status


@behavior("retry")
class Retry(Decorator):
    """Try the child again when it fails, one attempt in a tick. Beside another node it is a common key: ``retry: 3``.

    Ports:
        attempts (in, int, default 3): Attempts in all, at least 1.
        child (in, node): The node to try.

    Status:
        RUNNING: The child is, or an attempt failed and another follows in the next tick.
        SUCCESS: An attempt succeeded.
        FAILURE: The last attempt failed; its reason is passed up.

    Halt:
        Halts the child and forgets the attempts.
    """

    flow = "loop"
    ports = (Port("attempts", "int", "attempts in all", default=3, minimum=1), CHILD)

    def initialise(self) -> None:
        """Start with the first attempt (py_trees' hook)."""
        self.feedback_message = ""
        self.failures = 0
        self.attempts = cast(int, self.get("attempts"))

    def decide(self, status: Status) -> Status:
        """Count failures."""
        child = self.decorated
        if status is FAILURE:
            self.failures += 1
            if self.failures < self.attempts:
                self.feedback_message = f"attempt {self.failures} of {self.attempts} failed: {_why(child)}"
                if self._log is not None and self.status is RUNNING:
                    self._log(self)
                return RUNNING
            again = f" (attempt {self.failures} of {self.attempts})" if self.attempts > 1 else ""
            self.feedback_message = _why(child) + again
            return FAILURE
        self.feedback_message = child.feedback_message
        return status


@behavior("repeat")
class Repeat(Decorator):
    """Run the child again when it succeeds, one run in a tick. Beside another node it is a common key: ``repeat: 3``.

    Ports:
        times (in, int): Successes in all; -1 repeats until the child fails.
        child (in, node): The node to repeat.

    Status:
        RUNNING: The child is, or it succeeded and another run follows in the next tick.
        SUCCESS: It succeeded as often as wanted.
        FAILURE: It failed; its reason is passed up.

    Halt:
        Halts the child and forgets the count.
    """

    flow = "loop"
    ports = (Port("times", "int", "successes in all; -1 repeats until the child fails", minimum=-1), CHILD)

    def initialise(self) -> None:
        """Start to count (py_trees' hook)."""
        self.feedback_message = ""
        self.successes = 0
        self.times = cast(int, self.get("times"))
        if self.times == 0:
            raise_fault(self, ValueError("times is 0\n  fix:  write at least 1, or -1 to repeat until the child fails"))

    def decide(self, status: Status) -> Status:
        """Count successes."""
        child = self.decorated
        if status is SUCCESS:
            self.successes += 1
            self.feedback_message = f"{self.successes} times" if self.times < 0 else f"{self.successes} of {self.times}"
            if self.successes == self.times:
                return SUCCESS
            if self._log is not None and self.status is RUNNING:
                self._log(self)
            return RUNNING
        self.feedback_message = _why(child) if status is FAILURE else child.feedback_message
        return status


@behavior("timeout")
class Timeout(Decorator):
    """Halt the child and fail when it takes too long. Beside another node it is a common key: ``timeout: 20s``.

    The time is that of the run (simulated time in simulation). It stands still while a guard above pauses the node.

    Ports:
        duration (in, duration): Longest time from the first tick, [s].
        child (in, node): The node that must finish in time.

    Status:
        RUNNING: The child is.
        SUCCESS: The child succeeded in time.
        FAILURE: The child failed (its reason is passed up), or it was still running after the time.

    Halt:
        Halts the child.
    """

    flow = "timeout"
    ports = (Port("duration", "duration", "longest time from the first tick", minimum=0.0), CHILD)

    def initialise(self) -> None:
        """Look at the clock (py_trees' hook)."""
        self.feedback_message = ""
        self.duration = cast(float, self.get("duration"))
        self.finish_time = self.context.now + self.duration
        self._paused_at = self.context.now

    def decide(self, status: Status) -> Status:
        """Compare the clock."""
        child = self.decorated
        if status is RUNNING and self.context.now > self.finish_time:
            doing = f" ({child.feedback_message})" if child.feedback_message else ""
            child._x(INVALID)
            self.feedback_message = f"not done within {self.duration:g} s{doing}"
            return FAILURE
        self.feedback_message = _why(child) if status is FAILURE else child.feedback_message
        return status

    def _pause(self) -> None:
        self._paused_at = self.context.now
        super()._pause()

    def _resume(self) -> None:
        self.finish_time += self.context.now - self._paused_at
        super()._resume()


@behavior("use")
class Use(Decorator):
    """Run another tree as a node. It has a blackboard scope of its own.

    An input bound to ``$name`` is that very entry (it follows later writes); any other input is evaluated each time the
    tree starts. An output is the entry of this tree that it is bound to.

    Ports:
        tree (in, text, main): Name or path of the tree: the file's folder, the configured paths, then the library.
        inputs (in, mapping, default none): Input name → value.
        outputs (in, mapping, default none): Output name → ``$entry`` that receives it.

    Status:
        RUNNING, SUCCESS, FAILURE, SKIPPED: As the root of that tree.

    Halt:
        Halts the tree.
    """

    flow = "same"
    ports = (
        Port("tree", "text", "name or path of the tree", main=True),
        Port("inputs", "mapping", "input name → value", default=None),
        Port("outputs", "mapping", "output name → entry that receives it", default=None),
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._inputs = tuple(
            cast(Iterable[tuple[Cell, Callable[[], object]]], wiring.options.get("inputs", ())),
        )

    def initialise(self) -> None:
        """Evaluate the inputs that are not live (py_trees' hook)."""
        self.feedback_message = ""
        for cell, value in self._inputs:
            try:
                cell.set(value(), self.path)
            except Exception as error:
                raise_fault(self, error)
