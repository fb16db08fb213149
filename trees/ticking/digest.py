"""One number for a whole run: equal for the same tree, scene, seed and backend, whatever the machine was doing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from ...behaviors.blackboard import Cell
from ...vlm.questions import Answer, Question
from ..builder import BuiltTree
from ..tracing.changes import Change
from ..tracing.summary import summary

_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode


class Digest:
    """SHA-256 over what a run did: status changes with reasons, blackboard writes, questions with answers, final poses.

    Wall time, file paths and ids of objects do not enter. Probabilities enter rounded to 0.001, poses to 1 mm.

    Args:
        tree: The tree that runs; nodes enter by their path in it. None where everything is added as it was recorded.
    """

    def __init__(self, tree: BuiltTree | None = None) -> None:
        self._sha = hashlib.sha256()
        self._paths = [built.path for built in tree.nodes] if tree is not None else []
        if tree is not None:
            self.add("tree", tree.spec.name, self._paths)

    def add(self, *what: object) -> None:
        """Take in one thing that the run did, its kind first."""
        self._sha.update(_JSON(what).encode())
        self._sha.update(b"\n")

    def reload(self, tick: int, tree: BuiltTree, came_from: Sequence[int]) -> None:
        """Take in that the tree was changed after a tick, and how; its nodes enter by their new paths from now on."""
        self._paths = [built.path for built in tree.nodes]
        self.add("reload", tick, tree.spec.name, self._paths, list(came_from))

    def changes(self, changes: Iterable[Change]) -> None:
        """Take in the status changes of a tick."""
        for change in changes:
            self.add("status", change.tick, self._paths[change.node], change.status, change.reason)

    def write(self, tick: int, cell: Cell, value: object) -> None:
        """Take in a blackboard write; ``value`` is the summary of what was written."""
        self.add("write", tick, cell.name, cell.writer, value)

    def question(self, tick: int, asker: str, question: Question) -> None:
        """Take in a question when it is asked."""
        self.add("question", tick, asker, question.kind, question.text, question.choices, question.all)

    def cancelled(self, tick: int, question: Question) -> None:
        """Take in a question that is not sent since nobody waits for it any more."""
        self.add("cancelled", tick, question.kind, question.text)

    def answer(self, tick: int, question: Question, answer: Answer) -> None:
        """Take in an answer when it is delivered."""
        regions = [[rounded(r.box_xyxy), r.label, round(r.confidence, 3)] for r in answer.regions]
        probabilities = {name: round(p, 3) + 0.0 for name, p in answer.probabilities.items()}
        self.add(
            "answer",
            tick,
            question.kind,
            question.text,
            probabilities,
            round(answer.neither, 3) + 0.0,
            regions,
            answer.text,
            summary(answer.data),
            answer.problem,
        )

    def poses(self, poses: Mapping[str, Sequence[float]]) -> None:
        """Take in where things are at the end: name → position [m], and further numbers if wanted."""
        for name in sorted(poses):
            self.add("pose", name, rounded(poses[name]))

    def outcome(self, status: str) -> None:
        """Take in how the run ended."""
        self.add("outcome", status)

    def so_far(self) -> Callable[[], str]:
        """Return a function that gives a check sum of what was taken in so far, 8 hexadecimal characters."""
        state = self._sha.copy()
        return lambda: state.hexdigest()[:8]

    def hexdigest(self) -> str:
        """Return the digest so far, 64 hexadecimal characters."""
        return self._sha.hexdigest()


def rounded(numbers: Sequence[float]) -> list[float]:
    """Return numbers the way they enter the digest."""
    return [round(float(number), 3) + 0.0 for number in numbers]
