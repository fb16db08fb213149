"""Meanings to ask about a frame, drawn so that most of them can be answered."""

from __future__ import annotations

import math
import random
from typing import Literal

from ..facts import COLORS, LOOSE_SHAPES, SHAPES, FrameFacts, ObjectFact
from ..language.grammar import HOLDERS, Meaning, Thing
from ..language.phrases import DOORS, POSTURES, definite, noun_phrase


def named(o: ObjectFact) -> Thing:
    """Describe an object by color and shape."""
    return Thing(o.color, o.shape)


class Sampler:
    """Draws meanings to ask about one frame, one method for each family."""

    def __init__(self, facts: FrameFacts, rng: random.Random) -> None:
        self.facts, self.rng = facts, rng
        self.seen = [o for o in facts.objects if o.pixels >= 4]
        self.names = [(o.color, o.shape) for o in self.seen]
        self.sole = [o for o in self.seen if self.names.count((o.color, o.shape)) == 1]
        self.holders = [o for o in self.sole if o.shape in HOLDERS]

    def random_thing(self) -> Thing:
        """Any color and shape."""
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
        """The name of something that is there."""
        return named(self.rng.choice(self.seen)) if self.seen else self.random_thing()

    def sole_thing(self) -> Thing:
        """The name of something that only one object has."""
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
        """Whether something is there."""
        thing = self.loosely(self.present() if self.rng.random() < 0.5 else self.absent())
        if self.rng.random() < 0.12:
            where: Literal["in", "out", "table"] = self.rng.choice(("in", "in", "out", "table"))
            thing = Thing(thing.color, thing.shape, "any", False, where, None if where == "table" else self.place())
        return Meaning("exists", thing)

    def color_or_shape_missing(self) -> Meaning:
        """Whether something of a color, or a shape, that no object has is there."""
        rng = self.rng
        if rng.random() < 0.5:
            return Meaning(
                "exists", Thing(rng.choice([c for c in COLORS if all(c != n[0] for n in self.names)] or COLORS))
            )
        return Meaning(
            "exists", Thing("", rng.choice([s for s in SHAPES if all(s != n[1] for n in self.names)] or SHAPES))
        )

    def loose_left(self) -> Meaning:
        """Whether anything loose is left."""
        return Meaning("exists", Thing(group="loose"))

    def everything(self) -> Meaning:
        """Whether everything loose is in one place."""
        return Meaning("all_in", Thing(group="loose", every=True), self.place())

    def all_in(self) -> Meaning:
        """Whether all objects of a kind are in one place."""
        o = self.rng.choice(self.seen) if self.seen else None
        color = o.color if o else "red"
        shape = o.shape if o and o.shape in LOOSE_SHAPES else self.rng.choice(LOOSE_SHAPES)
        thing = self.rng.choice(
            (Thing(color, every=True), Thing("", shape, every=True), Thing(color, shape, every=True))
        )
        return Meaning("all_in", thing, self.place())

    def hand(self) -> Meaning:
        """Whether a hand is over the table."""
        return Meaning("hand")

    def robot(self) -> Meaning:
        """Whether the robot is to be seen."""
        return Meaning("robot")

    def gripper(self) -> Meaning:
        """Whether the gripper holds anything."""
        return Meaning(self.rng.choice(("holding_any", "holding_any", "gripper_empty")))

    def held(self) -> Meaning:
        """Whether the gripper holds one thing."""
        held = [o for o in self.seen if o.relation == "held"]
        if held and self.rng.random() < 0.5:
            return Meaning("held", named(held[0]))
        return Meaning("held", self.sole_thing() if self.rng.random() < 0.75 else self.absent())

    def inside(self) -> Meaning:
        """Whether a thing is in or on a place."""
        predicate = "in" if self.rng.random() < 0.8 else "outside"
        carried = [o for o in self.sole if o.support >= 0]
        if carried and self.rng.random() < 0.5:
            o = self.rng.choice(carried)
            return Meaning(predicate, named(o), named(self.facts.objects[o.support]))
        subject = self.sole_thing() if self.rng.random() < 0.85 else self.absent()
        return Meaning(predicate, subject, self.place())

    def contents(self) -> Meaning:
        """Whether a place is empty."""
        return Meaning(self.rng.choice(("empty", "empty", "contains")), self.place())

    def relation(self) -> Meaning:
        """How two things stand to each other."""
        kind = self.rng.choice(("left", "right", "front", "behind", "left", "right", "near", "near", "near", "under"))
        if kind == "under":
            carried = [o for o in self.sole if o.support >= 0]
            if carried:
                o = self.rng.choice(carried)
                pair = [named(self.facts.objects[o.support]), named(o)]
                if self.rng.random() < 0.5:
                    pair.reverse()
                return Meaning("under", pair[0], pair[1])
        return Meaning(kind, self.sole_thing(), self.sole_thing())

    def beside(self) -> Meaning | None:
        """Whether a thing is near the one next to it, which is otherwise seldom asked: most things are not near."""
        if len(self.sole) < 2:
            return None
        one, *others = self.rng.sample(self.sole, len(self.sole))
        closest = min(others, key=lambda o: math.dist(o.xyz[:2], one.xyz[:2]))
        pair = [named(one), named(closest)]
        self.rng.shuffle(pair)
        return Meaning("near", pair[0], pair[1])

    def on_table(self) -> Meaning:
        """Whether a thing stands on the table."""
        return Meaning("on_table", self.sole_thing())

    def posture(self) -> Meaning:
        """Whether a bottle, can or mug is upright."""
        tall = [o for o in self.sole if o.shape in ("bottle", "can", "mug")]
        fallen = [o for o in tall if not o.upright]
        o = self.rng.choice(fallen if fallen and self.rng.random() < 0.5 else tall) if tall else None
        return Meaning(self.rng.choice(("upright", "tipped")), named(o) if o else self.random_thing())

    def color(self) -> Meaning:
        """Whether a thing has a color."""
        o = self.rng.choice(self.seen) if self.seen else None
        word = o.color if o and self.rng.random() < 0.5 else self.rng.choice(COLORS)
        return Meaning("color", Thing("", o.shape if o else "cube"), word=word)

    def table_empty(self) -> Meaning:
        """Whether the table is empty."""
        return Meaning("table_empty")

    def count(self) -> Meaning:
        """How many objects of a kind there are."""
        thing = self.present() if self.rng.random() < 0.75 else self.random_thing()
        u = self.rng.random()
        if u < 0.3:
            return Meaning("count", Thing(group="loose"))
        if u < 0.45:
            return Meaning("count", Thing(where="in", place=self.place()))
        return Meaning("count", Thing(thing.color) if u < 0.75 else Thing("", thing.shape))

    def attribute(self) -> Meaning:
        """What color or shape a thing has."""
        thing = self.sole_thing()
        if self.rng.random() < 0.6:
            return Meaning("attribute", Thing("", thing.shape), word="color")
        return Meaning("attribute", Thing(thing.color), word="shape")

    def describe(self) -> Meaning:
        """What is to be seen."""
        return Meaning("describe")

    def ground_one(self) -> Meaning:
        """Where one thing is."""
        return Meaning("ground", self.sole_thing())

    def ground_place(self) -> Meaning:
        """Where a tray, bowl or plate is."""
        return Meaning("ground", self.place())

    def ground_absent(self) -> Meaning:
        """Where something is that is not there."""
        return Meaning("ground", self.absent())

    def ground_every(self) -> Meaning:
        """Where all objects of a kind are."""
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

    def touching(self) -> Meaning | None:
        """Contact, only where a label says that there is some: old label files never do."""
        objects, rng = self.facts.objects, self.rng
        pairs = [(o, objects[j]) for o in self.sole for j in o.touching if objects[j] in self.sole]
        if not pairs:
            return None
        if rng.random() < 0.5:
            pair = list(rng.choice(pairs))
            rng.shuffle(pair)
            return Meaning("touching", named(pair[0]), named(pair[1]))
        return Meaning("touching", self.sole_thing(), self.sole_thing())

    def door(self) -> Meaning:
        """Whether the cupboard is open."""
        return Meaning(self.rng.choice(("door_open", "door_open", "door_closed")), word=self.rng.choice(DOORS[:2]))

    def person(self) -> Meaning:
        """Whether a person is near."""
        return Meaning("person")

    def choice(self) -> Meaning | None:
        """One of the questions that name their answers."""
        draws = (self._which_in, self._which_in, self._which_held, self._which_posture, self._which_side)
        return self.rng.choice((*draws, self._which_color, self._which_color))()

    def _options(self, one: ObjectFact) -> tuple[str, ...]:
        """Name an object and one or two others."""
        rng = self.rng
        things = [named(one)]
        for _ in range(rng.choice((1, 1, 2))):
            other = self.sole_thing() if rng.random() < 0.75 else self.absent()
            if other not in things:
                things.append(other)
        rng.shuffle(things)
        bare = rng.random() < 0.2
        return tuple(noun_phrase(thing) if bare else definite(thing) for thing in things)

    def _which_in(self) -> Meaning | None:
        carried = [o for o in self.sole if o.support >= 0 and self.facts.objects[o.support] in self.holders]
        if not carried:
            return None
        o = self.rng.choice(carried)
        options = self._options(o)
        place = self.facts.objects[o.support]
        alone = sum(q.shape == place.shape for q in self.seen) == 1
        where = Thing("", place.shape) if alone and self.rng.random() < 0.5 else named(place)
        return Meaning("which_in", b=where, choices=options) if len(options) > 1 else None

    def _which_held(self) -> Meaning | None:
        held = [o for o in self.sole if o.relation == "held"]
        options = self._options(self.rng.choice(held)) if held else ()
        return Meaning("which_held", choices=options) if len(options) > 1 else None

    def _which_posture(self) -> Meaning:
        words = [self.rng.choice([word for word, up in POSTURES.items() if up == wanted]) for wanted in (True, False)]
        self.rng.shuffle(words)
        return Meaning("which_posture", self.posture().a, choices=tuple(words))

    def _which_side(self) -> Meaning:
        predicate, words = self.rng.choice(
            (("which_side", ["left", "right"]), ("which_depth", ["in front of", "behind"]))
        )
        self.rng.shuffle(words)
        return Meaning(predicate, self.sole_thing(), self.sole_thing(), choices=tuple(words))

    def _which_color(self) -> Meaning:
        o = self.rng.choice(self.seen) if self.seen else None
        words = [o.color] if o and self.rng.random() < 0.9 else []
        words += self.rng.sample([color for color in COLORS if color not in words], self.rng.choice((1, 2, 2, 3)))
        words = words if len(words) > 1 else ["red", "blue"]
        self.rng.shuffle(words)
        return Meaning("which_color", Thing("", o.shape if o else "cube"), choices=tuple(words))
