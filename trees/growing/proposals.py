"""Proposals: trees that a run repaired, written into one folder, beside whatever is there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from ..._base import KnotholeError

_MOST: Final = 1000
"""Files of one name that are told apart by numbers."""


class ProposalError(KnotholeError):
    """A proposal cannot be written."""


class ProposalFolder:
    """Writes proposals into a folder: whole or not at all, never over anything.

    Args:
        folder: Where to; made when the first proposal is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> str:
        """Write a proposal, and return its path.

        Raises:
            ProposalError: The name leads out of the folder, or the file cannot be written.
        """
        file = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
        if file != Path(file).name or "\\" in file or "\0" in file or file.startswith("."):
            raise ProposalError(
                f"{name!r} is no name for a proposal\n  why:  it would lead out of {self.folder}\n"
                "  fix:  give the name of a file, without a folder, such as tidy.yaml"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return str(self._put(file, text))
        except OSError as error:
            raise ProposalError(f"the proposal {self.folder / file} cannot be written: {error.strerror}") from error

    def _put(self, file: str, text: str) -> Path:
        """Write beside the goal, then link it there: a link never replaces anything."""
        handle, name = tempfile.mkstemp(prefix=".proposal", dir=self.folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            os.chmod(name, 0o644)
            stem, suffix = Path(file).stem, Path(file).suffix
            for number in range(1, _MOST):
                goal = self.folder / (file if number == 1 else f"{stem}-{number}{suffix}")
                try:
                    os.link(name, goal)
                except FileExistsError:
                    continue
                return goal
        finally:
            os.unlink(name)
        raise ProposalError(f"{self.folder} has {_MOST - 1} proposals called {file}\n  fix:  move some of them away")
