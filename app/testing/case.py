"""A test file and its cases, read and checked: plain data."""

from __future__ import annotations

from dataclasses import dataclass

from ..._base import KnotholeError, Place
from ...trees.reading.document import Scalar, Source
from ...trees.spec import TreeSpec
from ..settings.config import Config
from .expectations import CHECKS, Expected
from .failure import Failure, failure, silent_mocks
from .play import Played, Scenario, play


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        name: Its key.
        at: Where it stands.
        source: The file.
        tree: The tree without mocks, for coverage.
        scenario: What is played.
        expected: What must hold.
        about: Words of the author.
    """

    name: str
    at: Scalar
    source: Source
    tree: TreeSpec
    scenario: Scenario
    expected: tuple[Expected, ...]
    about: str = ""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.source.place(self.at)

    @property
    def title(self) -> str:
        """File and name: ``tidy_test.yaml::a name``."""
        return f"{self.source.file}::{self.name}"


@dataclass(frozen=True)
class Suite:
    """One test file.

    Attributes:
        file: Path as given.
        cases: In the order of the file.
    """

    file: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Verdict:
    """How a case went.

    Attributes:
        case: The case.
        failures: What was not as expected.
        played: The run, None when it could not be started.
    """

    case: Case
    failures: tuple[Failure, ...]
    played: Played | None

    @property
    def passed(self) -> bool:
        """True when everything was as expected."""
        return not self.failures

    @property
    def explanation(self) -> str:
        """All failures as text."""
        return "\n\n".join(map(str, self.failures))

    def to_json(self) -> dict[str, object]:
        """Return ``{file, case, line, passed, status, ticks, time_s, failures}``."""
        played = self.played
        return {
            "file": self.case.source.file,
            "case": self.case.name,
            "line": self.case.at.line,
            "tree": self.case.tree.name,
            "passed": self.passed,
            "status": played.status if played is not None else "",
            "ticks": played.ticks if played is not None else 0,
            "time_s": round(played.time, 3) if played is not None else 0.0,
            "failures": [each.to_json() for each in self.failures],
        }


def judge(case: Case, config: Config) -> Verdict:
    """Play a case and compare what came with what is expected; a run that cannot be started is a failure."""
    try:
        played = play(case.scenario, config)
    except KnotholeError as error:
        why = str(error).partition("\n")[0]
        return Verdict(
            case, (failure(case.source, case.at, "it cannot be run", "a run", why, str(error).splitlines()[1:]),), None
        )
    failures = [each for expected in case.expected for each in CHECKS[expected.key](expected, played)]
    if played.status == "FAULT" and not any(expected.value == "fault" for expected in case.expected):
        lines = [*played.reason.splitlines(), *silent_mocks(case.scenario.tree, played.reason)]
        failures = [failure(case.source, case.at, "something was raised", "a run without a fault", lines[0], lines[1:])]
    return Verdict(case, tuple(failures), played)
