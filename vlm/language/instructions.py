"""The small language of instructions: "Put every red object into the blue tray", in words and as a meaning.

``parse_instruction`` turns words into an ``Instruction``, ``phrase_instruction`` turns one into one of its wordings.
What is to be done for it in a picture is for ``planning`` to say.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import lru_cache

from .matching import HOLDERS
from .phrases import EVERY_LOOSE, Thing, definite, noun_phrase
from .reading import normal, read_thing


@dataclass(frozen=True)
class Instruction:
    """What is to be done.

    Attributes:
        act: One of ``ACTS``.
        a: What it is done to, where it has one.
        b: Where that goes; for ``empty`` what is emptied.
    """

    act: str
    a: Thing | None = None
    b: Thing | None = None


# Slots: {a} "the red cube" or "every red cube", {ns} "red cubes", {b} the place.
_INTO = (
    "Put {a} into {b}.",
    "Put {a} in {b}.",
    "Put {a} inside {b}.",
    "Place {a} into {b}.",
    "Place {a} in {b}.",
    "Move {a} into {b}.",
    "Move {a} to {b}.",
    "Drop {a} into {b}.",
    "Lay {a} into {b}.",
    "Take {a} and put it into {b}.",
    "Can you put {a} into {b}?",
    "I want {a} in {b}.",
    "I need {a} in {b}.",
    "Bring {a} to {b}.",
    "Carry {a} to {b}.",
    "Transfer {a} to {b}.",
    "Transfer {a} into {b}.",
    "Shift {a} into {b}.",
    "Get {a} into {b}.",
    "Throw {a} into {b}.",
    "Store {a} in {b}.",
    "Leave {a} in {b}.",
    "Pick up {a} and put it into {b}.",
    "Pick {a} and place it in {b}.",
    "Grab {a} and drop it into {b}.",
    "{a} belongs in {b}.",
    "{a} goes into {b}.",
    "Make sure that {a} is in {b}.",
    "See that {a} gets into {b}.",
    "Into {b} with {a}.",
)
_ONTO = (
    "Put {a} on {b}.",
    "Put {a} onto {b}.",
    "Put {a} on top of {b}.",
    "Place {a} on {b}.",
    "Set {a} on {b}.",
    "Move {a} onto {b}.",
    "Move {a} to {b}.",
    "Take {a} and put it on {b}.",
    "Can you put {a} on {b}?",
    "I want {a} on {b}.",
    "I need {a} on {b}.",
    "Bring {a} to {b}.",
    "Transfer {a} onto {b}.",
    "Lay {a} on {b}.",
    "Get {a} onto {b}.",
    "Balance {a} on {b}.",
    "Pick up {a} and place it on {b}.",
    "Grab {a} and set it on {b}.",
    "{a} belongs on {b}.",
    "{a} goes on {b}.",
    "Make sure that {a} is on {b}.",
)
_STACK = ("Stack {a} on {b}.", "Stack {a} onto {b}.", "Stack {a} on top of {b}.")
_GATHER = (
    "Put {ns} into {b}.",
    "Collect {ns} in {b}.",
    "Gather {ns} in {b}.",
    "Clear {ns} into {b}.",
    "Move {ns} to {b}.",
    "Bring {ns} to {b}.",
    "Throw {ns} into {b}.",
    "Store {ns} in {b}.",
)
WORDINGS: dict[str, tuple[str, ...]] = {
    "put": _INTO + _ONTO + _STACK,
    "tidy": (
        "Clean up the table.",
        "Tidy the table.",
        "Tidy up the table.",
        "Clear the table.",
        "Clean the table.",
        "Clean up.",
        "Tidy up.",
        "Put everything away.",
        "Put all loose objects away.",
        "Clear everything away.",
        "Clean up the kitchen.",
        "Clean the kitchen.",
        "Tidy the kitchen.",
        "Make the table tidy.",
        "Clear up the table.",
        "Clean up this mess.",
        "Get the table clean.",
        "Put all the things away.",
        "Put the things away.",
        "Empty the table.",
        "Bring the table in order.",
        "The table should be empty.",
        "Get everything off the table.",
        "Take everything off the table.",
    ),
    "stack": (
        "Stack {ns}.",
        "Stack all {ns}.",
        "Stack up {ns}.",
        "Build a tower of {ns}.",
        "Make a tower out of {ns}.",
        "Pile up {ns}.",
        "Pile {ns}.",
        "Put {ns} on top of each other.",
        "Place {ns} on each other.",
        "Make a stack of {ns}.",
        "Make a tower of {ns}.",
        "Build a stack out of {ns}.",
        "Put {ns} one on another.",
    ),
    "fetch": (
        "Pick up {a}.",
        "Pick {a} up.",
        "Pick {a}.",
        "Bring me {a}.",
        "Bring {a}.",
        "Hand me {a}.",
        "Hand over {a}.",
        "Hand {a} over.",
        "Give me {a}.",
        "Get {a}.",
        "Fetch {a}.",
        "Grab {a}.",
        "Take {a}.",
        "Lift {a}.",
        "Can you give me {a}?",
        "Give {a} to me.",
        "Pass me {a}.",
        "I need {a}.",
        "I want {a}.",
        "I would like {a}.",
        "Bring {a} to me.",
        "Hand {a} to me.",
        "Get me {a}.",
        "Fetch me {a}.",
        "Pick up {a} and hold it.",
        "Hold {a}.",
        "Raise {a}.",
        "Lift {a} up.",
        "Let me have {a}.",
        "May I have {a}?",
    ),
    "empty": (
        "Empty {b}.",
        "Clear {b}.",
        "Take everything out of {b}.",
        "Take everything off {b}.",
        "Unload {b}.",
        "Remove everything from {b}.",
        "Clear out {b}.",
        "Clean out {b}.",
        "Get everything out of {b}.",
        "Get everything off {b}.",
        "Take all things out of {b}.",
        "Unload everything from {b}.",
        "Make {b} empty.",
        "{b} should be empty.",
        "Remove what is in {b}.",
        "Nothing should be in {b}.",
    ),
    "sort": (
        "Sort by color.",
        "Sort the objects by color.",
        "Sort everything by color.",
        "Sort the table by color.",
        "Put every object into the container of its color.",
        "Put everything where its color is.",
        "Group the objects by color.",
        "Sort all objects by their color.",
        "Arrange the objects by color.",
        "Separate the objects by color.",
        "Every object goes into the container of its color.",
        "Match the objects to the containers by color.",
        "Sort the things into the containers of the same color.",
    ),
    "look": (
        "Look at {a}.",
        "Point at {a}.",
        "Point to {a}.",
        "Turn to {a}.",
        "Turn towards {a}.",
        "Show me {a}.",
        "Take a look at {a}.",
        "Have a look at {a}.",
        "Watch {a}.",
        "Face {a}.",
        "Focus on {a}.",
        "Aim at {a}.",
    ),
    "hello": ("Say hello.", "Say hi.", "Hello.", "Greet me.", "Hello there."),
    "home": (
        "Go home.",
        "Go back home.",
        "Move home.",
        "Return home.",
        "Move back to the home position.",
        "Go to the home position.",
        "Return to the start.",
    ),
}
OPENINGS = (
    "Can you",
    "Could you",
    "Would you",
    "I want you to",
    "I would like you to",
    "You should",
    "Your task is to",
    "Your job is to",
    "Robot,",
    "Next,",
    "Now",
    "First,",
    "Go and",
    "Please",
    "Please go and",
)
"""What an order may begin with, before its verb."""
CLOSINGS = ("please", "now", "for me", "right away", "at once", "carefully", "gently", "slowly", "quickly", "thanks")
"""What it may end with."""
_VERBLESS = re.compile(r"(i |\{|may |can |into |hello|everything |every |the |nothing )", re.IGNORECASE)
ACTS = tuple(WORDINGS)
THEM = Thing("", "cube", every=True)
"""What "stack them" and "stack the cubes" mean."""
_PLURAL = re.compile(r"s\b")
_TAKES = {"put": "ab", "stack": "a", "fetch": "a", "empty": "b", "look": "a"}


def _wordings(meant: Instruction) -> tuple[str, ...]:
    """Return the templates that read naturally, the usual one first."""
    if meant.act == "stack" and meant.a == THEM:
        return ("Stack the cubes.", "Stack them.", *WORDINGS["stack"])
    if meant.act != "put":
        chosen = WORDINGS[meant.act]
        if meant.act == "empty" and meant.b is not None:
            out = " off " if meant.b.shape in ("tray", "bowl") else " out of "
            chosen = tuple(t for t in chosen if out not in t)
        return chosen
    assert meant.b is not None
    assert meant.a is not None
    if meant.b.shape in ("tray", "bowl"):
        return (*_INTO, *_GATHER) if meant.a.every and meant.a != EVERY_LOOSE else _INTO
    return _ONTO if meant.b.shape in HOLDERS or meant.a.every else (*_ONTO, *_STACK)


def fill(template: str, meant: Instruction, rng: random.Random | None) -> str:
    """Fill the slots of a wording: ``{a}`` the things, ``{ns}`` the same in plural, ``{b}`` the place."""
    values = {}
    if meant.a is not None:
        everything = meant.a == EVERY_LOOSE and (rng is None or rng.random() < 0.7)
        values["a"] = "everything" if everything else definite(meant.a, rng)
        values["ns"] = "the " + noun_phrase(meant.a, many=True, rng=rng)
        if "all {ns}" in template:
            values["ns"] = values["ns"].removeprefix("the ")
    if meant.b is not None:
        values["b"] = definite(meant.b, rng)
    text = template.format(**values)
    return text[0].upper() + text[1:]


def gathering() -> tuple[str, ...]:
    """Return the wordings of "put" for several things that ``WORDINGS`` does not have."""
    return _GATHER


def instruction_phrases(meant: Instruction) -> tuple[str, ...]:
    """Return the wordings of an instruction, the usual one first."""
    return tuple(dict.fromkeys(fill(t, meant, None) for t in _wordings(meant)))


def phrase_instruction(meant: Instruction, rng: random.Random, usual: float = 0.4) -> str:
    """Return one wording; the usual one with probability ``usual``; of the others some politely or in a hurry."""
    chosen = _wordings(meant)
    if rng.random() < usual:
        return fill(chosen[0], meant, None)
    template = rng.choice(chosen)
    text, mark = fill(template, meant, rng).rstrip(".?"), template[-1]
    order = _VERBLESS.match(template) is None
    if order and rng.random() < 0.3:
        opening = rng.choice(OPENINGS)
        text = f"{opening} {text[0].lower()}{text[1:]}"
        mark = "?" if opening.endswith(" you") and opening != "I want you" else mark
    if order and rng.random() < 0.15:
        text = f"{text}{rng.choice((' ', ', '))}{rng.choice(CLOSINGS)}"
    return text + mark


def _pattern(template: str, greedy: bool) -> re.Pattern[str]:
    text = re.escape(normal(re.sub(r"\{(\w+)\}", r"SLOT\1", template)))
    any_text = ".+" if greedy else ".+?"
    return re.compile(re.sub(r"slot(a|b|ns)", rf"(?P<\1>{any_text})", text) + r"\Z")


_FRAME = re.compile(
    rf"(?:(?:{'|'.join(normal(t) for t in OPENINGS if normal(t))}) )*(?P<order>.+?)"
    rf"(?: (?:{'|'.join(normal(t) for t in CLOSINGS if normal(t))}))*\Z"
)
_ALL = [(act, t) for act, ts in WORDINGS.items() for t in ts if "{" in t] + [("put", t) for t in _GATHER]
_READERS = [(act, _pattern(t, greedy)) for greedy in (False, True) for act, t in _ALL if not greedy or "{b}" in t]
_EXACT = {normal(t): Instruction(act) for act, ts in WORDINGS.items() for t in ts if "{" not in t}
_EXACT |= {normal(t): Instruction("stack", THEM) for t in ("Stack them.", "Stack them up.", "Stack the cubes.")}


@lru_cache(maxsize=4096)
def parse_instruction(text: str) -> Instruction | None:
    """Understand an instruction.

    Args:
        text: The instruction; case, articles, what it opens and closes with and punctuation do not matter.

    Returns:
        Its meaning, or None when it is not in the language.
    """
    plain = normal(text)
    bare = _FRAME.match(plain)
    return _parse(plain) or (_parse(bare["order"]) if bare is not None else None)


def _parse(plain: str) -> Instruction | None:
    if plain in _EXACT:
        return _EXACT[plain]
    for act, pattern in _READERS:
        if not (hit := pattern.match(plain)):
            continue
        slots = hit.groupdict()
        a = _many(slots["ns"]) if "ns" in slots else _some(slots["a"]) if "a" in slots else None
        b = read_thing(slots["b"]) if "b" in slots else None
        meant = _assemble(act, a, b)
        if meant is not None:
            return meant
    return None


def _some(text: str) -> Thing | None:
    """Read one thing, "every ..." or a plural."""
    return _many(text) if _PLURAL.search(text) else read_thing(text)


def _many(text: str) -> Thing | None:
    """Read a plural, with or without *all*: "red cubes", "all loose objects"."""
    return read_thing(f"all {text.removeprefix('all ')}") if _PLURAL.search(text) else None


def _assemble(act: str, a: Thing | None, b: Thing | None) -> Instruction | None:
    wanted = _TAKES[act]
    if ("a" in wanted) != (a is not None) or ("b" in wanted) != (b is not None):
        return None
    if b is not None and (b.every or b.where or b.group == "loose"):
        return None
    if act == "empty" and b is not None and b.shape not in (*HOLDERS, "mug"):
        return None
    if a is not None:
        if a == Thing(every=True):
            a = EVERY_LOOSE
        if (a.every and act in ("fetch", "look")) or (not a.every and a.group == "loose"):
            return None
    return Instruction(act, a, b)
