"""``knothole test``: find test files, play their cases, report in every form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._base import KnotholeError
from ...trees.draw import FORMATS
from ..authoring.inspect import project
from .coverage import TreeCoverage
from .page import page
from .report import TestReport, find_suites, line_of, read_suites, run_suites


@dataclass(frozen=True)
class TestOptions:
    """What ``knothole test`` shall do besides testing.

    Attributes:
        words: Only cases with all of these words in file or name.
        coverage: Add coverage to the text or the JSON.
        json: Print JSON instead of text.
        html: Where the page goes.
        draw: Where the drawing with marks goes; with several trees each gets its name before the suffix.
        junit: Where the XML for build servers goes.
    """

    __test__ = False

    words: str = ""
    coverage: bool = False
    json: bool = False
    html: Path | None = None
    draw: Path | None = None
    junit: Path | None = None


def run_tests(
    files: Sequence[str | Path], options: TestOptions = TestOptions(), tell: Callable[[str], None] = print
) -> tuple[str, int]:
    """Test trees.

    Args:
        files: Test files and folders with test files; none means the current folder.
        options: Reports that are wanted.
        tell: Prints the line of a case as soon as it has ended; not used with JSON.

    Returns:
        What to print at the end, and the exit code: 0 when every case passed, 1 otherwise.

    Raises:
        KnotholeError: A file has mistakes, there is nothing to test, or a report cannot be written.
    """
    if options.draw is not None and options.draw.suffix.removeprefix(".") not in FORMATS:
        known = ", ".join(f".{each}" for each in FORMATS)
        raise KnotholeError(f"{options.draw}: no picture format\n  fix:  use {known}")
    config = project()
    suites = read_suites(find_suites(files or [Path()]), config)
    report = run_suites(suites, config, options.words, lambda verdict: None if options.json else tell(line_of(verdict)))
    written = _write(report, options)
    if options.json:
        return json.dumps(report.to_json(options.coverage)), report.exit_code
    return "\n".join(["", report.text(options.coverage), *(f"wrote {path}" for path in written)]), report.exit_code


def _write(report: TestReport, options: TestOptions) -> list[Path]:
    written: list[Path] = []
    if options.html is not None:
        written.append(_put(options.html, page(report).encode()))
    if options.junit is not None:
        written.append(_put(options.junit, report.junit().encode()))
    if options.draw is not None:
        trees = report.coverage.results()
        for tree in trees:
            path = options.draw if len(trees) == 1 else _named(options.draw, tree)
            written.append(_put(path, tree.picture(path.suffix.removeprefix("."))))
    return written


def _named(path: Path, tree: TreeCoverage) -> Path:
    return path.with_name(f"{path.stem}-{tree.tree.name.replace('/', '_')}{path.suffix}")


def _put(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise KnotholeError(f"{path} cannot be written: {error.strerror}\n  fix:  name another place") from error
    return path
