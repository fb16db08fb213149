"""``/v1/chat/completions``: pictures and words in; a word with the probabilities of all allowed ones, or text, out."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..decoding.grammar import SchemaError, json_grammar
from ..questions import Answer, Frame, Kind
from .conversation import read_conversation
from .desk import now
from .fields import Json, known, mapping, text, whole
from .phrasing import Asked, understand
from .refusals import RefusedError, wrong

_LIMITS = ("max_tokens", "max_completion_tokens")
_IGNORED: tuple[str, ...] = (
    "temperature",
    "top_p",
    "seed",
    "user",
    "store",
    "metadata",
    "frequency_penalty",
    "presence_penalty",
)
_IGNORED += ("service_tier", "safety_identifier", "prompt_cache_key", "verbosity", "stop")
_NEVER = ("tools", "tool_choice", "functions", "function_call", "audio", "modalities", "logit_bias", "prediction")
_LEAST = -9999.0
_THOUSAND = 1000


@dataclass(frozen=True)
class Request:
    """A chat request.

    Attributes:
        frame: Its pictures.
        asked: What the backend is asked.
        logprobs: Probabilities of the first token are wanted.
        most: How many of them.
        stream: The answer is sent in parts, while it is written.
        usage: The last part tells the tokens.
    """

    frame: Frame | None
    asked: Asked
    logprobs: bool
    most: int
    stream: bool = False
    usage: bool = False


def read_request(raw: Json, kinds: Collection[Kind]) -> Request:
    """Return what a chat request asks.

    Raises:
        RefusedError: Something in it is wrong, or not offered here.
    """
    _check(raw)
    logprobs = raw.get("logprobs") or False
    if not isinstance(logprobs, bool):
        raise wrong("logprobs", "must be true or false")
    most = 0 if raw.get("top_logprobs") is None else whole(raw["top_logprobs"], "top_logprobs", 0, 20)
    if most and not logprobs:
        raise wrong("top_logprobs", "needs logprobs: true")
    said = read_conversation(raw.get("messages"), "messages")
    if not said.words:
        raise wrong("messages", "the last message has no words")
    schema = _schema(raw.get("response_format"))
    asked = understand(
        said.words, kinds, schema=schema, context=said.system, history=said.history, chances=bool(logprobs)
    )
    return Request(said.frame, asked, logprobs, most, *_stream(raw))


def _stream(raw: Json) -> tuple[bool, bool]:
    """Return whether an answer is sent in parts, and whether the last one tells the tokens."""
    stream = raw.get("stream") or False
    if not isinstance(stream, bool):
        raise wrong("stream", "must be true or false")
    if raw.get("stream_options") is None:
        return stream, False
    if not stream:
        raise wrong("stream_options", "needs stream: true")
    options = mapping(raw["stream_options"], "stream_options")
    known(options, ("include_usage", "include_obfuscation"), "stream_options")
    usage = options.get("include_usage") or False
    if not isinstance(usage, bool):
        raise wrong("stream_options.include_usage", "must be true or false")
    return stream, usage


def _check(raw: Json) -> None:
    own = ("model", "messages", "logprobs", "top_logprobs", "response_format", "n", "stream", "stream_options")
    for name in _NEVER:
        if raw.get(name):
            raise RefusedError(400, f"{name}: not offered by this server", name, "unsupported_parameter")
    known(raw, (*own, *_LIMITS, *_IGNORED, *_NEVER, "reasoning_effort", "parallel_tool_calls"))
    if raw.get("n") not in (None, 1):
        raise RefusedError(400, "n: one answer is all there is; it is always the likeliest", "n", "unsupported_value")
    for name in _LIMITS:
        if raw.get(name) is not None:
            whole(raw[name], name, 1, 10_000_000)


def _schema(raw: object) -> str:
    """Return the JSON Schema of a response format as text, that of any object, or nothing for plain text."""
    if raw is None:
        return ""
    form = mapping(raw, "response_format")
    kind = form.get("type")
    known(form, ("type", "json_schema"), "response_format")
    if kind == "text":
        return ""
    if kind == "json_object":
        return '{"type": "object"}'
    if kind != "json_schema":
        raise wrong("response_format.type", "must be text, json_object or json_schema")
    named = mapping(form.get("json_schema"), "response_format.json_schema")
    known(named, ("name", "description", "schema", "strict"), "response_format.json_schema")
    text(named.get("name"), "response_format.json_schema.name")
    where = "response_format.json_schema.schema"
    schema = json.dumps(mapping(named.get("schema"), where), ensure_ascii=False)
    try:
        json_grammar(schema)
    except SchemaError as error:
        raise wrong(where, str(error)) from error
    return schema


def response(model: str, request: Request, answer: Answer) -> dict[str, Any]:
    """Return the body of an answer."""
    said = written(request.asked, answer)
    message: Json = {"role": "assistant", "content": said, "refusal": answer.problem or None}
    logprobs = tokens(request, answer, said)
    choice: Json = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": now(),
        "model": model,
        "choices": [choice],
        "usage": usage(answer),
    }


def usage(answer: Answer) -> Json:
    """Return the tokens of an answer; those that were read and those that were written are not told apart."""
    return {"prompt_tokens": answer.tokens, "completion_tokens": 0, "total_tokens": answer.tokens}


def tokens(request: Request, answer: Answer, said: str | None) -> Json | None:
    """Return the probabilities of an answer in one word, if they are wanted and there are any."""
    if not request.logprobs or said is None or not request.asked.written:
        return None
    return {"content": [_token(request.asked, answer, said, request.most)], "refusal": None}


def written(asked: Asked, answer: Answer) -> str | None:
    """Return the words of an answer; None where it has a problem."""
    if answer.problem:
        return None
    if asked.written:
        return asked.written[max(asked.written, key=answer.p)]
    if answer.kind == "ground":
        rows = [_region(region.box_xyxy, region.point_uv, region.label) for region in answer.regions]
        return json.dumps(rows, ensure_ascii=False)
    return json.dumps(answer.data, ensure_ascii=False) if answer.kind == "plan" else answer.text


def _region(box: tuple[float, ...], point: tuple[float, float] | None, label: str) -> Json:
    row: Json = {"bbox_2d": [round(value * _THOUSAND) for value in box]}
    if point is not None:
        row["point_2d"] = [round(value * _THOUSAND) for value in point]
    return {**row, "label": label}


def _token(asked: Asked, answer: Answer, said: str, most: int) -> Json:
    rows = sorted(((answer.p(key), word) for key, word in asked.written.items()), reverse=True)
    logs = {word: math.log(p) if p > 0 else _LEAST for p, word in rows}
    top = [_spelled(word, logs[word]) for _, word in rows[:most]]
    return {**_spelled(said, logs[said]), "top_logprobs": top}


def _spelled(word: str, log: float) -> Json:
    return {"token": word, "logprob": log, "bytes": list(word.encode())}
