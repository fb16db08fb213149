"""Connections: anybody on this machine can open one, so those that ask nothing are few, and do not stay."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

SILENCE: Final = 10.0
"""How long the header of the first request may take, [s]."""
MOST_SILENT: Final = 64
"""Most connections that wait for that header; one more, and the oldest of them is closed."""


class Connection(H11Protocol):
    """One connection; it is closed unless a request comes soon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience: asyncio.TimerHandle | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it is open and has asked nothing yet."""
        return self._patience is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(SILENCE, self._hang_up)
        silent = [each for each in self.connections if isinstance(each, Connection) and each.is_silent]
        if len(silent) > MOST_SILENT:
            min(silent, key=Connection._until)._hang_up()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        if self.scope is not None:
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._rest()
        super().connection_lost(exc)

    def _until(self) -> float:
        return self._patience.when() if self._patience is not None else 0.0

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _hang_up(self) -> None:
        self._rest()
        self.transport.close()
