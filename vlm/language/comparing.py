"""Truth of questions that compare two pictures of one camera: did the red cube move, is something new?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal

from ..facts import BEFORE, FrameFacts, ObjectFact
from .matching import Scene, faint, hidden, matches
from .phrases import Meaning, Thing
from .verdict import Verdict, yes_or_no

MOVED, STILL = 0.03, 0.006
"""Distance of the centers from which an object has moved, and up to which it has not, [m]; in between nobody asks."""
SHOWN = 0.015
"""How far the box of an object that moved shifts at least, relative to the image."""
_BETWEEN = 0.015

Change = Literal["still", "moved", "appeared", "disappeared", "unclear"]
"""What became of an object; ``unclear`` is one that is to be seen too little to say."""


def compare(meaning: Meaning, before: FrameFacts, after: FrameFacts, lenient: bool = False) -> Verdict | None:
    """Say what is true of two pictures.

    Args:
        meaning: What is asked, one of ``COMPARISONS``.
        before: The labels of the earlier picture.
        after: Those of the last one, whose ``same`` says which object is which; without it the indices do.
        lenient: Decide borderline cases by the plain truth instead of refusing, as ``judge`` does.

    Returns:
        The verdict; None when the question has no clear answer.
    """
    return _JUDGES[meaning.predicate](meaning, Changes(before, after, lenient))


class Changes:
    """What became of the objects between two pictures.

    Args:
        before: The labels of the earlier picture.
        after: Those of the last one.
        lenient: Whether objects that are hard to see count by the plain truth.
    """

    def __init__(self, before: FrameFacts, after: FrameFacts, lenient: bool) -> None:
        self.lenient = lenient
        self.before, self.after = Scene(before, lenient), Scene(after, lenient)
        count = len(after.objects)
        self.same = after.same or tuple(i if i < len(before.objects) else -1 for i in range(count))
        self.then = {i: k for k, i in enumerate(self.same) if i >= 0}

    @cached_property
    def pairs(self) -> list[tuple[int, int, Change]]:
        """Index before, index after (-1 where it is not there) and what became of it, of every object."""
        gone = [(i, -1) for i in range(len(self.before.objects)) if i not in self.then]
        return [(i, k, self.change(i, k)) for i, k in [*gone, *((i, k) for k, i in enumerate(self.same))]]

    def change(self, i: int, k: int) -> Change:
        """Say what became of an object with index ``i`` before and ``k`` after; -1 where it is not there."""
        p = self.before.objects[i] if i >= 0 else None
        q = self.after.objects[k] if k >= 0 else None
        if p is None or q is None:
            one = p or q
            assert one is not None
            if not self.lenient and (hidden(one) or faint(one)):
                return "unclear"
            return "appeared" if p is None else "disappeared"
        if self.lenient:
            return "moved" if self._apart(p, q) > _BETWEEN or p.upright != q.upright else "still"
        if hidden(p) != hidden(q):
            return "unclear"
        if self._apart(p, q) <= STILL and p.upright == q.upright:
            return "still"
        if hidden(p) or faint(p) or faint(q) or _shift(p, q) < SHOWN:
            return "unclear"
        return "moved" if self._apart(p, q) >= MOVED or p.upright != q.upright else "unclear"

    def of(self, thing: Thing) -> tuple[int, int, Change] | None:
        """Return the pair that a description means in both pictures; None when it may mean several."""
        first, last = self.before.find(thing), self.after.find(thing)
        if not first:
            return None
        i, k = first[0], self.then.get(first[0], -1)
        if not self.lenient and (len(first) > 1 or self.doubtful(thing) or last not in ([], [k])):
            return None
        return i, k, self.change(i, k)

    def doubtful(self, thing: Thing) -> bool:
        """Tell whether a description fits anything, in either picture, that is hidden or hard to see."""
        scenes = (self.before, self.after)
        return any(scene.doubtful(scene.find(thing)) or _hides(scene, thing) for scene in scenes)

    def marks(self, change: Change) -> tuple[int, ...]:
        """Return the mask values of all objects that changed so, in both pictures."""
        chosen = [(i, k) for i, k, found in self.pairs if found == change]
        return (*(i + BEFORE for i, _ in chosen if i >= 0), *(k for _, k in chosen if k >= 0))

    def all_clear(self) -> bool:
        """Tell whether nothing that is hard to see could have changed."""
        return not any(change == "unclear" for _, _, change in self.pairs)

    @staticmethod
    def _apart(p: ObjectFact, q: ObjectFact) -> float:
        return math.dist(p.xyz, q.xyz)


def _shift(p: ObjectFact, q: ObjectFact) -> float:
    """Return how far the corner of a box that moves most does, relative to the image."""
    return max(abs(a - b) for a, b in zip(p.box_xyxy, q.box_xyxy, strict=True))


def _hides(scene: Scene, thing: Thing) -> bool:
    return len(matches(thing, scene.facts)) > len(scene.find(thing))


def _thing(meaning: Meaning) -> Thing:
    assert meaning.a is not None, meaning
    return meaning.a


def _moved(meaning: Meaning, changes: Changes) -> Verdict | None:
    found = changes.of(_thing(meaning))
    if found is None or found[2] not in ("moved", "still"):
        return None
    i, k, change = found
    return yes_or_no((change == "moved") == (meaning.predicate == "moved"), (i + BEFORE, k))


def _disappeared(meaning: Meaning, changes: Changes) -> Verdict | None:
    found = changes.of(_thing(meaning))
    if found is None or found[2] not in ("moved", "still", "disappeared"):
        return None
    i, k, change = found
    return yes_or_no(change == "disappeared", (i + BEFORE,) if k < 0 else (i + BEFORE, k))


def _appeared(meaning: Meaning, changes: Changes) -> Verdict | None:
    first, last = (scene.find(_thing(meaning)) for scene in (changes.before, changes.after))
    if not changes.lenient and changes.doubtful(_thing(meaning)):
        return None
    new = [k for k in last if changes.same[k] < 0]
    if not new:
        rose = [k for k in last if changes.same[k] not in first]  # it was hidden, or is one of several alike
        return None if rose and not changes.lenient else yes_or_no(False, (*(i + BEFORE for i in first), *last))
    return yes_or_no(True, new) if not first or changes.lenient else None


def _any(change: Change, others: Sequence[Change]) -> Callable[[Meaning, Changes], Verdict | None]:
    """Return the judge of "did anything ...?"; where only ``others`` happened, nobody asks."""

    def judge(meaning: Meaning, changes: Changes) -> Verdict | None:
        found = {each for _, _, each in changes.pairs}
        if change in found:
            return yes_or_no(True, changes.marks(change))
        doubt = not changes.all_clear() or (not changes.lenient and bool(found & set(others)))
        return None if doubt else yes_or_no(False)

    return judge


def _same(meaning: Meaning, changes: Changes) -> Verdict | None:
    marks = [mark for change in ("moved", "appeared", "disappeared") for mark in changes.marks(change)]
    if marks:
        return yes_or_no(False, marks)
    return yes_or_no(True) if changes.all_clear() else None


_JUDGES: dict[str, Callable[[Meaning, Changes], Verdict | None]] = {
    "moved": _moved,
    "stayed": _moved,
    "disappeared": _disappeared,
    "appeared": _appeared,
    "any_moved": _any("moved", ("appeared", "disappeared")),
    "any_disappeared": _any("disappeared", ()),
    "any_appeared": _any("appeared", ()),
    "same": _same,
}
