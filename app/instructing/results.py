"""A file that results go to as they come, so that a suite that ends early goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

from ..._base import KnotholeError
from .acting import Acted
from .options import SuiteOptions


class ResultsError(KnotholeError):
    """A file of results cannot be read, or is of other runs."""


class Results:
    """Results of a suite in a file: a line that says how it was run, then one a seed.

    Args:
        path: The file; made where there is none.
        options: How the suite is run.

    Attributes:
        known: Seed → result that was there already.

    Raises:
        ResultsError: The file is of a suite that was run in another way, or no such file.
    """

    def __init__(self, path: Path, options: SuiteOptions) -> None:
        self._path = path
        self.known: dict[int, Acted] = {}
        head = json.dumps(options.to_json(), sort_keys=True)
        if not path.exists() or not path.read_text(encoding="utf-8").strip():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + "\n", encoding="utf-8")
            return
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        if first != head:
            raise ResultsError(
                f"{path} has results of a suite that was run in another way\n"
                f"  why:  there {first:.200}, now {head:.200}\n  fix:  name another file, or delete this one"
            )
        for number, line in enumerate(rest, 2):
            try:
                one = Acted.from_json(json.loads(line))
            except (ValueError, TypeError) as error:
                if number == len(rest) + 1:
                    self._drop_last([first, *rest[:-1]])
                    return  # it was being written when the suite ended
                raise ResultsError(f"{path}:{number}: {error}\n  fix:  delete the line") from error
            self.known[one.seed] = one

    def _drop_last(self, lines: list[str]) -> None:
        self._path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def add(self, one: Acted) -> None:
        """Write one result."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(one.to_json()) + "\n")
