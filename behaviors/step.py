"""The tick of a node as a plain recursive call, beside the generator it inherits from py_trees.

py_trees ticks with nested generators: every node yielded passes through every ancestor. That is what its visitors and
displays need, and it stays: ``tick()`` works on each node here. A run does not need it; it calls ``_t()``, which does
the same in a fraction of the time, and ``_x(status)``, which is ``stop``. That both are equal is proven by
``tests/test_differential.py`` over random trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import Any, NoReturn, cast

from py_trees.common import Status

from .._base import KnotholeError, Place

__all__ = [
    "FAILURE",
    "FAULTS",
    "INVALID",
    "RUNNING",
    "SUCCESS",
    "NodeFault",
    "Stalled",
    "Status",
    "Steps",
    "adopt",
    "own_copy",
    "raise_fault",
]

SUCCESS, FAILURE, RUNNING, INVALID = Status.SUCCESS, Status.FAILURE, Status.RUNNING, Status.INVALID


class NodeFault(KnotholeError):
    """A node raised or broke its contract while ticking. Names the node; the cause stays chained.

    Attributes:
        path: Path of the node in its tree.
        place: Where the node stands in its file.
    """

    def __init__(self, message: str, path: str = "", place: Place | None = None) -> None:
        super().__init__(message)
        self.path, self.place = path, place


class Stalled(BaseException):
    """Raised by the watchdog inside code that did not return in time. No ``except Exception`` swallows it."""


FAULTS = (Exception, Stalled, SystemExit)
"""What becomes a fault of the node that it was raised in; not Ctrl-C."""


def raise_fault(node: Any, error: BaseException) -> NoReturn:
    """Raise ``error`` as a fault of ``node``.

    Raises:
        NodeFault: Always.
    """
    path, place = getattr(node, "path", ""), getattr(node, "place", None)
    if isinstance(error, NodeFault):
        error.path, error.place = error.path or path, error.place or place
        raise error
    kind = path.rpartition("/")[2].partition("[")[0]
    label = (path or type(node).__name__) + (f" {node.name!r}" if node.name != kind else "")
    what = str(error) if isinstance(error, KnotholeError | Stalled) else f"{type(error).__name__}: {error}"
    where = f"\n  at:  {place}" if place is not None else ""
    raise NodeFault(f"{label}: {what}{where}", path, place) from error


class Steps:
    """Mixin before a py_trees class: the recursive tick, the skip mark, pausing, and the change log.

    Attributes:
        path: Unique path from the root.
        place: Where the node stands in its file.
        index: Position among the nodes of the built tree.
        skipped: True when the last tick passed over the node (``when``, ``skip_if``); its status is then INVALID.

    A change log sets ``_log`` (called when a node may have changed), ``_resets`` (its list of nodes that were made
    INVALID after they had ended), and keeps in ``_noted`` and ``_said`` what it knows of the node.
    """

    path: str = ""
    place: Place | None = None
    index: int = -1
    skipped: bool = False
    status: Status
    children: list[Any]
    _log: Callable[[Any], None] | None = None
    _resets: list[Any] | None = None
    _noted: Status | None = INVALID
    _said: str = ""
    _light: bool = False
    """True when a node that has ended is reset by its status alone: it has no children and no hook for that."""

    def _unlogged(self) -> None:
        """Give the instance what a tick looks at, also what others set later.

        CPython 3.11 finds attributes faster on the instance than on the class, and slower once an instance was given
        attributes that its class did not have when most of its instances were made.
        """
        self._log = self._resets = None
        self._light = type(self)._light
        self._noted, self._said = INVALID, ""
        self.index = -1
        self.skipped = False

    def _t(self) -> Status:
        """Tick once and return the status."""
        raise NotImplementedError

    def _x(self, new: Status) -> None:
        """Stop with a status; INVALID halts."""
        raise NotImplementedError

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.tick is not Steps.tick:
            cls._t = Steps._t_generator  # type: ignore[method-assign]
        if cls.stop is not Steps.stop and cls._x is not Steps._x_by_stop:
            cls._own_x = cls._x  # type: ignore[method-assign]
            cls._x = Steps._x_by_stop  # type: ignore[method-assign]

    def stop(self, new_status: Status = INVALID) -> None:
        """Stop with a status (py_trees' name). A class that overrides this, or ``tick``, has its own called."""
        self._own_x(new_status)

    def _own_x(self, new: Status) -> None:
        self._x(new)

    def _x_by_stop(self, new: Status) -> None:
        """Stop a node of a class that overrides py_trees' ``stop``."""
        try:
            self.stop(new)
        except FAULTS as error:
            raise_fault(self, error)

    def _t_generator(self) -> Status:
        """Tick a node of a class that overrides py_trees' ``tick``."""
        for _ in self.tick():
            pass
        return self.status

    def tick(self) -> Iterator[Any]:
        """Tick as py_trees does, node by node. A skipped node is not yielded, so that its parent passes over it."""
        self.skipped = False
        for node in self._ticks():
            if node is self:
                if self._log is not None:
                    self._log(self)
                if self.skipped:
                    continue
            yield node

    def _ticks(self) -> Iterator[Any]:
        return super().tick()  # type: ignore[misc,no-any-return]

    def _skip(self) -> Status:
        """End this execution as skipped."""
        self._x(INVALID)
        self.skipped = True
        if self._log is not None:
            self._log(self)
        return INVALID

    def _runs(self, old: Status) -> Status:
        """End this tick as RUNNING."""
        self.status = RUNNING
        if old is not RUNNING and self._log is not None:
            self._log(self)
        return RUNNING

    def _pause(self) -> None:
        """Stop the clocks of everything that runs below; called once when a guard pauses it."""
        for child in self.children:
            if child.status is RUNNING:
                child._pause()

    def _resume(self) -> None:
        """Let the clocks go on; called once when the guard lets it go on."""
        for child in self.children:
            if child.status is RUNNING:
                child._resume()


def own_copy(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of a method for one class alone.

    CPython 3.11 specialises the instructions of a function to the class that it meets; one that all leaves shared would
    meet another class at each call and lose that.
    """
    function = cast(FunctionType, method)
    code, scope = function.__code__.replace(), function.__globals__
    made = FunctionType(code, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__, made.__qualname__, made.__doc__ = function.__kwdefaults__, method.__qualname__, method.__doc__
    return made


def adopt(node: Any) -> Any:
    """Give a node of another origin (plain py_trees) what its parent here calls; return it."""
    if not isinstance(node, Steps) and "_t" not in node.__dict__:
        node._t, node._x = partial(_foreign_tick, node), node.stop
        node._pause, node._resume = partial(Steps._pause, node), partial(Steps._resume, node)
        node.skipped, node._light = False, False
    return node


def _foreign_tick(node: Any) -> Status:
    try:
        for _ in node.tick():
            pass
    except FAULTS as error:
        raise_fault(node, error)
    if node.status is INVALID:
        raise_fault(node, TypeError("the node returned no status"))
    log = getattr(node, "_log", None)
    if log is not None:
        log(node)
    status: Status = node.status
    return status
