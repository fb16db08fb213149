"""``knothole lsp``: a language server for tree files, over standard input and output."""

from __future__ import annotations

import sys

from .._base import import_needed


def serve() -> int:
    """Serve one editor until it says exit.

    Raises:
        MissingExtraError: pygls is not installed.
    """
    import_needed("pygls", "the language server", "lsp")
    from .editor.server import serve_stream

    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a leaf prints must not reach the editor as a message
    return serve_stream(sys.stdin.buffer, out)
