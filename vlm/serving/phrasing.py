"""From the words of a chat request to a typed question: what is answered by a word or a letter has a probability.

Clients ask such things in words that differ little: *Answer yes or no.*, options *A.* to *Z.* or *0.* to *99.*, one a
line, and *Locate …* or *Find … the words: …* for boxes. Everything else is asked as it stands.

The words are a stranger's, so no pattern may take longer than in proportion to their length: none begins with what may
be of any length, and the one with several such parts in a row looks at a few characters at the end.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from ..questions import Kind, Question

_YES_NO = re.compile(
    r"(?:please\s+)?(?:answer|reply|respond)\s+(?:with\s+|in\s+)?(?:only\s+|just\s+)?(?:one\s+word[,:]?\s+)?"
    r"[\"'`]?yes[\"'`]?\s+or\s+[\"'`]?no[\"'`]?(?:\s+only)?\s*[.!]?\s*\Z",
    re.IGNORECASE,
)
_IS = re.compile(r"(?:is|are|was|were|has|have|does|do|did|can|could|will|would)\b", re.IGNORECASE)
_OPTION = re.compile(r"^[ \t]*\(?([A-Z]|\d{1,2})[.):][ \t]+(\S.*)$", re.MULTILINE)
_LEVELS = re.compile(r"\b(?:level|score|rate|rating|grade)\b", re.IGNORECASE)
_LOCATE = (
    re.compile(r"\Alocate (.+?), output the bbox coordinates\b", re.DOTALL | re.IGNORECASE),
    re.compile(r"\Afind .{1,80}? the words(?: best)?:[ \t]*(\S[^\n]*)", re.DOTALL | re.IGNORECASE),
    re.compile(r"\A(?:locate|detect|ground|point (?:to|at))\s+(\S[^\n.]*)", re.IGNORECASE),
)
_EVERY = re.compile(r"\b(?:every|all|each)\b", re.IGNORECASE)
_PLAN = re.compile(r"Answer with JSON only\.", re.IGNORECASE)
_OBEYS = re.compile(r"\s*It obeys this (?:JSON )?schema:\s*(?=\{)", re.IGNORECASE)
_MOST, _LAST = 20_000, 300
"""Characters at the start that are looked at for options and boxes, and those at the end for *Answer yes or no.*"""


@dataclass(frozen=True)
class Asked:
    """A question, and how its allowed answers are written.

    Attributes:
        question: What the backend is asked.
        written: Allowed answer → the word or letter for it; empty where text is written.
    """

    question: Question
    written: dict[str, str]


def understand(
    words: str,
    kinds: Collection[Kind],
    *,
    schema: str = "",
    context: str = "",
    history: tuple[tuple[str, str], ...] = (),
    chances: bool = False,
) -> Asked:
    """Return the question in the last words of a conversation.

    Args:
        words: What the user said last.
        kinds: What the backend answers.
        schema: JSON Schema of the wished answer, as text; empty for none.
        context: What the system said.
        history: What was said before, (``user`` or ``assistant``, words).
        chances: The client wants probabilities of tokens.
    """
    head = words[:_MOST]
    planned = _planned(words)
    asked = _yes_no(words, chances or "chat" not in kinds) or _options(head) or (None if schema else _located(head))
    if asked is not None and asked.question.kind in kinds:
        return replace(asked, question=replace(asked.question, context=context))
    if schema or planned:
        told, obeyed = planned or (words.strip(), "")
        return Asked(Question("plan", told, schema=schema or obeyed, context=context), {})
    kind: Kind = "chat" if "chat" in kinds else "describe"
    return Asked(Question(kind, words, context=context, history=history if kind == "chat" else ()), {})


def _yes_no(words: str, guess: bool) -> Asked | None:
    words = words.rstrip()
    told = _YES_NO.search(words, max(0, len(words) - _LAST))
    text = words[: told.start()].strip() if told else words.strip()
    if not text or not (told or (guess and _IS.match(text) and text.endswith("?"))):
        return None
    return Asked(Question("yes_no", text), {"yes": "Yes", "no": "No"})


def _planned(words: str) -> tuple[str, str] | None:
    """Return the instruction and the schema of a plan, where the words ask for JSON at their end."""
    words = words.rstrip()
    for told in _PLAN.finditer(words):
        schema = _OBEYS.match(words, told.end())
        if told.end() == len(words) or (schema and words.endswith("}")):
            return words[: told.start()].strip() or words, words[schema.end() :] if schema else ""
    return None


def _options(words: str) -> Asked | None:
    rows = list(_OPTION.finditer(words))
    labels = [row[1] for row in rows]
    choices = [row[2].rstrip() for row in rows]
    text = words[: rows[0].start()].strip() if rows else ""
    if len(rows) < 2 or not text or not _in_turn(labels) or len(set(choices)) < len(choices):
        return None
    kind: Kind = "score" if _LEVELS.search(words[rows[-1].end() :]) else "choice"
    return Asked(Question(kind, text, choices=tuple(choices)), dict(zip(choices, labels, strict=True)))


def _in_turn(labels: list[str]) -> bool:
    places = [int(label) if label.isdigit() else ord(label) for label in labels]
    alike = len({label.isdigit() for label in labels}) == 1
    return alike and all(b - a == 1 for a, b in pairwise(places))


def _located(words: str) -> Asked | None:
    match = next((found for pattern in _LOCATE if (found := pattern.match(words.strip()))), None)
    if match is None:
        return None
    return Asked(Question("ground", match[1].strip(), all=_EVERY.search(words) is not None), {})
