"""Wordings: how each meaning can be asked.

Every predicate has a list of templates; the first one is the wording trees use. A template works in both directions:
filled here to write a question, matched in ``reading`` to understand one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from .comparisons import COMPARED, COMPARED_ALONE


@dataclass(frozen=True)
class Thing:
    """A description of objects, as in "every loose red object on the white plate".

    Attributes:
        color: One of ``COLORS``, or empty for any.
        shape: One of ``SHAPES``, or empty for any.
        group: ``loose`` for cubes, cans, bottles and balls (without ``where``: those that lie in no tray, bowl or
            plate), ``container`` for trays, bowls and plates, ``any`` for all objects.
        every: "every ..." or "all ..."; otherwise "the ..." or "a ...".
        where: Empty, or ``in`` / ``out`` of ``place`` (lying in or on it, or not), or directly on the ``table``.
        place: The object meant by ``where``; color and shape only.
    """

    color: str = ""
    shape: str = ""
    group: Literal["any", "loose", "container"] = "any"
    every: bool = False
    where: Literal["", "in", "out", "table"] = ""
    place: Thing | None = None


@dataclass(frozen=True)
class Meaning:
    """What a question asks.

    Attributes:
        predicate: One of ``PREDICATES``, or of ``COMPARISONS`` for a question about two pictures.
        a: The object or objects it is about, where it has one.
        b: The second object of a relation.
        word: The color asked for by ``color``; ``color`` or ``shape`` for ``attribute``; what may be open.
        choices: The answers that a ``which_...`` question names, in its own words and order.
    """

    predicate: str
    a: Thing | None = None
    b: Thing | None = None
    word: str = ""
    choices: tuple[str, ...] = ()


# Slots: {a} "the red cube", {an} "a red cube", {n} "red cube", {ns} "red cubes", {b} the second, {w} the word,
# {c} the choices "x, y or z".
TEMPLATES: dict[str, tuple[str, ...]] = {
    "exists": (
        "Is there {an}?",
        "Is there {an} in the image?",
        "Can you see {an}?",
        "Is {an} visible?",
        "Do you see {an}?",
    ),
    "hand": (
        "Is a hand inside the workspace?",
        "Is there a hand in the workspace?",
        "Is there a hand in the image?",
        "Is a hand visible?",
        "Can you see a hand?",
        "Is a human hand in the workspace?",
        "Is there a hand over the table?",
        "Is a hand near the objects?",
    ),
    "robot": ("Is there a robot arm in the image?", "Is the robot visible?", "Can you see the robot arm?"),
    "person": (
        "Is a person near the table?",
        "Is there a person near the table?",
        "Is someone near the table?",
        "Is anybody near the table?",
        "Is a person standing at the table?",
        "Is there a person in the image?",
        "Is a person visible?",
        "Can you see a person?",
    ),
    "door_open": ("Is the {w} open?", "Has the {w} been opened?", "Does the {w} stand open?", "Is the {w} pulled out?"),
    "door_closed": ("Is the {w} closed?", "Is the {w} shut?", "Has the {w} been closed?"),
    "holding_any": (
        "Is the gripper holding anything?",
        "Is the gripper holding something?",
        "Is the gripper holding an object?",
        "Is there something in the gripper?",
        "Is the robot holding anything?",
    ),
    "gripper_empty": ("Is the gripper empty?", "Is there nothing in the gripper?"),
    "gripper_open": ("Is the gripper open?",),
    "table_empty": ("Is the table empty?", "Is the table clear?"),
    "held": (
        "Is the gripper holding {a}?",
        "Is {a} in the gripper?",
        "Is the robot holding {a}?",
        "Is {a} held by the gripper?",
    ),
    "empty": ("Is {a} empty?", "Is there nothing in {a}?", "Is there nothing on {a}?"),
    "contains": (
        "Is there anything in {a}?",
        "Is there anything on {a}?",
        "Is there something in {a}?",
        "Is there something on {a}?",
        "Is anything in {a}?",
        "Is anything on {a}?",
        "Does {a} contain anything?",
    ),
    "all_in": (
        "Is every {n} inside {b}?",
        "Is every {n} in {b}?",
        "Is every {n} on {b}?",
        "Are all {ns} in {b}?",
        "Are all {ns} inside {b}?",
        "Are all {ns} on {b}?",
    ),
    "on_table": ("Is {a} on the table?", "Is {a} directly on the table?", "Does {a} stand on the table?"),
    "in": (
        "Is {a} inside {b}?",
        "Is {a} in {b}?",
        "Is {a} on {b}?",
        "Is {a} on top of {b}?",
        "Does {a} lie in {b}?",
        "Is {a} stacked on {b}?",
    ),
    "outside": ("Is {a} outside {b}?", "Is {a} not in {b}?", "Is {a} not on {b}?", "Is {a} out of {b}?"),
    "under": ("Is {a} under {b}?", "Is {a} below {b}?"),
    "left": ("Is {a} to the left of {b}?", "Is {a} left of {b}?"),
    "right": ("Is {a} to the right of {b}?", "Is {a} right of {b}?"),
    "front": ("Is {a} in front of {b}?", "Is {a} closer to the camera than {b}?"),
    "behind": ("Is {a} behind {b}?", "Is {a} farther from the camera than {b}?"),
    "near": ("Is {a} near {b}?", "Is {a} next to {b}?", "Is {a} close to {b}?"),
    "touching": (
        "Is {a} touching {b}?",
        "Does {a} touch {b}?",
        "Is {a} in contact with {b}?",
        "Do {a} and {b} touch?",
        "Are {a} and {b} touching?",
        "Are {a} and {b} in contact?",
    ),
    "color": ("Is {a} {w}?", "Is the color of {a} {w}?"),
    "upright": ("Is {a} upright?", "Is {a} standing upright?"),
    "tipped": ("Has {a} fallen over?", "Is {a} lying on its side?"),
    "count": ("How many {ns} are there?", "How many {ns} can you see?", "Count the {ns}."),
    "attribute": ("What {w} is {a}?", "Which {w} is {a}?", "What {w} does {a} have?"),
    "describe": ("Describe the image.", "What do you see?", "Describe the scene."),
    "ground": (
        "Locate {a}, output the bbox coordinates in JSON format.",
        "Locate {a}, output its bbox coordinates in JSON format.",
        "Locate {a}.",
        "Find {a} and return the bounding box as JSON.",
        "Where is {a}? Answer with bbox_2d JSON.",
    ),
    "which_in": (
        "Which one is on {b}: {c}?",
        "Which one is in {b}: {c}?",
        "Which one is inside {b}: {c}?",
        "Which is on {b}: {c}?",
        "Which is in {b}: {c}?",
        "What is on {b}: {c}?",
        "What is in {b}: {c}?",
        "Which of these is on {b}: {c}?",
        "Which of these is in {b}: {c}?",
    ),
    "which_held": (
        "Which one is the gripper holding: {c}?",
        "What is the gripper holding: {c}?",
        "Which one is in the gripper: {c}?",
        "What is the robot holding: {c}?",
    ),
    "which_posture": ("Is {a} {c}?", "Which is true of {a}: {c}?"),
    "which_side": ("Is {a} {c} of {b}?", "Is {a} to the {c} of {b}?", "Does {a} stand {c} of {b}?"),
    "which_depth": ("Is {a} {c} {b}?", "Does {a} stand {c} {b}?"),
    "which_color": ("What color is {a}: {c}?", "Which color is {a}: {c}?", "Is {a} {c}?", "Is the color of {a} {c}?"),
}
PREDICATES = tuple(TEMPLATES)
CHOICES = tuple(p for p in PREDICATES if p.startswith("which_"))
YES_NO = tuple(p for p in PREDICATES if p not in ("count", "attribute", "describe", "ground", *CHOICES))
DOORS = ("cupboard", "door", "drawer")
POSTURES = dict.fromkeys(("upright", "standing", "standing upright"), True)
POSTURES |= dict.fromkeys(("tipped over", "fallen over", "lying on its side", "lying"), False)
"""Words for how a bottle, can or mug stands, and whether they mean upright."""

EVERY_LOOSE = Thing(group="loose", every=True)
EVERYTHING = (
    "Is everything inside {b}?",
    "Is everything in {b}?",
    "Is everything on {b}?",
    "Has everything been put into {b}?",
)
LOOSE_LEFT = (
    "Is anything loose left on the table?",
    "Is anything loose left?",
    "Is there anything loose on the table?",
    "Is there a loose object left on the table?",
    "Are there loose objects on the table?",
)
FIXED = {"hand", "robot", "person", "holding_any", "gripper_empty", "gripper_open", "table_empty", "describe"}
FIXED |= COMPARED_ALONE


def plural(noun: str) -> str:
    """Return the plural of one of the language's nouns."""
    return noun + "s"


def noun_phrase(thing: Thing, many: bool = False, rng: random.Random | None = None) -> str:
    """Write a description without article: "loose red cubes outside the blue tray".

    Args:
        thing: What is described.
        many: Plural.
        rng: Chooses among equal words; the usual ones without it.
    """
    head = thing.shape or ("container" if thing.group == "container" else "object")
    words = ["loose"] * (thing.group == "loose") + [thing.color] * bool(thing.color) + [plural(head) if many else head]
    if thing.where == "table":
        words.append("on the table")
    elif thing.place is not None:
        on = thing.place.shape not in ("tray", "bowl")
        if thing.where == "in":
            options: tuple[str, ...] = ("on", "on top of") if on else ("in", "inside")
        else:
            options = ("not on", "outside") if on else ("outside", "not in", "not inside")
        words += [options[0] if rng is None else rng.choice(options), "the", noun_phrase(thing.place)]
    return " ".join(words)


def definite(thing: Thing, rng: random.Random | None = None) -> str:
    """Write "the red cube", "every loose object", or with ``rng`` sometimes "all loose objects"."""
    if thing.every:
        if rng is not None and rng.random() < 0.25:
            return "all " + noun_phrase(thing, many=True, rng=rng)
        return "every " + noun_phrase(thing, rng=rng)
    return "the " + noun_phrase(thing, rng=rng)


def indefinite(thing: Thing, rng: random.Random | None = None) -> str:
    """Write "a red cube" or "an orange ball"."""
    words = noun_phrase(thing, rng=rng)
    return ("an " if words[0] in "aeiou" else "a ") + words


def _templates(meaning: Meaning) -> tuple[str, ...]:
    """Return the templates that read naturally for this meaning, usual one first."""
    if meaning.predicate in COMPARED:
        return COMPARED[meaning.predicate]
    chosen = TEMPLATES[meaning.predicate]
    place = meaning.b if meaning.predicate in ("in", "outside", "all_in", "which_in") else meaning.a
    if meaning.predicate == "all_in" and meaning.a == EVERY_LOOSE:
        chosen = EVERYTHING + chosen
    if meaning.predicate == "exists" and meaning.a == Thing(group="loose"):
        chosen = LOOSE_LEFT + chosen
    if meaning.predicate in ("in", "outside", "all_in", "which_in", "contains", "empty") and place is not None:
        on_words, in_words = (" on {", " on top of {", "stacked on {"), (" in {", "inside {", "into {")
        if place.shape == "bowl":
            chosen = tuple(t for t in chosen if not any(w in t for w in on_words))
        elif place.shape == "tray":
            chosen = tuple(t for t in chosen if "stacked" not in t and "on top" not in t)
            if meaning.predicate in ("contains", "empty", "outside", "all_in", "which_in"):
                chosen = tuple(t for t in chosen if " on {" not in t)
        else:
            chosen = tuple(t for t in chosen if not any(w in t for w in in_words))
    return chosen


def either(choices: tuple[str, ...]) -> str:
    """Write "red, green or blue"."""
    return " or ".join([", ".join(choices[:-1]), choices[-1]]) if len(choices) > 1 else "".join(choices)


def _fill(template: str, meaning: Meaning, rng: random.Random | None) -> str:
    values: dict[str, str] = {"w": meaning.word, "c": either(meaning.choices)}
    if meaning.a is not None:
        a = meaning.a
        values |= {"a": definite(a, rng), "an": indefinite(a, rng), "n": noun_phrase(a, rng=rng)}
        values["ns"] = noun_phrase(a, many=True, rng=rng)
    if meaning.b is not None:
        values["b"] = definite(meaning.b, rng)
    return template.format(**values)


def phrases(meaning: Meaning) -> tuple[str, ...]:
    """Return the wordings of a meaning, the usual one first."""
    return tuple(dict.fromkeys(_fill(t, meaning, None) for t in _templates(meaning)))


def phrase(meaning: Meaning, rng: random.Random, usual: float = 0.5) -> str:
    """Return one wording; the usual one with probability ``usual``."""
    chosen = _templates(meaning)
    if rng.random() < usual:
        return _fill(chosen[0], meaning, None)
    return _fill(rng.choice(chosen), meaning, rng)
