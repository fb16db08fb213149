"""Bodies of requests to OpenAI-compatible servers, and what is read from their answers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ...questions import Question
from ..failures import Failure, NoLogprobs, Unreadable, field
from ..pictures import Picture, captions
from ..prompts import SYSTEM, typed_prompt, with_context
from .noul import refusal

Json = dict[str, object]


def messages(question: Question, words: str, pictures: tuple[Picture, ...], detail: str) -> list[Json]:
    """Return the conversation: the system's words, what was said before, the pictures, the question."""
    said: list[Json] = [{"role": "system", "content": SYSTEM}]
    said += [{"role": role, "content": text} for role, text in question.history]
    if not pictures:
        return [*said, {"role": "user", "content": words}]
    parts: list[Json] = []
    for caption, picture in zip(captions(pictures), pictures, strict=True):
        if caption:
            parts.append({"type": "text", "text": caption})
        shown: Json = {"url": picture.url, **({"detail": detail} if detail else {})}
        parts.append({"type": "image_url", "image_url": shown})
    return [*said, {"role": "user", "content": [*parts, {"type": "text", "text": words}]}]


def decision_input(pictures: tuple[Picture, ...], detail: str) -> list[Json]:
    """Return what all questions of a decision request are about."""
    parts: list[Json] = []
    for caption, picture in zip(captions(pictures), pictures, strict=True):
        if caption:
            parts.append({"type": "input_text", "text": caption})
        parts.append({"type": "input_image", "image_url": picture.url, **({"detail": detail} if detail else {})})
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": parts}]


def decision_question(name: str, question: Question) -> Json:
    """Return a typed question in the words of the decisions API."""
    asked: Json = {"name": name, "instructions": with_context(question)}
    if question.kind == "yes_no":
        return {**asked, "type": "predicate"}
    if question.kind == "choice":
        return {**asked, "type": "choice", "choices": [{"value": choice} for choice in question.choices]}
    return {**asked, "type": "score", "levels": [{"label": choice} for choice in question.choices]}


def decision_chances(question: Question, raw: object) -> dict[object, object]:
    """Return the probabilities as an answer of the decisions API has them, unchecked.

    Raises:
        Failure: The model refused to answer, or the answer is to another kind of question.
    """
    kind = field(raw, "type")
    if kind == "refusal":
        raise refusal(raw)
    wanted = {"yes_no": "predicate"}.get(question.kind, question.kind)
    if kind != wanted:
        raise Unreadable(f"the answer is of type {str(kind)[:40]!r}, not {wanted}")
    if question.kind == "yes_no":
        return {"yes": field(raw, "probability")}
    rows = field(raw, "probabilities")
    key = "value" if question.kind == "choice" else "label"
    return {str(field(row, key)): field(row, "probability") for row in (rows if isinstance(rows, list) else [])}


def token_body(question: Question, pictures: tuple[Picture, ...], detail: str, most: int) -> Json:
    """Return a chat request for the next token's probabilities; three tokens, for models that begin with a blank."""
    said = messages(question, typed_prompt(question), pictures, detail)
    return {"messages": said, "logprobs": True, "top_logprobs": most, "temperature": 0, "tokens": 3}


def next_tokens(raw: object) -> list[tuple[str, float]]:
    """Return text and log-probability of the likeliest first tokens that are not blank.

    Raises:
        NoLogprobs: The server told none.
        Unreadable: They have another form.
    """
    content = field(raw, "choices", 0, "logprobs", "content")
    if not isinstance(content, list) or not content:
        raise NoLogprobs("the answer has no probabilities of tokens")
    at = next((each for each in content if str(field(each, "token") or "").strip(" \t\r\n▁Ġ")), content[0])
    rows = field(at, "top_logprobs")
    if not isinstance(rows, list) or not rows:
        raise NoLogprobs("the answer has no probabilities of tokens")
    found = []
    for row in rows:
        token, log = field(row, "token"), field(row, "logprob")
        if not isinstance(token, str) or isinstance(log, bool) or not isinstance(log, int | float):
            raise Unreadable(f"the probabilities of tokens have another form: {str(row)[:80]!r}")
        found.append((token, float(log)))
    return found


def choices_of(raw: object, host: str) -> list[object]:
    """Return the choices of a chat answer.

    Raises:
        Failure: There are none, or the model refused, or a filter held them back.
    """
    choices = field(raw, "choices")
    if not isinstance(choices, list) or not choices:
        raise Unreadable(f"{host} sent an answer without choices")
    for choice in choices:
        if words := field(choice, "message", "refusal"):
            raise Failure(f"the model refused: {str(words)[:200]}")
        if field(choice, "finish_reason") == "content_filter":
            raise Failure("a filter of the server held the answer back")
    return choices


def texts(raw: object, host: str) -> list[tuple[str, bool]]:
    """Return the written answers of a chat request, each with whether the limit of tokens cut it off.

    Raises:
        Failure: There are none, or the model refused, or a filter held them back.
    """
    found = []
    for choice in choices_of(raw, host):
        text, cut = field(choice, "message", "content"), field(choice, "finish_reason") == "length"
        if not text and cut:
            raise Unreadable("the model wrote nothing before its limit of tokens; one that thinks needs a higher limit")
        if not isinstance(text, str):
            raise Unreadable(f"{host} sent an answer of another form: content is {str(text)[:60]!r}")
        found.append((text, cut))
    return found


def written_tokens(raw: object) -> list[tuple[str, float]]:
    """Return the tokens of the first answer with their probabilities; none where they are not told, or badly."""
    content = field(raw, "choices", 0, "logprobs", "content")
    found = []
    for each in content if isinstance(content, list) else []:
        token, log = field(each, "token"), field(each, "logprob")
        if not isinstance(token, str) or isinstance(log, bool) or not isinstance(log, int | float) or log > 0:
            return []
        found.append((token, math.exp(log)))
    return found


def usage(raw: object) -> tuple[object, object]:
    """Return tokens read and written, as the server says."""
    read = field(raw, "usage", "prompt_tokens")
    written = field(raw, "usage", "completion_tokens")
    if read is None and written is None:
        return field(raw, "usage", "input_tokens"), field(raw, "usage", "output_tokens")
    return read, written


def named(told: str, names: Iterable[str]) -> str:
    """Return the first of some parameters that an error names, in quotes or as a word with an underscore.

    >>> named("unsupported parameter: 'max_tokens' is not supported", ["max_tokens"])
    'max_tokens'
    """
    for name in names:
        if any(f"{q}{name}{q}" in told for q in "'\"`") or ("_" in name and name in told):
            return name
    return ""
