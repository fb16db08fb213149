"""Probabilities in answers of servers, which know no *neither*: doubt is spread evenly over the allowed answers.

So a yes/no answer whose mass lies on other words comes out near 0.5, which is unsure, and never as a certain no.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..questions import Answer


def spread(answer: Answer, allowed: Sequence[str]) -> list[float]:
    """Return a probability for each allowed answer; their sum is 1.

    >>> [round(p, 3) for p in spread(Answer("yes_no", {"yes": 0.06, "no": 0.04}, neither=0.9), ("yes", "no"))]
    [0.51, 0.49]
    """
    even = answer.neither / len(allowed)
    chances = [answer.p(each) + even for each in allowed]
    total = sum(chances)
    return [p / total for p in chances] if total > 0 else [1 / len(allowed)] * len(allowed)


def confidence(chances: Sequence[float]) -> float:
    """Return how far the likeliest of several answers is above pure chance, in [0, 1]."""
    even = 1 / len(chances)
    return max(0.0, (max(chances) - even) / (1 - even)) if len(chances) > 1 else 1.0


def level_confidence(chances: Sequence[float]) -> float:
    """Return how close to one level a score is: 1 less its mean distance from the likeliest, over that by chance."""
    best = max(range(len(chances)), key=chances.__getitem__)
    distance = sum(p * abs(level - best) for level, p in enumerate(chances))
    middle = (len(chances) - 1) / 2
    by_chance = sum(abs(level - middle) for level in range(len(chances))) / len(chances)
    return max(0.0, 1 - distance / by_chance) if by_chance > 0 else 1.0
