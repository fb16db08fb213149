"""Questions that nobody could answer from the frame, with an answer that is neither yes nor no."""

from __future__ import annotations

import random
import re
from itertools import product

from ..facts import COLORS, SHAPES, FrameFacts
from ..language.grammar import HOLDERS, Meaning, Thing, Verdict, judge, judge_in, parse, phrase
from ..language.instructions import parse_instruction
from ..language.matching import Scene, carried_by
from ..language.phrases import DOORS, POSTURES, definite
from ..language.reading import parse_query
from . import words
from .asked import Asked, names_unseen
from .sampler import Sampler

UNSURE = "Unsure"
"""What the model says then; its first token takes the chance away from yes, no and every choice."""

_GRIPPER = frozenset({"held", "holding_any", "gripper_empty", "gripper_open", "which_held"})
_ALWAYS_CLEAR = frozenset({"exists", "count", "ground", "describe", "hand", "robot", "person", "table_empty"})
_NAMES = re.compile(rf"\b({'|'.join(SHAPES)})(s?)\b")
_PAINTS = re.compile(rf"\b({'|'.join(COLORS)})\b")


def _unsure(kind: str, question: str) -> Asked:
    return Asked(f"unsure {kind}", Meaning("unsure"), question, UNSURE, Verdict("unsure", text=UNSURE))


def strange(sampler: Sampler) -> Asked | None:
    """Ask about what the model has no word for, or what no picture shows; None when the draw came out sensible."""
    rng = sampler.rng
    u = rng.random()
    if u < 0.3:
        kind, text = "saying", rng.choice(words.SAYINGS)
    elif u < 0.5:
        thing = definite(sampler.present())
        template, word = rng.choice(words.ABOUT), words.strange_word(rng)
        kind, text = "property", template.format(a=thing, p=rng.choice(words.PROPERTIES), n=word)
    else:
        kind, text = "word", _with_strange_word(sampler)
    if not text or parse(text) is not None or parse_instruction(text) is not None:
        return None
    return _unsure(kind, text)


def _with_strange_word(sampler: Sampler) -> str:
    """Word a question of the language and put a word that is not in it for a noun or a color."""
    rng = sampler.rng
    draw = rng.choice(
        (Sampler.exists, Sampler.exists, Sampler.inside, Sampler.held, Sampler.relation, Sampler.ground_one)
    )
    meaning = draw(sampler)
    text = phrase(meaning, rng)
    if names_unseen(meaning):
        return ""
    if rng.random() < 0.15:
        return _swapped(_PAINTS, rng.choice(words.COLORS), text, rng)
    word = words.nonsense(rng) if rng.random() < 0.4 else rng.choice(words.NOUNS)
    return _swapped(_NAMES, word, text, rng)


def _swapped(pattern: re.Pattern[str], word: str, text: str, rng: random.Random) -> str:
    hits = list(pattern.finditer(text))
    if not hits:
        return ""
    hit = rng.choice(hits)
    plural = hit[2] if pattern.groups > 1 else ""
    return text[: hit.start()] + word + plural + text[hit.end() :]


def unclear_one(sampler: Sampler) -> Asked | None:
    """Ask what fits several things that differ, or is about something that is not there."""
    for _ in range(8):
        meaning = _draw(sampler)
        if meaning is not None and not names_unseen(meaning) and unclear(meaning, sampler.facts):
            return _unsure("unclear", phrase(meaning, sampler.rng))
    return None


def _draw(sampler: Sampler) -> Meaning | None:
    rng, facts = sampler.rng, sampler.facts
    if facts.door_open is None and rng.random() < 0.08:
        return Meaning(rng.choice(("door_open", "door_closed")), word=rng.choice(DOORS))
    if not facts.robot_visible and rng.random() < 0.3:
        predicate = rng.choice(("holding_any", "gripper_empty", "held", "held"))
        return Meaning(predicate, sampler.sole_thing() if predicate == "held" else None)
    if rng.random() < 0.45:
        thing, other = sampler.absent(), sampler.sole_thing()
    else:
        shapes = [o.shape for o in sampler.seen]
        several = [o.shape for o in sampler.seen if shapes.count(o.shape) > 1]
        if not several:
            return None
        thing, other = Thing("", rng.choice(several)), sampler.sole_thing()
    u = rng.random()
    if u < 0.5:
        pair = [thing, other]
        rng.shuffle(pair)
        kind = rng.choice(("left", "right", "front", "behind", "near", "under", "in", "outside", "touching"))
        return Meaning(kind, pair[0], pair[1])
    if thing.shape in HOLDERS and u < 0.7:
        return Meaning(rng.choice(("empty", "contains")), thing)
    if u < 0.75 and not thing.color:
        return Meaning("color", thing, word=rng.choice(COLORS))
    if u < 0.8 and not thing.color:
        return Meaning("which_color", thing, choices=tuple(rng.sample(COLORS, rng.choice((2, 3)))))
    if thing.shape in ("bottle", "can", "mug"):
        if rng.random() < 0.3:
            up, down = (rng.choice([w for w, is_up in POSTURES.items() if is_up == want]) for want in (True, False))
            return Meaning("which_posture", thing, choices=(up, down))
        return Meaning(rng.choice(("upright", "tipped")), thing)
    return (
        Meaning("attribute", thing, word="color")
        if not thing.color
        else Meaning("which_side", thing, other, choices=("left", "right"))
    )


class _Narrowed(Scene):
    """A frame in which some descriptions mean one object."""

    def __init__(self, facts: FrameFacts, chosen: dict[Thing, int]) -> None:
        super().__init__(facts, lenient=False)
        self.chosen = chosen

    def find(self, thing: Thing) -> list[int]:
        return [self.chosen[thing]] if thing in self.chosen else super().find(thing)


def unclear(meaning: Meaning, facts: FrameFacts) -> bool:
    """Tell whether a question has no answer in a frame though everything in it is easy to see.

    Either what it is about is not there, or it fits several objects for which the answers differ.
    """
    if meaning.predicate in _ALWAYS_CLEAR or judge(meaning, facts) is not None:
        return False
    if meaning.predicate in _GRIPPER:
        return not facts.robot_visible
    if meaning.predicate in ("door_open", "door_closed"):
        return True
    scene = Scene(facts, lenient=False)
    things = [thing for thing in (meaning.a, meaning.b) if thing is not None and not thing.every]
    found = [scene.find(thing) for thing in things]
    if any(map(scene.doubtful, found)) or len(set(things)) < len(things):
        return False
    if not all(found):
        return True
    if meaning.predicate == "which_in":
        return all(len(f) == 1 for f in found) and _none_or_several(meaning, scene, found[0][0])
    if meaning.predicate == "which_color" and len(found[0]) == 1:
        return True
    said = set()
    for chosen in product(*found):
        if len(set(chosen)) < len(chosen):
            continue
        verdict = judge_in(meaning, _Narrowed(facts, dict(zip(things, chosen, strict=True))))
        if verdict is None:
            return False
        said.add(verdict.text)
    return len(said) > 1


def _none_or_several(meaning: Meaning, scene: Scene, place: int) -> bool:
    options = [scene.find(thing) for choice in meaning.choices if (thing := parse_query(choice)) is not None]
    if any(map(scene.doubtful, options)):
        return False
    return sum(any(carried_by(scene.objects, i, place) for i in found) for found in options) != 1
