"""What stands around a question and the node on its port ``on_unsure``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from .inner import Decorator
from .node import Wiring
from .ports import Port
from .step import FAILURE, FAULTS, INVALID, RUNNING, Status, adopt


class Unsure(Decorator):
    """Tick a question, and while it is unsure a node that does something about it.

    The question is ticked first in every tick and goes on looking. Its node begins once the question is in doubt about
    its newest picture, never in the tick in which this execution began: a guard that rests on the question has paused
    and stopped the robot by then. It goes on until it ends, until an answer decides, or until another question is
    asked. Its SUCCESS makes the question look at a picture taken after that; with the answer about that picture still
    in doubt the node begins anew, at most once in a tick. A node that is skipped does nothing.

    Ports:
        on_unsure (in, node): The node.
        child (in, node): The question, a leaf of the kind of ``see``.

    Status:
        RUNNING: The question is.
        SUCCESS: The question is answered as it should be.
        FAILURE: The question failed, or the node did while the question was unsure.

    Halt:
        Halts the node, then the question.
    """

    flow = "any"
    ports: ClassVar[tuple[Port, ...]] = (
        Port("on_unsure", "node", "ticked while the question is unsure"),
        Port("child", "node", "the question"),
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.remedy: Any = adopt(wiring.parts["on_unsure"])
        self.remedy.parent = self
        self.children.append(self.remedy)

    def _t(self) -> Status:
        old = self._begin()
        self.decorated._t()
        if self._is_due(old):
            self.remedy._t()
        return self._end(old)

    def _ticks(self) -> Iterator[Any]:
        old = self._begin()
        yield from self.decorated.tick()
        if self._is_due(old):
            yield from self.remedy.tick()
        self._end(old)
        yield self

    def _begin(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self.skipped = False
            self.feedback_message = ""
            if self.remedy.status is not INVALID:
                self.remedy._x(INVALID)
        return old

    def _is_due(self, old: Status) -> bool:
        """Tell whether the node is to be ticked; one that is not needed any more is halted."""
        question = self.decorated
        if self.remedy.status is RUNNING:
            if question.undecided:
                return True
            self.remedy._x(INVALID)
            return False
        return old is RUNNING and question.status is RUNNING and bool(question.doubt)

    def _end(self, old: Status) -> Status:
        question, remedy = self.decorated, self.remedy
        status: Status = question.status
        if status is not RUNNING:
            self.feedback_message = question.feedback_message
            return self._skip() if status is INVALID else self._ended(status)
        why = question.feedback_message
        if remedy.status is FAILURE:
            self.feedback_message = f"{question.doubt or why}; {remedy.feedback_message or f'{remedy.name} failed'}"
            return self._ended(FAILURE)
        if remedy.status is RUNNING:
            why = f"{why}; {remedy.feedback_message or remedy.name}"
        elif remedy.status is not INVALID:
            question.look_anew()
            remedy._x(INVALID)
        said, self.feedback_message = self.feedback_message, why
        if old is RUNNING and said != why and self._log is not None:
            self._log(self)
        return self._runs(old)

    def _ended(self, status: Status) -> Status:
        self._x(status)
        return status

    def _x(self, new: Status) -> None:
        faults: list[BaseException] = []
        for node in (self.remedy, self.decorated):
            if node.status is RUNNING or (new is INVALID and node.status is not INVALID):
                try:
                    node._x(INVALID)
                except FAULTS as error:
                    faults.append(error)
        if new is INVALID:
            self.feedback_message = ""
        self.status = new
        if self._log is not None and (new is not self._noted or self.feedback_message != self._said):
            self._log(self)
        if faults:
            raise faults[0]
