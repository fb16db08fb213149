"""Read traces and gather, per node and question, what was asked, what it cost, and how right it was."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._base import KnotholeError
from ...trees.tracing.recording import Recording, TraceError, read_trace
from ...vlm.measuring import BINS, calibration_error
from ...vlm.scene_text.comparing import HANGS
from .judging import TYPED, best, is_right, is_unsure


class ReportError(KnotholeError):
    """There is nothing to report on, or the report cannot be written."""


@dataclass
class Tally:
    """What is known of some questions.

    Attributes:
        asked: How often they were asked, shared ones included.
        shared: Of these, how often somebody else had asked the same about the same picture.
        answered: How many of them were answered.
        requests: The requests that carried them: trace, tick and frame.
        latencies: Wall time of answers, [s].
        delays: Time from asking to delivery on the run clock, [s].
        cost: Money spent, [USD].
        tokens: Tokens read and written.
        unsure: Answers that decide nothing.
        problems: Answers with a problem.
        hang: Of these, answers that changed when words were masked.
        said: Likeliest answer of typed ones, ``unsure`` for those that decide nothing → how often.
        right: Whether each answer was right, where that is known.
        bets: Probability of the likeliest answer, and whether it was right, where that is known.
    """

    asked: int = 0
    shared: int = 0
    answered: int = 0
    requests: set[tuple[int, int, str]] = field(default_factory=set)
    latencies: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    cost: float = 0.0
    tokens: int = 0
    unsure: int = 0
    problems: int = 0
    hang: int = 0
    said: Counter[str] = field(default_factory=Counter)
    right: list[bool] = field(default_factory=list)
    bets: list[tuple[float, bool]] = field(default_factory=list)

    def judge(self, data: Mapping[str, Any], truth: Mapping[str, Any] | None) -> None:
        """Count one answer: what it says, and whether it is right."""
        self.answered += 1
        problem = str(data.get("problem") or "")
        self.problems += bool(problem)
        self.hang += problem.startswith(HANGS)
        self.unsure += is_unsure(data)
        if data["kind"] in TYPED:
            self.said["unsure" if is_unsure(data) else best(data)[0]] += 1
        right = is_right(data, truth) if truth is not None else None
        if right is not None:
            self.right.append(right)
            if data["kind"] in TYPED:
                self.bets.append((best(data)[1], right))

    def pay(self, data: Mapping[str, Any], delay: float) -> None:
        """Count what one answer cost, once for all who asked."""
        self.latencies.append(float(data.get("latency") or 0.0))
        self.delays.append(round(delay, 6))
        self.cost += float(data.get("cost") or 0.0)
        self.tokens += int(data.get("tokens") or 0)

    def to_json(self) -> dict[str, object]:
        """Return plain data; what is not known is None."""
        return {
            "asked": self.asked,
            "shared": self.shared,
            "answered": self.answered,
            "calls": len(self.requests),
            "latency_median_s": median(self.latencies),
            "latency_p95_s": p95(self.latencies),
            "delay_median_s": median(self.delays),
            "cost_usd": self.cost,
            "tokens": self.tokens,
            "unsure": self.unsure / self.answered if self.answered else None,
            "problems": self.problems,
            "hang_on_words": self.hang,
            "said": dict(self.said),
            "known": len(self.right),
            "accuracy": sum(self.right) / len(self.right) if self.right else None,
            "calibration_error": calibration_error(self.bets) if self.bets else None,
        }


@dataclass(frozen=True)
class Source:
    """One trace of a report.

    Attributes:
        path: The file.
        about: Tree, scene, seed, backend and end of the run, as far as it says.
        complete: False when it ends in the middle.
        problem: Why it was left out; empty if it was not.
    """

    path: Path
    about: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = True
    problem: str = ""


@dataclass
class Gathered:
    """Everything that a report tells.

    Attributes:
        sources: The traces.
        rows: Node, kind and words of a question → what is known of it.
        total: All questions; requests and answers are counted once, however many asked.
        orphans: Answers to questions that are not in their trace.
    """

    sources: list[Source] = field(default_factory=list)
    rows: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    total: Tally = field(default_factory=Tally)
    orphans: int = 0


def gather(paths: Sequence[Path]) -> Gathered:
    """Read traces; of folders all that are in them.

    Raises:
        ReportError: A file does not exist or is no trace, or there is none in the folders.
    """
    found = Gathered()
    for path, named in _files(paths):
        try:
            recording = read_trace(path)
        except TraceError as error:
            if named:
                raise ReportError(f"{error}\n  fix:  name a file that `knothole run` wrote, ….mcap") from error
            found.sources.append(Source(path, problem=str(error)))
            continue
        found.sources.append(Source(path, _about(recording), recording.complete))
        _Trace(found, len(found.sources) - 1).read(recording)
    if not found.sources:
        raise ReportError(f"there is no trace in {paths[0]}\n  fix:  name a trace, or a folder of them")
    return found


def _files(paths: Iterable[Path]) -> Iterable[tuple[Path, bool]]:
    for path in paths:
        if path.is_dir():
            yield from ((file, False) for file in sorted(path.glob("*.mcap")))
        else:
            yield path, True


def _about(recording: Recording) -> dict[str, Any]:
    names = ("tree", "scene", "seed", "vlm", "robot", "firewall", "answers_from_truth")
    about = {name: recording.start[name] for name in names if name in recording.start}
    return {**about, "status": recording.end.get("status", "") or "no end"}


class _Trace:
    """Follows the questions of one trace to their answers."""

    def __init__(self, found: Gathered, number: int) -> None:
        self.found, self.number = found, number
        self.asked: dict[tuple[str, str], list[Tally]] = {}
        self.given: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.truth: dict[tuple[str, str], Mapping[str, Any]] = {}

    def read(self, recording: Recording) -> None:
        """Count everything that is in it."""
        for message in recording.messages:
            if message.topic == "/questions":
                self._question(message.data)
            elif message.topic == "/truth":
                self.truth[_key(message.data, "question")] = message.data
            elif message.topic == "/answers":
                self._answer(message.time, message.data)

    def _question(self, data: Mapping[str, Any]) -> None:
        name = (str(data.get("asker", "")), str(data.get("kind", "")), str(data.get("text", "")))
        row, total, key = self.found.rows.setdefault(name, Tally()), self.found.total, _key(data, "text")
        for tally in (row, total):
            tally.asked += 1
            tally.shared += bool(data.get("shared"))
        if not data.get("shared"):
            request = (self.number, int(data.get("tick", 0)), key[1])
            row.requests.add(request)
            total.requests.add(request)
            self.given.pop(key, None)
        if key in self.given:
            row.judge(self.given[key], self.truth.get(key))
        else:
            self.asked.setdefault(key, []).append(row)

    def _answer(self, time: float, data: Mapping[str, Any]) -> None:
        key = _key(data, "question")
        rows = self.asked.pop(key, [])
        if not rows:
            self.found.orphans += 1
            return
        delay = max(0.0, time - float(data.get("asked_at", time)))
        self.given[key] = data
        for row in rows:
            row.judge(data, self.truth.get(key))
        for tally in (rows[0], self.found.total):
            tally.pay(data, delay)
        self.found.total.judge(data, self.truth.get(key))


def _key(data: Mapping[str, Any], words: str) -> tuple[str, str]:
    """Return what question and answer have in common; older traces have the words only."""
    return str(data.get("key") or f"{data.get('kind')}/{data.get(words)}"), str(data.get("frame", ""))


def median(values: Sequence[float]) -> float | None:
    """Return the median, None of nothing."""
    return statistics.median(values) if values else None


def p95(values: Sequence[float]) -> float | None:
    """Return the smallest value that 95 % do not exceed, None of nothing."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else None


def reliability(bets: Sequence[tuple[float, bool]]) -> list[tuple[float, float, int]]:
    """Return mean probability, share that was right and number of each bin that is not empty; the bins of the ECE."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for p, right in bets:
        bins.setdefault(min(BINS - 1, int(p * BINS)), []).append((p, right))
    return [
        (sum(p for p, _ in each) / len(each), sum(right for _, right in each) / len(each), len(each))
        for _, each in sorted(bins.items())
    ]
