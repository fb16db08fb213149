"""Measure a checkpoint the way a tree uses it: through the image processor, next-token chances and written boxes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..embedded import SETTINGS
from ..facts import COLORS, SHAPES, FrameFacts
from ..phrases import definite
from ..questions import Answer, Frame, Question
from ..qwen import open_checkpoint
from .data import Frames
from .probe import overlap
from .questions import Asked, questions

_COUNTS = tuple(str(n) for n in range(9))


@dataclass(frozen=True)
class Row:
    """Measures of one kind of question.

    Attributes:
        kind: The kind, as ``questions.kind_of`` names it.
        n: Questions asked.
        accuracy: Share of right answers; for yes/no the mean over both true answers; a grounding answer is right when
            exactly the true objects are found.
        recall: Of the objects to find, the share that a box was centered on; None for other kinds.
        precision: Of the boxes given, the share centered on an object to find.
        iou: Mean overlap of the found objects' boxes with the true ones.
        unsure: Yes/no answers with less than 0.8 for either.
    """

    kind: str
    n: int
    accuracy: float
    recall: float | None = None
    precision: float | None = None
    iou: float | None = None
    unsure: float | None = None


@dataclass
class _Tally:
    right: dict[str, list[bool]] = field(default_factory=dict)
    found: int = 0
    wanted: int = 0
    given: int = 0
    good: int = 0
    ious: list[float] = field(default_factory=list)
    unsure: list[bool] = field(default_factory=list)

    def row(self, kind: str) -> Row:
        means = [sum(v) / len(v) for v in self.right.values()]
        return Row(
            kind,
            sum(len(v) for v in self.right.values()),
            sum(means) / len(means),
            self.found / self.wanted if self.wanted else None,
            self.good / self.given if self.given else None,
            sum(self.ious) / len(self.ious) if self.ious else None,
            sum(self.unsure) / len(self.unsure) if self.unsure else None,
        )


def evaluate(checkpoint_dir: str | Path, data_dirs: Sequence[str | Path], n: int = 200, seed: int = 5) -> list[Row]:
    """Ask a checkpoint about ``n`` rendered frames.

    Args:
        checkpoint_dir: An exported model.
        data_dirs: Folders of rendered frames it was not trained on.
        n: Frames, from the first on.
        seed: Chooses the questions.

    Returns:
        One row per kind of question, the kinds in alphabetical order.
    """
    frames, words = Frames(data_dirs), random.Random(seed)
    model = open_checkpoint(str(checkpoint_dir), SETTINGS, "embedded")
    tallies: dict[str, _Tally] = {}
    try:
        for i in range(min(n, len(frames))):
            rgb, _, facts = frames.raw(i)
            asked = questions(facts, words, 14)
            answers = model.ask(Frame(f"held-out#{i}", 0.0, rgb), [_question(one) for one in asked])
            for one, answer in zip(asked, answers, strict=True):
                _mark(tallies.setdefault(one.kind, _Tally()), one, answer, facts)
    finally:
        model.close()
    return [tallies[kind].row(kind) for kind in sorted(tallies)]


def _question(one: Asked) -> Question:
    if one.verdict.kind == "yes_no":
        return Question("yes_no", one.question)
    if one.verdict.kind == "count":
        return Question("choice", one.question, _COUNTS)
    if one.verdict.kind == "ground":
        assert one.meaning.a is not None
        query = definite(one.meaning.a)
        return Question("ground", query, all=True)
    if one.meaning.predicate == "attribute":
        return Question("choice", one.question, COLORS if one.meaning.word == "color" else SHAPES)
    return Question("describe", one.question)


def _mark(tally: _Tally, one: Asked, answer: Answer, facts: FrameFacts) -> None:
    if one.verdict.kind == "yes_no":
        yes, no = answer.p("yes"), answer.p("no")
        tally.right.setdefault(one.answer, []).append((yes > no) == one.verdict.yes)
        tally.unsure.append(max(yes, no) < 0.8)
    elif one.verdict.kind == "ground":
        _mark_boxes(tally, one, answer, facts)
    elif answer.probabilities:
        said = max(answer.probabilities, key=lambda k: answer.probabilities[k])
        tally.right.setdefault("", []).append(said == one.answer)
    else:
        tally.right.setdefault("", []).append(answer.text == one.answer)


def _mark_boxes(tally: _Tally, one: Asked, answer: Answer, facts: FrameFacts) -> None:
    left = set(one.verdict.indices)
    tally.wanted += len(left)
    tally.given += len(answer.regions)
    good = 0
    for region in answer.regions:
        x0, y0, x1, y1 = region.box_xyxy
        u, v = (x0 + x1) / 2, (y0 + y1) / 2
        hits = [i for i in left if _holds(facts.objects[i].box_xyxy, u, v)]
        if hits:
            best = max(hits, key=lambda i: overlap(facts.objects[i].box_xyxy, region.box_xyxy))
            tally.ious.append(overlap(facts.objects[best].box_xyxy, region.box_xyxy))
            left.remove(best)
            good += 1
    tally.found += good
    tally.good += good
    tally.right.setdefault("", []).append(not left and good == len(answer.regions) and not answer.problem)


def _holds(box: tuple[float, float, float, float], u: float, v: float) -> bool:
    return box[0] <= u <= box[2] and box[1] <= v <= box[3]


def table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table."""

    def cell(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    lines = ["| kind | n | accuracy | recall | precision | IoU | unsure |", "|---|---|---|---|---|---|---|"]
    for r in rows:
        measures = " | ".join(cell(v) for v in (r.accuracy, r.recall, r.precision, r.iou, r.unsure))
        lines.append(f"| {r.kind} | {r.n} | {measures} |")
    return "\n".join(lines) + "\n"
