"""Problems that the author has looked at: ``# knothole: ignore K301 because …``, in XML ``<!-- … -->``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..problems import Problem
from ..reading.document import Source

_COMMENT: Final = re.compile(r"(?:^|(?<=\s))(?P<open>#|<!--)\s*knothole:\s*ignore\b(?P<rest>[^\n]*)")
_CODES: Final = re.compile(r"\s*(K\d{3}(?:\s*,\s*K\d{3})*)?[\s:,-]*(?:because\b)?[\s:]*(.*)", re.DOTALL)
_FIX: Final = "write `# knothole: ignore K301 because …`"
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")


@dataclass
class Ignore:
    """One comment.

    Attributes:
        line: Where it stands.
        column: Where it begins.
        width: How long it is.
        hides: The line whose problems it hides.
        codes: Which problems.
        reason: Why, in the author's words.
        used: Codes that it hid.
    """

    line: int
    column: int
    width: int
    hides: int
    codes: tuple[str, ...]
    reason: str
    used: set[str] = field(default_factory=set)


def ignores_of(source: Source) -> list[Ignore]:
    """Return the comments of a file that hide problems."""
    if "knothole:" not in source.text or "ignore" not in source.text:
        return []
    found: list[Ignore] = []
    for number, line in enumerate(source.lines, 1):
        if "ignore" not in line:
            continue
        masked = _QUOTED.sub(lambda m: "x" * len(m[0]), line)
        match = _COMMENT.search(masked)
        if match is None:
            continue
        rest = line[match.start("rest") :].split("-->")[0]
        codes = _CODES.match(rest)
        assert codes is not None
        alone = not line[: match.start()].strip()
        width = len(line.rstrip()) - match.start()
        named = tuple(re.findall(r"K\d{3}", codes[1] or ""))
        hides = _next_line(source, number) if alone else number
        found.append(Ignore(number, match.start() + 1, width, hides, named, codes[2].strip()))
    return found


def _next_line(source: Source, number: int) -> int:
    """Return the next line that is neither empty nor a comment."""
    for later in range(number + 1, len(source.lines) + 1):
        text = source.line(later).strip()
        if text and not text.startswith(("#", "<!--")):
            return later
    return number


def ignorable(problem: Problem) -> bool:
    """Tell whether a problem can be ignored: warnings, and what is wrong with entries or the shape of a whole tree."""
    return problem.severity == "warning" or problem.code[1] not in "01"


def apply_ignores(
    problems: Iterable[Problem], sources: Mapping[str, Source], checked: Sequence[str] = ()
) -> list[Problem]:
    """Return the problems that no comment hides, and those of the comments themselves.

    Args:
        problems: Problems of any files.
        sources: File → its text.
        checked: Files of which all trees were checked: a comment in them that hides nothing is told, unless the file
            has errors, which keep other problems from being found.
    """
    marks = {file: ignores_of(source) for file, source in sources.items()}
    kept: list[Problem] = []
    for problem in problems:
        hiding = [
            mark
            for mark in marks.get(problem.place.file, ())
            if mark.hides == problem.place.line and problem.code in mark.codes
        ]
        if hiding and ignorable(problem):
            for mark in hiding:
                mark.used.add(problem.code)
        else:
            kept.append(problem)
            for mark in hiding:
                mark.used.add(problem.code)
                kept.append(_of_mark(sources[problem.place.file], mark, "K163", f"{problem.code} cannot be ignored"))
    wrong = {problem.place.file for problem in kept if problem.severity == "error"}
    for file, all_marks in marks.items():
        for mark in all_marks:
            kept.extend(_mistakes(sources[file], mark, file in checked and file not in wrong))
    return kept


def _mistakes(source: Source, mark: Ignore, checked: bool) -> list[Problem]:
    if not mark.codes:
        return [_of_mark(source, mark, "K162", "this comment does not say which problem is ignored")]
    found: list[Problem] = []
    if not mark.reason:
        problem = _of_mark(source, mark, "K160", f"no reason is given to ignore {' and '.join(mark.codes)}")
        found.append(replace(problem, fix="add `because …`, for whoever reads this later"))
    unused = [code for code in mark.codes if code not in mark.used]
    if unused and checked:
        problem = _of_mark(source, mark, "K161", f"there is no {' and no '.join(unused)} here to ignore")
        found.append(replace(problem, fix="delete it, or put it at the end of the line of the problem"))
    return found


def _of_mark(source: Source, mark: Ignore, code: str, message: str) -> Problem:
    why = "what cannot be read cannot be run" if code == "K163" else ""
    fix = "correct the mistake" if code == "K163" else _FIX
    return source.problem(
        (mark.line, mark.column), code, message, why=why, fix=fix, width=mark.width, severity="warning"
    )
