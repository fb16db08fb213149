"""``knothole lsp``: a language server for tree files, over standard input and output."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from ..._base import import_needed


def serve() -> int:
    """Serve one editor until it says exit.

    Raises:
        MissingExtraError: pygls is not installed.
    """
    import_needed("pygls", "the language server", "lsp")
    from .server import serve_stream

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a leaf prints must not reach the editor as a message
    return serve_stream(sys.stdin.buffer, out)


def _end(number: int, frame: object) -> NoReturn:
    """End at once: a thread waits for the editor's next word, and an orderly end would wait for that thread."""
    os._exit(128 + number)
