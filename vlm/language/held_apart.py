"""Wordings of instructions that no training uses, to measure what a model makes of words that are new to it.

``parse_instruction`` understands none of them, and nothing in ``training`` imports this file; tests assert both. A
wording that becomes part of the training leaves this list.
"""

from __future__ import annotations

import random

from .instructions import Instruction, fill
from .matching import HOLDERS
from .phrases import EVERY_LOOSE

# Slots as in ``instructions``: {a} "the red cube" or "every red cube", {ns} "the red cubes", {b} the place.
_INTO = (
    "Load {a} into {b}.",
    "Stow {a} in {b}.",
    "Move {a} so that it lies in {b}.",
    "Deposit {a} in {b}.",
    "Relocate {a} to {b}.",
    "Slip {a} into {b}.",
    "Let {a} end up in {b}.",
)
_ONTO = (
    "{a} should be on {b}.",
    "Rest {a} on {b}.",
    "Deposit {a} on {b}.",
    "Position {a} on {b}.",
    "Move {a} so that it lies on {b}.",
    "Relocate {a} onto {b}.",
    "Let {a} end up on {b}.",
)
_GATHER = ("Load {ns} into {b}.", "Assemble {ns} in {b}.", "Round up {ns} in {b}.")
WORDINGS: dict[str, tuple[str, ...]] = {
    "put": _INTO + _ONTO + _GATHER,
    "tidy": (
        "Tidy this place up.",
        "Make this table clean.",
        "Clear off the table.",
        "Straighten up the table.",
        "Leave nothing lying around.",
        "Get this table in shape.",
        "Free the table of all things.",
    ),
    "stack": (
        "Create a pile of {ns}.",
        "Arrange {ns} in a tower.",
        "Turn {ns} into a tower.",
        "Heap {ns} up.",
        "Set {ns} one above the other.",
    ),
    "fetch": (
        "Deliver {a} to me.",
        "Could I get {a}?",
        "Reach for {a}.",
        "Pass {a} over.",
        "Retrieve {a}.",
        "Collect {a}.",
        "I could use {a}.",
        "Seize {a}.",
    ),
    "empty": (
        "Leave nothing in {b}.",
        "Take away what is in {b}.",
        "Free {b} of all things.",
        "{b} has to be empty.",
        "Strip {b} of its load.",
    ),
    "sort": (
        "Order everything by color.",
        "Distribute the objects by color.",
        "Organize the objects by color.",
        "Divide the objects up by color.",
        "Let every object find the container of its color.",
    ),
    "look": (
        "Direct your camera to {a}.",
        "Turn your eyes to {a}.",
        "Inspect {a}.",
        "Gaze at {a}.",
        "Keep an eye on {a}.",
        "Examine {a}.",
    ),
    "hello": ("Say good morning.", "Greet the people here."),
    "home": ("Back to your rest position.", "Withdraw to where you started."),
}
OPENINGS = (
    "Would you kindly",
    "Be so kind and",
    "It would be nice if you could",
    "It is time to",
    "I ask you to",
    "Dear robot,",
    "As a next step,",
)
CLOSINGS = ("as soon as you can", "when you are ready", "for all of us", "if that is possible", "and be careful")
_VERBLESS = ("{", "Could I", "I could", "Back")


def wordings(meant: Instruction) -> tuple[str, ...]:
    """Return the templates that read naturally."""
    if meant.act == "empty" and meant.b is not None and meant.b.shape == "plate":
        return tuple(text.replace(" in {b}", " on {b}") for text in WORDINGS["empty"])
    if meant.act != "put":
        return WORDINGS[meant.act]
    assert meant.a is not None
    assert meant.b is not None
    if meant.b.shape not in HOLDERS or meant.b.shape == "plate":
        return _ONTO
    return (*_INTO, *_GATHER) if meant.a.every and meant.a != EVERY_LOOSE else _INTO


def phrase_apart(meant: Instruction, rng: random.Random) -> str:
    """Return one wording; some open or close in ways that are new as well."""
    template = rng.choice(wordings(meant))
    text, mark = fill(template, meant, rng).rstrip(".?"), template[-1]
    order = not template.startswith(_VERBLESS)
    if order and rng.random() < 0.3:
        text = f"{rng.choice(OPENINGS)} {text[0].lower()}{text[1:]}"
    if order and rng.random() < 0.15:
        text = f"{text} {rng.choice(CLOSINGS)}"
    return text + mark


def apart_phrases(meant: Instruction) -> tuple[str, ...]:
    """Return all wordings without opening and closing."""
    return tuple(dict.fromkeys(fill(template, meant, None) for template in wordings(meant)))
