"""The layout of Graphviz, where its program ``dot`` is installed."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from ..._base import KnotholeError

FORMATS: Final = ("svg", "png", "pdf")
_PATIENCE: Final = 120.0
"""Longest time that it may take, [s]."""


class LayoutError(KnotholeError):
    """Graphviz is not there, or cannot lay a tree out."""


def lay_out_with_dot(text: str, format: str) -> bytes:
    """Return a picture that Graphviz made of a text in its language.

    Args:
        text: What ``words.to_dot`` returned.
        format: One of ``FORMATS``.

    Raises:
        LayoutError: There is no ``dot``, it refuses, or it takes longer than two minutes.
    """
    program = shutil.which("dot")
    if program is None:
        raise LayoutError("there is no program dot\n  fix:  install Graphviz, or leave out --layout dot")
    if format not in FORMATS:
        raise LayoutError(f"dot lays out {', '.join(FORMATS)}, not {format}\n  fix:  leave out --layout dot")
    try:
        done = subprocess.run([program, f"-T{format}"], input=text.encode(), capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise LayoutError(f"dot was not done within {_PATIENCE:g} s\n  fix:  leave out --layout dot") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise LayoutError(f"dot gave up: {said or 'it said nothing'}\n  fix:  leave out --layout dot")
    return done.stdout
