"""Nodes that let a tree grow below them while the run goes on, and who lets it grow.

Such a node is a leaf whose class says ``grows``: it thinks (asks, waits, decides) and has something built that acts
for it. Around it stands a ``Grown``, which ticks what has grown first, then the leaf, so that the leaf sees in the same
tick how its branch ended.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, ClassVar, Protocol

from .._base import KnotholeError
from .inner import Decorator
from .node import Wiring
from .ports import Port
from .step import FAILURE, FAULTS, INVALID, RUNNING, SUCCESS, Status, adopt

LABEL = "grown"
"""The wrapper of a leaf that grows something: its path ends with ``#grown``."""


class GrowError(KnotholeError):
    """A text cannot grow here.

    Attributes:
        problems: What is wrong with it, one text each, as the checker says it of a file.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Gardener(Protocol):
    """Who lets a tree grow while it runs; ``Context.grow``."""

    def problems(self, text: str, path: str = "") -> list[str]:
        """Return what is wrong with the YAML text of a tree that shall grow below a node; empty when it can.

        Args:
            text: The text of a file with one tree, or the name of a tree: of a file, the configured paths, the library.
            path: Path of the node it shall grow below; empty checks it without a place in the run.
        """
        ...

    def grow(self, path: str, text: str, keep: bool = False) -> None:
        """Put a tree below a node, in the place of what grew there before. It is there in the next tick.

        Its root stands on the blackboard scope of the node, and is ticked, halted and paused with it.

        Args:
            path: Path of a leaf that grows.
            text: As for ``problems``.
            keep: Nodes that are what the nodes before at their places were keep their state: what had succeeded in a
                sequence that failed is not done again. False begins anew.

        Raises:
            GrowError: The text has mistakes, or may not grow here.
        """
        ...

    def failed(self, path: str) -> str:
        """Return why what should grow below a node could not be built, once; empty when it could."""
        ...

    def apart(self) -> Gardener:
        """Return one for a tree that is ticked beside that of the run, such as one that is only tried."""
        ...


class Grown(Decorator):
    """Tick what grew below a leaf, then the leaf.

    What grew is ticked from the tick after it was put there until it ends, while the leaf is RUNNING. What becomes of
    its end is the leaf's affair.

    Ports:
        child (in, node): The leaf.

    Status:
        RUNNING, SUCCESS, FAILURE, SKIPPED: As the leaf.

    Halt:
        Halts what grew, then the leaf.
    """

    flow = "grown"
    ports: ClassVar[tuple[Port, ...]] = (Port("child", "node", "the leaf"),)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.live = False
        plan = wiring.parts.get("plan")
        if plan is not None:
            adopt(plan).parent = self
            self.children.append(plan)
        if isinstance(self.decorated, Grower):
            self.decorated.grown = self

    @property
    def plan(self) -> Any:
        """The root of what grew; None while nothing did."""
        return self.children[1] if len(self.children) > 1 else None

    def planted(self, kept: Container[str] = ()) -> None:
        """Something was put here: it is ticked from now on, after what was kept of it and had succeeded.

        Args:
            kept: Paths of the nodes that are what they were before with all that is below them.
        """
        self.live = self.plan is not None
        if self.plan is not None:
            _go_on(self.plan, kept)

    def revive(self) -> None:
        """Let what has failed go on where it failed, when it is ticked again: what succeeded before that is kept."""
        if self.plan is not None:
            _revive(self.plan)

    def _t(self) -> Status:
        old = self._begin()
        if self._is_due():
            self.plan._t()
            self._look()
        self.decorated._t()
        return self._end(old)

    def _ticks(self) -> Iterator[Any]:
        old = self._begin()
        if self._is_due():
            yield from self.plan.tick()
            self._look()
        yield from self.decorated.tick()
        self._end(old)
        yield self

    def _begin(self) -> Status:
        old = self.status
        if old is not RUNNING:
            self.skipped, self.live = False, False
            self.feedback_message = ""
            if self.plan is not None and self.plan.status is not INVALID:
                self.plan._x(INVALID)
        return old

    def _is_due(self) -> bool:
        return self.live and self.decorated.status is RUNNING and self.plan.status in (INVALID, RUNNING)

    def _look(self) -> None:
        self.live = self.plan.status is RUNNING

    def _end(self, old: Status) -> Status:
        leaf = self.decorated
        status: Status = leaf.status
        said, self.feedback_message = self.feedback_message, leaf.feedback_message
        if status is RUNNING:
            if old is RUNNING and said != self.feedback_message and self._log is not None:
                self._log(self)
            return self._runs(old)
        if status is INVALID:
            return self._skip()
        self._x(status)
        return status

    def _x(self, new: Status) -> None:
        faults: list[BaseException] = []
        self.live = False
        for node in (self.plan, self.decorated):
            if node is not None and (node.status is RUNNING or (new is INVALID and node.status is not INVALID)):
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


class Grower:
    """Mixin of leaves that grow something.

    Attributes:
        grown: The node around the leaf; None where nothing stands around it, as in a test of the leaf alone.
    """

    grows: ClassVar[bool] = True
    grown: Grown | None = None
    path: str
    context: Any

    def grow(self, text: str, keep: bool = False) -> None:
        """Put a tree below this leaf, to be ticked from the next tick on.

        Raises:
            GrowError: The text has mistakes, may not grow here, or nothing can grow in this run.
        """
        gardener: Gardener | None = self.context.grow
        if gardener is None or self.grown is None:
            raise GrowError(["nothing can grow in this run\n  fix:  tick the tree with a Loop, as `knothole run` does"])
        gardener.grow(self.path, text, keep)

    def branch(self) -> Any:
        """Return the root of what grew here, once it has been ticked to its end or cannot be; None before that.

        Raises:
            GrowError: It could not be built.
        """
        gardener: Gardener | None = self.context.grow
        why = gardener.failed(self.path) if gardener is not None else ""
        if why:
            raise GrowError([why])
        grown = self.grown
        if grown is None or grown.plan is None or grown.live:
            return None
        return grown.plan

    def acting(self) -> str:
        """Return what goes on in what grew here, in words: its RUNNING leaf."""
        node = self.grown.plan if self.grown is not None and self.grown.live else None
        while node is not None:
            below = [child for child in node.children if child.status is RUNNING]
            if not below:
                return f"{node.name}: {node.feedback_message}" if node.feedback_message else str(node.name)
            node = below[0]
        return ""


def _revive(node: Any) -> None:
    """Let a node that failed be RUNNING at the child that failed; one that cannot go on begins anew."""
    from .composites import Sequence

    child = getattr(node, "current_child", None)
    goes_on = isinstance(node, Sequence) and node.memory and node.status is FAILURE
    if not goes_on or child is None or child.status is not FAILURE:
        if node.status is not INVALID:
            node._x(INVALID)
        return
    node.status, node.feedback_message, node.current_child = RUNNING, "", node.children[0]
    _revive(child)
    if node._log is not None:
        node._log(node)


def _go_on(node: Any, kept: Container[str]) -> None:
    """Let a sequence that was revived go on with its first child that has not succeeded, whatever was put before it.

    What succeeded and has other nodes below it now has not.
    """
    from .composites import Sequence

    if node.status is not RUNNING or not isinstance(node, Sequence):
        return
    for child in node.children:
        if child.status is SUCCESS and child.path not in kept:
            child._x(INVALID)
    node.current_child = next((child for child in node.children if child.status is not SUCCESS), node.children[-1])
    if node.current_child.status is SUCCESS:
        node.current_child._x(INVALID)  # all of them succeeded, yet it had failed
    _go_on(node.current_child, kept)
