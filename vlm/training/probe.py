"""Measure a model while it trains: held-out frames, answers one token ahead of the truth."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..grounding_format import overlap
from .lesson import Lesson
from .losses import Sums, vision_loss
from .packing import Batch
from .questions import Asked

if TYPE_CHECKING:
    from .train import Stage

_KEY_KINDS = (
    "ground every loose",
    "ground container",
    "everything inside",
    "hand",
    "exists",
    "held",
    "in",
    "ground one",
    "plan steps",
    "unsure unclear",
    "moved",
    "same arrangement",
)


_ENOUGH, _LEARNED = 8, 0.75
"""Questions with yes and with no from which a predicate is judged, and the accuracy from which it counts as learned."""


@dataclass(frozen=True)
class Measured:
    """What was found.

    Attributes:
        values: Accuracies by kind of question, and ``score``, by which checkpoints are compared.
        failed: Predicates of yes/no questions whose balanced accuracy says that they were taught in vain.
    """

    values: dict[str, float]
    failed: frozenset[str]


def measure(stage: Stage) -> Measured:
    """Ask a model about held-out frames.

    Yes/no kinds are balanced: the mean of the accuracies where yes and where no is true. A grounding answer counts
    when every decision in it (first token, go on or end) is right and every box center lies in its object; any other
    one, such as a plan, when every token is right. ``doubted`` is the share of yes/no questions with an answer to
    which neither yes nor no is the likeliest word. Questions about pairs of frames are asked where there are some.
    """
    words = random.Random(5)
    seen, yes_no, other, boxes, predicates = Sums(), Sums(), Sums(), Sums(), Sums()
    for lesson in _lessons(stage, words):
        states, image = stage.image_tokens(lesson)
        if states is not None:
            with torch.no_grad():
                vision_loss(stage.model, states, image[0], lesson, seen)
        if lesson.batch is not None:
            reading = stage.read(lesson, image)
            batch = replace(lesson.batch, target=lesson.batch.target.cpu(), weight=lesson.batch.weight.cpu())
            _score(stage.codec, reading.logits.detach().cpu(), batch, yes_no, other, boxes, predicates)
    result = seen.means() | _by_kind(yes_no, other) | boxes.means()
    keys = [result[k] for k in _KEY_KINDS if k in result] or [
        result.get("cell shape", 0.0),
        result.get("token shape", 0.0),
    ]
    return Measured({"score": float(np.mean(keys))} | result, failed(predicates))


def failed(predicates: Sums) -> frozenset[str]:
    """Return the predicates that were asked about often enough, in vain.

    Args:
        predicates: Right answers, by ``predicate/yes`` and ``predicate/no``.
    """
    means = predicates.means()
    names = {name.rpartition("/")[0] for name in means}
    judged = [
        name
        for name in names
        if all(predicates.count.get(f"{name}/{answer}", 0) >= _ENOUGH for answer in ("yes", "no"))
    ]
    return frozenset(n for n in judged if (means[f"{n}/yes"] + means[f"{n}/no"]) / 2 < _LEARNED)


def _lessons(stage: Stage, words: random.Random) -> Iterator[Lesson]:
    """Prepare held-out frames, and half as many pairs of frames, batch by batch."""
    config, held_out, size = stage.config, stage.held_out, stage.shape.image_size
    for some in _batches(min(config.eval_images, len(held_out)), config.batch):
        yield stage.lesson([held_out.view(i, size) for i in some], words)
    count = min(config.eval_images // 2, held_out.pairs) if config.compares else 0
    for some in _batches(count, config.pairs_at_once):
        yield stage.pair_lesson([held_out.pair(i, size) for i in some], words)


def _batches(count: int, size: int) -> Iterator[range]:
    """Yield all indices below ``count``, ``size`` at a time; the last ones may be fewer."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


def _by_kind(yes_no: Sums, other: Sums) -> dict[str, float]:
    means = yes_no.means()
    kinds = sorted({k.rsplit("/", 1)[0] for k in means})
    found = {k: float(np.mean([means[f"{k}/{s}"] for s in ("yes", "no") if f"{k}/{s}" in means])) for k in kinds}
    mean = {"yes/no": float(np.mean(list(found.values())))} if found else {}
    return mean | found | other.means()


def _score(codec: Any, logits: Tensor, batch: Batch, yes_no: Sums, other: Sums, boxes: Sums, predicates: Sums) -> None:
    best = logits.argmax(-1)
    groups: dict[tuple[int, int], list[int]] = {}
    for n, owner in enumerate(batch.owner):
        groups.setdefault(owner, []).append(n)
    for (row, k), at in groups.items():
        one = batch.asked[row][k]
        if one.verdict.kind == "yes_no":
            said = bool(logits[at[0], codec.yes] > logits[at[0], codec.no])
            yes_no.add(f"{one.kind}/{'yes' if one.verdict.yes else 'no'}", float(said == one.verdict.yes))
            predicates.add(one.subject, float(said == one.verdict.yes))
            other.add("doubted", float(int(best[at[0]]) not in (codec.yes, codec.no)))
        elif one.verdict.kind == "ground":
            other.add(one.kind, float(_grounded(codec, logits, best, batch, one, at, boxes)))
        else:
            other.add(one.kind, float(all(bool(best[n] == batch.target[n]) for n in at)))


def _grounded(codec: Any, logits: Tensor, best: Tensor, batch: Batch, one: Asked, at: list[int], boxes: Sums) -> bool:
    decided = [n for n in at if float(batch.weight[n]) == 1.0]
    right = all(bool(best[n] == batch.target[n]) for n in decided)
    numbers = [n for n in at if abs(float(batch.weight[n]) - 0.25) < 1e-6]
    if not numbers:
        return right
    said = logits[numbers][:, torch.from_numpy(codec.numbers)].argmax(-1).float().view(-1, 4)
    true = torch.from_numpy(codec.number_of)[batch.target[numbers]].float().view(-1, 4)
    for s, t in zip(said.tolist(), true.tolist(), strict=True):
        boxes.add("box IoU", overlap(s, t))
        u, v = (s[0] + s[2]) / 2, (s[1] + s[3]) / 2
        boxes.add("box center error", math.hypot(u - (t[0] + t[2]) / 2, v - (t[1] + t[3]) / 2) / 1000)
        right = right and t[0] <= u <= t[2] and t[1] <= v <= t[3]
    return right
