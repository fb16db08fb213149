"""Format tree files: canonical YAML, comments kept."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...trees.editing.canonical import canonical
from ...trees.problems import Problem, TreeError
from ...trees.reading.raw_text import file_error
from ...trees.reading.reader import read_file
from .inspect import project

STDIN = "-"


@dataclass(frozen=True)
class Formatted:
    """One file before and after.

    Attributes:
        file: Its name, ``<stdin>`` for standard input.
        before: Its text.
        after: The canonical form of it.
    """

    file: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """True when the two differ."""
        return self.before != self.after

    def diff(self) -> str:
        """Return the difference in unified form, empty when there is none."""
        before, after = (text.replace("\r\n", "\n").splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(before, after, self.file, self.file))


def format_file(path: str | Path, check: bool = False) -> Formatted:
    """Put a file into its canonical form; comments, line ends and permissions stay.

    Args:
        path: A YAML file.
        check: Only look, write nothing.

    Raises:
        TreeError: It cannot be read or written, or is no YAML; it is left untouched.
    """
    file = str(path)
    if Path(file).suffix.lower() == ".xml":
        raise file_error(file, "K002", "only YAML can be formatted, not XML", f"knothole convert {file} tree.yaml")
    read_file(file)  # says in its own words what is wrong with the file
    before = Path(file).read_bytes().decode("utf-8")
    made = Formatted(file, before, canonical(before, file))
    if made.changed and not check:
        _write(Path(file), made.after)
    return made


def format_stdin(check: bool = False) -> Formatted:
    """Format standard input; the result goes to standard output unless ``check`` is given.

    Raises:
        TreeError: It is no YAML.
    """
    try:
        before = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise file_error("<stdin>", "K004", f"this is not UTF-8: {error.reason}", "give UTF-8 text") from error
    made = Formatted("<stdin>", before, canonical(before, "<stdin>"))
    if not check:
        sys.stdout.write(made.after)
    return made


def format_files(
    files: Sequence[str], check: bool = False, show_diff: bool = False
) -> tuple[list[Formatted], list[Problem], str]:
    """Format some files, ``-`` being standard input; one with mistakes does not keep the others from it.

    Args:
        files: Paths.
        check: Write nothing.
        show_diff: Write nothing either, put the differences into the report.

    Returns:
        What was formatted, what was wrong, and the report.
    """
    project()  # third-party nodes say which of their ports hold nodes
    look = check or show_diff
    done: list[Formatted] = []
    problems: list[Problem] = []
    for file in files:
        try:
            done.append(format_stdin(look) if file == STDIN else format_file(file, look))
        except TreeError as error:
            problems += error.problems
    parts = [str(problem) for problem in problems]
    if show_diff:
        parts += [each.diff().rstrip("\n") for each in done if each.changed]
    else:
        verb = "would be formatted" if look else "formatted"
        parts += [f"{each.file}: {verb}" for each in done if each.changed and (look or each.file != "<stdin>")]
    return done, problems, "\n".join(parts)


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, through links, with the permissions it had."""
    path = path.resolve()
    if not path.stat().st_mode & 0o222:
        raise _unwritten(path, "it is read-only", f"chmod u+w {path}")
    try:
        handle, name = tempfile.mkstemp(prefix=".fmt-", dir=path.parent)
    except OSError as error:
        raise _unwritten(path, error.strerror, "check the permissions of its folder") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        shutil.copymode(path, name)
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise _unwritten(path, error.strerror, "check its permissions") from error


def _unwritten(path: Path, reason: str | None, fix: str) -> TreeError:
    return file_error(str(path), "K003", f"the file cannot be written: {reason}", fix)
