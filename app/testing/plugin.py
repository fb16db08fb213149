"""The pytest plugin: cases of test files as items, ``tree_runner`` and ``attack_with_words``, coverage at the end.

A file counts when it is called ``test_*.yaml`` or ``*_test.yaml`` and begins with ``knothole_test:``. Everything else
of knothole is imported when the first such file is collected or the fixture is used, not before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .header import is_suite

if TYPE_CHECKING:
    from ..injection.suite import InjectionReport
    from .case import Case
    from .coverage import Coverage
    from .runner import TreeRunner

_COLLECTED = "knothole_coverage"
_LOST = "knothole_lost"


class CaseFailed(Exception):
    """A case of a test file failed; the text explains it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--knothole-coverage`` and ``--knothole-report``."""
    group = parser.getgroup("knothole", "behavior trees")
    group.addoption(
        "--knothole-coverage",
        action="store_true",
        help="report which nodes, outcomes and branches of trees were covered",
    )
    group.addoption("--knothole-report", metavar="FILE", help="write that report as a page, or as data when .json")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """Collect a test file of trees."""
    name = file_path.name
    if file_path.suffix not in (".yaml", ".yml") or not (name.startswith("test_") or "_test." in name):
        return None
    if not is_suite(file_path):
        return None
    found: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
    return found


class SuiteFile(pytest.File):
    """A test file of trees."""

    def collect(self) -> Iterator[CaseItem]:
        """Read it and yield its cases."""
        from ..authoring.inspect import project
        from .reader import read_suite

        config = project()
        for case in read_suite(_short(self.path), config).cases:
            item: CaseItem = CaseItem.from_parent(self, name=case.name)
            item.case, item.settings = case, config
            yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the mistakes of the file, not the reader's own lines."""
        if hasattr(excinfo.value, "problems"):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class CaseItem(pytest.Item):
    """One case."""

    case: Case
    settings: Any

    def runtest(self) -> None:
        """Play it.

        Raises:
            CaseFailed: Something was not as expected.
        """
        from .case import judge

        verdict = judge(self.case, self.settings)
        if verdict.played is not None:
            _coverage(self.config).add(self.case.tree, verdict.played)
        if not verdict.passed:
            raise CaseFailed(verdict.explanation)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the explanation alone."""
        if isinstance(excinfo.value, CaseFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where it stands."""
        return self.path, self.case.at.line - 1, self.name


@pytest.fixture
def tree_runner(request: pytest.FixtureRequest) -> TreeRunner:
    """Play trees in virtual time: ``run = tree_runner("tidy_table", mocks={"type:pick": "failure"})``."""
    from .runner import TreeRunner

    return TreeRunner(_coverage(request.config))


@pytest.fixture
def attack_with_words() -> Callable[..., InjectionReport]:
    """Show a backend pictures with words that say what to answer: ``report = attack_with_words(bare, guarded)``."""
    from .injection import attacked

    return attacked


def _coverage(config: pytest.Config) -> Coverage:
    from .coverage import Coverage

    found = getattr(config, _COLLECTED, None)
    if found is None:
        found = Coverage()
        setattr(config, _COLLECTED, found)
    assert isinstance(found, Coverage)
    return found


def _short(path: Path) -> Path:
    """Return a path as it would be written from the working folder."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _wanted(config: pytest.Config) -> tuple[bool, str | None]:
    """Return whether coverage is shown, and the file it is written into."""
    return bool(config.getoption("--knothole-coverage")), config.getoption("--knothole-report")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand coverage to the process that reports it, where tests are spread over several."""
    collected = getattr(session.config, _COLLECTED, None)
    output = getattr(session.config, "workeroutput", None)
    if collected is not None and output is not None and any(_wanted(session.config)):
        output[_COLLECTED] = json.dumps(collected.dump())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the coverage of a worker of pytest-xdist."""
    data = getattr(node, "workeroutput", {}).get(_COLLECTED)
    if not data:
        return
    from ..authoring.inspect import project

    search = project().trees  # the trees may be made of the project's own leaves
    for file in _coverage(node.config).absorb(json.loads(data), search):
        setattr(node.config, _LOST, [*getattr(node.config, _LOST, ()), file])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Report coverage when it was asked for."""
    shown, file = _wanted(config)
    collected = getattr(config, _COLLECTED, None)
    if collected is None or not collected.trees or not (shown or file):
        return
    terminalreporter.section("coverage of trees")
    for tree in collected.results() if shown else ():
        terminalreporter.write_line(str(tree))
    for lost in dict.fromkeys(getattr(config, _LOST, ())):
        terminalreporter.write_line(f"{lost}: not counted, it is no longer there or has changed")
    if not file:
        return
    from .page import page
    from .report import TestReport

    path = Path(file)
    if path.suffix == ".json":
        text = json.dumps([tree.to_json() for tree in collected.results()])
    else:
        text = page(TestReport(coverage=collected), "coverage of trees")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        terminalreporter.write_line(f"{path} cannot be written: {error.strerror}", red=True)
        return
    terminalreporter.write_line(f"wrote {path}")
