"""A server with the REST shapes of the Gemini API: decisions and ``generateContent``; parts of it can be absent."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np

from . import looking
from .loopback import Reply, Request

KEY = "AIzaSyTEST0123456789abcdefSECRET"
_CONFIG = {
    "temperature", "maxOutputTokens", "candidateCount", "responseLogprobs", "logprobs", "responseMimeType",
    "responseJsonSchema", "thinkingConfig", "responseModalities", "mediaResolution",
}  # fmt: skip


@dataclass
class GeminiServer:
    """Answers well, within what it offers.

    Attributes:
        decisions: It has ``decisions``.
        logprobs: It tells probabilities of tokens: True, False (refuses), None (says nothing).
        candidates: It gives more than one candidate.
        schemas: It takes ``responseJsonSchema``.
        thinks: It refuses a budget of thought of 0, and shows a thought.
        key: The only key it takes; empty takes any.
    """

    model: str = "gemini-test"
    decisions: bool = True
    logprobs: bool | None = True
    candidates: bool = True
    schemas: bool = True
    thinks: bool = False
    key: str = ""

    def __call__(self, request: Request) -> Reply:
        if self.key and request.headers.get("x-goog-api-key") != self.key:
            return error(400, f"API key not valid: {request.headers.get('x-goog-api-key')}", "INVALID_ARGUMENT")
        if request.path == "/v1beta/decisions" and self.decisions:
            return self._decide(request.json)
        if request.path == f"/v1beta/models/{self.model}:generateContent":
            return self._generate(request.json)
        return error(404, f"{request.path} is not found", "NOT_FOUND")

    def _decide(self, body: dict) -> Reply:
        assert body["model"] == f"models/{self.model}"
        shown = [part for part in body["input"] if part["type"] == "image"]
        box = looking.square(looking.pixels(shown[-1]["data"]))
        answers = {}
        for name, question in body["questions"].items():
            answers[name] = noul_answer(question, box is not None)
        return Reply(body={"answers": answers, "usage": {"total_input_tokens": 100, "total_output_tokens": 0}})

    def _generate(self, body: dict) -> Reply:
        body = _camel(body)
        config = body.get("generationConfig", {})
        assert set(config) <= _CONFIG, config
        if self.thinks and config.get("thinkingConfig", {}).get("thinkingBudget") == 0:
            return error(400, "Budget 0 is invalid. This model only works in thinking mode.", "INVALID_ARGUMENT")
        if config.get("responseLogprobs") and self.logprobs is False:
            return error(400, "Logprobs is not enabled for this model", "INVALID_ARGUMENT")
        if config.get("candidateCount", 1) > 1 and not self.candidates:
            return error(400, "Only one candidate can be specified", "INVALID_ARGUMENT")
        if "responseJsonSchema" in config and not self.schemas:
            return error(400, "response_json_schema is not supported", "INVALID_ARGUMENT")
        parts = body["contents"][-1]["parts"]
        blobs = [part["inlineData"] for part in parts if "inlineData" in part]
        shown = [looking.pixels(blob["data"]) for blob in blobs if blob["mimeType"].startswith("image/")]
        box = looking.square(shown[-1]) if shown else None
        size = (shown[-1].shape[1], shown[-1].shape[0]) if shown else (0, 0)
        if config.get("responseModalities") == ["IMAGE"]:
            data = looking.png(np.full((8, 16, 3), 200 if shown else 100, np.uint8))
            said = [{"inlineData": {"mimeType": "image/png", "data": data}}]
        else:
            said = [{"text": self._text(parts, body, box, size)}]
        if self.thinks:
            said.insert(0, {"text": "No, let me think. No.", "thought": True})
        one = {"content": {"role": "model", "parts": said}, "finishReason": "STOP", "index": 0}
        if config.get("responseLogprobs") and self.logprobs:
            one["logprobsResult"] = self._logprobs(parts[-1]["text"], box is not None)
        usage = {"promptTokenCount": 100, "candidatesTokenCount": 7, "totalTokenCount": 107}
        found = [{**one, "index": number} for number in range(config.get("candidateCount", 1))]
        return Reply(body={"candidates": found, "usageMetadata": usage, "modelVersion": self.model})

    def _text(self, parts: list[dict], body: dict, box: object, size: tuple[int, int]) -> str:
        words = parts[-1]["text"]
        if any(part.get("inlineData", {}).get("mimeType") == "audio/wav" for part in parts):
            return "take the red cube"
        if shares := typed(words, box is not None):
            return next(iter(shares))
        if "a list with one entry for each object" in words:
            return looking.boxes("gemini", box, size)  # type: ignore[arg-type]
        if "Answer with JSON only" in words:
            return json.dumps(looking.PLAN)
        if len(body["contents"]) > 1:
            return f"You said {body['contents'][0]['parts'][0]['text']!r}."
        return looking.WORDS

    def _logprobs(self, words: str, seen: bool) -> dict:
        rows = [{"token": t, "tokenId": 1, "logProbability": p} for t, p in looking.tokens(typed(words, seen))]
        return {"topCandidates": [{"candidates": rows}], "chosenCandidates": [rows[0]]}


def _camel(raw: object) -> object:
    """The service takes names_like_this for namesLikeThis, and the package sends both."""
    if isinstance(raw, list):
        return [_camel(each) for each in raw]
    if not isinstance(raw, dict):
        return raw
    return {re.sub(r"_(\w)", lambda match: match[1].upper(), name): _camel(value) for name, value in raw.items()}


def typed(words: str, seen: bool) -> dict[str, float]:
    if words.endswith("Answer yes or no only."):
        return {name.capitalize(): p for name, p in looking.chances("yes_no", [], seen).items()}
    if "Answer with the letter of the" in words:
        return looking.chances("choice", [line[0] for line in words.splitlines() if line[1:3] == ". "], seen)
    return {}


def noul_answer(question: dict, seen: bool) -> dict:
    """An answer in the words that Gemini's decisions and System One servers share."""
    assert isinstance(question["instructions"], str)
    if question["type"] == "noul":
        p = looking.YES if seen else looking.NO
        return {"type": "noul", "noul": p, "confidence": max(p, 1 - p)}
    choice = question["type"] == "choice"
    names = list(question["criteria"]) if choice else [str(i) for i in range(len(question["criteria"]))]
    shares = {name: p / 0.9 for name, p in looking.chances("choice", names, seen).items()}
    more = (
        {"choice": names[0]}
        if choice
        else {"score": 0.3, "legend": dict(zip(names, question["criteria"], strict=True))}
    )
    return {"type": question["type"], "probabilities": shares, "confidence": 0.5, **more}


def error(code: int, message: str, status: str, details: list | None = None) -> Reply:
    return Reply(code, {"error": {"code": code, "message": message, "status": status, "details": details or []}})
