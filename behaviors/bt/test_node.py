"""BehaviorTree.CPP's stand-in for other nodes."""

from __future__ import annotations

from typing import cast

from py_trees.common import Status

from ..node import behavior
from ..ports import Port
from ..step import FAILURE, INVALID, RUNNING, SUCCESS
from .stepwise import StatefulLeaf
from .values import NUMBERS, STATUSES

_TIE = 1e-9


@behavior("bt.TestNode")
class TestNode(StatefulLeaf):
    """End with a status after a time, and run scripts when it ends.

    In BehaviorTree.CPP it replaces other nodes by rules; its settings are ports here.

    Ports:
        return_status (in, text, default SUCCESS): Status at the end: SUCCESS, FAILURE, SKIPPED or RUNNING.
        return_status_script (in, script, default none): Script whose value is the status, a name as text or a number
            (RUNNING 1, SUCCESS 2, FAILURE 3, SKIPPED 4); it comes before ``return_status``.
        async_delay (in, int, default 0): Time until it ends, [ms].
        success_script (in, script, default none): Run when it ends with SUCCESS.
        failure_script (in, script, default none): Run when it ends with FAILURE.
        post_script (in, script, default none): Run when it ends, after the others.

    Status:
        RUNNING: The time is not over.
        SUCCESS, FAILURE, SKIPPED: It ended so.

    Halt:
        Stops the clock; no script is run.

    Source: ``test_node.h`` and ``test_node.cpp`` of 4.10.0.
    """

    replays = "ticked"
    __test__ = False
    recovers = "state"
    ports = (
        Port("return_status", "text", "status at the end", default="SUCCESS", choices=tuple(STATUSES)),
        Port("return_status_script", "script", "script whose value is the status", default=None),
        Port("async_delay", "int", "time until it ends, in milliseconds", default=0, minimum=0),
        Port("success_script", "script", "run when it ends with SUCCESS", default=None),
        Port("failure_script", "script", "run when it ends with FAILURE", default=None),
        Port("post_script", "script", "run when it ends, after the others", default=None),
    )

    def start(self) -> None:
        """Look at the clock."""
        delay = cast(int, self.get("async_delay")) / 1000
        self._until = self.context.now + delay if delay > 0 else None
        self._paused_at = self.context.now
        self._first = True

    def step(self) -> Status:
        """End when the time is over."""
        first, self._first = self._first, False
        if self._until is None:
            return self._end() if first else self.running()
        left = self._until - self.context.now
        return self.running(f"{left:.1f} s left") if first or left > _TIE else self._end()

    def pause(self) -> None:
        """Stop the clock."""
        self._paused_at = self.context.now

    def resume(self) -> None:
        """Let the clock go on."""
        if self._until is not None:
            self._until += self.context.now - self._paused_at

    def _end(self) -> Status:
        status = self._status()
        if status is SUCCESS:
            self.get("success_script")
        elif status is FAILURE:
            self.get("failure_script")
        self.get("post_script")
        if status is FAILURE:
            return self.fail("it ends with FAILURE")
        if status is INVALID:
            return self.skip()
        return self.running() if status is RUNNING else self.succeed()

    def _status(self) -> Status:
        value = self.get("return_status_script")
        if value is None:
            value = self.get("return_status")
        name = value if isinstance(value, str) else NUMBERS.get(cast(int, value), "")
        if name not in STATUSES:
            raise ValueError(
                f"{value!r} is no status that a node can end with\n  fix:  use one of {', '.join(STATUSES)}"
            )
        return STATUSES[name]
