"""Bodies of requests to Gemini, and what is read from its answers."""

from __future__ import annotations

from typing import Any

from ...questions import Question
from ..failures import Failure, NoLogprobs, Unreadable, field
from ..pictures import Picture, captions

_GOOD = ("STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED", None)


def contents(types: Any, question: Question, words: str, pictures: tuple[Picture, ...]) -> list[Any]:
    """Return the conversation: what was said before, the pictures, the question.

    Args:
        types: The module ``google.genai.types``.
        question: With its history and its sound.
        words: What the model is asked.
        pictures: Oldest first.
    """
    said = [
        types.Content(role="model" if role == "assistant" else "user", parts=[types.Part.from_text(text=text)])
        for role, text in question.history
    ]
    parts = []
    for caption, picture in zip(captions(pictures), pictures, strict=True):
        if caption:
            parts.append(types.Part.from_text(text=caption))
        parts.append(types.Part.from_bytes(data=picture.data, mime_type=picture.mime))
    if question.audio:
        parts.append(types.Part.from_bytes(data=question.audio, mime_type="audio/wav"))
    return [*said, types.Content(role="user", parts=[*parts, types.Part.from_text(text=words)])]


def decision_input(pictures: tuple[Picture, ...]) -> list[dict[str, str]]:
    """Return what all questions of a decision request are about."""
    parts: list[dict[str, str]] = []
    for caption, picture in zip(captions(pictures), pictures, strict=True):
        if caption:
            parts.append({"type": "text", "text": caption})
        parts.append({"type": "image", "data": picture.base64, "mime_type": picture.mime})
    return parts


def check_feedback(raw: object, host: str) -> None:
    """Raise why the service does not answer at all, if it does not.

    Raises:
        Failure: The question, or a picture with it, was blocked.
    """
    for path in (("promptFeedback", "blockReason"), ("prompt_feedback", "block_reason")):
        if reason := field(raw, *path):
            raise Failure(f"{host} blocked the question: {str(reason)[:60].lower().replace('_', ' ')}")


def candidates(raw: object, host: str) -> list[object]:
    """Return the candidates of an answer.

    Raises:
        Failure: It was blocked, or there are none, or one was held back.
    """
    check_feedback(raw, host)
    found = field(raw, "candidates")
    if not isinstance(found, list) or not found:
        raise Unreadable(f"{host} sent an answer without candidates")
    for each in found:
        reason = field(each, "finishReason")
        if reason not in _GOOD:
            raise Failure(f"{host} held the answer back: {str(reason)[:60].lower().replace('_', ' ')}")
    return found


def text_of(candidate: object, host: str) -> tuple[str, bool]:
    """Return what a candidate says, thoughts left out, and whether the limit of tokens cut it off.

    Raises:
        Unreadable: It says nothing, or in another form.
    """
    cut = field(candidate, "finishReason") == "MAX_TOKENS"
    parts = field(candidate, "content", "parts")
    said = []
    for part in parts if isinstance(parts, list) else []:
        text = field(part, "text")
        if text is not None and not isinstance(text, str):
            raise Unreadable(f"{host} sent an answer of another form: text is {str(text)[:60]!r}")
        if text and field(part, "thought") is not True:
            said.append(text)
    if not said:
        why = "before its limit of tokens; one that thinks needs a higher limit" if cut else "at all"
        raise Unreadable(f"the model wrote nothing {why}")
    return "".join(said), cut


def image_of(candidate: object, host: str) -> str:
    """Return the picture of a candidate as base64 text.

    Raises:
        Unreadable: There is none.
    """
    parts = field(candidate, "content", "parts")
    for part in parts if isinstance(parts, list) else []:
        data = field(part, "inlineData", "data")
        if isinstance(data, str) and field(part, "thought") is not True:
            return data
    raise Unreadable(f"{host} sent no picture")


def next_tokens(candidate: object) -> list[tuple[str, float]]:
    """Return text and log-probability of the likeliest first tokens that are not blank.

    Raises:
        NoLogprobs: The server told none.
        Unreadable: They have another form.
    """
    steps = field(candidate, "logprobsResult", "topCandidates")
    chosen = field(candidate, "logprobsResult", "chosenCandidates")
    if not isinstance(steps, list) or not steps:
        raise NoLogprobs("the answer has no probabilities of tokens")
    at = 0
    for number, one in enumerate(chosen if isinstance(chosen, list) else []):
        if str(field(one, "token") or "").strip():
            at = number
            break
    rows = field(steps, at, "candidates")
    if not isinstance(rows, list) or not rows:
        raise NoLogprobs("the answer has no probabilities of tokens")
    found = []
    for row in rows:
        token, log = field(row, "token"), field(row, "logProbability")
        if not isinstance(token, str) or isinstance(log, bool) or not isinstance(log, int | float):
            raise Unreadable(f"the probabilities of tokens have another form: {str(row)[:80]!r}")
        found.append((token, float(log)))
    return found


def usage(raw: object) -> tuple[object, object]:
    """Return tokens read and written, thoughts included, as the service says."""
    if field(raw, "usage") is not None:
        return field(raw, "usage", "total_input_tokens"), _sum(
            raw, "usage", "total_output_tokens", "total_thought_tokens"
        )
    read = field(raw, "usageMetadata", "promptTokenCount")
    return read, _sum(raw, "usageMetadata", "candidatesTokenCount", "thoughtsTokenCount")


def _sum(raw: object, block: str, *names: str) -> object:
    counts = [field(raw, block, name) for name in names]
    return sum(count for count in counts if isinstance(count, int) and not isinstance(count, bool))


def plain_schema(schema: object) -> object:
    """Return a schema with ``const`` written as an ``enum`` of one, which the service knows."""
    if isinstance(schema, list):
        return [plain_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: plain_schema(value) for name, value in schema.items() if name != "const"}
    if isinstance(schema.get("const"), str):
        plain |= {"type": "string", "enum": [schema["const"]]}
    return plain
