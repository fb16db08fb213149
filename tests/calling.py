"""Call the command line inside the test's own process: a hundred times faster than a process each."""

from __future__ import annotations

import contextlib
import io
import shlex

from knothole import cli


def call(line: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of ``knothole LINE``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(shlex.split(line))
        except SystemExit as end:
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()
