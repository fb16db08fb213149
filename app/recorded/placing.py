"""Files that are made from traces: what is there is replaced only on request, and never by half a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..._base import KnotholeError


class ExportError(KnotholeError):
    """A trace cannot be written in the wanted form or place."""


@contextmanager
def placed(trace: Path, output: Path, force: bool) -> Iterator[Path]:
    """Give a file to write beside the wanted one, and put it in its place when it is whole.

    Args:
        trace: What it is made from, and does not replace.
        output: The wanted file.
        force: Replace a file that is there.

    Raises:
        ExportError: There is a file already, or it cannot be written.
    """
    if output.exists() and output.resolve() == trace.resolve():
        raise ExportError(f"{output} is the trace itself\n  fix:  name another file")
    if output.exists() and not force:
        raise ExportError(f"{output} is there already\n  fix:  name another file, or give --force")
    part = output.with_name(f".{output.stem}.part{output.suffix}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, output)
    except OSError as error:
        raise ExportError(f"cannot write {output}: {error.strerror or error}\n  fix:  name another file") from error
    finally:
        with suppress(OSError):
            part.unlink()
