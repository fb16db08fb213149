"""How likely words follow each other in instructions: a trigram model for a recognizer, made from drawn sentences."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache

from ..facts import COLORS, LOOSE_SHAPES, SHAPES
from ..language.instructions import ACTS, THEM, Instruction, phrase_instruction
from ..language.matching import HOLDERS
from ..language.phrases import EVERY_LOOSE, Thing
from ..language.wordings import common
from .jsgf import spoken

SENTENCES = 12_000
_SEED = 2_600_000
_DISCOUNT = 0.5
_Gram = tuple[str, ...]


@lru_cache(maxsize=1)
def instruction_model() -> str:
    """Return the model of instructions, as an ARPA file; always the same."""
    rng = random.Random(_SEED)
    return arpa(spoken(phrase_instruction(_meaning(rng), rng, 0.1, common)) for _ in range(SENTENCES))


def _meaning(rng: random.Random) -> Instruction:
    """Draw what might be ordered, with all words in it that instructions have."""
    act = rng.choice(("put", "put", "fetch", *ACTS))
    a, b = _thing(rng, LOOSE_SHAPES, 0.15), _thing(rng, HOLDERS, 0.0)
    if act == "put":
        kind = rng.random()
        if kind < 0.25:
            a = Thing(a.color, a.shape, every=True)
        elif kind < 0.35:
            a = EVERY_LOOSE
        return Instruction("put", a, b if a.every or rng.random() < 0.7 else _thing(rng, SHAPES, 0.0))
    if act == "stack":
        return Instruction("stack", rng.choice((THEM, Thing(a.color, rng.choice(("cube", "can")), every=True))))
    if act in ("fetch", "look"):
        return Instruction(act, a if act == "fetch" else _thing(rng, SHAPES, 0.15))
    return Instruction(act, None, b) if act == "empty" else Instruction(act)


def _thing(rng: random.Random, shapes: tuple[str, ...], placed: float) -> Thing:
    color = rng.choice(COLORS) if rng.random() < 0.7 else ""
    if rng.random() >= placed:
        return Thing(color, rng.choice(shapes))
    place = Thing(rng.choice(("", *COLORS)), rng.choice(HOLDERS))
    return Thing(color, rng.choice(shapes), where=rng.choice(("in", "out")), place=place)


def arpa(sentences: Iterable[str]) -> str:
    """Return a trigram model with absolute discounting, as an ARPA file.

    Source: Ney, Essen & Kneser, *On structuring probabilistic dependences in stochastic language modelling*
    (Computer Speech & Language 8, 1994).
    """
    counts: list[Counter[_Gram]] = [Counter(), Counter(), Counter()]
    for sentence in sentences:
        words = ("<s>", *sentence.split(), "</s>")
        for n, counter in enumerate(counts, start=1):
            counter.update(words[i : i + n] for i in range(len(words) - n + 1))
    total = sum(count for gram, count in counts[0].items() if gram != ("<s>",))
    chances: list[dict[_Gram, float]] = [{gram: count / total for gram, count in counts[0].items()}, {}, {}]
    chances[0][("<s>",)] = 1e-99
    backoff: dict[_Gram, float] = {}
    for n in (1, 2):
        followers: dict[_Gram, dict[_Gram, int]] = defaultdict(dict)
        for gram, count in counts[n].items():
            followers[gram[:-1]][gram] = count
        for before, grams in followers.items():
            seen = sum(grams.values())
            for gram, count in grams.items():
                chances[n][gram] = (count - _DISCOUNT) / seen
            left = 1.0 - sum(chances[n - 1].get(gram[1:], 0.0) for gram in grams)
            backoff[before] = _DISCOUNT * len(grams) / seen / max(left, 1e-6)
    lines = ["\\data\\", *(f"ngram {n + 1}={len(chances[n])}" for n in range(3)), ""]
    for n in range(3):
        lines.append(f"\\{n + 1}-grams:")
        for gram, chance in sorted(chances[n].items()):
            weight = f" {_log(backoff[gram])}" if gram in backoff else ""
            lines.append(f"{_log(chance)} {' '.join(gram)}{weight}")
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


def _log(chance: float) -> str:
    return f"{max(math.log10(chance), -99.0) if chance > 0 else -99.0:.4f}"
