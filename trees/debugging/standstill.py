"""Standing still: the thread that ticks waits for somebody outside, the robot holds, the watchdog rests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from ...behaviors.step import RUNNING
from ..builder import BuiltTree

if TYPE_CHECKING:
    from ..ticking.ending import Ending
    from ..ticking.pace import Pace

_LOOK: Final = 0.05
"""Longest wait until it is looked again whether the run is to end, wall clock, [s]; a signal handler cannot notify."""


class Standstill:
    """Where the thread that ticks stands while somebody looks, between two ticks or inside one.

    On a stepped clock time stands still by itself. On a real clock what runs is paused as a guard pauses it, the robot
    is told to stop once, the time limit of the run is put off, and the driver can still report that it is lost.

    Attributes:
        changed: Notified whenever what is waited for may have changed; its lock guards what decides about that.
        stopped: True once the run is to end.
        stands: Called when the thread that ticks has come to stand, on that thread.
        meanwhile: Called now and then while it stands, with the lock held.
        standing: True while the thread that ticks waits here.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.stopped: Callable[[], bool] = lambda: False
        self.stands: Callable[[], None] = lambda: None
        self.meanwhile: Callable[[], None] = lambda: None
        self.standing = False
        self._still: _Still | None = None

    def attach(self, tree: BuiltTree, pace: Pace, ending: Ending, stopped: Callable[[], bool]) -> None:
        """Belong to a run."""
        self.stopped = stopped
        self._still = _Still(tree, pace, ending)

    def wait(self, over: Callable[[], bool]) -> bool:
        """Wait until ``over()``, on the thread that ticks; return False when the run is to end before that.

        Raises:
            KnotholeError: The robot could not be stopped, or was lost meanwhile.
        """
        still = self._still
        with still.holding(self.stopped) if still is not None else nullcontext():
            with self.changed:
                self.standing = True
                self.changed.notify_all()
            try:
                self.stands()
                while True:
                    with self.changed:
                        if self.stopped():
                            return False
                        self.meanwhile()
                        if over():
                            return True
                        self.changed.wait(_LOOK)
                    if still is not None:
                        still.look()
            finally:
                self.standing = False


class _Still:
    """Holds the robot of one run still.

    Args:
        tree: The tree.
        pace: Its clock.
        ending: Who stops the robot, and has the watchdog.
    """

    def __init__(self, tree: BuiltTree, pace: Pace, ending: Ending) -> None:
        self._tree, self._pace, self._ending = tree, pace, ending

    @contextmanager
    def holding(self, stopped: Callable[[], bool]) -> Iterator[None]:
        """Hold it inside the block; it does not go on when the run is to end then."""
        watchdog = self._ending.watchdog
        with watchdog.resting() if watchdog is not None else nullcontext():
            if self._pace.clock.stepped:
                yield
                return
            context, clock = self._tree.context, self._pace.clock
            context.now = since = clock.now()
            paused = self._topmost_running()
            for node in paused:
                node._pause()
            self._ending.stop_robot()
            yield
            context.now = now = clock.now()
            self._pace.put_off(now - since)
            for leaf, halted in context.halting.items():
                context.halting[leaf] = halted + now - since
            if not stopped():
                for node in paused:
                    if node.status is RUNNING:
                        node._resume()

    def look(self) -> None:
        """Let the driver report a lost connection."""
        clock = self._pace.clock
        if not clock.stepped:
            clock.wait_until(clock.now())

    def _topmost_running(self) -> list[Any]:
        """Return the nodes that are RUNNING below none that is: each passes a pause on to what runs below it.

        Inside a tick a node that has just begun is not RUNNING yet, though something below it may be.
        """
        nodes = self._tree.nodes
        return [
            built.node
            for built in nodes
            if built.node.status is RUNNING and (built.parent < 0 or nodes[built.parent].node.status is not RUNNING)
        ]
