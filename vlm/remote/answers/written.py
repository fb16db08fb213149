"""Answers from written text: JSON of a plan, boxes, and what is said in plain words."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from ...decoding.checking import first_mistake
from ...grounding_format import Coordinates, UnreadableError, distinct, read_boxes
from ...questions import Answer, Question, Region
from ..failures import Unreadable
from .thought import without_thought

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
WRAPPED = "answer"
"""Property that a plan stands in where the server wants an object outermost."""


def strict_json(text: str) -> object:
    """Read JSON as the standard has it: no NaN, no infinity, no endless nesting.

    Raises:
        ValueError: It is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is too large")
    return value


def plan_answer(question: Question, text: str, cut: bool) -> Answer:
    """Return the plan that a text is; with a problem where it is no JSON or does not obey the schema.

    Args:
        question: With the schema, if there is one.
        text: What the model wrote.
        cut: It was cut off by the limit of tokens.
    """
    try:
        data = _json_in(text.strip())
    except ValueError as error:
        why = "it was cut off by the limit of tokens" if cut else str(error)
        return Answer("plan", text=text, problem=f"the plan is no JSON: {why}: {text[:200]!r}")
    schema = schema_of(question)
    if isinstance(data, dict) and set(data) == {WRAPPED} and first_mistake(data, schema):
        data = data[WRAPPED]
    wrong = first_mistake(data, schema, "the plan") if schema is not None else ""
    if wrong:
        return Answer("plan", text=text, problem=f"the plan does not obey its schema: {wrong}")
    return Answer("plan", text=text, data=data)


def _json_in(text: str) -> object:
    """Read a text as JSON, or what stands behind its thought, or in a fence there.

    In a text that is JSON as a whole a fence or a thought is part of some words.
    """
    plain = without_thought(text).strip()
    fenced = _FENCE.fullmatch(plain) or _FENCE.search(plain)
    for whole in (text, plain):
        with contextlib.suppress(ValueError):
            return strict_json(whole)
    return strict_json(fenced[1] if fenced else plain)


def schema_of(question: Question) -> Mapping[str, object] | None:
    """Return the schema of a plan, None where it has none or one that cannot be read."""
    if not question.schema:
        return None
    try:
        schema = strict_json(question.schema)
    except ValueError:
        return None
    return schema if isinstance(schema, dict) else None


def ground_answer(
    question: Question,
    text: str,
    coordinates: Coordinates,
    size: tuple[int, int],
    tokens: Sequence[tuple[str, float]] = (),
) -> Answer:
    """Return the regions that a text names.

    Args:
        question: What was looked for.
        text: What the model wrote.
        coordinates: Its form of boxes.
        size: Width and height of the picture as it was sent, [px].
        tokens: What the text was written with, each with its probability: a region is as sure as its tokens are on
            average. Where they are not told, or are not those of the text, regions are sure.
    """
    plain = without_thought(text).strip()
    try:
        found = read_boxes(plain, coordinates, size)
    except UnreadableError as error:
        return Answer("ground", text=text, problem=f"{error}: {text[:200]!r}")
    sure, before = _sureness(text, tokens), text.find(plain)
    named = question.text.strip() or "object"
    regions = distinct(
        sorted(
            (
                Region(one.box_xyxy, one.label or named, sure(before + one.start, before + one.stop), one.point_uv)
                for one in found
            ),
            key=lambda region: -region.confidence,
        )
    )
    return Answer("ground", regions=tuple(regions if question.all else regions[:1]), text=text)


def _sureness(text: str, tokens: Sequence[tuple[str, float]]) -> Callable[[int, int], float]:
    """Return a function from a range of characters to the mean probability of its tokens."""
    if not tokens or "".join(token for token, _ in tokens) != text:
        return lambda start, stop: 1.0
    ends = list(accumulate(len(token) for token, _ in tokens))

    def sure(start: int, stop: int) -> float:
        inside = [p for (_, p), end in zip(tokens, ends, strict=True) if start < end <= stop]
        return min(1.0, max(0.0, sum(inside) / len(inside))) if inside else 1.0

    return sure


def said_answer(question: Question, text: str) -> Answer:
    """Return a description, a reply or a transcript.

    Raises:
        Unreadable: It has no words.
    """
    plain = without_thought(text).strip()
    if not plain:
        raise Unreadable("the answer has no text")
    return Answer(question.kind, text=plain)
