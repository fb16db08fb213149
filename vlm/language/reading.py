"""Understanding: from the words of a question to its meaning."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from ..facts import COLORS, SHAPES
from .comparisons import COMPARED
from .phrases import (
    CHOICES,
    DOORS,
    EVERY_LOOSE,
    EVERYTHING,
    FIXED,
    LOOSE_LEFT,
    POSTURES,
    TEMPLATES,
    Meaning,
    Thing,
    plural,
)

_PLACE_WORDS = {"in": "in", "inside": "in", "within": "in", "on": "in", "on top of": "in"}
_PLACE_WORDS |= {"outside": "out", "not in": "out", "not inside": "out", "not on": "out", "out of": "out"}


def normal(text: str) -> str:
    """Return a text in lower case, without punctuation, articles and politeness."""
    text = re.sub(r"[?.!,;:\"'`]+", " ", text.lower().replace("colour", "color"))
    text = re.sub(r"\b(the|a|an|please|currently|now)\b", " ", text)
    return " ".join(text.split())


HEADS: dict[str, tuple[str, str]] = {s: ("shape", s) for s in SHAPES} | {plural(s): ("shape", s) for s in SHAPES}
HEADS |= {w: ("group", "any") for n in ("object", "thing", "item") for w in (n, plural(n))}
HEADS |= dict.fromkeys(("container", "containers"), ("group", "container"))
HEADS |= {"block": ("shape", "cube"), "cup": ("shape", "mug"), "box": ("shape", "cube"), "dish": ("shape", "plate")}
"""What the last word of a description says: a shape, or a group of shapes."""


@lru_cache(maxsize=8192)
def read_thing(text: str) -> Thing | None:
    """Read a normalised noun phrase (no articles): "red cube", "every loose object outside blue tray"."""
    words = text.split()
    every = bool(words) and words[0] in ("every", "all", "each")
    words = words[every:]
    if words[:1] == ["everything"]:
        every, words = (
            True,
            ["loose" if words[1:2] == ["loose"] else "", "object", *words[1 + (words[1:2] == ["loose"]) :]],
        )
        words = [w for w in words if w]
    group: Literal["any", "loose", "container"] = "any"
    color = ""
    while words and (words[0] == "loose" or words[0] in COLORS):
        if words[0] == "loose":
            group = "loose"
        elif color:
            return None
        else:
            color = words[0]
        words = words[1:]
    if not words or words[0] not in HEADS:
        return None
    kind, value = HEADS[words[0]]
    shape = value if kind == "shape" else ""
    if value == "container":
        group = "container"
    rest = " ".join(words[1:])
    if not rest:
        return Thing(color, shape, group, every)
    if rest in ("on table", "left on table", "directly on table"):
        return Thing(color, shape, group, every, "table")
    rest = rest.removeprefix("that is ").removeprefix("that are ").removeprefix("which is ")
    for words_of_place, where in sorted(_PLACE_WORDS.items(), key=lambda kv: -len(kv[0])):
        if rest.startswith(words_of_place + " "):
            place = read_thing(rest[len(words_of_place) + 1 :])
            if place is None or place.where or place.every or place.group == "loose":
                return None
            return Thing(color, shape, group, every, "in" if where == "in" else "out", place)
    return None


def _pattern(template: str) -> re.Pattern[str]:
    text = re.sub(r"\{(an|ns|n|a)\}", "SLOTA", template).replace("{b}", "SLOTB").replace("{w}", "SLOTW")
    text = re.escape(normal(text))
    return re.compile(
        text.replace("slota", "(?P<a>.+?)").replace("slotb", "(?P<b>.+?)").replace("slotw", r"(?P<w>\w+)") + r"\Z"
    )


_SIDES, _DEPTHS = ("left", "right"), ("in front of", "behind")
_WORDS = {"which_color": COLORS, "which_posture": tuple(POSTURES), "which_side": _SIDES, "which_depth": _DEPTHS}


def _choice_pattern(predicate: str, template: str) -> re.Pattern[str]:
    """Match a lower-case question without its mark; commas and articles count, since they belong to the choices."""
    text = re.escape(template.lower().rstrip("?"))
    one = "|".join(sorted(_WORDS.get(predicate, ()), key=len, reverse=True))
    slots = {"a": ".+?", "b": ".+?", "c": rf"(?:(?:{one}),? )+or (?:{one})" if one else ".+ or .+"}
    for slot, what in slots.items():
        text = text.replace(rf"\{{{slot}\}}", f"(?P<{slot}>{what})")
    return re.compile(text + r"\Z")


_CHOICE_READERS = [(p, _choice_pattern(p, t)) for p in CHOICES for t in TEMPLATES[p]]
_READERS: list[tuple[str, str, re.Pattern[str]]] = [
    (p, t, _pattern(t)) for p, ts in TEMPLATES.items() if p not in CHOICES for t in ts
]
_READERS += [("everything", t, _pattern(t)) for t in EVERYTHING]
_READERS += [(p, t, _pattern(t)) for p, ts in COMPARED.items() for t in ts]
_EXACT = {normal(t): Meaning(p) for p in FIXED for t in (TEMPLATES | COMPARED)[p]}
_EXACT |= {normal(t): Meaning("exists", Thing(group="loose")) for t in LOOSE_LEFT}


@lru_cache(maxsize=8192)
def parse(text: str) -> Meaning | None:
    """Understand a question.

    Args:
        text: The question; case, articles and closing punctuation do not matter.

    Returns:
        Its meaning, or None when it is not in the language.
    """
    plain = normal(text)
    if plain in _EXACT:
        return _EXACT[plain]
    if " or " in plain and (chosen := _read_choice(text)) is not None:
        return chosen
    for predicate, template, pattern in _READERS:
        if predicate in FIXED or not (hit := pattern.match(plain)):
            continue
        slots = hit.groupdict()
        if predicate in ("door_open", "door_closed"):
            if slots["w"] in DOORS:
                return Meaning(predicate, word=slots["w"])
            continue
        if predicate == "everything":
            if (b := _place(slots["b"])) is not None:
                return Meaning("all_in", EVERY_LOOSE, b)
            continue
        a = read_thing(slots["a"])
        meaning = None if a is None else _assemble(predicate, template, a, slots)
        if meaning is not None:
            return meaning
    return None


def _read_choice(text: str) -> Meaning | None:
    plain = " ".join(text.lower().replace("colour", "color").split()).rstrip("?.! ")
    for predicate, pattern in _CHOICE_READERS:
        if not (hit := pattern.match(plain)):
            continue
        slots = hit.groupdict()
        choices = tuple(re.split(r"\s*,\s*(?:or\s+)?|\s+or\s+", slots["c"]))
        a, b = (_place(normal(slots[slot])) if slot in slots else None for slot in ("a", "b"))
        if all((slot in slots) == (thing is not None) for slot, thing in (("a", a), ("b", b))) and _may_choose(
            predicate, choices
        ):
            return Meaning(predicate, a, b, choices=choices)
    return None


def _may_choose(predicate: str, choices: tuple[str, ...]) -> bool:
    """Tell whether these are answers that a question of this kind may name."""
    if len(set(choices)) < len(choices):
        return False
    if predicate not in _WORDS:
        return all(_place(normal(choice)) is not None for choice in choices)
    if predicate == "which_posture":
        return len(choices) == 2 and {POSTURES[choice] for choice in choices} == {True, False}
    return predicate == "which_color" or len(choices) == 2


def _place(text: str) -> Thing | None:
    thing = read_thing(text)
    return None if thing is None or thing.every or thing.where else thing


def _assemble(predicate: str, template: str, a: Thing, slots: dict[str, str]) -> Meaning | None:
    if predicate == "ground":
        return Meaning("ground", a)
    if predicate in ("exists", "count"):
        return None if a.every else Meaning(predicate, a)
    if a.every and predicate in ("in", "all_in") and "b" in slots:
        predicate = "all_in"
    if predicate == "all_in":
        b = _place(slots["b"])
        a = EVERY_LOOSE if a == Thing(every=a.every) else Thing(a.color, a.shape, a.group, True)
        return None if b is None or a.where else Meaning("all_in", a, b)
    if a.every or (a.where and predicate not in ("attribute", "color", "upright", "tipped")):
        return None
    if "b" in slots:
        b = _place(slots["b"])
        return None if b is None else Meaning(predicate, a, b)
    word = slots.get("w", "")
    if predicate == "color" and (word not in COLORS or a.color):
        return None
    if predicate == "attribute" and word not in ("color", "shape"):
        return None
    return Meaning(predicate, a, None, word)


def parse_query(text: str) -> Thing | None:
    """Understand what is to be located: "every loose object", "the blue tray"."""
    return read_thing(normal(text))
