"""The pre-conditions of a node, the common keys ``failure_if``, ``success_if``, ``skip_if``, ``when`` and ``while``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from .bt.stepwise import keeps, lend, resumes, stored
from .inner import Decorator
from .node import Wiring
from .ports import CONDITION_KEYS, Port
from .step import FAILURE, INVALID, RUNNING, SUCCESS, Status, raise_fault


class Conditions(Decorator):
    """Decide, before the child is ticked, whether it is: one wrapper for all pre-conditions that a node has.

    They are looked at in this order, and the first that decides ends the tick. All but ``while`` are looked at when an
    execution starts, never while the child is RUNNING; ``while`` is looked at in every tick.

    Ports:
        failure_if (in, expression, default none): If true, the node fails without being ticked.
        success_if (in, expression, default none): If true, it succeeds without being ticked.
        skip_if (in, expression, default none): If true, it is skipped.
        when (in, expression, default none): If false, it is skipped.
        while (in, expression, default none): If false, it is skipped; a RUNNING child is halted first.
        child (in, node): The node.

    Status:
        FAILURE: ``failure_if`` is true, and the reason is the expression; or the child failed.
        SUCCESS: ``success_if`` is true, or the child succeeded.
        SKIPPED: A condition is against it, or the child was skipped.
        RUNNING: The child is.

    Halt:
        Halts the child.
    """

    flow = "maybe"
    ports: ClassVar[tuple[Port, ...]] = (
        *(Port(key, "expression", "see above", default=None) for key in CONDITION_KEYS),
        Port("child", "node", "the node"),
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        given = wiring.inputs
        self._first = tuple((key, given[key]) for key in CONDITION_KEYS if key in given and key != "while")
        self._while = given.get("while")
        self._given = INVALID
        self.broke_off = False

    @property
    def stored(self) -> Status:
        """The status that BehaviorTree.CPP would keep: what a condition gave, else that of the child."""
        return self._given if self._given is not INVALID else stored(self.decorated)

    @property
    def keeps_status(self) -> bool:
        """Whether a child that ended counts as ended until the parent resets it: as the parent says."""
        return keeps(self.parent)

    @property
    def resumes_skipped(self) -> bool:
        """Whether a child that was skipped while it was RUNNING goes on: as the parent says."""
        return resumes(self.parent)

    def _decided(self) -> Status | None:
        """Look at the conditions; None lets the child be ticked, INVALID skips it."""
        kept = keeps(self.parent)
        before = self.stored if resumes(self.parent) else self.status
        self._given, self.broke_off = INVALID, False
        if before is RUNNING:
            if self._while is None or self._true("while", self._while):
                return None
            self.broke_off = True
            return INVALID
        if kept and before is not INVALID:
            return None
        for key, condition in self._first:
            if self._true(key, condition):
                if key == "failure_if" or key == "success_if":
                    shown = self.wiring.options.get(f"shown.{key}")
                    self.feedback_message = f"{key}: {shown()}" if callable(shown) else key
                    return FAILURE if key == "failure_if" else SUCCESS
                if key == "skip_if":
                    return INVALID
            elif key == "when":
                return INVALID
        if self._while is not None and not self._true("while", self._while):
            return INVALID
        return None

    def _true(self, key: str, condition: Callable[[], object]) -> bool:
        try:
            value = condition()
            if not isinstance(value, bool):
                raise TypeError(f"{key} must be true or false, it is {value!r}")
        except Exception as error:
            raise_fault(self, error)
        return value

    def _end(self, given: Status) -> Status:
        """End the tick with what a condition gave; the child is not ticked."""
        if given is INVALID:
            return self._skip()
        if self.decorated.status is not INVALID:
            self.decorated._x(INVALID)
        if keeps(self.parent):
            lend(self.decorated, given, self.feedback_message)
        self._given = self.status = given
        self.skipped = False
        if self._log is not None:
            self._log(self)
        return given

    def _t(self) -> Status:
        old = self.status
        given = self._decided()
        if given is not None:
            return self._end(given)
        if old is not RUNNING:
            self.skipped = False
            self.feedback_message = ""
        self.decorated._t()
        return self._settle(old, self.update())

    def _ticks(self) -> Iterator[Any]:
        old = self.status
        given = self._decided()
        if given is not None:
            self._end(given)
        else:
            if old is not RUNNING:
                self.feedback_message = ""
            yield from self.decorated.tick()
            self._settle(old, self.update())
        yield self

    def _settle(self, old: Status, new: Status) -> Status:
        if new is RUNNING:
            return self._runs(old)
        if new is INVALID:
            return self._pass_over()
        self._close(new)
        return new

    def _pass_over(self) -> Status:
        """End as skipped because the child was; what BehaviorTree.CPP stored in it stays for the parent to reset."""
        self.feedback_message = ""
        self.status, self.skipped = INVALID, True
        if self._log is not None:
            self._log(self)
        return INVALID

    def _close(self, new: Status) -> None:
        changed = new is not self.status
        self.status = new
        if self._log is not None and (changed or new is FAILURE):
            self._log(self)

    def _x(self, new: Status) -> None:
        if new is INVALID:
            self._given = INVALID
            self.feedback_message = ""
            self.decorated._x(INVALID)
        self._close(new)
