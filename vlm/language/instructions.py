"""The small language of instructions: "Put every red object into the blue tray", in words and as a meaning.

``parse_instruction`` turns words into an ``Instruction``, ``phrase_instruction`` turns one into one of its wordings.
What is to be done for it in a picture is for ``planning`` to say.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..facts import COLORS
from .matching import HOLDERS
from .phrases import EVERY_LOOSE, Thing, definite, noun_phrase
from .reading import HEADS, normal, read_thing
from .wordings import CLOSINGS, GATHER, INTO, ONTO, OPENINGS, STACK, WORDINGS


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


_VERBLESS = re.compile(
    r"\{|(i|i'd|i'll|it's|let's|there|there's|don't|no|nothing|everything|every|each|all|what|this|the|your|"
    r"may|might|can|could|would|how|mind|time|into|onto|in|on|back|eyes|same|red|colors|"
    r"hello|hi|hey|good|greetings)\b",
    re.IGNORECASE,
)
"""How wordings begin that are no orders with a verb: nothing may stand before them."""
_ASKING = re.compile(r"(can|could|would|will|do|why)\b", re.IGNORECASE)
_INSIDE, _UPON = re.compile(r" out of | in (\{b\}|it)|contents"), re.compile(r" off | on (\{b\}|it)")
_AGREES = re.compile(r"\{a\} (is|belongs|goes|gets|has|needs|ought|ends)\b|\b(it|goes)\b")
"""Where "every red cube" may stand but "all red cubes" may not."""
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
            odd = _INSIDE if meant.b.shape == "plate" else _UPON
            chosen = tuple(t for t in chosen if not odd.search(t))
        return chosen
    assert meant.b is not None
    assert meant.a is not None
    if meant.b.shape in ("tray", "bowl"):
        return (*INTO, *GATHER) if meant.a.every and meant.a != EVERY_LOOSE else INTO
    return ONTO if meant.b.shape in HOLDERS or meant.a.every else (*ONTO, *STACK)


def fill(template: str, meant: Instruction, rng: random.Random | None) -> str:
    """Fill the slots of a wording: ``{a}`` the things, ``{ns}`` the same in plural, ``{b}`` the place."""
    values = {}
    if meant.a is not None:
        everything = meant.a == EVERY_LOOSE and (rng is None or rng.random() < 0.7)
        values["a"] = "everything" if everything else definite(meant.a, None if _AGREES.search(template) else rng)
        values["ns"] = "the " + noun_phrase(meant.a, many=True, rng=rng)
        if "all {ns}" in template.lower():
            values["ns"] = values["ns"].removeprefix("the ")
    if meant.b is not None:
        values["b"] = definite(meant.b, rng)
    text = template.format(**values)
    return text[0].upper() + text[1:]


def instruction_phrases(meant: Instruction) -> tuple[str, ...]:
    """Return the wordings of an instruction, the usual one first."""
    return tuple(dict.fromkeys(fill(t, meant, None) for t in _wordings(meant)))


def phrase_instruction(
    meant: Instruction, rng: random.Random, usual: float = 0.25, pick: Callable[[Sequence[str]], Sequence[str]] = tuple
) -> str:
    """Return one wording.

    Args:
        meant: What is to be said.
        rng: Chooses the wording, and whether it is said politely or in a hurry.
        usual: How likely the usual wording is.
        pick: Takes those wordings, openings and closings that may be said, such as ``wordings.common``.
    """
    chosen = pick(_wordings(meant))
    if rng.random() < usual:
        return fill(chosen[0], meant, None)
    template = rng.choice(chosen)
    text, mark = fill(template, meant, rng).rstrip(".?"), template[-1]
    order = _VERBLESS.match(template) is None
    if order and rng.random() < 0.3:
        opening = rng.choice(pick(OPENINGS))
        text = f"{opening} {text[0].lower()}{text[1:]}"
        mark = "?" if _ASKING.match(opening) else mark
    if order and rng.random() < 0.15:
        closing = rng.choice(pick(CLOSINGS))
        text = f"{text}{rng.choice((' ', ', '))}{closing}"
        mark = "?" if _ASKING.match(closing) else mark
    return text + mark


def _pattern(template: str, greedy: bool) -> re.Pattern[str]:
    text = re.escape(normal(re.sub(r"\{(\w+)\}", r"SLOT\1", template)))
    any_text = ".+" if greedy else ".+?"
    return re.compile(re.sub(r"slot(a|b|ns)", rf"(?P<\1>{any_text})", text) + r"\Z")


_FRAME = re.compile(
    rf"(?:(?:{'|'.join(normal(t) for t in OPENINGS if normal(t))}) )*(?P<order>.+?)"
    rf"(?: (?:{'|'.join(normal(t) for t in CLOSINGS if normal(t))}))*\Z"
)
_ALL = [(act, t) for act, ts in WORDINGS.items() for t in ts if "{" in t] + [("put", t) for t in GATHER]
_READERS = [(act, _pattern(t, greedy)) for greedy in (False, True) for act, t in _ALL if not greedy or "{b}" in t]
_EXACT = {normal(t): Instruction(act) for act, ts in WORDINGS.items() for t in ts if "{" not in t}
_EXACT |= {normal(t): Instruction("stack", THEM) for t in ("Stack them.", "Stack them up.", "Stack the cubes.")}


_IDLE = """
and any are at be by can could do does for from go have how i if in is it let me my not of off on or our out should some
that them there this to up us want we what when where will with would you your
"""
_TEXTS = " ".join((*GATHER, *(text for texts in WORDINGS.values() for text in texts)))
_SAYING = frozenset(normal(re.sub(r"\{\w+\}", "", _TEXTS)).split()) - frozenset(_IDLE.split())
_TAUGHT = _SAYING | frozenset((*HEADS, *COLORS))


def has_taught_word(text: str) -> bool:
    """Tell whether an instruction has a word of the wordings or of the things, beside those that say nothing alone."""
    return not _TAUGHT.isdisjoint(normal(text).split())


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
