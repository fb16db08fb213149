"""The leaf that lets time pass."""

from __future__ import annotations

from py_trees.common import Status

from ..node import Leaf, behavior
from ..ports import Port


@behavior("wait")
class Wait(Leaf):
    """Let a time pass; the robot keeps doing what it does.

    Ports:
        duration (in, duration, main): How long, [s].

    Status:
        RUNNING: Until the time is over. Time spent paused by a guard does not count.
        SUCCESS: When it is over.

    Halt:
        Forgets the time; nothing moves.
    """

    recovers = "state"
    replays = "ticked"
    ports = (Port("duration", "duration", "how long to wait", main=True, minimum=0.0),)

    def start(self) -> None:
        """Look at the clock."""
        self._left = float(self.get("duration"))  # type: ignore[arg-type]
        self._since: float | None = self.context.now

    def step(self) -> Status:
        """Compare the clock."""
        if self._since is None:
            self._since = self.context.now
        left = self._left - (self.context.now - self._since)
        if left <= 1e-9:
            return self.succeed()
        return self.running(f"{left:.1f} s left")

    def pause(self) -> None:
        """Stop the clock."""
        if self._since is not None:
            self._left -= self.context.now - self._since
            self._since = None

    def resume(self) -> None:
        """Let the clock go on."""
        self._since = self.context.now
