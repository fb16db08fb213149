"""Hooks as the protocol has them. A run that may only be watched has none."""

from __future__ import annotations

from typing import Final

from .protocol import RequestError
from .shown import ShownTree

ONLY_WATCHED: Final = "this run may only be watched: start it with --control"


class Hooking:
    """What requests about hooks do."""

    def insert(self, text: bytes, shown: ShownTree) -> list[bytes]:
        """Insert or change one hook, or several."""
        raise RequestError(ONLY_WATCHED)

    def remove(self, text: bytes, shown: ShownTree) -> list[bytes]:
        """Remove a hook."""
        raise RequestError(ONLY_WATCHED)

    def unlock(self, text: bytes, shown: ShownTree) -> list[bytes]:
        """Let a tick that stands at a breakpoint go on."""
        raise RequestError(ONLY_WATCHED)

    def dump(self, shown: ShownTree) -> list[bytes]:
        """Return all hooks as JSON."""
        return [b"[]"]

    def clear(self) -> list[bytes]:
        """Remove all hooks."""
        raise RequestError(ONLY_WATCHED)

    def disable(self) -> list[bytes]:
        """Disable all hooks."""
        raise RequestError(ONLY_WATCHED)
