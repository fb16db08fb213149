"""A server with the shapes of the OpenAI API: decisions, chat completions, images, transcriptions."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np

from . import looking
from .loopback import Reply, Request

KEY = "sk-test-0123456789abcdefSECRET"
_CHAT = {
    "model", "messages", "logprobs", "top_logprobs", "temperature", "max_tokens", "max_completion_tokens", "n",
    "response_format", "reasoning_effort", "chat_template_kwargs",
}  # fmt: skip


@dataclass
class OpenAIServer:
    """Answers well, within what it offers.

    Attributes:
        decisions: It has ``/v1/decisions``.
        logprobs: Most ``top_logprobs`` it takes; 0: it refuses the parameter; -1: it takes it and tells none.
        n: It takes more than one choice a request: True, False (refuses), None (gives one and says nothing).
        limit: The one parameter for the limit of tokens that it takes, empty for both.
        formats: Types of ``response_format`` it takes.
        form: Convention of its boxes.
        thinks: It refuses ``temperature`` other than 1.
        key: The only key it takes; empty takes any.
    """

    model: str = "test-vlm"
    decisions: bool = True
    logprobs: int = 20
    n: bool | None = True
    limit: str = ""
    formats: tuple[str, ...] = ("json_schema", "json_object")
    form: str = "thousandths"
    thinks: bool = False
    key: str = ""

    def __call__(self, request: Request) -> Reply:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return error(401, f"Incorrect API key provided: {request.headers.get('authorization')}.")
        route = request.path.removeprefix("/v1")
        if route == "/decisions" and self.decisions:
            return self._decide(request.json)
        if route == "/chat/completions":
            return self._chat(request.json)
        if route in ("/images/generations", "/images/edits"):
            return self._image(request)
        if route == "/audio/transcriptions":
            good = b'name="file"' in request.body and b"RIFF" in request.body
            return Reply(body={"text": "take the red cube"}) if good else error(400, "no file")
        return error(404, f"Unknown request URL: POST {request.path}")

    def _decide(self, body: dict) -> Reply:
        if set(body) != {"model", "input", "questions"} or body["model"] != self.model:
            return error(400, "unknown field or model")
        assert [message["role"] for message in body["input"]] == ["system", "user"]
        shown = [part["image_url"] for part in body["input"][1]["content"] if part["type"] == "input_image"]
        box = looking.square(looking.pixels(shown[-1].partition(",")[2]))
        answers = []
        for question in body["questions"]:
            assert isinstance(question["instructions"], str)
            if question["type"] == "predicate":
                answers.append({"type": "predicate", "probability": looking.YES if box else looking.NO})
                continue
            key = "value" if question["type"] == "choice" else "label"
            names = [each[key] for each in question["choices" if key == "value" else "levels"]]
            shares = looking.chances(question["type"], names, box is not None)
            rows = [{key: name, "probability": p / 0.9} for name, p in shares.items()]
            if key == "label":
                rows = [{**row, "value": number} for number, row in enumerate(rows)]
                answers.append({"type": "score", "score": 0.5, "confidence": 0.5, "probabilities": rows})
            else:
                answers.append({"type": "choice", "choice": names[0], "confidence": 0.5, "probabilities": rows})
        answers = [{**a, "name": q["name"]} for a, q in zip(answers, body["questions"], strict=True)]
        details = {"input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0}}
        details |= {"output_tokens_details": {"reasoning_tokens": 0}}
        usage = {"input_tokens": 100, "output_tokens": 0, "total_tokens": 100, **details}
        return Reply(body={"answers": answers, "model": self.model, "usage": usage})

    def _chat(self, body: dict) -> Reply:
        if problem := self._refused(body):
            return problem
        content = body["messages"][-1]["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        shown = [looking.pixels(p["image_url"]["url"].partition(",")[2]) for p in parts if p["type"] == "image_url"]
        words = parts[-1]["text"]
        box = looking.square(shown[-1]) if shown else None
        size = (shown[-1].shape[1], shown[-1].shape[0]) if shown else (0, 0)
        shares = _typed(words, box is not None)
        text = next(iter(shares), "") or self._written(words, body, box, size)
        choices = [_choice(number, text, self._tokens(body, shares, text)) for number in range(self._count(body))]
        usage = {"prompt_tokens": 100, "completion_tokens": 7 * len(choices), "total_tokens": 100 + 7 * len(choices)}
        shape = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": self.model}
        return Reply(body={**shape, "choices": choices, "usage": usage})

    def _refused(self, body: dict) -> Reply | None:
        if body["model"] != self.model:
            return error(404, f"The model {body['model']!r} does not exist")
        unknown = set(body) - _CHAT
        if unknown:
            return error(400, f"Unrecognized request argument supplied: {unknown}")
        given = {"max_tokens", "max_completion_tokens"} & set(body)
        if self.limit and given - {self.limit}:
            wrong = given.pop()
            return error(400, f"Unsupported parameter: '{wrong}' is not supported. Use '{self.limit}' instead.")
        if self.thinks and body.get("temperature", 1) != 1:
            return error(400, "Unsupported value: 'temperature' does not support 0 with this model.")
        if body.get("logprobs") and (self.logprobs == 0 or 0 < self.logprobs < body["top_logprobs"]):
            return error(400, "You are not allowed to request logprobs from this model")
        if body.get("n", 1) > 1 and self.n is False:
            return error(422, "Unexpected fields in the request: {'n'}")
        wanted = body.get("response_format", {}).get("type", "")
        if wanted and wanted not in self.formats:
            return error(400, "Invalid parameter: 'response_format'")
        return None

    def _count(self, body: dict) -> int:
        return body.get("n", 1) if self.n else 1

    def _tokens(self, body: dict, shares: dict[str, float], text: str) -> dict | None:
        if not body.get("logprobs") or self.logprobs < 0:
            return None
        if not shares:
            pieces = [text[start : start + 3] for start in range(0, len(text), 3)]
            return {"content": [{"token": piece, "logprob": math.log(0.9), "top_logprobs": []} for piece in pieces]}
        rows = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in looking.tokens(shares)]
        rows = rows[: body["top_logprobs"]]
        blank = {"token": "\n", "logprob": 0.0, "bytes": [10]}
        return {"content": [{**blank, "top_logprobs": [blank]}, {**rows[0], "top_logprobs": rows}], "refusal": None}

    def _written(self, words: str, body: dict, box: object, size: tuple[int, int]) -> str:
        if "a list with one entry for each object" in words:
            return f"```json\n{looking.boxes(self.form, box, size)}\n```"  # type: ignore[arg-type]
        if "Answer with JSON only" in words:
            return json.dumps({"answer": looking.PLAN} if "response_format" in body else looking.PLAN)
        if len(body["messages"]) > 2:
            return f"You said {body['messages'][1]['content']!r}."
        return looking.WORDS

    def _image(self, request: Request) -> Reply:
        edit = request.path.endswith("edits")
        good = (b"\x89PNG" in request.body) if edit else request.json["prompt"]
        rgb = np.full((8, 16, 3), 200 if edit else 100, np.uint8)
        usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
        return (
            Reply(body={"created": 1, "data": [{"b64_json": looking.png(rgb)}], "usage": usage}) if good else error(400)
        )


def _typed(words: str, seen: bool) -> dict[str, float]:
    """Shares of the words or letters that answer a typed question; none for another question."""
    if words.endswith("Answer yes or no only."):
        return {name.capitalize(): p for name, p in looking.chances("yes_no", [], seen).items()}
    if "Answer with the letter of the" in words:
        letters = [line[0] for line in words.splitlines() if line[1:3] == ". "]
        return looking.chances("choice", letters, seen)
    return {}


def _choice(number: int, text: str, logprobs: dict | None) -> dict:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {"index": number, "message": message, "logprobs": logprobs, "finish_reason": "stop"}


def error(status: int, message: str = "bad request", headers: dict[str, str] | None = None) -> Reply:
    body = {"error": {"message": message, "type": "error", "param": None, "code": None}}
    return Reply(status, body, headers or {})


assert math.isclose(looking.YES + looking.NO, 0.95)
