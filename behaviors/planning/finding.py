"""Look for the things that a plan names, before it is accepted: which are there, and which words fit several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...robots.pixels import Mask, grown
from ...robots.seeing import Seen, View
from ...vlm.questions import Answer, Question
from ..means.asking import Asking, ask
from ..means.effects import Fact, named
from ..means.grounded import GroundedObject, lift
from ..means.known import overlap, recognize
from ..means.surroundings import Held
from ..node import Leaf
from .stacks import Part, apart, rivals, stacked

SAME = 0.6
"""Boxes that overlap by this share are one thing."""
_ANY_OF = ("every ", "each ", "all ", "any ", "a ", "an ", "one ", "some ", "another ")
"""Words that begin what may well fit several things."""


@dataclass
class Found:
    """What was found for the words of a plan.

    Attributes:
        things: Words → the things they fit, best first.
        why: Words that fit nothing → what was said instead of boxes; empty where nothing was.
        options: What the things are called that the first ambiguous words fit.
        above: Words → the pixels that the depth shows above the things they fit, shape (H, W).
        held: Ids of what the hand holds, which lies on nothing.
    """

    things: dict[str, tuple[GroundedObject, ...]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    above: dict[str, Mask] = field(default_factory=dict, repr=False)
    held: frozenset[int] = frozenset()

    def ids(self, words: str) -> frozenset[str]:
        """Return what is equal for words that fit one thing in common."""
        things = self.things.get(named(words), ())
        return frozenset(f"#{thing.id}" for thing in things) or frozenset((named(words),))

    def same(self, words: str) -> str:
        """Return what is equal for all words that fit one and the same thing alone."""
        ids = self.ids(words)
        return next(iter(ids)) if len(ids) == 1 else named(words)


_STEP, _SHARE = 0.003, 0.2
"""What lies on a thing has its foot higher by so much [m], and by this share of the thing's height: a plate is flat."""
_TOPS = 0.01
"""Tops that differ by more tell which of two things in one place is the upper one, [m]."""
_WIDER = 1.4
"""What is wider than a thing by more than this holds it, as a bowl does, and does not lie on it."""
_MOSTLY = 0.5
"""What has this share of its points in the hand is held: how far down it reaches is not known of what hangs free."""
_RISEN = 8
"""So many pixels above a thing are something on it."""
ALL = "every object"
"""What is asked for to see whether something lies on a thing of the plan."""


class Finding:
    """Ask for several things in one picture, without waiting.

    Args:
        leaf: Who asks.
        words: What to look for; what was found in another picture of this tick's is not asked again.
        camera: Camera to look through; the robot's default one if empty.
    """

    def __init__(self, leaf: Leaf, words: Iterable[str], camera: str = "") -> None:
        self._leaf = leaf
        self._asked: dict[str, Asking] = {}
        texts = {named(text): text for text in words}
        frame = leaf.context.look(camera) if texts else None
        for key, text in texts.items():
            self._asked[key] = ask(leaf, Question("ground", text, all=True), camera, frame)
        self._found: Found | None = None

    @property
    def found(self) -> Found | None:
        """What was found, once all answers are there. Poll it."""
        if self._found is None and all(asking.answer is not None for asking in self._asked.values()):
            self._found = self._measured()
        return self._found

    def drop(self) -> None:
        """Stop waiting."""
        for asking in self._asked.values():
            asking.drop()

    def _measured(self) -> Found:
        found = Found()
        flat: list[GroundedObject] = []
        view: View | None = None
        parts: list[Part] = []
        for key, asking in sorted(self._asked.items(), key=lambda each: each[0] != ALL):
            answer = asking.answer
            assert answer is not None
            if answer.problem:
                found.why[key] = answer.problem
                continue
            if asking.frame.depth is None:
                things = _flat(answer, asking, flat)
            else:
                if view is None:
                    assert self._leaf.context.robot is not None
                    view = View(asking.frame, self._leaf.context.robot.arm, asking.q)
                pairs, dropped = lift(apart(answer, parts), view, asking.question.text)
                if key == ALL:
                    parts = rivals(answer, view) if len(pairs) < len(answer.regions) else []
                    parts += stacked(answer, [seen for _, seen in pairs], view)
                    if parts:
                        pairs, dropped = lift(apart(answer, parts), view, asking.question.text)
                seen = [thing for thing, _ in pairs]
                things = recognize(self._leaf.context, seen, asking.question.text, False, asking.frame.camera).things
                found.why[key] = "; ".join(dropped)
                if ALL in self._asked:
                    self._heap(found, key, view, asking, things, [one for _, one in pairs])
            if things:
                found.things[key] = things
        return found

    def _heap(
        self, found: Found, key: str, view: View, asking: Asking, things: Sequence[GroundedObject], seen: Sequence[Seen]
    ) -> None:
        """Note what the depth shows above things, but for what the hand holds, and which of them is in the hand."""
        context = self._leaf.context
        assert context.robot is not None
        held, tcp = context.notes.get("held"), context.robot.arm.fk(asking.q)
        if not context.robot.state().holding:
            held = None
        elif not isinstance(held, Held):
            held = Held.unknown(context.robot.state().gripper_width, tcp)
        if held is not None:
            pairs = zip(things, seen, strict=True)
            found.held |= {thing.id for thing, one in pairs if held.covers(one.points, tcp).mean() > _MOSTLY}
        if key == ALL:
            return
        above = np.zeros(view.matter.shape, dtype=bool)
        for one in seen:
            above |= view.above(one)
        found.above[key] = above if held is None else above & ~held.covers(view.points, tcp)


def _flat(answer: Answer, asking: Asking, known: list[GroundedObject]) -> tuple[GroundedObject, ...]:
    """Return what a camera without depth found: where it is in the picture, and nowhere in the world."""
    things: dict[int, GroundedObject] = {}
    for region in sorted(answer.regions, key=lambda region: -region.confidence):
        same = next((one for one in known if overlap(region.box_xyxy, one.box_xyxy) >= SAME), None)
        if same is None:
            same = GroundedObject.unmeasured(region, asking.question.text, asking.frame, -1 - len(known))
            known.append(same)
        things.setdefault(same.id, same)
    return tuple(things.values())


def missing(found: Found, words: Sequence[str], places: Mapping[str, object]) -> list[str]:
    """Return those words that fit nothing, and that nobody put down where they name."""
    seen = {named(text) for text in places}
    return [text for text in words if named(text) not in found.things and named(text) not in seen]


def several(found: Found, meant: Mapping[str, int]) -> list[str]:
    """Return those words that fit more things than are meant.

    Args:
        found: What was found.
        meant: Words → how many things they may stand for, one after the other.
    """
    return [
        text
        for text, count in meant.items()
        if not text.lower().startswith(_ANY_OF) and len(found.things.get(named(text), ())) > count
    ]


def lying(found: Found) -> list[Fact]:
    """Return what lies on the things that words fit, as far as the picture measures that.

    What a plan may take away, because it has words for it, lies there as itself; anything else says that a thing is not
    clear, for good.
    """
    names = {found.same(words): words for words in found.things if words != ALL}
    facts = []
    for words in found.things:
        upper = _upon(found, words) if words != ALL else {}
        if _rest(found, words, upper) or not all(f"#{id}" in names and single for id, single in upper.items()):
            facts.append(Fact("clear", (words,), positive=False))
        else:
            facts += [Fact("on", (names[f"#{id}"], words)) for id in upper]
    return facts


def _rest(found: Found, words: str, upper: Mapping[int, bool]) -> bool:
    """Tell whether the depth shows more above what words fit than the things that were told from it."""
    above = found.above.get(words)
    if above is None or above.sum() < _RISEN:
        return False
    rest = above.copy()
    for thing in found.things.get(ALL, ()):
        if thing.id in upper and (mask := thing.mask) is not None:
            rest &= ~grown(mask, 2)
    return bool(rest.sum() >= _RISEN)


def _upon(found: Found, words: str) -> dict[int, bool]:
    """Return the ids of what lies on those that words fit, each with whether it lies on nothing else."""
    lower, others = found.things[words], found.things.get(ALL, ())
    others = tuple(one for one in others if one.id not in found.held)
    upper = [one for one in others if any(one.id != thing.id and _lies_on(one, thing) for thing in lower)]
    return {one.id: sum(_lies_on(one, other) for other in others if other.id != one.id) <= 1 for one in upper}


def _lies_on(upper: GroundedObject, lower: GroundedObject) -> bool:
    """Tell whether the middle of one thing is over another, and it is the upper one of the two.

    Its foot tells, else its top where the other one hides the foot, else that it is the smaller one: what was measured
    of a plate goes up to the top of what lies on it.
    """
    beyond = math.dist(upper.xyz[:2], lower.xyz[:2]) - max(lower.size[:2]) / 2
    higher = _foot(upper) - _foot(lower)
    if higher > max(_STEP, _SHARE * lower.size[2]):
        return beyond < min(upper.size[:2]) / 4  # of the lower one only the front may be seen
    if beyond >= 0 or higher < -_STEP or max(upper.size[:2]) > _WIDER * max(lower.size[:2]):
        return False
    above = upper.top_z - lower.top_z
    return above > _TOPS or (abs(above) <= _TOPS and max(upper.size[:2]) * _WIDER < max(lower.size[:2]))


def _foot(thing: GroundedObject) -> float:
    return thing.xyz[2] - thing.size[2] / 2


def around(found: Found) -> list[GroundedObject]:
    """Return everything that was found, each thing once."""
    things = {thing.id: thing for each in found.things.values() for thing in each}
    return list(things.values())
