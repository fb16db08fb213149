"""Choose questions to ask about two pictures of one camera, balanced between yes and no."""

from __future__ import annotations

import random

from ..facts import FrameFacts
from ..language.comparing import Changes
from ..language.comparisons import COMPARED_ALONE
from ..language.grammar import Meaning, Thing
from .asked import Asked, ask_both, names_unseen
from .sampler import Sampler, named

_MIX = {
    "moved": 3.0,
    "stayed": 1.4,
    "disappeared": 1.6,
    "appeared": 1.6,
    "any_moved": 1.2,
    "any_disappeared": 0.8,
    "any_appeared": 0.8,
    "same": 1.6,
}
_RARE, _COMMON = 3.0, 0.6
"""How much oftener than by chance a question is asked where it has the rarer answer, and where the commoner one."""
_SPARE = 0.15
_TRIES = 6


class _Both:
    """Draws meanings to ask about two pictures."""

    def __init__(self, before: FrameFacts, after: FrameFacts, rng: random.Random) -> None:
        self.before, self.after, self.rng = before, after, rng
        self._first, self._last = Sampler(before, rng), Sampler(after, rng)
        changed = Changes(before, after, lenient=False).pairs
        self._gone = [named(before.objects[i]) for i, _, change in changed if change == "disappeared"]
        self._new = [named(after.objects[k]) for _, k, change in changed if change == "appeared"]
        self._moved = [named(before.objects[i]) for i, _, change in changed if change == "moved"]

    def predicate(self, measuring: bool) -> str:
        """Draw what to ask, rather that which has the rarer answer here."""
        rare = {
            "moved": bool(self._moved),
            "stayed": bool(self._moved),
            "appeared": bool(self._new),
            "any_appeared": bool(self._new),
            "disappeared": bool(self._gone),
            "any_disappeared": bool(self._gone),
            "same": not (self._new or self._gone or self._moved),
        }
        weights = [
            (1.0 if measuring else weight) * ((_RARE if rare[name] else _COMMON) if name in rare else 1.0)
            for name, weight in _MIX.items()
        ]
        return self.rng.choices([*_MIX], weights)[0]

    def meaning(self, predicate: str) -> Meaning:
        """Draw a question, about something that changed in half of all cases."""
        return Meaning(predicate) if predicate in COMPARED_ALONE else Meaning(predicate, self._thing(predicate))

    def _thing(self, predicate: str) -> Thing:
        rng = self.rng
        changed = {"appeared": self._new, "disappeared": self._gone}.get(predicate, self._moved)
        if changed and rng.random() < 0.5:
            thing = rng.choice(changed)
        elif predicate == "appeared" and rng.random() < 0.4:
            thing = self._last.absent()
        else:
            thing = self._first.sole_thing()
        return self._last.loosely(thing) if rng.random() < 0.5 else thing


def comparisons(
    before: FrameFacts, after: FrameFacts, rng: random.Random, count: int, measuring: bool = False
) -> list[Asked]:
    """Choose questions about two pictures.

    Args:
        before: Labels of the earlier picture.
        after: Labels of the last one.
        rng: Chooses.
        count: How many at most; no wording comes twice.
        measuring: They may name the pairs of color and shape that training leaves out, and all kinds come about equally
            often.
    """
    both = _Both(before, after, rng)
    chosen: dict[str, Asked] = {}
    for _ in range(count * 3):
        if len(chosen) >= count:
            break
        one = _balanced(both, measuring)
        if one is not None:
            chosen.setdefault(one.question, one)
    return list(chosen.values())


def _balanced(both: _Both, measuring: bool) -> Asked | None:
    """Draw one question, yes and no equally likely where the pictures allow both."""
    predicate, want, spare = both.predicate(measuring), both.rng.random() < 0.5, None
    for _ in range(_TRIES):
        meaning = both.meaning(predicate)
        asked = ask_both(meaning, both.before, both.after, both.rng)
        if asked is None or (names_unseen(meaning) and not measuring):
            continue
        if asked.verdict.yes == want:
            return asked
        spare = asked
    return spare if both.rng.random() < _SPARE else None
