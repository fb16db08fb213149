"""Cassettes: files that keep every answer of a run, a line of JSON each, for ``replay`` to answer from.

```json
{"knothole_cassette":1}
{"run":1,"of":{"tree":"tidy_table","seed":3,"vlm":"embedded"}}
{"run":1,"frame":"8c1f…","question":{"kind":"yes_no","text":"Is there a cup?"},"answer":{…},"backend":"embedded"}
{"run":1,"frame":"8c1f…","jpeg":"…"}
```

Lines are only ever appended, each by one write, so that a killed run leaves all answers up to the last one, and several
runs or processes may share a file. ``frame`` is the hash of the pixels (``Frame.digest``), empty for questions about no
picture; a line with a picture stands there where pictures are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .._base import KnotholeError, parse_json
from .questions import Answer
from .recorded import RecordedError, answer_of, duration, question_key

VERSION: Final = 1
HEAD: Final = "knothole_cassette"


class CassetteError(KnotholeError):
    """A cassette cannot be read or written."""


@dataclass(frozen=True)
class Entry:
    """One recorded answer.

    Attributes:
        frame: Hash of the picture it is about, empty for none.
        key: Key of the question, ``recorded.question_key``.
        kind: Kind of the question.
        text: Words of the question.
        backend: Name of the backend that answered.
        answer: The answer.
        delay: From asking to delivery on the run clock, [s]; None where nobody noted it.
        run: Number of the run in the file, from 1.
    """

    frame: str
    key: str
    kind: str
    text: str
    backend: str
    answer: Answer
    delay: float | None = None
    run: int = 1


@dataclass(frozen=True)
class Cassette:
    """What a cassette, or a trace, holds.

    Attributes:
        path: The file.
        entries: The answers, in the order of the file.
        runs: What is known of each run.
        complete: False when the file ends in the middle of a line.
    """

    path: Path
    entries: tuple[Entry, ...]
    runs: tuple[Mapping[str, Any], ...] = ()
    complete: bool = True


def read_cassette(path: Path) -> Cassette:
    """Read a cassette; a last line that was cut off is left out.

    Raises:
        CassetteError: There is no such file, it is no cassette, its version is unknown, or a line is wrong.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise CassetteError(
            f"cannot read the cassette {path}: {error.strerror or error}\n  fix:  name a file that --cassette wrote"
        ) from error
    complete = lines[-1] == b""
    check_head(path, lines[0].decode("utf-8", "replace") if len(lines) > 1 else "")
    entries: list[Entry] = []
    runs: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines[1:-1], start=2):
        row = _row(path, number, line)
        if "answer" in row:
            entries.append(_entry(path, number, row))
        elif isinstance(row.get("of"), dict):
            runs.append(row["of"])
        elif "jpeg" not in row:
            raise _wrong(path, number, "it has neither an answer nor a picture")
    return Cassette(path, tuple(entries), tuple(runs), complete)


def check_head(path: Path, line: str) -> None:
    """Make sure that the first line of a file is that of a cassette.

    Raises:
        CassetteError: It is not, or its version is unknown.
    """
    try:
        head = parse_json(line)
    except ValueError:
        head = None
    version = head.get(HEAD) if isinstance(head, dict) else None
    if version is None:
        raise CassetteError(
            f'{path} is no cassette\n  why:  its first line is not {{"{HEAD}": {VERSION}}}\n'
            "  fix:  name a file that --cassette wrote, or a trace, ….mcap"
        )
    if version != VERSION:
        raise CassetteError(
            f"{path} is a cassette of version {version!r}\n  why:  this knothole reads version {VERSION}\n"
            "  fix:  record it again, or use the knothole that wrote it"
        )


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong(path, number, f"not UTF-8 text: {error}") from error
    except ValueError as error:
        raise _wrong(path, number, f"no JSON: {error}") from error
    if not isinstance(row, dict):
        raise _wrong(path, number, "it is no mapping")
    return row


def _entry(path: Path, number: int, row: Mapping[str, Any]) -> Entry:
    question, answer, delay, run = (row.get(name) for name in ("question", "answer", "delay", "run"))
    try:
        if not isinstance(question, dict) or not isinstance(answer, dict):
            raise RecordedError("question and answer must be mappings")
        if not isinstance(row.get("frame"), str) or not isinstance(question.get("text"), str):
            raise RecordedError("frame and the text of the question must be text")
        if delay is not None:
            delay = duration(delay, "delay")
        if isinstance(run, bool) or not isinstance(run, int):
            raise RecordedError(f"run is {run!r}, must be the number of a run")
        kind = str(question.get("kind", ""))
        said = answer_of({"kind": kind, **answer})
    except RecordedError as error:
        raise _wrong(path, number, str(error)) from error
    key, backend = question_key(question), str(row.get("backend", ""))
    return Entry(row["frame"], key, kind, question["text"], backend, said, delay, run)


def _wrong(path: Path, line: int, why: str) -> CassetteError:
    return CassetteError(f"{path}:{line}:1: error: not a line of a cassette\n  why:  {why}\n  fix:  remove the line")
