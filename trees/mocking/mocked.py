"""The nodes that stand where a mock is: they do what the profile says instead of their own work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

from ...behaviors.blackboard import Cell, UnsetError
from ...behaviors.composites import Sequence
from ...behaviors.context import Context
from ...behaviors.inner import Decorator
from ...behaviors.node import Leaf, Wiring
from ...behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault
from .mock import Mock

DOES: Final = "mock.does"
"""Port that holds the mock."""
WRITES: Final = "mock.writes."
"""Ports that give what is written; the rest of the name is that of the cell that receives it."""
_TIE: Final = 1e-9


class Act:
    """What a mock does, tick by tick: which status comes next, and what is written at the end.

    Args:
        wiring: Of the node; its input ``mock.does`` is the mock.
    """

    remembers = ("_next", "_began", "_paused_at")

    def __init__(self, wiring: Wiring) -> None:
        self.mock = cast(Mock, wiring.inputs[DOES]())
        self.path = wiring.path
        self._context: Context = wiring.context
        self._checked = [get for name, get in wiring.inputs.items() if not name.startswith("mock.")]
        self._writes = [
            (wiring.outputs[name.removeprefix(WRITES)], get)
            for name, get in wiring.inputs.items()
            if name.startswith(WRITES) and name.removeprefix(WRITES) in wiring.outputs
        ]
        self._next = 0
        self._began = self._paused_at = 0.0

    def start(self) -> None:
        """Begin an execution. A value of the wrong type is refused as by the real node; an unset entry is not."""
        self._began = self._context.now
        for get in self._checked:
            try:
                get()
            except UnsetError:
                continue

    def status(self, children: str = "success") -> str:
        """Return the status of this tick; ``children`` is what they ended with, for a mock that says none."""
        mock = self.mock
        if self._context.now - self._began < mock.after - _TIE:
            return "running"
        if mock.success is not None:
            return "success" if self._context.rng.random() < mock.success else "failure"
        if not mock.statuses:
            return children
        status = mock.statuses[self._next]
        if self._next < len(mock.statuses) - 1:
            self._next += 1
        elif mock.again:
            self._next = 0
        return status

    def write(self) -> None:
        """Write what is to be written when an execution ends."""
        for cell, get in self._writes:
            cell.set(get(), self.path)

    def halt(self) -> None:
        """Begin the sequence of statuses anew."""
        self._next = 0

    def pause(self) -> None:
        """Stop the clock."""
        self._paused_at = self._context.now

    def resume(self) -> None:
        """Let the clock go on."""
        self._began += self._context.now - self._paused_at


class MockedNode(Leaf):
    """A node that is mocked, whatever it is; what stood below it is not there."""

    recovers = "state"

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.act = Act(wiring)

    def start(self) -> None:
        """Begin an execution."""
        self.act.start()

    def step(self) -> Status:
        """Do what the profile says."""
        status = self.act.status()
        if status == "running":
            return self.running("mocked")
        if status == "skipped":
            return self.skip("mocked")
        self.act.write()
        if status == "failure":
            return self.fail(self.act.mock.reason or "mocked to fail")
        return self.succeed("mocked")

    def halt(self) -> None:
        """Begin the sequence of statuses anew."""
        self.act.halt()

    def pause(self) -> None:
        """Stop the clock."""
        self.act.pause()

    def resume(self) -> None:
        """Let the clock go on."""
        self.act.resume()


class MockedParent(Decorator):
    """A mocked node whose children, or whose tree, are run before it does what the profile says."""

    def __init__(self, wiring: Wiring) -> None:
        below = [*wiring.parts.values(), *wiring.children]
        inner = Sequence(Wiring("children", wiring.path, wiring.place, children=below, context=wiring.context))
        super().__init__(Wiring(**{**vars(wiring), "children": [inner], "parts": {}}))
        self.act = Act(wiring)
        self._inputs = cast("Iterable[tuple[Cell, Callable[[], object]]]", wiring.options.get("inputs", ()))
        self._ended: Status | None = None

    def initialise(self) -> None:
        """Begin an execution (py_trees' hook)."""
        self.feedback_message = ""
        self._ended = None
        try:
            self.act.start()
            for cell, value in self._inputs:
                cell.set(value(), self.path)
        except Exception as error:
            raise_fault(self, error)

    def _t(self) -> Status:
        old = self._begin()
        if self._ended is None:
            self._note(self.decorated._t())
        return self._finish(old)

    def _ticks(self) -> Iterator[Any]:
        old = self._begin()
        if self._ended is None:
            yield from self.decorated.tick()
            self._note(self.decorated.status)
        self._finish(old)
        yield self

    def _begin(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self.skipped = False
            self.initialise()
        return old

    def _note(self, status: Status) -> None:
        if status is not RUNNING:
            self._ended = status

    def _finish(self, old: Status) -> Status:
        if self._ended is None:
            self.feedback_message = self.decorated.feedback_message
            return self._runs(old)
        status = self.act.status({SUCCESS: "success", FAILURE: "failure"}.get(self._ended, "skipped"))
        if status == "running":
            self.feedback_message = "mocked"
            return self._runs(old)
        if status == "skipped":
            return self._skip()
        try:
            self.act.write()
        except Exception as error:
            raise_fault(self, error)
        why = self.decorated.feedback_message if self._ended is FAILURE else ""
        self.feedback_message = self.act.mock.reason or why or "mocked to fail" if status == "failure" else "mocked"
        done = FAILURE if status == "failure" else SUCCESS
        self._x(done)
        return done

    def _x(self, new: Status) -> None:
        if new is INVALID and self.status is RUNNING:
            self.act.halt()
        super()._x(new)

    def _pause(self) -> None:
        self.act.pause()
        super()._pause()

    def _resume(self) -> None:
        self.act.resume()
        super()._resume()
