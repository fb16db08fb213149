"""Typed answers from what servers tell: probabilities, next tokens, or samples of written answers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from ...questions import Answer, Question
from ..failures import Unreadable, number
from ..prompts import LETTERS
from .thought import without_thought

_SLACK = 0.02
"""How far a sum of probabilities may lie above 1 before it is no such sum."""
_ROUNDING = 1e-6
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_EDGES = " \t\r\n.,:;!?*_`'\"()[]{}<>▁Ġ"


def decided(question: Question, chances: Mapping[str, float], **more: object) -> Answer:
    """Return a typed answer; what the chances lack to 1 is on none of the allowed answers.

    Raises:
        Unreadable: They are more than 1 together.
    """
    total = sum(chances.values())
    if total > 1.0 + _SLACK:
        raise Unreadable(f"the probabilities of the answer add up to {total:.3g}")
    scale = 1.0 / total if total > 1.0 else 1.0
    shares = {key: p * scale for key, p in chances.items()}
    neither = min(1.0, max(0.0, 1.0 - sum(shares.values())))
    return Answer(question.kind, probabilities=shares, neither=neither, **more)  # type: ignore[arg-type]


def told(question: Question, raw: Mapping[object, object]) -> dict[str, float]:
    """Return the probabilities that a server tells of the allowed answers.

    Raises:
        Unreadable: One is missing, or is none.
    """
    chances = {}
    for choice in question.choices:
        if choice not in raw:
            raise Unreadable(f"the answer has no probability of {choice[:60]!r}")
        p = number(raw[choice], -_ROUNDING, 1.0 + _ROUNDING, f"the probability of {choice[:60]!r}")
        chances[choice] = min(1.0, max(0.0, p))
    return chances


def from_tokens(question: Question, tokens: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return the probabilities of the allowed answers from those of the likeliest next tokens.

    Spellings of one answer are added up. What is not among the tokens counts as nothing, so it is on *neither*.

    Args:
        question: Yes/no, choice or score; the last two were asked by letters.
        tokens: Text of a token and its log-probability.

    Raises:
        Unreadable: A log-probability is no number.
    """
    chances = dict.fromkeys(allowed(question), 0.0)
    names = _by_letter(question)
    for text, log in tokens:
        if isinstance(log, bool) or not isinstance(log, int | float) or math.isnan(log) or log > 1e-6:
            raise Unreadable(f"the log-probability of {text[:20]!r} is {str(log)[:20]!r}")
        word = text.strip(_EDGES)
        name = word.lower() if question.kind == "yes_no" else names.get(word, "")
        if name in chances:
            chances[name] += math.exp(log)
    return chances


def spellings(tokens: Sequence[tuple[str, float]]) -> dict[str, tuple[str, ...]]:
    """Return the tokens that say yes, and those that say no, likeliest first.

    >>> spellings([(" yes", -2.0), ("Yes", -0.1), ("The", -3.0)])
    {'yes': ('Yes', ' yes'), 'no': ()}
    """
    likeliest = [text for text, _ in sorted(tokens, key=lambda pair: -pair[1])]
    return {word: tuple(text for text in likeliest if text.strip(_EDGES).lower() == word) for word in ("yes", "no")}


def from_samples(question: Question, texts: Iterable[str]) -> tuple[dict[str, float], str]:
    """Return probabilities from a few written answers, and in words what they were.

    Half a sample is spread over the allowed answers, so that a few equal ones are no certainty. What answers nothing
    counts on *neither*.

    Raises:
        Unreadable: There is no sample.
    """
    counts, nothing = dict.fromkeys(allowed(question), 0), 0
    for text in texts:
        name = from_words(question, text)
        if name:
            counts[name] += 1
        else:
            nothing += 1
    said = sum(counts.values())
    if not said + nothing:
        raise Unreadable("the answer has no text")
    words = ", ".join(f"{name} {count}" for name, count in {**counts, "neither": nothing}.items() if count)
    summary = f"{said + nothing} samples: {words}"
    if not said:
        return dict.fromkeys(counts, 0.0), summary
    share, spread = said / (said + nothing), 0.5 / len(counts)
    return {name: share * (count + spread) / (said + 0.5) for name, count in counts.items()}, summary


def from_words(question: Question, text: str) -> str:
    """Return the allowed answer that a written text gives, empty when it gives none.

    A letter alone is one of those that the choices were listed under, also where a choice is that letter.

    >>> from_words(Question("yes_no", "Is it?"), "**Yes**, it is."), from_words(Question("yes_no", "Is it?"), "Maybe.")
    ('yes', '')
    """
    plain = without_thought(_THOUGHT.sub("", text)).strip(_EDGES)
    first = plain.split()[0].strip(_EDGES) if plain else ""
    if question.kind == "yes_no":
        return first.lower() if first.lower() in ("yes", "no") else ""
    exact = {choice.strip().lower(): choice for choice in question.choices}
    names = _by_letter(question)
    if plain in names:
        return names[plain]
    if plain.lower() in exact:
        choice = exact[plain.lower()]
        return choice if names.get(plain.upper(), choice) == choice else ""  # as a letter it is another one
    if first in names and (plain[1:2] in ".:)" or plain[len(first) :].strip(_EDGES) == ""):
        return names[first]
    return ""


def allowed(question: Question) -> tuple[str, ...]:
    """Return the keys of the probabilities of a typed question."""
    return ("yes", "no") if question.kind == "yes_no" else question.choices


def _by_letter(question: Question) -> dict[str, str]:
    return dict(zip(LETTERS, question.choices, strict=False))
