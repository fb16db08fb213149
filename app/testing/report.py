"""What came of some test files: as text, as data, for build servers; pages are made in ``page.py``."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..._base import KnotholeError
from ...trees.problems import Problem, TreeError, in_order
from ..settings.config import Config
from .case import Case, Suite, Verdict, judge
from .coverage import Coverage
from .header import is_suite
from .reader import read_suite

FAILED, USAGE = 1, 2


class NoTestsError(KnotholeError):
    """There is nothing to test."""


@dataclass
class TestReport:
    """Verdicts and coverage.

    Attributes:
        verdicts: In the order of files and cases.
        coverage: Over all cases.
    """

    __test__ = False

    verdicts: list[Verdict] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)

    @property
    def failed(self) -> int:
        """How many cases failed."""
        return sum(not verdict.passed for verdict in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0 when every case passed, else 1."""
        return FAILED if self.failed else 0

    @property
    def summary(self) -> str:
        """One line."""
        ticks = sum(verdict.played.ticks for verdict in self.verdicts if verdict.played is not None)
        return f"{len(self.verdicts) - self.failed} passed, {self.failed} failed, {ticks} ticks"

    def text(self, coverage: bool = False) -> str:
        """Return every failure whole, then coverage, then how many passed."""
        parts = [verdict.explanation for verdict in self.verdicts if not verdict.passed]
        if coverage:
            parts += map(str, self.coverage.results())
        return "\n\n".join([*parts, self.summary])

    def to_json(self, coverage: bool = False) -> dict[str, object]:
        """Return ``{passed, failed, cases, coverage}``."""
        data: dict[str, object] = {
            "passed": len(self.verdicts) - self.failed,
            "failed": self.failed,
            "cases": [verdict.to_json() for verdict in self.verdicts],
        }
        if coverage:
            data["coverage"] = [tree.to_json() for tree in self.coverage.results()]
        return data

    def junit(self) -> str:
        """Return JUnit's XML, one suite a file."""
        root = ET.Element("testsuites", tests=str(len(self.verdicts)), failures=str(self.failed))
        for file in dict.fromkeys(verdict.case.source.file for verdict in self.verdicts):
            mine = [verdict for verdict in self.verdicts if verdict.case.source.file == file]
            bad = sum(not verdict.passed for verdict in mine)
            suite = ET.SubElement(root, "testsuite", name=file, tests=str(len(mine)), failures=str(bad))
            for verdict in mine:
                time = f"{verdict.played.time:.3f}" if verdict.played is not None else "0"
                case = ET.SubElement(suite, "testcase", name=verdict.case.name, classname=file, time=time, file=file)
                case.set("line", str(verdict.case.at.line))
                if not verdict.passed:
                    ET.SubElement(case, "failure", message=verdict.failures[0].message).text = verdict.explanation
        ET.indent(root)
        return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def line_of(verdict: Verdict) -> str:
    """Return the line of a case: passed or failed, name, ticks and time."""
    played = verdict.played
    took = f"  ({played.ticks} ticks, {played.time:g}s)" if played is not None else ""
    return f"{'✓' if verdict.passed else '✗'} {verdict.case.title}{took}"


def find_suites(paths: Sequence[str | Path]) -> list[Path]:
    """Return test files: those named, and in folders every YAML file whose header says that it is one, none hidden.

    Raises:
        NoTestsError: A folder has none.
    """
    found: list[Path] = []
    for each in map(Path, paths):
        if not each.is_dir():
            found.append(each)
            continue
        files = sorted(
            file
            for suffix in ("yaml", "yml")
            for file in each.rglob(f"*.{suffix}")
            if not any(part.startswith(".") for part in file.relative_to(each).parts) and is_suite(file)
        )
        if not files:
            raise NoTestsError(f"{each}: no test file here\n  fix:  write one that begins with `knothole_test: 1`")
        found += files
    return list(dict.fromkeys(found))


def read_suites(paths: Sequence[Path], config: Config) -> list[Suite]:
    """Read test files.

    Raises:
        TreeError: Some have mistakes; those of all files are in the error.
    """
    suites: list[Suite] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            suites.append(read_suite(path, config))
        except TreeError as error:
            problems += error.problems
    if problems:
        raise TreeError(in_order(problems))
    return suites


def run_suites(
    suites: Sequence[Suite],
    config: Config,
    words: str = "",
    played: Callable[[Verdict], None] = lambda verdict: None,
) -> TestReport:
    """Play the cases that have all of some words in their file or name; ``played`` is told of each as it ends.

    Raises:
        NoTestsError: No case has them.
    """
    chosen: list[Case] = [
        case
        for suite in suites
        for case in suite.cases
        if all(word in case.title.lower() for word in words.lower().split())
    ]
    if not chosen:
        known = ", ".join(case.name for suite in suites for case in suite.cases[:4]) or "none"
        raise NoTestsError(f"no case has the words {words!r}\n  fix:  choose among {known}, or leave out -k")
    report = TestReport()
    for case in chosen:
        verdict = judge(case, config)
        report.verdicts.append(verdict)
        if verdict.played is not None:
            report.coverage.add(case.tree, verdict.played)
        played(verdict)
    return report
