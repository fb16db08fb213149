"""What a run asked and what that cost: in all, of each node, and of each backend."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields


@dataclass
class Tally:
    """Numbers of one node, or of one backend.

    Attributes:
        questions: Of a node: asked, shared ones included. Of a backend: those that it was sent.
        shared: Of these, how many got a ticket that existed already.
        calls: Of a node: questions that a model was asked because of it. Of a backend: requests, each with one frame
            and its questions.
        problems: Answers that carry a problem.
        cancelled: Questions that were never sent because nobody waited any more.
        late: Questions whose deadline passed without an answer.
        failed_over: Of a node: questions that went on to another backend. Of a backend: those that came from another.
        refused: Questions that were not sent since a budget was spent or every backend rests.
        spared: Looks at a picture that showed nothing new, so that nothing was asked.
        tokens: Tokens read and written, where the backend counts them.
        cost: Money, [USD].
        seconds: Time the backend worked, [s]: wall time, its latency on a stepped clock.
    """

    questions: int = 0
    shared: int = 0
    calls: int = 0
    problems: int = 0
    cancelled: int = 0
    late: int = 0
    failed_over: int = 0
    refused: int = 0
    spared: int = 0
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return what is not zero."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: round(value, 6) for name, value in found.items() if value}


@dataclass
class Counters:
    """What a run cost in all.

    Attributes:
        questions: Questions asked by leaves, shared ones included.
        shared: Of these, how many got a ticket that existed already.
        model_calls: Requests sent to backends, each with one frame and its questions; one that turns out to have
            no question that the backend takes is not counted.
        problems: Answers that carry a problem.
        seconds: Wall time the backends worked, [s].
        cancelled: Questions that were never sent because nobody waited any more.
        late: Questions whose deadline passed without an answer.
        failed_over: Questions that went on to another backend.
        refused: Questions that were not sent since a budget was spent or every backend rests.
        spared: Looks at a picture that showed nothing new, so that nothing was asked.
        tokens: Tokens read and written, where backends count them.
        cost: Money, [USD].
    """

    questions: int = 0
    shared: int = 0
    model_calls: int = 0
    problems: int = 0
    seconds: float = 0.0
    cancelled: int = 0
    late: int = 0
    failed_over: int = 0
    refused: int = 0
    spared: int = 0
    tokens: int = 0
    cost: float = 0.0


class Statistics:
    """The books of one run.

    Attributes:
        total: Of the whole run.
        nodes: Path of the asking node → its numbers.
        backends: Name of the backend → its numbers.
    """

    def __init__(self) -> None:
        self.total = Counters()
        self.nodes: defaultdict[str, Tally] = defaultdict(Tally)
        self.backends: defaultdict[str, Tally] = defaultdict(Tally)

    def to_json(self) -> dict[str, object]:
        """Return plain data: ``total`` without wall times, and ``nodes`` and ``backends`` by name, zeros left out."""
        total = {field.name: getattr(self.total, field.name) for field in fields(self.total) if field.name != "seconds"}
        return {
            "total": {name: round(value, 6) for name, value in total.items()},
            "nodes": {name: tally.to_json() for name, tally in sorted(self.nodes.items())},
            "backends": {name: tally.to_json() for name, tally in sorted(self.backends.items())},
        }
