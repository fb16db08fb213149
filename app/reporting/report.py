"""The report on recorded questions, as text and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .collecting import Gathered, Source, Tally, median, p95, reliability

_LONGEST = 60


@dataclass(frozen=True)
class QuestionReport:
    """What recorded runs say of their questions."""

    gathered: Gathered

    @property
    def notes(self) -> list[str]:
        """What a reader has to know of the numbers, in sentences."""
        found = self.gathered
        read = [source for source in found.sources if not source.problem]
        notes = [f"{source.path} was left out: {source.problem}" for source in found.sources if source.problem]
        notes += [
            f"{source.path} ends in the middle: the report is about what is in it"
            for source in read
            if not source.complete
        ]
        if any(source.about.get("answers_from_truth") for source in read):
            notes.append("some answers come from the truth of the simulator itself (oracle)")
        if not found.total.asked:
            notes.append("no question was asked")
        elif not found.total.right:
            notes.append("accuracy and calibration are not known: record runs in simulation with --truth")
        if found.orphans:
            notes.append(f"answers that belong to no recorded question: {found.orphans}")
        if found.total.hang:
            notes.append(f"unsure because they hang on words in the picture: {found.total.hang}")
        return notes

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        rows = sorted(self.gathered.rows.items())
        return {
            "traces": [
                {"trace": str(s.path), "complete": s.complete, "problem": s.problem, **s.about}
                for s in self.gathered.sources
            ],
            "total": self.gathered.total.to_json(),
            "questions": [
                {"node": node, "kind": kind, "question": text, **tally.to_json()} for (node, kind, text), tally in rows
            ],
            "reliability": [
                {"probability": p, "right": right, "n": n} for p, right, n in reliability(self.gathered.total.bets)
            ],
            "notes": self.notes,
        }

    def __str__(self) -> str:
        lines = [_source(source) for source in self.gathered.sources if not source.problem]
        rows = sorted(self.gathered.rows.items())
        if rows:
            lines += ["", _cells(HEADS)]
            node = ""
            for (asker, kind, text), tally in rows:
                if asker != node:
                    lines.append(asker or "nobody")
                    node = asker
                lines += [f"  {_short(text)}  ({kind})", _cells(cells(tally))]
            lines += ["all", _cells(cells(self.gathered.total))]
        return "\n".join([*lines, "", *(f"note: {note}" for note in self.notes)]).rstrip()


HEADS = (
    "asked", "shared", "answered", "calls", "median", "p95", "USD", "tokens", "unsure", "accuracy", "ECE"
)  # fmt: skip
_WIDTHS = (8, 8, 10, 7, 10, 10, 9, 9, 9, 10, 8)


def cells(tally: Tally) -> tuple[str, ...]:
    """Return the numbers of one row in words, under ``HEADS``; empty where nothing is known."""
    data = tally.to_json()
    accuracy, error = data["accuracy"], data["calibration_error"]
    return (
        str(tally.asked),
        str(tally.shared),
        str(tally.answered),
        str(len(tally.requests)),
        seconds(median(tally.latencies)),
        seconds(p95(tally.latencies)),
        f"{tally.cost:.4f}" if tally.cost else "0",
        str(tally.tokens),
        f"{tally.unsure / tally.answered:.1%}" if tally.answered else "",
        f"{accuracy:.1%}" if isinstance(accuracy, float) else "",
        f"{error:.3f}" if isinstance(error, float) else "",
    )


def seconds(value: float | None) -> str:
    """Return a time in words.

    >>> seconds(0.0123), seconds(2.5), seconds(None)
    ('12.3 ms', '2.50 s', '')
    """
    if value is None:
        return ""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


def _cells(words: Sequence[str]) -> str:
    return "    " + "".join(f"{word:>{width}}" for word, width in zip(words, _WIDTHS, strict=True)).rstrip()


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _source(source: Source) -> str:
    return f"{source.path}: {describe(source)}"


def describe(source: Source) -> str:
    """Say in words which run a trace is of."""
    about = source.about
    where = f" in {about['scene']}, seed {about.get('seed')}" if about.get("scene") else ""
    wall = " behind a firewall" if about.get("firewall") else ""
    return f"{about.get('tree', 'a tree')}{where} with {about.get('vlm', 'a backend')}{wall}: {about.get('status', '')}"
