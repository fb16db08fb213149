"""``stream: true``: an answer in parts, as server-sent events, while the backend writes it.

What is written is told as it comes: descriptions and chats, and plans where the model's own text is the answer. A word
with its probability, boxes and the embedded model's plans come in one part when they are there.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from ..questions import Answer
from .chat import Request, tokens, usage, written
from .desk import Desk, now
from .fields import Json
from .refusals import RefusedError

_TEXTS = ("describe", "chat", "plan")
"""Kinds whose text, as a model writes it, is the answer."""
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


async def events(desk: Desk, model: str, request: Request) -> AsyncGenerator[str, None]:
    """Yield the events of an answer. When they are wanted no more, the backend is told so and stops to write.

    Args:
        desk: Where it is asked.
        model: Name of the model.
        request: What is asked.
    """
    news: asyncio.Queue[str | None] = asyncio.Queue()
    parts = _Parts(model, request)
    task = asyncio.create_task(desk.ask(request.frame, [request.asked.question], news.put_nowait))
    task.add_done_callback(lambda _: news.put_nowait(None))
    try:
        yield parts.part({"role": "assistant", "content": ""})
        while (text := await news.get()) is not None:
            if rest := parts.more(text):
                yield parts.part({"content": rest})
        try:
            (answer,) = task.result()
        except RefusedError as error:
            yield _event(error.to_json())
            return
        for event in parts.last(answer):
            yield event
        yield "data: [DONE]\n\n"
    finally:
        task.cancel()


class _Parts:
    """The parts of one answer: what they have in common, and what was sent already."""

    def __init__(self, model: str, request: Request) -> None:
        self.request, self.sent = request, ""
        self.head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": now(),
            "model": model,
        }

    def more(self, text: str) -> str:
        """Return what a text so far has beyond what was sent; nothing where it is not its continuation."""
        if self.request.asked.question.kind not in _TEXTS or not text.startswith(self.sent):
            return ""
        rest, self.sent = text[len(self.sent) :], text
        return rest

    def part(self, delta: Json, finish: str | None = None, logprobs: Json | None = None) -> str:
        """Return the event of one part."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
        return self._chunk([choice], None)

    def last(self, answer: Answer) -> list[str]:
        """Return what is left to say when the answer is there."""
        said = written(self.request.asked, answer)
        events = []
        if said is None:
            events.append(self.part({"refusal": answer.problem}))
        elif rest := self.more(answer.text) if self.sent else said:
            events.append(self.part({"content": rest}, logprobs=tokens(self.request, answer, said)))
        events.append(self.part({}, "stop"))
        if self.request.usage:
            events.append(self._chunk([], usage(answer)))
        return events

    def _chunk(self, choices: list[Json], told: Json | None) -> str:
        body: dict[str, Any] = {**self.head, "choices": choices}
        return _event({**body, "usage": told} if self.request.usage else body)


def _event(body: object) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
