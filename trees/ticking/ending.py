"""The end of a run: the robot still, every node halted and at rest, whatever raises or hangs meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from ...behaviors.node import Leaf
from ...behaviors.step import FAULTS, RUNNING
from ..builder import BuiltTree
from .pace import Pace
from .watchdog import Watchdog

_TIE = 1e-9
_UNWATCHED = 3600.0
"""Until the next thing to watch at the end of a run: nobody misses a tick then, [s]."""


class Ending:
    """Ends one run.

    Args:
        tree: The tree.
        pace: Its clock.
        halt_timeout: How long leaves that were halted may be ``halting``, run clock, [s].

    Attributes:
        watchdog: Breaks off what hangs; None for nobody.
        problems: What went wrong, in words.
        resting: True while nothing is done but to wait for leaves to come to rest.
    """

    def __init__(self, tree: BuiltTree, pace: Pace, halt_timeout: float) -> None:
        self._tree, self._context, self._pace, self._halt_timeout = tree, tree.context, pace, halt_timeout
        self.watchdog: Watchdog | None = None
        self.problems: list[str] = []
        self.resting = False

    def leave(self, fault: bool) -> None:
        """Stop the robot, halt the tree and shut its nodes down.

        After a fault the robot is stopped first. Otherwise leaves that need some ticks to come to rest get them before.
        """
        if fault or not self._comes_to_rest():
            self.attempt("stopping the robot", self.stop_robot)
        self.attempt("halting", self._halt)
        if not fault and self._context.halting:
            self.attempt("coming to rest", self._await_rest, watched=False)
        self.attempt("stopping the robot", self.stop_robot)
        for built in self._tree.nodes:
            self.attempt(f"shutting down {built.path}", built.node.shutdown)
        if self.watchdog is not None:
            self.watchdog.close()

    def stop_robot(self) -> None:
        """Tell the robot to stop, where there is one."""
        if self._context.robot is not None:
            self._context.robot.stop()

    def attempt(self, what: str, act: Callable[[], object], watched: bool = True) -> None:
        """Do one thing; a failure is noted and the next thing can be done all the same."""
        if self.watchdog is not None and watched:
            self.watchdog.enter()
        try:
            act()
        except FAULTS as error:
            self.problems.append(f"{what}: {error}")
        finally:
            if self.watchdog is not None:
                self.watchdog.leave(_UNWATCHED)

    def _comes_to_rest(self) -> bool:
        """Tell whether something runs that comes to rest by itself when it is halted."""
        return any(
            built.node.status is RUNNING and getattr(type(built.node), "halting", Leaf.halting) is not Leaf.halting
            for built in self._tree.nodes
        )

    def _halt(self) -> None:
        self.problems += [f"halting: {problem}" for problem in self._tree.halt()]

    def _await_rest(self) -> None:
        """Let time pass until what was halted is at rest. Ctrl-C ends this."""
        halting, clock, context = self._context.halting, self._pace.clock, self._context
        since = clock.now()
        until = since + self._halt_timeout
        self.resting = True
        try:
            while halting and clock.now() < until - _TIE:
                clock.wait_until(min(until, clock.now() + self._pace.period))
                context.now = clock.now()
                for leaf in tuple(halting):
                    self.attempt(f"halting {leaf.path}", leaf.rest)
        except KeyboardInterrupt:
            self.problems.append("halting: broken off by Ctrl-C")
        self.resting = False
        for leaf in halting:
            self.problems.append(f"halting: {leaf.path}: it is not at rest after {clock.now() - since:.3g} s")
