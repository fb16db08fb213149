"""One question with its true answer, in the words that a model is taught."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ..facts import UNSEEN_PAIRS, FrameFacts
from ..language.comparing import compare
from ..language.grammar import HOLDERS, Meaning, Thing, Verdict, judge, parse_query, phrase

EVERY_LOOSE = Meaning("ground", Thing(group="loose", every=True))
_COMPARED = {
    "any_moved": "anything moved",
    "any_appeared": "anything appeared",
    "any_disappeared": "anything disappeared",
    "same": "same arrangement",
}


@dataclass(frozen=True)
class Asked:
    """One question with its true answer.

    Attributes:
        kind: Name under which its accuracy is reported.
        meaning: What is asked.
        question: The wording.
        answer: The text the model should give.
        verdict: What is true.
    """

    kind: str
    meaning: Meaning
    question: str
    answer: str
    verdict: Verdict

    @property
    def subject(self) -> str:
        """Predicate, and for a yes/no question its answer."""
        return self.meaning.predicate + (f"/{self.answer.lower()}" if self.verdict.kind == "yes_no" else "")


def boxes_text(facts: FrameFacts, indices: tuple[int, ...]) -> str:
    """Write objects in the grounding form of Qwen3-VL, coordinates 0..999."""
    entries = []
    for i in indices:
        o = facts.objects[i]
        x0, y0, x1, y1 = (min(999, round(v * 1000)) for v in o.box_xyxy)
        entries.append(f'{{"bbox_2d": [{x0}, {y0}, {x1}, {y1}], "label": "{o.name}"}}')
    return "[" + ", ".join(entries) + "]"


def ask(meaning: Meaning, facts: FrameFacts, rng: random.Random, usual: float = 0.5, kind: str = "") -> Asked | None:
    """Word one question and answer it; None when it has no clear answer."""
    verdict = judge(meaning, facts)
    if verdict is None:
        return None
    answer = boxes_text(facts, verdict.indices) if verdict.kind == "ground" else verdict.text
    return Asked(kind or kind_of(meaning, verdict), meaning, phrase(meaning, rng, usual), answer, verdict)


def ask_both(
    meaning: Meaning, before: FrameFacts, after: FrameFacts, rng: random.Random, usual: float = 0.5
) -> Asked | None:
    """Word one question about two pictures and answer it; None when it has no clear answer."""
    verdict = compare(meaning, before, after)
    if verdict is None:
        return None
    return Asked(kind_of(meaning, verdict), meaning, phrase(meaning, rng, usual), verdict.text, verdict)


def kind_of(meaning: Meaning, verdict: Verdict) -> str:
    """Name the kind of a question for reports."""
    a = meaning.a
    if meaning.predicate == "ground" and a is not None:
        if not verdict.indices:
            return "ground absent"
        if not a.every:
            return "ground container" if a.shape in HOLDERS else "ground one"
        return "ground every loose" if a == EVERY_LOOSE.a else "ground every"
    if meaning.predicate == "all_in" and a is not None and not a.color and not a.shape:
        return "everything inside"
    if meaning.predicate == "exists" and a == Thing(group="loose"):
        return "loose left"
    return _COMPARED.get(meaning.predicate, meaning.predicate)


def names_unseen(meaning: Meaning) -> bool:
    """Tell whether a question names a color with a shape that training leaves out."""
    things = [thing for thing in (meaning.a, meaning.b) if thing is not None]
    things += [thing.place for thing in things if thing.place is not None]
    things += [thing for choice in meaning.choices if (thing := parse_query(choice)) is not None]
    return any((thing.color, thing.shape) in UNSEEN_PAIRS for thing in things)
