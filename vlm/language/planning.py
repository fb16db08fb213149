"""From an instruction and what is true of a picture to a plan: steps, a question back, or why it cannot be done.

A plan is the JSON that the leaf ``plan`` runs: a list of ``{"skill": ..., "args": {...}}``, or ``{"ask": question}``,
or ``{"cannot": reason}``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from ..facts import FrameFacts
from .instructions import Instruction
from .matching import HOLDERS, Scene, carried_by, hidden, is_loose
from .phrases import EVERY_LOOSE, Thing, definite, noun_phrase

DONE = "That is done already."
HELLO = "Hello."
UNKNOWN = "I do not know how to do that."
_THINGS = ("object", "into", "onto")
STACKABLE = ("cube", "can")
_MOST_OPTIONS = 4


@dataclass(frozen=True)
class Plan:
    """An answer to an instruction: exactly one of ``steps``, ``ask`` and ``cannot`` is not empty.

    Attributes:
        steps: (skill, argument, value) each.
        ask: A question back, when the instruction is ambiguous.
        cannot: Why it cannot be done.
        named: Objects that the steps name, in the order of their words; those that ``ask`` is about.
    """

    steps: tuple[tuple[str, str, str], ...] = ()
    ask: str = ""
    cannot: str = ""
    named: tuple[int, ...] = ()

    @property
    def data(self) -> list[dict[str, object]] | dict[str, str]:
        """The plan as plain data."""
        if self.ask or self.cannot:
            return {"ask": self.ask} if self.ask else {"cannot": self.cannot}
        return [{"skill": skill, "args": {name: value} if name else {}} for skill, name, value in self.steps]

    @property
    def text(self) -> str:
        """The plan as JSON without blanks, the form that the embedded model writes."""
        return json.dumps(self.data, separators=(",", ":"))


class _Stop(Exception):
    """The instruction ends in a question, a reason, or (None) without a clear answer."""

    def __init__(self, plan: Plan | None) -> None:
        super().__init__()
        self.plan = plan


def _ask(words: str, about: Iterable[int] = ()) -> _Stop:
    return _Stop(Plan(ask=words, named=tuple(about)))


def _cannot(words: str) -> _Stop:
    return _Stop(Plan(cannot=words))


def plan(meant: Instruction, facts: FrameFacts, lenient: bool = False) -> Plan | None:
    """Say what is to be done in a frame.

    Objects are taken from left to right, what lies on another one first; nothing is moved that is where it belongs.

    Args:
        meant: The instruction.
        facts: The labels of the frame.
        lenient: Decide borderline cases by the plain truth, as ``grammar.judge`` does.

    Returns:
        The plan; None when nobody could tell from this frame.
    """
    scene = Scene(facts, lenient)
    try:
        return _Planner(scene).plan(meant)
    except _Stop as stop:
        return stop.plan


class _Planner:
    """Collects the steps of one plan."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.objects = scene, scene.objects
        self.names = Counter(o.name for o in self.objects)
        self.steps: list[tuple[str, str, str]] = []
        self.named: list[int] = []
        self.moved: dict[int, int] = {}
        self.wanted: set[int] = set()

    def plan(self, meant: Instruction) -> Plan:
        """Return the plan for an instruction."""
        getattr(self, f"_{meant.act}")(meant)
        if not self.steps:
            return Plan((("say", "text", DONE),))
        return Plan(tuple(self.steps), named=tuple(self.named))

    # One method for each act.
    def _put(self, meant: Instruction) -> None:
        assert meant.a is not None
        assert meant.b is not None
        if meant.a.every:
            things = self._every(meant.a)
            place = self._one(meant.b)
            things = [i for i in things if i != place]
            if len(things) > 1 and self.objects[place].shape not in HOLDERS:
                raise _cannot(f"Only one thing fits on {self._the(place)}.")
            self._all_into(things, place)
            return
        places = self.scene.find(meant.b)
        thing, place = self._one(meant.a, but=places[0] if len(places) == 1 else -1), self._one(meant.b)
        if thing == place or self.objects[place].support == thing:
            raise _Stop(None)
        self._all_into([thing], place)

    def _tidy(self, meant: Instruction) -> None:
        objects = self.objects
        loose = [i for i, o in enumerate(objects) if o.relation == "held" or is_loose(objects, i, bare=True)]
        self._all_into(self._in_order(loose), self._one(Thing("", "tray")))

    def _stack(self, meant: Instruction) -> None:
        assert meant.a is not None
        things = self._every(meant.a)
        if len(things) == 1:
            raise _cannot(f"There is only one {noun_phrase(meant.a)}.")
        things.sort(key=lambda i: self.objects[i].relation == "held")
        base = next((i for i in things if any(self.objects[j].support == i for j in things)), things[0])
        while self.objects[base].support in things:
            base = self.objects[base].support
        tower = [base]
        while above := [i for i in things if self.objects[i].support == tower[-1]]:
            tower.append(above[0])
        tower += [i for i in things if i not in tower]
        for below, thing in pairwise(tower):
            self._all_into([thing], below)

    def _fetch(self, meant: Instruction) -> None:
        assert meant.a is not None
        thing = self._one(meant.a)
        if self.objects[thing].relation != "held":
            self._pick(thing, None)

    def _empty(self, meant: Instruction) -> None:
        assert meant.b is not None
        place = self._one(meant.b)
        inside = self._in_order(i for i in range(len(self.objects)) if carried_by(self.objects, i, place))
        if not inside:
            return
        trays = [i for i, o in enumerate(self.objects) if o.shape == "tray" and i != place]
        if not trays:
            raise _cannot(f"There is no tray for what is {_where(self.objects[place].shape)} {self._the(place)}.")
        if len(trays) > 1:
            raise self._which(Thing("", "tray"), trays)
        self._all_into(inside, self._sure(trays)[0])

    def _sort(self, meant: Instruction) -> None:
        objects = self.objects
        loose = self._in_order(i for i, o in enumerate(objects) if o.loose)
        places = {i: self._left_to_right(self.scene.find(Thing(objects[i].color, group="container"))) for i in loose}
        if loose and not any(places.values()):
            raise _cannot("There is no container of the same color.")
        for thing in loose:
            if len(places[thing]) > 1:
                raise self._which(Thing(objects[thing].color, group="container"), places[thing])
            if not places[thing] and places.get(objects[thing].support) and not self.scene.lenient:
                raise _Stop(None)
        self.wanted.update(thing for thing in loose if places[thing])
        for thing in loose:
            self._all_into([thing] if places[thing] else [], *self._sure(places[thing]))

    def _look(self, meant: Instruction) -> None:
        assert meant.a is not None
        thing = self._one(meant.a)
        self._step("look_at", "object", thing)

    def _hello(self, meant: Instruction) -> None:
        self.steps.append(("say", "text", HELLO))

    def _home(self, meant: Instruction) -> None:
        self.steps.append(("home", "", ""))

    # What is meant.
    def _left_to_right(self, things: Iterable[int]) -> list[int]:
        return sorted(things, key=lambda i: self.objects[i].box_xyxy)

    def _in_order(self, things: Iterable[int]) -> list[int]:
        """Sort from left to right, but what lies on another one before that; leave out what cannot be seen at all."""
        waiting = self._left_to_right(i for i in things if self.scene.lenient or not hidden(self.objects[i]))
        ordered: list[int] = []

        def add(thing: int) -> None:
            for cover in waiting:
                if self.objects[cover].support == thing and cover not in ordered:
                    add(cover)
            if thing not in ordered:
                ordered.append(thing)

        for thing in waiting:
            add(thing)
        return self._sure(ordered)

    def _sure(self, things: list[int]) -> list[int]:
        """Return the same, or stop without an answer when one of them is hard to see."""
        if self.scene.doubtful(things):
            raise _Stop(None)
        return things

    def _one(self, thing: Thing, but: int = -1) -> int:
        """Return the thing meant, which is not ``but`` where it can be another."""
        found = self._sure(self._left_to_right(self.scene.find(thing)))
        found = [i for i in found if i != but] or found
        if not found:
            words = noun_phrase(thing)
            raise _cannot(f"There is no {words}.")
        if len(found) > 1:
            raise self._which(thing, found)
        return found[0]

    def _every(self, thing: Thing) -> list[int]:
        """Return all loose objects meant; with one that cannot be picked among them nobody can tell."""
        found = self.scene.find(replace(thing, group="any", every=False))
        loose = [i for i in found if self.objects[i].loose]
        if thing.group != "loose" and len(loose) < len(found) and not self.scene.lenient:
            raise _Stop(None)
        if not loose and found:
            raise _cannot(f"{self._the(found[0], capital=True)} cannot be picked up.")
        if not loose and thing != EVERY_LOOSE:
            raise _cannot(f"There is no {noun_phrase(thing)}.")
        return self._in_order(loose)

    def _which(self, thing: Thing, found: list[int]) -> _Stop:
        """Ask which of several things is meant, by what they differ in."""
        found = self._sure(self._left_to_right(found))
        objects = [self.objects[i] for i in found]
        words = noun_phrase(thing)
        colors, shapes = [o.color for o in objects], [o.shape for o in objects]
        if len(found) > _MOST_OPTIONS:
            return _ask(f"Which {words}?", found)
        if len(set(colors)) == len(found) and not thing.color:
            return _ask(f"Which {words}: {_or([f'the {color} one' for color in colors])}?", found)
        if len(set(shapes)) == len(found) and not thing.shape:
            return _ask(f"Which {words}: {_or([f'the {shape}' for shape in shapes])}?", found)
        if len(found) == 2 and objects[0].name == objects[1].name:
            return _ask(f"Which {words}: the left one or the right one?", found)
        return _ask(f"Which {words}?", found)

    # What is done.
    def _all_into(self, things: list[int], *to: int) -> None:
        self.wanted.update(things)
        for thing in sorted(things, key=lambda i: self.objects[i].relation != "held"):
            place = to[0]
            if self._lies_at(thing, place):
                continue
            self._check_pick(thing)
            shape = self.objects[place].shape
            if shape not in HOLDERS and (shape not in STACKABLE or not self.objects[place].upright):
                raise _cannot(f"Nothing stays on {self._the(place)}.")
            if shape not in HOLDERS:
                self._free(place, aside=None, but=thing)
            if self.objects[thing].relation != "held" or self.steps:
                self._pick(thing, place)
            self._step("place", "into" if shape in HOLDERS else "onto", place)
            self.moved[thing] = place

    def _lies_at(self, thing: int, place: int) -> bool:
        if thing in self.moved:
            return self.moved[thing] == place
        return self.objects[thing].relation != "held" and carried_by(self.objects, thing, place)

    def _check_pick(self, thing: int) -> None:
        if not self.objects[thing].loose:
            raise _cannot(f"{self._the(thing, capital=True)} cannot be picked up.")

    def _pick(self, thing: int, place: int | None) -> None:
        self._check_pick(thing)
        self._free(thing, aside=place)
        twins = [i for i, o in enumerate(self.objects) if o.name == self.objects[thing].name and i != thing]
        if twins and place is not None and self.objects[place].shape in HOLDERS:
            # the hand takes any of them: it must find them all free, and all of them must be meant
            twins = [i for i in twins if not self._lies_at(i, place) and (self._on(i) or i not in self.wanted)]
            outside: int | None = place
        else:
            outside = None
        if twins and not self.scene.lenient:
            raise _Stop(None)
        self._step("pick", "object", thing, outside)

    def _on(self, thing: int) -> list[int]:
        """Return what lies directly on a thing by now."""
        return [i for i, o in enumerate(self.objects) if self.moved.get(i, o.support) == thing]

    def _free(self, thing: int, aside: int | None, but: int = -1) -> None:
        """Take away what lies on a thing, except ``but``: to where the thing goes, else into the only tray."""
        for cover in self._in_order(i for i in self._on(thing) if i != but):
            if aside is None or self.objects[aside].shape not in HOLDERS:
                trays = [i for i, o in enumerate(self.objects) if o.shape == "tray"]
                if len(trays) != 1:
                    raise _cannot(f"{self._the(cover, capital=True)} is on {self._the(thing)}.")
                aside = self._sure(trays)[0]
            self._pick(cover, aside)
            self._step("place", "into", aside)
            self.moved[cover] = aside

    def _step(self, skill: str, argument: str, thing: int, outside: int | None = None) -> None:
        o = self.objects[thing]
        words = Thing(o.color, o.shape)
        if skill == "place" and self.names[o.name] > 1 and not self.scene.lenient:
            raise _Stop(None)
        self.named.append(thing)
        if outside is not None:
            holder = self.objects[outside]
            words = replace(words, where="out", place=Thing(holder.color, holder.shape))
            self.named.append(outside)
        self.steps.append((skill, argument, definite(words)))

    def _the(self, thing: int, capital: bool = False) -> str:
        return f"{'The' if capital else 'the'} {self.objects[thing].name}"


def _where(shape: str) -> str:
    return "on" if shape == "plate" else "in"


def _or(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]])


def named_things(data: object) -> list[str]:
    """Return the words for things in the steps of a plan, as data, whatever a model may have written."""
    found: list[str] = []
    for step in data if isinstance(data, list) else []:
        args = step.get("args") if isinstance(step, dict) else None
        if isinstance(args, dict):
            found += [value for name, value in args.items() if name in _THINGS and isinstance(value, str)]
    return found
