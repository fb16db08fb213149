"""What tells several things apart that could be meant, in words: "the red one", "the one in the bowl"."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ...vlm.facts import COLORS, LOOSE_SHAPES
from ...vlm.language.phrases import Thing, either, noun_phrase
from ...vlm.language.reading import normal, read_thing
from .grounded import GroundedObject
from .lying import HOLDERS, gap, on_table, shape_of, support_of

APART = 0.05
"""Things so far apart in the picture, relative to its width, have a left and a right one."""
FARTHER = 0.05
"""Things whose distance from the robot differs by so much have a nearer one, [m]."""
LARGER = 1.5
"""A thing of so many times the volume of another one is the large one."""
NEXT = 0.05
"""A thing that stands so near to another one is next to it, [m]; none of the others may be within twice that."""


@dataclass(frozen=True)
class Name:
    """The words that pick one thing out of several.

    Attributes:
        side: ``left``, ``middle``, ``right``, or a place in the row.
        size: ``large`` or ``small``.
        color: A color.
        shape: What kind of thing it is, where that differs.
        place: In or on what it lies, what it is next to, how near it is.
    """

    side: str = ""
    size: str = ""
    color: str = ""
    shape: str = ""
    place: str = ""

    def __str__(self) -> str:
        words = ("the", self.side, self.size, self.color, self.shape or "one", self.place)
        return " ".join(word for word in words if word)


Values = list[str]
"""Word of a feature for each thing of a group, empty where it has none."""
_FEATURES = ("color", "shape", "lies", "side", "size", "next", "near")
_SLOTS = {"lies": "place", "next": "place", "near": "place"}


def differences(objects: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()) -> list[str]:
    """Name several things so that the names tell them apart.

    Left and right are those of the picture, near and far are seen from the robot. Names are unique, and the same for
    the same things.

    Args:
        objects: The things that could be meant, grounded in pictures of one camera.
        around: Further things of the scene, which the names may speak of, such as the bowl that one lies in.

    Returns:
        The names, in the order of the objects; for one object what it is called.
    """
    return [str(name) for name in names(objects, around)]


def names(objects: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()) -> list[Name]:
    """Return what ``differences`` returns, word by word."""
    if not objects:
        return []
    if len(objects) == 1:
        return [Name(color=color_of(objects[0]), shape=shape_of(objects[0]) or "object")]
    every = [*objects, *(one for one in around if not any(_same(one, thing) for thing in objects))]
    found = _names(list(objects), every, Name())
    taken = Counter(map(str, found))
    if any(count > 1 for count in taken.values()):  # twins in one spot of the picture
        found = _in_row(list(objects))
    return found


def question_for(words: str, objects: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()) -> str:
    """Ask which of several things is meant.

    Args:
        words: What they were called, such as "the cup".
        objects: Those that could be meant.
        around: Further things of the scene.

    >>> question_for("the cup", ())
    'Which cup?'
    """
    noun = bare(words)
    if len(objects) < 2:
        return f"Which {noun}?"
    return f"Which {noun}: {either(tuple(differences(objects, around)))}?"


def bare(words: str) -> str:
    """Return words for a thing without article and mark.

    >>> bare("The red cup.")
    'red cup'
    """
    text = normal(words)
    for first in ("every ", "all ", "each "):
        text = text.removeprefix(first)
    return text or "one"


def query_for(
    words: str, thing: GroundedObject, objects: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()
) -> str:
    """Return words by which grounding finds this one of several things; empty where its language has none.

    Grounding knows color, shape, and in or on what a thing lies or not.

    Args:
        words: What they were called, such as "the cup".
        thing: The one that is meant.
        objects: Those that could be meant.
        around: Further things of the scene.
    """
    meant = read_thing(bare(words))
    if meant is None:
        return ""
    for name in _told(thing, objects, around):
        if (told := _with(meant, name)) is not None:
            return "the " + noun_phrase(told)
    return ""


def fitting(
    words: str, things: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()
) -> list[GroundedObject]:
    """Return those of several things that words fit, by what they are called and in or on what they lie.

    A model that is asked for every cup may miss one that it finds, and calls a cup, when asked for every object.

    Args:
        words: Such as "the red cup" or "every ball in the bowl".
        things: The things.
        around: Further things of the scene.
    """
    meant = read_thing(bare(words))
    if meant is None:
        return [thing for thing in things if bare(thing.label) == bare(words)]
    every = [*things, *(one for one in around if not any(_same(one, thing) for thing in things))]
    return [thing for thing in things if _fits(meant, thing, every)]


def _fits(meant: Thing, thing: GroundedObject, every: list[GroundedObject]) -> bool:
    shape = shape_of(thing)
    if (meant.color and color_of(thing) != meant.color) or (meant.shape and shape != meant.shape):
        return False
    below = support_of(thing, every)
    if meant.group == "container" and shape not in HOLDERS:
        return False
    if meant.group == "loose" and (shape not in LOOSE_SHAPES or (below is not None and shape_of(below) in HOLDERS)):
        return False
    if meant.where == "table":
        return below is None and on_table(thing)
    if meant.place is not None:
        inside = below is not None and _fits(meant.place, below, every)
        return inside if meant.where == "in" else not inside and not _fits(meant.place, thing, every)
    return True


def _told(thing: GroundedObject, objects: Sequence[GroundedObject], around: Sequence[GroundedObject]) -> list[Name]:
    """Return the names of a thing by color, shape and place alone that no other one has, the shortest first."""
    every = [*objects, *(one for one in around if not any(_same(one, each) for each in objects))]
    own = next(i for i, each in enumerate(objects) if _same(each, thing))
    columns = {feature: _values(feature, list(objects), every) for feature in ("color", "shape", "lies")}
    found = []
    for chosen in (("color",), ("shape",), ("lies",), ("color", "shape"), ("color", "lies"), ("shape", "lies")):
        rows = list(zip(*(columns[feature] for feature in chosen), strict=True))
        if all(rows[own]) and rows.count(rows[own]) == 1:
            found.append(Name(**{_SLOTS.get(feature, feature): columns[feature][own] for feature in chosen}))
    return found


def _with(meant: Thing, name: Name) -> Thing | None:
    """Add a name to what was said; None where the language of grounding cannot say both."""
    told = meant
    if name.color:
        told = replace(told, color=name.color)
    if name.shape:
        told = replace(told, shape=name.shape, group="any")
    if name.place:
        read = read_thing(normal(f"object {name.place}"))
        if read is None or not read.where or meant.where:
            return None
        told = replace(told, where=read.where, place=read.place)
    return told if read_thing(normal(noun_phrase(told))) == told else None


def _names(group: list[GroundedObject], every: list[GroundedObject], known: Name) -> list[Name]:
    """Name the things of a group, which ``known`` tells apart from all others already."""
    free = [f for f in _FEATURES if not getattr(known, _SLOTS.get(f, f))]
    columns = {feature: _values(feature, group, every) for feature in free}
    for feature, values in columns.items():
        if all(values) and len(set(values)) == len(group):
            return [_add(known, feature, value) for value in values]
    found: list[Name | None] = [_own(i, columns, known) for i in range(len(group))]
    for feature in ("color", "shape", "lies"):
        values = columns.get(feature, [])
        if not all(values) or len(set(values)) < 2:
            continue
        for value in dict.fromkeys(values):
            alike = [i for i, each in enumerate(values) if each == value]
            if any(found[i] is None for i in alike) and len(alike) > 1:
                told = _names([group[i] for i in alike], every, _add(known, feature, value))
                for i, name in zip(alike, told, strict=True):
                    found[i] = found[i] or name
    row = _in_row(group, known)
    return [name or row[i] for i, name in enumerate(found)]


def _own(index: int, columns: dict[str, Values], known: Name) -> Name | None:
    """Name a thing by the first feature in which no other one is like it."""
    for feature, values in columns.items():
        if values[index] and values.count(values[index]) == 1 and (all(values) or feature in ("next", "side", "near")):
            return _add(known, feature, values[index])
    return None


def _add(name: Name, feature: str, word: str) -> Name:
    return replace(name, **{_SLOTS.get(feature, feature): word})


def _values(feature: str, group: list[GroundedObject], every: list[GroundedObject]) -> Values:
    if feature == "color":
        return [color_of(thing) for thing in group]
    if feature == "shape":
        return [shape_of(thing) for thing in group]
    if feature == "lies":
        return [_lies(thing, every) for thing in group]
    return {"size": _sizes, "side": _sides, "near": _near}[feature](group) if feature != "next" else _next(group, every)


def color_of(thing: GroundedObject) -> str:
    """Return the color that a thing is called by, empty where it is called by none."""
    return next((word for word in normal(thing.label).split() if word in COLORS), "")


def _lies(thing: GroundedObject, every: list[GroundedObject]) -> str:
    below = support_of(thing, every)
    if below is None:
        return "on the table" if on_table(thing) else ""
    name = _called(below, every)
    return name and f"{'in' if shape_of(below) in ('tray', 'bowl') else 'on'} {name}"


def _called(thing: GroundedObject, every: list[GroundedObject]) -> str:
    """Return the shortest words for a thing that fit no other: "the bowl", "the red bowl"; empty if there are none."""
    shape, color = shape_of(thing), color_of(thing)
    others = [one for one in every if one is not thing]
    if shape and all(shape_of(one) != shape for one in others):
        return f"the {shape}"
    if shape and color and all((shape_of(one), color_of(one)) != (shape, color) for one in others):
        return f"the {color} {shape}"
    return ""


def _sizes(group: list[GroundedObject]) -> Values:
    volumes = [math.prod(thing.size) for thing in group]
    if len(group) != 2 or max(volumes) < LARGER * max(min(volumes), 1e-9):
        return [""] * len(group)
    return ["large" if volume == max(volumes) else "small" for volume in volumes]


def _sides(group: list[GroundedObject]) -> Values:
    """Say who stands left, in the middle and right, where that is clear; of many only the outermost."""
    order = sorted(range(len(group)), key=lambda i: _column(group[i]))
    gaps = [_column(group[b]) - _column(group[a]) for a, b in pairwise(order)]
    values = [""] * len(group)
    if gaps[0] >= APART:
        values[order[0]] = "left" if len(group) < 4 else "leftmost"
    if gaps[-1] >= APART:
        values[order[-1]] = "right" if len(group) < 4 else "rightmost"
    if len(group) == 3 and min(gaps) >= APART:
        values[order[1]] = "middle"
    return values


def _near(group: list[GroundedObject]) -> Values:
    away = [math.hypot(thing.xyz[0], thing.xyz[1]) for thing in group]
    order = sorted(range(len(group)), key=lambda i: away[i])
    values = [""] * len(group)
    if away[order[1]] - away[order[0]] >= FARTHER:
        values[order[0]] = "nearest to me" if len(group) > 2 else "nearer to me"
    if away[order[-1]] - away[order[-2]] >= FARTHER:
        values[order[-1]] = "farthest from me" if len(group) > 2 else "farther from me"
    return values


def _next(group: list[GroundedObject], every: list[GroundedObject]) -> Values:
    """Say which one alone stands next to a thing that has a name."""
    values = [""] * len(group)
    for i, thing in enumerate(group):
        for other in sorted(
            (one for one in every if all(one is not each for each in group)), key=lambda o: gap(thing, o)
        ):
            others = [gap(one, other) for one in group if one is not thing]
            apart = not any(support_of(one, [other]) or support_of(other, [one]) for one in group)
            if gap(thing, other) <= NEXT and min(others) > 2 * NEXT and apart and (name := _called(other, every)):
                values[i] = f"next to {name}"
                break
    return values


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _in_row(group: list[GroundedObject], known: Name | None = None) -> list[Name]:
    """Count from the left, which always tells things apart."""
    order = sorted(range(len(group)), key=lambda i: (_column(group[i]), group[i].box_xyxy, i))
    places = {i: n for n, i in enumerate(order)}
    words = [_ORDINALS[n] if n < len(_ORDINALS) else f"{n + 1}th" for n in range(len(group))]
    return [replace(known or Name(), side=words[places[i]], place="from the left") for i in range(len(group))]


def _column(thing: GroundedObject) -> float:
    return (thing.box_xyxy[0] + thing.box_xyxy[2]) / 2


def _same(a: GroundedObject, b: GroundedObject) -> bool:
    return a is b or (a.id > 0 and a.id == b.id)
