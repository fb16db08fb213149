"""Hooks as the protocol has them: as JSON, by the numbers of nodes, and only as long as somebody asks for anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn, cast, get_args

from ...trees.debugging.hooks import Hook, Hooks, HookStatus, Mode, Position
from .protocol import SILENCE, RequestError
from .shown import ShownTree

ONLY_WATCHED: Final = "this run may only be watched: start it with --control"
NOT_FOUND: Final = "Node ID not found"
MODES: Final[tuple[Mode, ...]] = ("break", "replace")
POSITIONS: Final[tuple[Position, ...]] = ("pre", "post")
STATUSES: Final[tuple[str, ...]] = get_args(HookStatus)


class Hooking:
    """What requests about hooks do.

    Args:
        hooks: The hooks of the run; None for a run that may only be watched.
        now: Monotonic time, [s]; the heartbeat begins then.
    """

    def __init__(self, hooks: Hooks | None = None, now: float = 0.0) -> None:
        self._hooks = hooks
        self._heard = now
        self._asleep: list[Hook] | None = None

    def heard(self, now: float) -> None:
        """Note that there was a request; hooks that slept act again."""
        self._heard = now
        asleep, self._asleep = self._asleep, None
        if asleep and self._hooks is not None:
            there = set(self._hooks.all())
            for hook in asleep:
                if replace(hook, enabled=False) in there:
                    self._hooks.insert(hook)

    def beat(self, now: float) -> None:
        """Let all hooks sleep when nobody asked for anything for too long: a tick must not stand for ever."""
        if self._hooks is not None and self._asleep is None and now - self._heard > SILENCE:
            self._asleep = [hook for hook in self._hooks.all() if hook.enabled]
            if self._asleep:
                self._hooks.disable_all()

    def insert(self, text: bytes, shown: ShownTree) -> list[bytes]:
        """Insert or change one hook, or several; those of nodes that are not there are passed over."""
        hooks = self._allowed()
        given = _json(text)
        read = [_hook(each) for each in (given if isinstance(given, list) else [given])]
        for uid, hook in read:
            if 1 <= uid <= len(shown.nodes):
                hooks.insert(replace(hook, node=shown.nodes[uid - 1].inner))
        return []

    def remove(self, text: bytes, shown: ShownTree) -> list[bytes]:
        """Remove a hook."""
        hooks = self._allowed()
        node, position = _place(_mapping(_json(text)), shown)
        if not hooks.remove(node, position):
            raise RequestError(NOT_FOUND)
        return []

    def unlock(self, text: bytes, shown: ShownTree) -> list[bytes]:
        """Let a tick that stands at a breakpoint go on."""
        hooks = self._allowed()
        given = _mapping(_json(text))
        status, remove = _status(given), _flag(given, "remove_when_done")
        node, position = _place(given, shown)
        if not hooks.unlock(node, position, status, remove):
            raise RequestError(NOT_FOUND)
        return []

    def dump(self, shown: ShownTree) -> list[bytes]:
        """Return all hooks as JSON."""
        found = []
        for hook in self._hooks.all() if self._hooks is not None else ():
            uid = shown.uid_of(hook.node)
            if uid:
                found.append(
                    {
                        "desired_status": hook.status,
                        "enabled": hook.enabled,
                        "mode": MODES.index(hook.mode),
                        "once": hook.once,
                        "position": POSITIONS.index(hook.position),
                        "uid": uid,
                    }
                )
        return [json.dumps(found, separators=(",", ":")).encode()]

    def clear(self) -> list[bytes]:
        """Remove all hooks."""
        self._allowed().clear()
        return []

    def disable(self) -> list[bytes]:
        """Disable all hooks."""
        self._allowed().disable_all()
        return []

    def _allowed(self) -> Hooks:
        if self._hooks is None:
            raise RequestError(ONLY_WATCHED)
        return self._hooks


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RequestError("the second part is not JSON") from None


def _hook(given: object) -> tuple[int, Hook]:
    """Return the uid of a hook, and the hook without its node."""
    fields = _mapping(given)
    mode, once, enabled = _choice(fields, "mode", MODES), _flag(fields, "once"), _flag(fields, "enabled")
    position = _choice(fields, "position", POSITIONS)
    hook = Hook(0, cast(Position, position), cast(Mode, mode), _status(fields), once, enabled)
    return _number(fields, "uid"), hook


def _place(given: Mapping[str, object], shown: ShownTree) -> tuple[int, Position]:
    """Return the node and the position that a request names."""
    uid, position = _number(given, "uid"), cast(Position, _choice(given, "position", POSITIONS))
    if not 1 <= uid <= len(shown.nodes):
        raise RequestError(NOT_FOUND)
    return shown.nodes[uid - 1].inner, position


def _mapping(given: object) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise RequestError("a hook must be a JSON object")
    return given


def _number(given: Mapping[str, object], name: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        _wrong(given, name, "a whole number")
    return value


def _flag(given: Mapping[str, object], name: str) -> bool:
    value = given.get(name)
    if not isinstance(value, bool):
        _wrong(given, name, "true or false")
    return value


def _choice(given: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str:
    value = _number(given, name)
    if not 0 <= value < len(choices):
        _wrong(given, name, " or ".join(f"{number} ({each})" for number, each in enumerate(choices)))
    return choices[value]


def _status(given: Mapping[str, object]) -> str:
    value = given.get("desired_status")
    if not isinstance(value, str) or value not in STATUSES:
        _wrong(given, "desired_status", f"one of {', '.join(STATUSES)}")
    return value


def _wrong(given: Mapping[str, object], name: str, wanted: str) -> NoReturn:
    raise RequestError(f"{name!r} is {str(given.get(name, 'missing'))[:50]!r}, it must be {wanted}")
