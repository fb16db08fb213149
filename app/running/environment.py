"""Where a run takes place: versions, machine, and the revision of the project's folder."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("numpy", "torch", "transformers", "pybullet", "py_trees", "mcap")
_PATIENCE: Final = 5.0
"""Longest wait for git, [s]."""


def environment(folder: Path) -> dict[str, object]:
    """Say where a run takes place, for its trace.

    Args:
        folder: The project's folder.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        **_revision(folder.resolve()),
    }


@lru_cache(maxsize=32)
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@lru_cache(maxsize=8)
def _revision(folder: Path) -> dict[str, object]:
    """Return the revision that is checked out and whether tracked files were changed; nothing without git."""
    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, cwd=folder, env=quiet, capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = done.stdout.decode(errors="replace").splitlines()
    found = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    if not found or found == "(initial)":
        return {}
    return {"revision": found, "dirty": any(not line.startswith("#") for line in lines)}
