"""The page of a run while it goes on: what ``knothole run --view`` adds to a run."""

from __future__ import annotations

import contextlib
import time
import webbrowser
from collections.abc import Callable
from typing import Final

from ...trees.debugging.control import Control
from ...trees.tracing.trace import TraceWriter
from ...viewer.serving import ViewerServer
from ...viewer.source import LiveSource

_LOOK: Final = 0.2
_GRACE: Final = 3.0
"""How long no page has to be open, after the run has ended, until the server ends, [s]: one that is loaded again is
gone for a moment."""


class LiveView:
    """Serves the page of one run.

    Args:
        name: How the page calls the run.
        control: Steers the run from the page; None serves read-only.
        port: Port, 0 for a free one.
        browser: Open the page.
        tell: Shows the address.

    Raises:
        MissingExtraError: The extra ``view`` is not installed.
        ViewerError: The port is taken.
    """

    def __init__(
        self, name: str, control: Control | None, port: int, browser: bool, tell: Callable[[str], None]
    ) -> None:
        self._source = LiveSource(name)
        self._server = ViewerServer([self._source], control=control, port=port)
        self._browser, self._tell = browser, tell

    @property
    def url(self) -> str:
        """The address of the page, with its token."""
        return self._server.url

    def follow(self, trace: TraceWriter) -> None:
        """Show what a trace is about to hold, from its first message on, and start to serve."""
        trace.listen(self._source.take, self._source.broke)
        self._server.start()
        self._tell(f"live at {self.url}")
        if self._browser:
            webbrowser.open(self.url)

    def stay(self) -> None:
        """Serve on after the end of the run for as long as a page is open, or until Ctrl-C."""
        self._source.end()
        if not self._server.pages:
            return
        with contextlib.suppress(KeyboardInterrupt):
            self._tell(f"the run has ended; the page stays while it is open, Ctrl-C ends it: {self.url}")
            seen = time.monotonic()
            while time.monotonic() - seen < _GRACE:
                time.sleep(_LOOK)
                if self._server.pages:
                    seen = time.monotonic()

    def close(self) -> None:
        """End the server. Idempotent."""
        self._server.close()

    def __enter__(self) -> LiveView:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
