"""Say in plain words why a text is no YAML: the traps that YAML sets for questions, then everything else."""

from __future__ import annotations

import re
from typing import Final

import yaml

from ..problems import Problem
from .document import Source

_PLAIN: Final = {
    "mapping values are not allowed in this context": "this line is indented deeper than what it belongs to",
    "block sequence entries are not allowed in this context": "a list cannot begin on the line of its key",
    "did not find expected key": "a key is expected here: the line does not line up with the keys above",
    "could not find expected ':'": "a ':' is missing after this key",
    "did not find expected '-' indicator": "a '-' is expected here: the line does not line up with the list above",
    "did not find expected ',' or '}'": "a ',' or the closing '}' is missing before this",
    "did not find expected ',' or ']'": "a ',' or the closing ']' is missing before this",
    "did not find expected node content": "a value is expected here",
    "found unexpected end of stream": "a closing quote is missing",
    "found unexpected document indicator": "a closing quote is missing",
    "found unknown escape character": "no such escape in double quotes",
    "did not find expected <document start>": "a new tree in the same file begins with a line `---`",
}
_FIX: Final = {
    "found unexpected end of stream": "close it with the quote it began with",
    "found unexpected document indicator": "close it with the quote it began with",
    "did not find expected ',' or '}'": "close the braces, or separate with a comma",
    "did not find expected ',' or ']'": "close the brackets, or separate with a comma",
    "mapping values are not allowed in this context": "line it up with its neighbours; two spaces a level",
    "block sequence entries are not allowed in this context": "put the '-' on a line of its own, indented",
    "did not find expected key": "line it up with its neighbours; two spaces a level",
    "could not find expected ':'": "write `key: value`",
    "did not find expected '-' indicator": "line it up with its neighbours; two spaces a level",
    "found unknown escape character": "write \\\\ for a backslash, or use single quotes",
    "did not find expected <document start>": "write `---` above it",
}


def explain(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """Return the one problem that a syntax error of the YAML parser is."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return source.problem((1, 1), "K010", f"this is no YAML: {error.problem or error}", fix="correct it")
    line, column = mark.line + 1, mark.column + 1
    text = source.line(line)
    before, at = text[: column - 1], text[column - 1 : column]
    what = error.problem or ""
    flow = (error.context or "").startswith("while parsing a flow")
    start = (error.context_mark.line + 1, error.context_mark.column + 1) if error.context_mark else (line, column)
    return (
        _tab(source, line, column, what)
        or _bare_name(source, line, column, what)
        or _special_start(source, line, column, what, error.context or "")
        or (_flow(source, line, column, start) if flow else None)
        or _colon(source, line, column, what)
        or _after_quote(source, line, column, before, at, what)
        or _general(source, line, column, what, start)
    )


def _tab(source: Source, line: int, column: int, what: str) -> Problem | None:
    text = source.line(line)
    indent = text[: len(text) - len(text.lstrip())]
    if "\t" not in indent and not ("tab" in what or text[column - 1 : column] == "\t"):
        return None
    at = text.index("\t") + 1 if "\t" in text else column
    return source.problem(
        (line, at),
        "K011",
        "a tab stands where YAML wants spaces",
        why="YAML forbids tabs in indentation",
        fix="use two spaces a level",
    )


def _bare_name(source: Source, line: int, column: int, what: str) -> Problem | None:
    """Find ``- home`` with keys below it, which lacks its colon."""
    above = line - 1
    while above > 1 and not source.line(above).strip():
        above -= 1
    name = re.match(r"(\s*- +)([a-z_]+)\s*$", source.line(above))
    if name is None or not what.startswith("mapping values are not allowed"):
        return None
    return source.problem(
        (above, name.start(2) + 1),
        "K010",
        f"{name[2]!r} has keys below it and no colon",
        why="only a node without any keys is a bare name",
        fix=f"write `{name[2]}:`",
        width=len(name[2]),
    )


def _special_start(source: Source, line: int, column: int, what: str, context: str) -> Problem | None:
    text = source.line(line)
    if context.startswith(("while scanning an anchor", "while scanning an alias")):
        at = column - 1
    elif "cannot start any token" in what:
        at = column
    elif alias := re.search(r"(?:^|[:,\[{-])\s*(\*[^\s,\]}]*)\s+$", text[: column - 1]):
        at = alias.start(1) + 1
    else:
        return None
    character = text[at - 1 : at]
    if not character or character not in "@`%&*":
        return None
    return source.problem(
        (line, at),
        "K015",
        f"plain text cannot begin with {character!r}",
        why="YAML keeps this character for itself",
        fix=f"quote the whole text: {_quoted(_value_from(text, at))}",
    )


def _flow(source: Source, line: int, column: int, start: tuple[int, int]) -> Problem | None:
    text = source.line(line)
    before, at = text[: column - 1], text[column - 1 : column]
    if at == "{" and before.endswith("$"):
        begin = _plain_start(before)
        return source.problem(
            (line, column - 1),
            "K016",
            "'${' in plain text between braces or brackets",
            why="between braces and brackets '{' begins a mapping, even inside plain text",
            fix=f"quote the whole text: {_quoted(_upto(text, begin, braces=True))}",
            width=2,
        )
    if at and at in "[{" and before.rstrip() and before.rstrip()[-1] not in ":,[{":
        begin = _plain_start(before)
        return source.problem(
            (line, column),
            "K016",
            f"{at!r} in plain text between braces or brackets",
            why=f"between braces and brackets {at!r} begins a {'list' if at == '[' else 'mapping'}, even inside text",
            fix=f"quote the whole text: {_quoted(_upto(text, begin, braces=True))}",
        )
    if at == ":" and not (start[0] < line and re.match(r"\s*\w+\s*$", before)):
        begin = _plain_start(before)
        return source.problem(
            (line, column),
            "K014",
            "': ' in plain text",
            why="YAML takes what stands before ': ' for a key",
            fix=f"quote the whole text: {_quoted(_upto(text, begin))}",
            width=1,
        )
    return _comment(source, line, start)


def _comment(source: Source, line: int, start: tuple[int, int]) -> Problem | None:
    """Find the `` #`` that swallowed the rest of a line of an unfinished flow collection."""
    for number in range(start[0], min(line, start[0] + 200) + 1):
        text = source.line(number)
        masked = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'", lambda m: "x" * len(m[0]), text)
        found = re.search(r"\s#", masked[start[1] - 1 :] if number == start[0] else masked)
        if found is None:
            continue
        at = found.start() + 1 + (start[1] - 1 if number == start[0] else 0)
        begin = _plain_start(text[:at])
        return source.problem(
            (number, at + 1),
            "K013",
            "' #' begins a comment: the rest of the line is lost",
            why="in plain text YAML drops everything from ' #' to the end of the line",
            fix=f"quote the whole text: {_quoted(_upto(text, begin))}",
        )
    return None


def _colon(source: Source, line: int, column: int, what: str) -> Problem | None:
    text = source.line(line)
    if not what.startswith("mapping values are not allowed"):
        return None
    key = re.match(r"\s*(?:- +)*[^\s:\"']+: +", text[: column - 1])
    if key is None or text[key.end() : key.end() + 1] in ('"', "'"):
        return None
    return source.problem(
        (line, column),
        "K014",
        "': ' in plain text",
        why="YAML takes what stands before ': ' for a key",
        fix=f"quote the whole text: {_quoted(text[key.end() :].strip())}",
    )


def _after_quote(source: Source, line: int, column: int, before: str, at: str, what: str) -> Problem | None:
    if not at or at in "}]" or ("expected" not in what and "not allowed" not in what):
        return None
    if not re.search(r"(?:: |- |\[|\{|, )\s*(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')\s*$", before):
        return None
    return source.problem(
        (line, column),
        "K010",
        "text goes on after the closing quote",
        fix="quote the whole text, with \\\" for a quote inside double quotes and '' for one inside single quotes",
    )


def _general(source: Source, line: int, column: int, what: str, start: tuple[int, int]) -> Problem:
    message = _PLAIN.get(what, what or "this is no YAML")
    why = ""
    if start != (line, column) and start[0] != line:
        why = f"what is read here began in line {start[0]}, column {start[1]}"
    if "closing quote is missing" in message:
        line, column = start
        why = ""
    if line > 1 and not source.line(line).strip():
        line, column = _last_text(source, line)
    return source.problem((line, column), "K010", message, why=why, fix=_FIX.get(what, "correct it, or quote the text"))


def _last_text(source: Source, line: int) -> tuple[int, int]:
    while line > 1 and not source.line(line).strip():
        line -= 1
    return line, len(source.line(line).rstrip()) + 1


def _plain_start(before: str) -> int:
    """Return the index where the plain text that ``before`` ends in begins."""
    found = list(re.finditer(r": +|[,\[{] *|- +", before))
    return found[-1].end() if found else len(before) - len(before.lstrip())


def _upto(text: str, begin: int, braces: bool = False) -> str:
    """Return plain text from ``begin`` to where the author seems to have ended it."""
    ends = r",\s+[\w]+:\s|[\]}]*\s*$" if not braces else r"(?<=[\]}])\s*[,}].*$|,\s+[\w]+:\s|\s*$"
    found = re.search(ends, text[begin:])
    return text[begin : begin + found.start()] if found else text[begin:]


def _value_from(text: str, at: int) -> str:
    rest = text[at - 1 :].strip()
    if re.search(r"[{\[]", text[: at - 1]):
        rest = _upto(text, at - 1)
    return rest


def _quoted(text: str) -> str:
    text = text.strip()
    if len(text) > 60:
        text = text[:57].rstrip() + "…"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
