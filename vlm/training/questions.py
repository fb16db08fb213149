"""Choose questions to ask about a frame, balanced between yes and no, most of them of the kinds that trees ask."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..facts import COLORS, LOOSE_SHAPES, SHAPES, UNSEEN_PAIRS, FrameFacts, ObjectFact
from ..grammar import HOLDERS, YES_NO, Meaning, Thing, Verdict, judge, phrase

EVERY_LOOSE = Meaning("ground", Thing(group="loose", every=True))


@dataclass(frozen=True)
class Asked:
    """One question with its true answer.

    Attributes:
        kind: Name under which its accuracy is reported.
        meaning: What is asked.
        question: The wording.
        answer: The text the model should give.
        verdict: What is true.
    """

    kind: str
    meaning: Meaning
    question: str
    answer: str
    verdict: Verdict


def boxes_text(facts: FrameFacts, indices: tuple[int, ...]) -> str:
    """Write objects in the grounding form of Qwen3-VL, coordinates 0..999."""
    entries = []
    for i in indices:
        o = facts.objects[i]
        x0, y0, x1, y1 = (min(999, round(v * 1000)) for v in o.box_xyxy)
        entries.append(f'{{"bbox_2d": [{x0}, {y0}, {x1}, {y1}], "label": "{o.name}"}}')
    return "[" + ", ".join(entries) + "]"


def ask(meaning: Meaning, facts: FrameFacts, rng: random.Random, usual: float = 0.5, kind: str = "") -> Asked | None:
    """Word one question and answer it; None when it has no clear answer."""
    verdict = judge(meaning, facts)
    if verdict is None:
        return None
    answer = boxes_text(facts, verdict.indices) if verdict.kind == "ground" else verdict.text
    return Asked(kind or kind_of(meaning, verdict), meaning, phrase(meaning, rng, usual), answer, verdict)


def kind_of(meaning: Meaning, verdict: Verdict) -> str:
    """Name the kind of a question for reports."""
    a = meaning.a
    if meaning.predicate == "ground" and a is not None:
        if not verdict.indices:
            return "ground absent"
        if not a.every:
            return "ground container" if a.shape in HOLDERS else "ground one"
        return "ground every loose" if a == EVERY_LOOSE.a else "ground every"
    if meaning.predicate == "all_in" and a is not None and not a.color and not a.shape:
        return "everything inside"
    if meaning.predicate == "exists" and a == Thing(group="loose"):
        return "loose left"
    return meaning.predicate


def names_unseen(meaning: Meaning) -> bool:
    """Tell whether a question names a color with a shape that training leaves out."""
    things = [thing for thing in (meaning.a, meaning.b) if thing is not None]
    things += [thing.place for thing in things if thing.place is not None]
    return any((thing.color, thing.shape) in UNSEEN_PAIRS for thing in things)


def named(o: ObjectFact) -> Thing:
    """Describe an object by color and shape."""
    return Thing(o.color, o.shape)


class _Sampler:
    """Draws questions about one frame."""

    def __init__(self, facts: FrameFacts, rng: random.Random) -> None:
        self.facts, self.rng = facts, rng
        self.seen = [o for o in facts.objects if o.pixels >= 4]
        self.names = [(o.color, o.shape) for o in self.seen]
        self.sole = [o for o in self.seen if self.names.count((o.color, o.shape)) == 1]
        self.holders = [o for o in self.sole if o.shape in HOLDERS]

    def random_thing(self) -> Thing:
        return Thing(self.rng.choice(COLORS), self.rng.choice(SHAPES))

    def absent(self) -> Thing:
        """A color and shape not in the frame, mostly close to something that is."""
        rng = self.rng
        for _ in range(8):
            color, shape = rng.choice(COLORS), rng.choice(SHAPES)
            if self.seen and rng.random() < 0.7:
                one, two = rng.choice(self.seen), rng.choice(self.seen)
                color, shape = rng.choice(((one.color, shape), (color, one.shape), (one.color, two.shape)))
            if (color, shape) not in self.names:
                return Thing(color, shape)
        return self.random_thing()

    def present(self) -> Thing:
        return named(self.rng.choice(self.seen)) if self.seen else self.random_thing()

    def sole_thing(self) -> Thing:
        return named(self.rng.choice(self.sole)) if self.sole else self.random_thing()

    def place(self) -> Thing:
        """A tray, bowl or plate, mostly one that is there; sometimes named by shape alone."""
        rng = self.rng
        if not self.holders:
            return Thing(rng.choice(COLORS), rng.choice(HOLDERS))
        o = rng.choice(self.holders)
        alone = sum(q.shape == o.shape for q in self.seen) == 1
        return Thing("", o.shape) if alone and rng.random() < 0.25 else named(o)

    def loosely(self, thing: Thing) -> Thing:
        """Sometimes drop the color or the shape."""
        u = self.rng.random()
        if u < 0.12:
            return Thing(thing.color)
        return Thing("", thing.shape) if u < 0.24 else thing

    # One method per family; each returns a candidate meaning.
    def exists(self) -> Meaning:
        thing = self.loosely(self.present() if self.rng.random() < 0.5 else self.absent())
        if self.rng.random() < 0.12:
            where: Literal["in", "out", "table"] = self.rng.choice(("in", "in", "out", "table"))
            thing = Thing(thing.color, thing.shape, "any", False, where, None if where == "table" else self.place())
        return Meaning("exists", thing)

    def color_or_shape_missing(self) -> Meaning:
        rng = self.rng
        if rng.random() < 0.5:
            return Meaning(
                "exists", Thing(rng.choice([c for c in COLORS if all(c != n[0] for n in self.names)] or COLORS))
            )
        return Meaning(
            "exists", Thing("", rng.choice([s for s in SHAPES if all(s != n[1] for n in self.names)] or SHAPES))
        )

    def loose_left(self) -> Meaning:
        return Meaning("exists", Thing(group="loose"))

    def everything(self) -> Meaning:
        return Meaning("all_in", Thing(group="loose", every=True), self.place())

    def all_in(self) -> Meaning:
        o = self.rng.choice(self.seen) if self.seen else None
        color = o.color if o else "red"
        shape = o.shape if o and o.shape in LOOSE_SHAPES else self.rng.choice(LOOSE_SHAPES)
        thing = self.rng.choice(
            (Thing(color, every=True), Thing("", shape, every=True), Thing(color, shape, every=True))
        )
        return Meaning("all_in", thing, self.place())

    def hand(self) -> Meaning:
        return Meaning("hand")

    def robot(self) -> Meaning:
        return Meaning("robot")

    def gripper(self) -> Meaning:
        return Meaning(self.rng.choice(("holding_any", "holding_any", "gripper_empty")))

    def held(self) -> Meaning:
        held = [o for o in self.seen if o.relation == "held"]
        if held and self.rng.random() < 0.5:
            return Meaning("held", named(held[0]))
        return Meaning("held", self.sole_thing() if self.rng.random() < 0.75 else self.absent())

    def inside(self) -> Meaning:
        predicate = "in" if self.rng.random() < 0.8 else "outside"
        carried = [o for o in self.sole if o.support >= 0]
        if carried and self.rng.random() < 0.5:
            o = self.rng.choice(carried)
            return Meaning(predicate, named(o), named(self.facts.objects[o.support]))
        subject = self.sole_thing() if self.rng.random() < 0.85 else self.absent()
        return Meaning(predicate, subject, self.place())

    def contents(self) -> Meaning:
        return Meaning(self.rng.choice(("empty", "empty", "contains")), self.place())

    def relation(self) -> Meaning:
        kind = self.rng.choice(("left", "right", "front", "behind", "left", "right", "near", "near", "under"))
        if kind == "under":
            carried = [o for o in self.sole if o.support >= 0]
            if carried:
                o = self.rng.choice(carried)
                pair = [named(self.facts.objects[o.support]), named(o)]
                if self.rng.random() < 0.5:
                    pair.reverse()
                return Meaning("under", pair[0], pair[1])
        return Meaning(kind, self.sole_thing(), self.sole_thing())

    def on_table(self) -> Meaning:
        return Meaning("on_table", self.sole_thing())

    def posture(self) -> Meaning:
        tall = [o for o in self.sole if o.shape in ("bottle", "can", "mug")]
        fallen = [o for o in tall if not o.upright]
        o = self.rng.choice(fallen if fallen and self.rng.random() < 0.5 else tall) if tall else None
        return Meaning(self.rng.choice(("upright", "tipped")), named(o) if o else self.random_thing())

    def color(self) -> Meaning:
        o = self.rng.choice(self.seen) if self.seen else None
        word = o.color if o and self.rng.random() < 0.5 else self.rng.choice(COLORS)
        return Meaning("color", Thing("", o.shape if o else "cube"), word=word)

    def table_empty(self) -> Meaning:
        return Meaning("table_empty")

    def count(self) -> Meaning:
        thing = self.present() if self.rng.random() < 0.75 else self.random_thing()
        u = self.rng.random()
        if u < 0.3:
            return Meaning("count", Thing(group="loose"))
        if u < 0.45:
            return Meaning("count", Thing(where="in", place=self.place()))
        return Meaning("count", Thing(thing.color) if u < 0.75 else Thing("", thing.shape))

    def attribute(self) -> Meaning:
        thing = self.sole_thing()
        if self.rng.random() < 0.6:
            return Meaning("attribute", Thing("", thing.shape), word="color")
        return Meaning("attribute", Thing(thing.color), word="shape")

    def describe(self) -> Meaning:
        return Meaning("describe")

    def ground_one(self) -> Meaning:
        return Meaning("ground", self.sole_thing())

    def ground_place(self) -> Meaning:
        return Meaning("ground", self.place())

    def ground_absent(self) -> Meaning:
        return Meaning("ground", self.absent())

    def ground_every(self) -> Meaning:
        rng, thing = self.rng, self.present()
        u = rng.random()
        if u < 0.35:
            return Meaning("ground", Thing(thing.color, every=True))
        if u < 0.55:
            return Meaning("ground", Thing("", thing.shape, every=True))
        if u < 0.75:
            return Meaning("ground", Thing(every=True, where=rng.choice(("in", "in", "out")), place=self.place()))
        if u < 0.82:
            return Meaning("ground", Thing(group="container", every=True))
        if u < 0.9:
            return Meaning("ground", Thing(thing.color, group="loose", every=True))
        return Meaning("ground", Thing(every=True))


_Draw = Callable[[_Sampler], Meaning]
_MIX: tuple[tuple[_Draw, float], ...] = (
    (_Sampler.exists, 5.5),
    (_Sampler.color_or_shape_missing, 1.0),
    (_Sampler.ground_one, 3.0),
    (_Sampler.ground_place, 0.7),
    (_Sampler.ground_absent, 0.8),
    (_Sampler.ground_every, 1.6),
    (_Sampler.inside, 2.4),
    (_Sampler.held, 1.6),
    (_Sampler.gripper, 0.8),
    (_Sampler.everything, 1.0),
    (_Sampler.loose_left, 0.5),
    (_Sampler.all_in, 0.7),
    (_Sampler.contents, 1.2),
    (_Sampler.relation, 2.4),
    (_Sampler.hand, 0.5),
    (_Sampler.on_table, 0.8),
    (_Sampler.posture, 0.8),
    (_Sampler.color, 0.6),
    (_Sampler.count, 1.2),
    (_Sampler.attribute, 1.0),
    (_Sampler.describe, 0.4),
    (_Sampler.table_empty, 0.15),
    (_Sampler.robot, 0.15),
)
_DRAWS = [draw for draw, _ in _MIX]
_WEIGHTS = [weight for _, weight in _MIX]
_MEASURED: dict[_Draw, int] = {
    _Sampler.relation: 6,
    _Sampler.contents: 2,
    _Sampler.gripper: 2,
    _Sampler.posture: 2,
    _Sampler.inside: 2,
}
_EVENLY = [_MEASURED.get(draw, 1) for draw in _DRAWS]
_TRIES = 6


def balanced(draw: _Draw, sampler: _Sampler) -> Asked | None:
    """Draw one question of a family, yes and no equally likely where the frame allows both."""
    want = sampler.rng.random() < 0.5
    spare = None
    for _ in range(_TRIES):
        asked = ask(draw(sampler), sampler.facts, sampler.rng)
        if asked is None:
            continue
        if asked.meaning.predicate not in YES_NO or asked.verdict.yes == want:
            return asked
        spare = asked
    return spare if sampler.rng.random() < 0.4 else None


def questions(facts: FrameFacts, rng: random.Random, count: int, measuring: bool = False) -> list[Asked]:
    """Choose ``count`` questions about a frame, those that the shipped trees ask first.

    Args:
        facts: Labels of the frame.
        rng: Chooses.
        count: How many at most; no wording comes twice.
        measuring: They may name the pairs of color and shape that training leaves out, and all kinds come about equally
            often.
    """
    sampler = _Sampler(facts, rng)
    chosen: dict[str, Asked] = {}

    def add(asked: Asked | None) -> None:
        if asked is not None and (measuring or not names_unseen(asked.meaning)):
            chosen.setdefault(asked.question, asked)

    add(ask(EVERY_LOOSE, facts, rng, usual=0.8))
    if sampler.holders:
        add(ask(sampler.ground_place(), facts, rng, usual=0.8))
        everything = ask(sampler.everything(), facts, rng, usual=0.7)
        if everything is not None and (everything.verdict.yes or rng.random() < 0.5):
            add(everything)
    if facts.hand_in_workspace or rng.random() < 0.4:
        add(ask(Meaning("hand"), facts, rng, usual=0.6))
    for _ in range(count * 3):
        if len(chosen) >= count:
            break
        add(balanced(rng.choices(_DRAWS, _EVENLY if measuring else _WEIGHTS)[0], sampler))
    return list(chosen.values())
