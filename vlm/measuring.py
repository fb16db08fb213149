"""How well a backend answers: what is true beside what was said, by kind of question."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from .calibration import Case
from .facts import COLORS, SHAPES, FrameFacts, Setting
from .grounding_format import overlap
from .language.grammar import COMPARISONS, YES_NO
from .language.matching import hidden
from .language.phrases import definite
from .language.same_plan import equivalent
from .questions import Answer, Question
from .qwen import instruction_of
from .training.questions import Asked, names_unseen

ACCEPT = 0.8
"""Probability from which an answer counts as sure; trees use the same."""
OVERLAP = 0.5
"""Intersection over union from which a box counts as found."""
PIXELS = 224
"""Side of the image that errors of box centers are told for, [px]."""
BINS = 15
"""Bins of equal width of the expected calibration error."""
COUNTS = tuple(str(n) for n in range(9))
_NAME = re.compile(rf"\b({'|'.join(COLORS)}) ({'|'.join(SHAPES)})\b", re.IGNORECASE)


def as_question(one: Asked) -> Question:
    """Return what a backend is asked, the way a tree would."""
    if one.verdict.kind == "yes_no":
        return Question("yes_no", one.question)
    if one.verdict.kind == "count":
        return Question("choice", one.question, COUNTS)
    if one.verdict.kind == "ground":
        thing = one.meaning.a
        assert thing is not None
        return Question("ground", definite(thing), all=True)
    if one.meaning.predicate == "attribute":
        return Question("choice", one.question, COLORS if one.meaning.word == "color" else SHAPES)
    if one.verdict.kind == "plan":
        return Question("plan", instruction_of(one.question))
    if one.verdict.kind == "unsure":
        return Question("yes_no", one.question)
    if one.meaning.choices:
        return Question("choice", one.question, one.meaning.choices)
    return Question("describe", one.question)


@dataclass(frozen=True)
class Score:
    """Measures of one kind of question.

    Attributes:
        n: Answers.
        accuracy: Share that was right; of yes/no the mean over true yes and true no. A grounding is right when every
            thing meant has a box and no box is over; a description when it names exactly the things to be seen.
        confusion: What is true → what was said → how often. ``ground`` tells numbers of things; a description
            ``exact``, or what was ``wrong`` with it: a thing ``missing``, ``invented``, or both.
        unsure: Share of typed answers with less than 0.8 for any.
        calibration_error: Expected calibration error of typed answers; None for others.
        recall, precision: Of the things to find the share that has a box, of the boxes the share on one.
        iou: Mean overlap of the things to find with their boxes, 0 for those without one.
        center: Mean distance of the centers of those that have one, in an image of 224 px, [px].
    """

    n: int
    accuracy: float
    confusion: Mapping[str, Mapping[str, int]]
    unsure: float | None = None
    calibration_error: float | None = None
    recall: float | None = None
    precision: float | None = None
    iou: float | None = None
    center: float | None = None


@dataclass
class Tally:
    """Counts answers to questions of one kind, or of several."""

    marks: dict[str, list[bool]] = field(default_factory=dict)
    confusion: dict[str, Counter[str]] = field(default_factory=dict)
    bets: list[tuple[float, bool]] = field(default_factory=list)
    wanted: int = 0
    given: int = 0
    overlaps: list[float] = field(default_factory=list)
    centers: list[float] = field(default_factory=list)

    def add(self, one: Asked, answer: Answer, facts: FrameFacts) -> None:
        """Count one answer."""
        if one.verdict.kind == "ground":
            self._boxes(one, answer, facts)
        elif one.verdict.kind == "text" and one.meaning.predicate == "describe":
            self._description(answer, facts)
        elif one.verdict.kind == "plan":
            self._plan(one, answer, facts)
        elif one.verdict.kind == "unsure":
            doubts = bool(answer.problem) or max(answer.probabilities.values(), default=0.0) < ACCEPT
            self._mark("unsure", "unsure" if doubts else "sure", doubts)
        else:
            self._typed(one, answer)

    def _typed(self, one: Asked, answer: Answer) -> None:
        truth = one.answer.lower() if one.verdict.kind == "yes_no" else one.answer
        chances = {} if answer.problem else answer.probabilities
        said = max(chances, key=lambda word: chances[word]) if chances else "nothing"
        right = said == truth
        self._mark(truth, said, right, group=truth if one.verdict.kind == "yes_no" else "")
        self.bets.append((min(1.0, chances.get(said, 0.0)), right))

    def _boxes(self, one: Asked, answer: Answer, facts: FrameFacts) -> None:
        boxes = [facts.objects[i].box_xyxy for i in one.verdict.indices]
        found = pairs(boxes, [region.box_xyxy for region in answer.regions])
        self.wanted, self.given = self.wanted + len(boxes), self.given + len(answer.regions)
        for i, k in found:
            box = answer.regions[k].box_xyxy
            self.overlaps.append(overlap(boxes[i], box))
            self.centers.append(PIXELS * math.dist(_center(boxes[i]), _center(box)))
        right = len(boxes) == len(answer.regions) == len(found) and not answer.problem
        said = "unreadable" if answer.problem else str(len(answer.regions))
        if said == str(len(boxes)) and not right:
            said = "elsewhere"
        self._mark(str(len(boxes)), said, right)

    def _description(self, answer: Answer, facts: FrameFacts) -> None:
        there = {o.name for o in facts.objects if not hidden(o)}
        named = {f"{color} {shape}".lower() for color, shape in _NAME.findall(answer.text)}
        errors = ["missing"] * bool(there - named) + ["invented"] * bool(named - there)
        said = "unreadable" if answer.problem else " and ".join(errors) or "exact"
        self._mark("exact", said, said == "exact")

    def _plan(self, one: Asked, answer: Answer, facts: FrameFacts) -> None:
        """Count a plan; the order of steps that do not depend on each other is free."""
        wanted = json.loads(one.answer)
        right = not answer.problem and equivalent(answer.data, wanted, facts)
        said = "unreadable" if answer.problem else _form(answer.data)
        self._mark(_form(wanted), "another" if said == _form(wanted) and not right else said, right)

    def _mark(self, truth: str, said: str, right: bool, group: str = "") -> None:
        self.marks.setdefault(group, []).append(right)
        self.confusion.setdefault(truth, Counter())[said] += 1

    def score(self) -> Score:
        """Return the measures."""
        shares = [sum(marks) / len(marks) for marks in self.marks.values()]
        return Score(
            n=sum(map(len, self.marks.values())),
            accuracy=_mean(shares),
            confusion={truth: dict(self.confusion[truth]) for truth in sorted(self.confusion)},
            unsure=_mean([p < ACCEPT for p, _ in self.bets]) if self.bets else None,
            calibration_error=calibration_error(self.bets) if self.bets else None,
            recall=len(self.overlaps) / self.wanted if self.wanted else None,
            precision=len(self.overlaps) / self.given if self.given else None,
            iou=sum(self.overlaps) / self.wanted if self.wanted else None,
            center=_mean(self.centers) if self.centers else None,
        )


ALL_YES_NO, ALL_TYPED, ALL_GROUND, UNSEEN = "all yes/no", "all typed", "all ground", "yes/no, unseen pairs"
SETTINGS = tuple(f"yes/no, {setting}" for setting in get_args(Setting))


def summaries(one: Asked, facts: FrameFacts) -> Iterable[str]:
    """Name the kinds and groups of kinds that a question about a frame counts for."""
    yield one.kind
    if one.meaning.predicate in (*YES_NO, *COMPARISONS):
        yield ALL_YES_NO
        yield f"yes/no, {facts.setting}"
        if names_unseen(one.meaning):
            yield UNSEEN
    if one.verdict.kind == "ground":
        yield ALL_GROUND
    elif one.meaning.predicate not in ("describe", "plan", "unsure"):
        yield ALL_TYPED


def calibration_error(bets: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error: the gap of confidence and accuracy, averaged over bins by their weight.

    Args:
        bets: Probability of the likeliest answer in [0, 1], and whether it was right; at least one.

    Source: Guo et al., *On Calibration of Modern Neural Networks*, 2017, section 2.
    """
    bins: dict[int, list[tuple[float, bool]]] = {}
    for p, right in bets:
        bins.setdefault(min(BINS - 1, int(p * BINS)), []).append((p, right))
    gaps = (abs(sum(p for p, _ in each) - sum(right for _, right in each)) for each in bins.values())
    return sum(gaps) / len(bets)


def bet_on(one: Asked) -> bool:
    """Tell whether temperatures can be fitted to the answer of a question: it is a choice that has an answer."""
    return one.verdict.kind != "unsure" and as_question(one).kind in ("yes_no", "choice")


def case(one: Asked, answer: Answer) -> Case | None:
    """Return what temperatures are fitted to; None where there is no probability."""
    if not bet_on(one) or answer.problem or not answer.probabilities:
        return None
    question = as_question(one)
    truth = one.answer.lower() if question.kind == "yes_no" else one.answer
    return question, answer.probabilities, truth


def pairs(
    wanted: Sequence[tuple[float, float, float, float]], given: Sequence[tuple[float, float, float, float]]
) -> list[tuple[int, int]]:
    """Match boxes to those wanted, one to one, the largest overlaps of 0.5 or more first; return pairs of indices."""
    every = sorted(
        ((overlap(w, g), i, k) for i, w in enumerate(wanted) for k, g in enumerate(given)), key=lambda row: -row[0]
    )
    found: list[tuple[int, int]] = []
    for shared, i, k in every:
        if shared >= OVERLAP and all(i != a and k != b for a, b in found):
            found.append((i, k))
    return found


def _form(plan: object) -> str:
    """Name what a plan consists of: steps, a question back, or a reason."""
    return "steps" if isinstance(plan, list) else next(iter(plan), "nothing") if isinstance(plan, dict) else "nothing"


def _center(box: Sequence[float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
