"""The server of the page: it listens on this machine alone, on a thread of its own."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from .._base import KnotholeError, import_needed
from .source import RecordedSource, Source

HOST: Final = "127.0.0.1"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,}")


class ViewerError(KnotholeError):
    """The viewer cannot be started."""


class Commanded(Protocol):
    """What is steered from the page: ``Control`` of a run."""

    def command(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what a command says and return what came of it."""

    def subscribe(self, heard: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        """Call a function with the state after each change; returns what ends that."""


class ViewerServer:
    """Serve the page of some runs to browsers on this machine.

    Args:
        sources: The runs: traces by path, or sources; several can be compared.
        control: Steers the live run; None serves read-only.
        port: Port; 0 takes a free one.
        token: What the address must hold; 128 random bits unless given.

    Attributes:
        url: The address of the page, with the token. Whoever knows it sees, and with ``control`` steers, the run.

    Raises:
        MissingExtraError: The extra ``view`` is not installed.
        TraceError: A path is no trace.
        ViewerError: The port is taken, or there is nothing to show.
    """

    def __init__(
        self,
        sources: Sequence[Source | Path | str],
        *,
        control: Commanded | None = None,
        port: int = 0,
        token: str | None = None,
    ) -> None:
        for module in ("starlette", "uvicorn"):
            import_needed(module, "knothole view", "view")
        if not sources:
            raise ViewerError("there is no run to show\n  fix:  name a trace")
        if token is not None and not _TOKEN.fullmatch(token):
            raise ViewerError("the token is too short, or has signs that no address can hold\n  fix:  leave it out")
        self.sources = [each if isinstance(each, Source) else RecordedSource(each) for each in sources]
        self.control, self.token = control, token or secrets.token_urlsafe(16)
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}/{self.token}/"
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: Any = None

    @property
    def pages(self) -> int:
        """How many pages are open and follow a run."""
        return self._application.pages if self._thread is not None else 0

    def start(self) -> ViewerServer:
        """Start to serve, and return once it does."""
        import uvicorn

        from .application import Application
        from .connection import Connection

        self._application = Application(self.sources, self.control, self._ready.set)
        hosts = [f"{name}:{self.port}" for name in (HOST, "localhost")]
        settings: dict[str, Any] = {
            "log_level": "critical",
            "access_log": False,
            "server_header": False,
            "ws": "none",
            "http": Connection,
            "loop": "asyncio",
            "lifespan": "on",
            "timeout_keep_alive": 30,
            "timeout_graceful_shutdown": 2,
            "h11_max_incomplete_event_size": 32 * 1024,
        }
        app = self._application.behind_the_gate(self.token, hosts)
        self._server = uvicorn.Server(uvicorn.Config(app, **settings))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="viewer", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        return self

    def close(self) -> None:
        """Stop to serve and release the port. Idempotent."""
        if self._thread is not None:
            self._application.close()
            self._server.should_exit = True
            self._thread.join()
            self._thread = None
        self._socket.close()

    def __enter__(self) -> ViewerServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=128)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ViewerError(
            f"cannot listen at {HOST}:{port}: {why}\n  fix:  take another --port, or 0 for a free one"
        ) from error
