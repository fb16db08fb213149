"""The answer that a leaf decided by: question, probabilities, the frame behind it and how old that was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..tracing.history import Event, History


@dataclass(frozen=True)
class Evidence:
    """The last question of a node and its answer.

    Attributes:
        kind: Kind of the question.
        question: Its text.
        frame: Id of the frame it is about; empty for none.
        frame_time: When that was taken, [s] since the run began; None where the trace does not say.
        age: How old it was when the node got the status in question, [s]; None where unknown.
        asked_tick: In which tick it was asked.
        backend: Who answered; empty while nobody has.
        model: With which model.
        latency: How long that took, [s].
        probabilities: Allowed answer → probability.
        neither: Probability of none of them.
        regions: What was found, for a ``ground``: label, confidence, box relative to the image.
        text: The answer in words, where it has some.
        problem: Why there is no answer; empty if there is one.
    """

    kind: str
    question: str
    frame: str = ""
    frame_time: float | None = None
    age: float | None = None
    asked_tick: int = 0
    backend: str = ""
    model: str = ""
    latency: float = 0.0
    probabilities: Mapping[str, float] | None = None
    neither: float = 0.0
    regions: tuple[Mapping[str, Any], ...] = ()
    text: str = ""
    problem: str = ""

    @property
    def answered(self) -> bool:
        """Whether anybody answered, usably or not."""
        return bool(self.backend or self.problem)

    def said(self) -> str:
        """Put the answer into a few words, with every probability that it gave."""
        if not self.answered:
            return "no answer yet"
        if self.problem:
            return f"no answer, {self.problem}"
        if self.probabilities:
            rest = {"neither": self.neither} if self.neither >= 0.005 else {}
            return ", ".join(f"{name} {p:.2f}" for name, p in {**self.probabilities, **rest}.items())
        if self.kind == "ground":
            return ", ".join(f"{r['label']} {r['confidence']:.2f}" for r in self.regions) or "nothing found"
        words = " ".join(self.text.split())
        return words if len(words) <= 100 else f"{words[:99]}…"

    def notes(self) -> tuple[str, ...]:
        """Return what the chain shows of it, line by line."""
        asked = f"asked  {self.question!r}: {self.said()}"
        if not self.frame:
            return (asked,)
        when = f", taken at {self.frame_time:.2f} s" if self.frame_time is not None else ""
        old = f", {self.age:.2f} s old then" if self.age is not None else ""
        return asked, f"saw    frame {self.frame}{when}{old}"

    def to_json(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "question": self.question,
            "frame": self.frame,
            "frame_time_s": _rounded(self.frame_time),
            "frame_age_s": _rounded(self.age),
            "asked_tick": self.asked_tick,
            "backend": self.backend,
            "model": self.model,
            "latency_s": _rounded(self.latency),
            "probabilities": dict(self.probabilities or {}),
            "neither": self.neither,
            "regions": [dict(region) for region in self.regions],
            "text": self.text,
            "problem": self.problem,
        }


def evidence(history: History, node: int, event: Event, moment: int) -> Evidence | None:
    """Return what a node asked last up to a moment, and was answered; None if it asked nothing.

    Args:
        history: What happened.
        node: Index of the node.
        event: When the node got the status that is explained; the age of the frame is that at this time.
        moment: The moment in question.
    """
    found = history.asked(node, moment)
    if found is None:
        return None
    question, answer = found
    given: Mapping[str, Any] = answer or {}
    stamp = given.get("frame_stamp")
    taken = history.since_began(float(stamp)) if isinstance(stamp, int | float) and question.get("frame") else None
    return Evidence(
        str(question.get("kind", "")),
        str(question.get("text", "")),
        str(question.get("frame") or ""),
        taken,
        None if taken is None else max(0.0, event.time - taken),
        int(question.get("tick", 0)),
        str(given.get("backend", "")) or ("?" if given else ""),
        str(given.get("model", "")),
        float(given.get("latency") or 0.0),
        given.get("probabilities") or None,
        float(given.get("neither") or 0.0),
        tuple(given.get("regions") or ()),
        str(given.get("text") or ""),
        str(given.get("problem") or ""),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
