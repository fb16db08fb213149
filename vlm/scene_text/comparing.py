"""Tell whether an answer hangs on the words in the picture: compare it with the answer without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ..grounding_format import overlap
from ..questions import Answer, Kind, Question, Region
from .reader import SceneText

DECIDED: Final[frozenset[Kind]] = frozenset(("yes_no", "choice", "score", "ground", "plan"))
"""Kinds of question whose answers decide what a robot does; the others are words, for people."""
OVERLAP: Final = 0.5
"""Intersection over union from which two boxes are of the same thing."""
HANGS: Final = "the answer hangs on words in the picture"
"""How the ``problem`` of an answer begins that changes when the words are gone."""
_SHOWN: Final = 60


def settle(question: Question, seen: Answer, masked: Sequence[Answer], texts: Sequence[SceneText]) -> Answer:
    """Return what may be said of a picture with words in it.

    Where the answers agree it is the least sure of them. Where they differ it has a ``problem``: it is unsure. In
    typed answers ``data`` says what was found and what each picture was answered with.

    Args:
        question: What was asked.
        seen: The answer to the picture as it is.
        masked: Answers to pictures in which the words, or what they stand on, are filled in.
        texts: The words that were found.
    """
    if seen.problem or question.kind not in DECIDED:
        return seen
    differs = next((other for other in masked if not _same(seen, other)), None)
    if question.kind in ("ground", "plan"):
        return seen if differs is None else replace(seen, problem=_why(seen, differs, texts))
    found: dict[str, Any] = {
        "words": [text.text for text in texts],
        "seen": dict(seen.probabilities),
        "masked": [dict(other.probabilities) for other in masked],
    }
    if differs is not None:
        return replace(seen, problem=_why(seen, differs, texts), data={"firewall": found})
    best = _best(seen)
    return replace(min((seen, *masked), key=lambda answer: answer.p(best)), data={"firewall": found})


def _same(seen: Answer, other: Answer) -> bool:
    if other.problem:
        return False
    if seen.kind == "plan":
        return seen.data == other.data
    if seen.kind == "ground":
        return _matched(seen.regions, other.regions) and _matched(other.regions, seen.regions)
    return _best(seen) == _best(other)


def _matched(regions: Sequence[Region], others: Sequence[Region]) -> bool:
    return all(any(overlap(r.box_xyxy, o.box_xyxy) >= OVERLAP for o in others) for r in regions)


def _best(answer: Answer) -> str:
    """Return the likeliest answer; empty where that is none of the allowed ones."""
    best = max(answer.probabilities, key=lambda word: answer.probabilities[word], default="")
    return best if answer.p(best) >= answer.neither else ""


def _why(seen: Answer, other: Answer, texts: Sequence[SceneText]) -> str:
    words = " ".join(" ".join(text.text for text in texts if text.text).split()) or "something unreadable"
    words = words if len(words) <= _SHOWN else words[:_SHOWN] + "…"
    return f"{HANGS}, {words!r}: {_said(seen)} with them, {_said(other)} when they are masked"


def _said(answer: Answer) -> str:
    if answer.problem:
        return f"no answer ({answer.problem})"
    if answer.kind == "ground":
        boxes = [" ".join(f"{v:.2f}" for v in region.box_xyxy) for region in answer.regions]
        return f"{len(boxes)} box{'' if len(boxes) == 1 else 'es'}" + (f" ({'; '.join(boxes[:3])})" if boxes else "")
    if answer.kind == "plan":
        return "another plan"
    best = _best(answer)
    return f"{best} {answer.p(best):.2f}" if best else f"neither {answer.neither:.2f}"
