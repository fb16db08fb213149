"""Which objects of a frame a description fits."""

from __future__ import annotations

from collections.abc import Iterable

from ..facts import FrameFacts, ObjectFact
from .phrases import Thing

HOLDERS = ("tray", "bowl", "plate")
HIDDEN_PIXELS = 4
FAINT_PIXELS = 22
FAINT_FRACTION = 0.3


def holder(objects: tuple[ObjectFact, ...], index: int) -> int:
    """Return the index of the tray, bowl or plate that carries object ``index``, at any depth; -1 when none does."""
    seen = {index}
    while (index := objects[index].support) >= 0 and index not in seen:
        seen.add(index)
        if objects[index].shape in HOLDERS:
            return index
    return -1


def carried_by(objects: tuple[ObjectFact, ...], index: int, place: int) -> bool:
    """Tell whether ``place`` carries object ``index``: at any depth for a tray, bowl or plate, else directly."""
    if objects[place].shape in HOLDERS:
        return holder(objects, index) == place
    return objects[index].support == place


def matches(thing: Thing, facts: FrameFacts) -> list[int]:
    """Return the indices of all objects the description fits, seen or hidden, in the order of the facts."""
    objects = facts.objects
    places = matches(thing.place, facts) if thing.place else []
    found = []
    for i, o in enumerate(objects):
        if (thing.color and o.color != thing.color) or (thing.shape and o.shape != thing.shape):
            continue
        if thing.group == "container" and o.shape not in HOLDERS:
            continue
        if thing.group == "loose" and not is_loose(objects, i, bare=not thing.where):
            continue
        if thing.where == "table" and o.relation != "table":
            continue
        if thing.where == "in" and not any(p != i and carried_by(objects, i, p) for p in places):
            continue
        if thing.where == "out" and any(p == i or carried_by(objects, i, p) for p in places):
            continue
        found.append(i)
    return found


def is_loose(objects: tuple[ObjectFact, ...], index: int, bare: bool) -> bool:
    """Tell whether an object counts as loose; ``bare``: only while no tray, bowl, plate or gripper has it."""
    o = objects[index]
    return o.loose and (not bare or (o.relation in ("table", "on") and holder(objects, index) < 0))


def hidden(o: ObjectFact) -> bool:
    """Tell whether next to nothing of an object can be seen."""
    return o.pixels < HIDDEN_PIXELS


def faint(o: ObjectFact) -> bool:
    """Tell whether an object can be seen, but too little of it for a safe answer."""
    return not hidden(o) and (o.pixels < FAINT_PIXELS or o.visible_fraction < FAINT_FRACTION)


class Scene:
    """One frame with the rule for objects that can hardly be seen."""

    def __init__(self, facts: FrameFacts, lenient: bool) -> None:
        self.facts, self.objects, self.lenient = facts, facts.objects, lenient

    def find(self, thing: Thing) -> list[int]:
        """Matches that count: all when lenient, else those that can be seen at all."""
        return [i for i in matches(thing, self.facts) if self.lenient or not hidden(self.objects[i])]

    def doubtful(self, found: Iterable[int]) -> bool:
        """Tell whether the answer would rest on an object that is hard to see."""
        return not self.lenient and any(faint(self.objects[i]) for i in found)

    def clear(self, found: Iterable[int]) -> list[int]:
        """Return those that can be seen well."""
        return [i for i in found if self.lenient or not faint(self.objects[i])]

    def sole(self, thing: Thing) -> int | None:
        """Return the one object that is meant; None when there is none, several, or one that is hard to see."""
        found = self.find(thing)
        if len(found) == 1 and not self.doubtful(found):
            return found[0]
        return found[0] if found and self.lenient else None

    def gap(self, a: int, b: int) -> float:
        """Return about how far two objects stand apart, seen from above, [m]."""
        p, q = self.objects[a], self.objects[b]
        between: float = ((p.xyz[0] - q.xyz[0]) ** 2 + (p.xyz[1] - q.xyz[1]) ** 2) ** 0.5
        return between - sum((*p.size[:2], *q.size[:2])) / 4

    def center_u(self, i: int) -> float:
        """Return the column of a box center, relative."""
        box = self.objects[i].box_xyxy
        return (box[0] + box[2]) / 2


def a_thing(name: str) -> str:
    """Put the article before a name."""
    return ("an " if name[0] in "aeiou" else "a ") + name


def sentence(parts: Iterable[str]) -> str:
    """Return the sentence of a description: what it says of each thing."""
    said = list(parts)
    if not said:
        return "The table is empty."
    text = said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]
    return text[0].upper() + text[1:] + "."


def caption(facts: FrameFacts) -> str:
    """Describe a frame in one sentence, objects from left to right."""
    return captioned(facts)[0]


def captioned(facts: FrameFacts) -> tuple[str, tuple[int, ...]]:
    """Describe a frame as ``caption`` does, and return the objects that are named, in the order of the words."""
    objects = facts.objects
    seen = sorted((i for i, o in enumerate(objects) if not hidden(o)), key=lambda i: objects[i].box_xyxy)
    parts = []
    named: list[int] = []
    for i in seen:
        o = objects[i]
        if o.relation == "held":
            parts.append(f"{a_thing(o.name)} held by the gripper")
            named.append(i)
        elif o.support >= 0:
            parts.append(f"{a_thing(o.name)} {o.relation} {a_thing(objects[o.support].name)}")
            named += (i, o.support)
        elif not any(objects[j].support == i for j in seen):
            parts.append(a_thing(o.name))
            named.append(i)
    return sentence(parts), tuple(named)
