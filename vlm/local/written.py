"""From written text to an answer: boxes and points with their confidence, plans, descriptions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from ..contract import Hearing
from ..decoding.checking import first_mistake
from ..grounding_format import Coordinates, UnreadableError, distinct, read_boxes
from ..questions import Answer, Question, Region

_FENCE = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*(?:```)?\s*\Z", re.DOTALL)


def grounded(
    question: Question,
    ids: Sequence[int],
    chances: Sequence[float],
    decode: Callable[[Sequence[int]], str],
    form: Coordinates,
    image_size: tuple[int, int],
) -> Answer:
    """Return what was found: a region is as sure as its tokens were on average.

    Args:
        question: What was asked for.
        ids: Tokens that were written.
        chances: Their probabilities.
        decode: Tokens to text, special ones included.
        form: Form of the boxes.
        image_size: Width and height of the image that the model saw, [px].
    """
    text = decode(ids)
    try:
        found = read_boxes(text, form, image_size)
    except UnreadableError as error:
        return Answer("ground", text=text, problem=f"{error}: {text!r}")
    ends = [len(decode(ids[: i + 1])) for i in range(len(ids))]
    regions = []
    for one in found:
        inside = [p for p, end in zip(chances, ends, strict=True) if one.start < end <= one.stop] or list(chances)
        sure = min(1.0, sum(inside) / len(inside)) if inside else 0.0
        regions.append(Region(one.box_xyxy, one.label or question.text, sure, one.point_uv))
    kept = distinct(sorted(regions, key=lambda region: -region.confidence))
    return Answer("ground", regions=tuple(kept if question.all else kept[:1]), text=text)


def said(question: Question, text: str, complete: bool, problem: str = "") -> Answer:
    """Return written words as an answer; for a plan the JSON in them, checked against its schema.

    Args:
        question: What was asked.
        text: What was written, without control tokens.
        complete: It came to its end before the limit of tokens.
        problem: Why it could not go on; empty otherwise.
    """
    if problem:
        return Answer(question.kind, text=text, problem=problem)
    if question.kind != "plan":
        return Answer(question.kind, text=text, problem="" if text else "the model wrote nothing")
    fenced = _FENCE.match(text)
    try:
        data = json.loads(fenced[1] if fenced else text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = str(error) if complete else "it was cut off by the limit of tokens"
        return Answer("plan", text=text, problem=f"the plan is no JSON: {why}: {text!r}")
    wrong = first_mistake(data, _schema(question), "the plan")
    if wrong:
        return Answer("plan", text=text, problem=f"the plan does not obey its schema: {wrong}")
    return Answer("plan", text=text, data=data)


def telling_of(
    question: Question, hearing: Hearing, decode: Callable[[Sequence[int]], str]
) -> Callable[[Sequence[int]], bool]:
    """Return what hears of tokens and tells the text of an answer so far.

    Boxes are told as an empty text: what the model writes of them is not the answer.
    """

    def telling(ids: Sequence[int]) -> bool:
        half = "\ufffd"  # the beginning of a letter that takes several tokens
        return hearing("" if question.kind == "ground" else decode(ids).rstrip(half).strip())

    return telling


def _schema(question: Question) -> object:
    """Return the schema of a plan as data; one that cannot be read allows anything."""
    try:
        return json.loads(question.schema)
    except (ValueError, RecursionError):
        return True


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
