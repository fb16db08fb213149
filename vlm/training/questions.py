"""Choose questions to ask about a frame, balanced between yes and no, most of them of the kinds that trees ask."""

from __future__ import annotations

import random
from collections.abc import Callable

from ..facts import UNSEEN_PAIRS, FrameFacts
from ..language.grammar import YES_NO, Meaning
from .asked import EVERY_LOOSE, Asked, ask, kind_of, names_unseen
from .sampler import Sampler
from .tasks import task
from .unsure import strange, unclear_one

__all__ = ["EVERY_LOOSE", "Asked", "ask", "balanced", "kind_of", "names_unseen", "questions"]

_Draw = Callable[[Sampler], Meaning | None]
_MIX: tuple[tuple[_Draw, float], ...] = (
    (Sampler.exists, 5.0),
    (Sampler.color_or_shape_missing, 1.0),
    (Sampler.ground_one, 3.0),
    (Sampler.ground_place, 0.7),
    (Sampler.ground_absent, 0.8),
    (Sampler.ground_every, 2.2),
    (Sampler.inside, 2.4),
    (Sampler.held, 1.9),
    (Sampler.gripper, 1.3),
    (Sampler.everything, 1.0),
    (Sampler.loose_left, 0.5),
    (Sampler.all_in, 0.7),
    (Sampler.contents, 1.2),
    (Sampler.relation, 2.8),
    (Sampler.beside, 0.8),
    (Sampler.hand, 0.5),
    (Sampler.on_table, 0.8),
    (Sampler.posture, 1.4),
    (Sampler.color, 0.6),
    (Sampler.count, 1.6),
    (Sampler.attribute, 1.0),
    (Sampler.describe, 3.4),
    (Sampler.table_empty, 0.15),
    (Sampler.robot, 0.15),
    (Sampler.touching, 0.8),
    (Sampler.door, 1.5),
    (Sampler.person, 1.0),
    (Sampler.choice, 1.8),
)
_MEASURED: dict[_Draw, int] = {
    Sampler.relation: 10,
    Sampler.choice: 6,
    Sampler.contents: 2,
    Sampler.gripper: 2,
    Sampler.posture: 2,
    Sampler.inside: 2,
    Sampler.door: 6,
}
_STRANGE, _UNCLEAR = 0.04, 0.035
"""Shares of questions that nobody could answer."""
_TASKS = 2.5
"""Instructions given about a picture, on average, in training; half the pictures get one less than the others."""
_DRAWS = [draw for draw, _ in _MIX]
_WEIGHTS = [weight for _, weight in _MIX]
_EVENLY = [_MEASURED.get(draw, 1) for draw in _DRAWS]
_TRIES = 6


def balanced(draw: _Draw, sampler: Sampler) -> Asked | None:
    """Draw one question of a family, yes and no equally likely where the frame allows both."""
    want = sampler.rng.random() < 0.5
    spare = None
    for _ in range(_TRIES):
        meaning = draw(sampler)
        asked = None if meaning is None else ask(meaning, sampler.facts, sampler.rng)
        if asked is None:
            continue
        if asked.meaning.predicate not in YES_NO or asked.verdict.yes == want:
            return asked
        spare = asked
    return spare if sampler.rng.random() < 0.4 else None


def _says_unseen(asked: Asked) -> bool:
    """Tell whether a plan or a question that nobody could answer has such a pair in its words."""
    words = asked.question + asked.answer if asked.meaning.predicate in ("plan", "unsure") else ""
    return any(f"{color} {shape}" in words for color, shape in UNSEEN_PAIRS)


def questions(facts: FrameFacts, rng: random.Random, count: int, measuring: bool = False) -> list[Asked]:
    """Choose ``count`` questions about a frame, those that the shipped trees ask first.

    Args:
        facts: Labels of the frame.
        rng: Chooses.
        count: How many at most; no wording comes twice.
        measuring: They may name the pairs of color and shape that training leaves out, and all kinds come about equally
            often.
    """
    sampler = Sampler(facts, rng)
    chosen: dict[str, Asked] = {}

    def add(asked: Asked | None) -> None:
        if asked is not None and (measuring or not (names_unseen(asked.meaning) or _says_unseen(asked))):
            chosen.setdefault(asked.question, asked)

    add(ask(EVERY_LOOSE, facts, rng, usual=0.8))
    if not facts.objects:
        add(ask(Meaning("table_empty"), facts, rng))
    if sampler.holders:
        add(ask(sampler.ground_place(), facts, rng, usual=0.8))
        everything = ask(sampler.everything(), facts, rng, usual=0.7)
        if everything is not None and (everything.verdict.yes or rng.random() < 0.5):
            add(everything)
    if facts.hand_in_workspace or rng.random() < 0.4:
        add(ask(Meaning("hand"), facts, rng, usual=0.6))
    for _ in range(1 if measuring else int(_TASKS + rng.random())):
        add(task(sampler))
    for _ in range(count * 3):
        if len(chosen) >= count:
            break
        u = rng.random()
        if u < _STRANGE:
            add(strange(sampler))
        elif u < _STRANGE + _UNCLEAR:
            add(unclear_one(sampler))
        else:
            add(balanced(rng.choices(_DRAWS, _EVENLY if measuring else _WEIGHTS)[0], sampler))
    return list(chosen.values())
