"""A file that results go to as they come, so that a suite that ends early goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

from ..._base import KnotholeError, parse_json
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
        try:
            first, *rest = path.read_text(encoding="utf-8").split("\n") if path.exists() else ("",)
            if not first and not any(rest):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(head + "\n", encoding="utf-8")
                return
        except (OSError, UnicodeDecodeError) as error:
            raise ResultsError(f"{path} is no file of results: {error}\n  fix:  name another file") from error
        if first != head:
            raise ResultsError(
                f"{path} has results of a suite that was run in another way\n"
                f"  why:  there {first:.200}, now {head:.200}\n  fix:  name another file, or delete this one"
            )
        *whole, last = rest or ("",)
        for number, line in enumerate(whole, 2):
            try:
                one = Acted.from_json(parse_json(line))
            except (ValueError, TypeError) as error:
                raise ResultsError(f"{path}:{number}: {error}\n  fix:  delete the line") from error
            self.known[one.seed] = one
        if last or not rest:  # it was being written when the suite ended
            path.write_text("".join(f"{line}\n" for line in (first, *whole)), encoding="utf-8")

    def add(self, one: Acted) -> None:
        """Write one result."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(one.to_json()) + "\n")
