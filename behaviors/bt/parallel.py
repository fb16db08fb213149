"""BehaviorTree.CPP's nodes that tick all children in one tick."""

from __future__ import annotations

from typing import cast

from ..node import Wiring, behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from .stepwise import CHILDREN, Control, Tick


class Together(Control):
    """Base of Parallel and ParallelAll: a child that has ended is not ticked again in this execution."""

    flow = "parallel"

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.forget()

    def forget(self) -> None:
        """Forget which children have ended."""
        self._done: set[int] = set()
        self._successes = self._failures = 0

    def _end(self, status: Status) -> Status:
        self.forget()
        self.reset_children()
        return status

    def _from_end(self, count: int) -> int:
        """Return a count; a negative one counts from the number of children downwards, -1 is all of them."""
        return max(len(self.children) + count + 1, 0) if count < 0 else count


@behavior("bt.Parallel")
class Parallel(Together):
    """Tick the children in order in every tick until enough have succeeded or too many have failed.

    It looks after each child, so children behind the one that decides are not ticked any more.

    Ports:
        success_count (in, int, default -1): How many children must succeed; a negative number counts from the number of
            children downwards, -1 is all of them. If it is negative, skipped children count as well.
        failure_count (in, int, default 1): How many children must fail; negative as above.
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: Nothing is decided yet.
        SUCCESS: Enough children succeeded; the running ones are halted.
        FAILURE: Enough children failed, or too few are left to succeed; the running ones are halted.
        SKIPPED: All children were skipped in this tick.

    Halt:
        Halts the running children, in order.

    Source: ``parallel_node.cpp`` of 4.10.0.
    """

    ports = (
        Port("success_count", "int", "how many children must succeed; -1 is all of them", default=-1),
        Port("failure_count", "int", "how many children must fail; -1 is all of them", default=1),
        CHILDREN,
    )

    def run(self) -> Tick:
        """Tick the children that have not ended."""
        wanted = cast(int, self.get("success_count"))
        needed, too_many = self._from_end(wanted), self._from_end(cast(int, self.get("failure_count")))
        count = len(self.children)
        if count < needed or count < too_many:
            key, number = ("success_count", needed) if count < needed else ("failure_count", too_many)
            self.refuse(f"{key} is {number}, and there are {count} children", f"write at most {count}")
        self.stored = RUNNING
        skips = 0
        for index, child in enumerate(self.children):
            if index not in self._done:
                status = yield child
                skips += status is INVALID
                if status is SUCCESS:
                    self._done.add(index)
                    self._successes += 1
                elif status is FAILURE:
                    self._done.add(index)
                    self._failures += 1
            if self._successes >= needed or (wanted < 0 and self._successes + skips >= needed):
                return self._end(SUCCESS)
            if count - self._failures < needed or self._failures == too_many:
                self._why = self._why or f"{self._failures} children failed, which is failure_count"
                return self._end(FAILURE)
        return INVALID if skips == count else RUNNING


@behavior("bt.ParallelAll")
class ParallelAll(Together):
    """Tick the children in order in every tick until all have ended.

    Ports:
        max_failures (in, int, default 1): With so many failed children it fails; a negative number counts from the
            number of children downwards, -1 is all of them.
        children (in, nodes): The child nodes, in order.

    Status:
        RUNNING: A child is.
        SUCCESS: All children have ended, and fewer than ``max_failures`` of them failed.
        FAILURE: All children have ended, and ``max_failures`` or more of them failed.
        SKIPPED: All children were skipped in this tick.

    Halt:
        Halts the running children, in order.

    Source: ``parallel_all_node.cpp`` of 4.10.0.
    """

    ports = (Port("max_failures", "int", "with so many failed children it fails; -1 is all", default=1), CHILDREN)

    def run(self) -> Tick:
        """Tick the children that have not ended."""
        too_many = self._from_end(cast(int, self.get("max_failures")))
        count = len(self.children)
        if count < too_many:
            self.refuse(f"max_failures is {too_many}, and there are {count} children", f"write at most {count}")
        self.stored = RUNNING
        skips = 0
        for index, child in enumerate(self.children):
            if index in self._done:
                continue
            status = yield child
            skips += status is INVALID
            self._failures += status is FAILURE
            if status is SUCCESS or status is FAILURE:
                self._done.add(index)
        if skips == count:
            return INVALID
        if skips + len(self._done) < count:
            return RUNNING
        failed = self._failures >= too_many
        if failed and not self._failures:
            self._why = "max_failures is 0"
        return self._end(FAILURE if failed else SUCCESS)
