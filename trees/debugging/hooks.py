"""Hooks on nodes, as the Groot2 protocol has them: stop there, or replace the result, before or after the tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from ..._base import KnotholeError
from ...behaviors.step import FAILURE, SUCCESS, Status
from ..builder import BuiltTree
from .gates import Gates, TickLeft
from .standstill import Standstill

Position = Literal["pre", "post"]
Mode = Literal["break", "replace"]
HookStatus = Literal["SUCCESS", "FAILURE", "RUNNING", "SKIPPED", "IDLE"]
_GIVES: Final = {"SUCCESS": SUCCESS, "FAILURE": FAILURE}


@dataclass(frozen=True)
class Hook:
    """One hook.

    Attributes:
        node: Index of the node in ``BuiltTree.nodes``.
        position: ``pre``: before each tick of the node; ``post``: after it.
        mode: ``break`` stands there until ``unlock``; ``replace`` does not stand.
        status: ``SUCCESS`` or ``FAILURE`` is what the node gets, in place of its tick or of its own status. With any
            other nothing is replaced.
        once: Whether it is taken away when it has acted.
        enabled: A hook that is not does nothing.
    """

    node: int
    position: Position = "pre"
    mode: Mode = "break"
    status: str = "SKIPPED"
    once: bool = False
    enabled: bool = True


class HookError(KnotholeError):
    """A hook cannot be inserted."""


class Hooks:
    """The hooks of one tree, at most one at each position of a node. All methods may be called from any thread.

    A node that is RUNNING and gets a result from a hook is halted first. While a tick stands at a hook the robot holds
    still and the watchdog rests; it goes on at ``unlock``, when the hook is disabled or taken away, and it is left when
    the run is to end.

    Args:
        tree: The tree.
        gates: Where hooks are put; of its own unless given.
        standstill: Where a tick stands; of its own unless given.

    Attributes:
        on_break: Called with a hook on the thread that ticks, before it stands there.
        on_pass: Called with it on that thread when the tick goes on, or is left.
        on_replace: Called with a hook that does not stand, on that thread, before it acts.
        on_change: Called with a word and a hook on the thread that changed something: ``insert``, ``remove``,
            ``unlock``, ``disable``, ``enable``, or ``gone`` when a hook with ``once`` has acted.
    """

    def __init__(self, tree: BuiltTree, gates: Gates | None = None, standstill: Standstill | None = None) -> None:
        self._tree, self._gates = tree, gates or Gates(tree)
        self._standstill = standstill or Standstill()
        self._hooks: dict[tuple[int, Position], Hook] = {}
        self._waiting: tuple[int, Position] | None = None
        self._ready = False
        self._passed = False
        self.on_break: list[Callable[[Hook], None]] = []
        self.on_pass: list[Callable[[Hook], None]] = []
        self.on_replace: list[Callable[[Hook], None]] = []
        self.on_change: list[Callable[[str, Hook], None]] = []

    def insert(self, hook: Hook) -> None:
        """Put a hook on a node, in place of the one at its position.

        Raises:
            HookError: There is no such node, position, mode or status.
        """
        count = len(self._tree.nodes)
        if not 0 <= hook.node < count:
            raise HookError(f"there is no node {hook.node}\n  fix:  give the index of a node, 0 to {count - 1}")
        for what, given, known in (
            ("position", hook.position, get_args(Position)),
            ("mode", hook.mode, get_args(Mode)),
            ("status", hook.status, get_args(HookStatus)),
        ):
            if given not in known:
                raise HookError(f"a hook has no {what} {given!r}\n  fix:  give one of {', '.join(known)}")
        self._place(hook)
        self._tell("insert", hook)

    def _place(self, hook: Hook) -> None:
        key = (hook.node, hook.position)
        with self._standstill.changed:
            self._hooks[key] = hook
            if hook.position == "pre":
                self._gates.put(hook.node, _name(hook.position), before=lambda: self._reached(key))
            else:
                self._gates.put(hook.node, _name(hook.position), after=lambda status: self._reached(key))
            self._standstill.changed.notify_all()

    def remove(self, node: int, position: Position) -> bool:
        """Take a hook away; a tick that stands there goes on. False when there is none."""
        with self._standstill.changed:
            hook = self._hooks.pop((node, position), None)
            if hook is not None:
                self._gates.take(node, _name(position))
                self._standstill.changed.notify_all()
        if hook is not None:
            self._tell("remove", hook)
        return hook is not None

    def unlock(self, node: int, position: Position, status: str, remove: bool) -> bool:
        """Let a tick that stands at a hook go on, the node with this status; False when there is no such hook.

        Args:
            node: Index of the node.
            position: ``pre`` or ``post``.
            status: As in ``Hook``, from now on.
            remove: Take the hook away then.
        """
        key = (node, position)
        with self._standstill.changed:
            hook = self._hooks.get(key)
            if hook is None:
                return False
            hook = self._hooks[key] = replace(hook, status=status, once=hook.once or remove)
            self._ready = self._ready or self._waiting == key
            self._standstill.changed.notify_all()
        self._tell("unlock", hook)
        return True

    def pass_by(self) -> None:
        """Let a tick that stands at a hook go on this time as if there were none."""
        with self._standstill.changed:
            self._passed = self._waiting is not None
            self._standstill.changed.notify_all()

    def all(self) -> tuple[Hook, ...]:
        """Return all hooks, by node."""
        with self._standstill.changed:
            return tuple(hook for _, hook in sorted(self._hooks.items()))

    def clear(self) -> None:
        """Take all hooks away."""
        for hook in self.all():
            self.remove(hook.node, hook.position)

    def disable_all(self) -> None:
        """Let all hooks do nothing; a tick that stands goes on."""
        self._enable(False)

    def enable_all(self) -> None:
        """Let all hooks act again."""
        self._enable(True)

    @property
    def waiting(self) -> Hook | None:
        """The hook at which a tick stands."""
        with self._standstill.changed:
            return self._hooks.get(self._waiting) if self._waiting is not None else None

    def follow(self, came_from: tuple[int, ...]) -> None:
        """Stay at the same nodes of a tree that was changed, after the gates did."""
        with self._standstill.changed:
            old, self._hooks = self._hooks, {}
            for node, before in enumerate(came_from):
                for position in get_args(Position):
                    hook = old.get((before, position))
                    if before >= 0 and hook is not None:
                        self._place(replace(hook, node=node))

    def _enable(self, enabled: bool) -> None:
        with self._standstill.changed:
            changed = [hook for hook in self._hooks.values() if hook.enabled is not enabled]
            for hook in changed:
                self._hooks[hook.node, hook.position] = replace(hook, enabled=enabled)
            self._standstill.changed.notify_all()
        for hook in changed:
            self._tell("enable" if enabled else "disable", hook)

    def _reached(self, key: tuple[int, Position]) -> Status | None:
        """Act as the hook at a position says."""
        hook = self._hooks.get(key)
        if hook is None or not hook.enabled:
            return None
        if hook.mode == "break":
            hook = self._stand(key, hook)
            if hook is None or not hook.enabled:
                return None
        else:
            for tell in tuple(self.on_replace):
                tell(hook)
        if hook.once:
            with self._standstill.changed:
                gone = self._hooks.pop(key, None)
                self._gates.take(hook.node, _name(hook.position))
            if gone is not None:
                self._tell("gone", gone)
        return _GIVES.get(hook.status)

    def _stand(self, key: tuple[int, Position], hook: Hook) -> Hook | None:
        """Stand at a hook; return what it says when the tick goes on, None when it was taken away."""
        self._waiting, self._ready, self._passed = key, False, False
        try:
            for tell in tuple(self.on_break):
                tell(hook)
            if not self._standstill.wait(lambda: self._ready or self._passed or not self._acts(key)):
                raise TickLeft
            found = self._hooks.get(key)
            return replace(found, status="SKIPPED") if found is not None and self._passed else found
        finally:
            self._waiting = None
            for tell in tuple(self.on_pass):
                tell(hook)

    def _acts(self, key: tuple[int, Position]) -> bool:
        hook = self._hooks.get(key)
        return hook is not None and hook.enabled and hook.mode == "break"

    def _tell(self, what: str, hook: Hook) -> None:
        for tell in tuple(self.on_change):
            tell(what, hook)


def _name(position: Position) -> str:
    """Return the name of a hook at its gate; what Control puts before a node stands before or after it by name."""
    return "5 hook" if position == "pre" else "hook"
