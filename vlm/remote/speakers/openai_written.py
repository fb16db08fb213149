"""Written answers of OpenAI-compatible servers: descriptions, chats, boxes, plans."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from ...capabilities import Capabilities
from ...decoding.checking import strict_able
from ...grounding_format import Coordinates
from ...questions import Answer, Question
from ..answers.prices import billed
from ..answers.written import WRAPPED, ground_answer, plan_answer, said_answer, schema_of
from ..failures import Failure, Fallback
from ..ladder import Ladder
from ..pictures import Picture
from ..prompts import ground_prompt, plan_prompt, with_context
from .openai_chat import Json, messages, texts, usage, written_tokens
from .openai_settings import OpenAISettings

_WAYS = ("strict", "json_schema", "json_object", "text")


class Written:
    """Ask for text and read it.

    Args:
        chat: Sends a chat request and returns its answer.
        settings: How the server is asked.
        host: Who is asked, for messages.
        known: What the server was measured to do, if it was.
    """

    def __init__(
        self, chat: Callable[[Json], object], settings: OpenAISettings, host: str, known: Capabilities | None
    ) -> None:
        self._chat, self._settings, self._host = chat, settings, host
        self._with_tokens = settings.method != "sampling" and (known is None or known.logprobs != 0)
        start = settings.plans or (known.plans if known else None) or "json_schema"
        self._ways = Ladder(_WAYS, "strict" if start == "json_schema" else start)
        form = settings.coordinates or (known.coordinates if known else None) or "thousandths"
        self._coordinates = cast(Coordinates, form)

    def begin(self) -> None:
        """Try again what the server refused altogether."""
        self._ways.begin()

    def facts(self) -> dict[str, object]:
        """Return what was found out of plans."""
        way = self._ways.proven
        return {"plans": "json_schema" if way == "strict" else way} if way else {}

    def ask(self, question: Question, pictures: tuple[Picture, ...]) -> Answer:
        """Return the answer to one question.

        Raises:
            Failure: There is none.
            Fallback: The question is to be asked in another way.
        """
        if question.kind == "plan":
            return self._plan(question, pictures)
        if question.kind == "ground":
            return self._ground(question, pictures)
        text, _, raw = self._text(question, with_context(question), pictures, {})
        return billed([said_answer(question, text)], *usage(raw), self._settings)[0]

    def _ground(self, question: Question, pictures: tuple[Picture, ...]) -> Answer:
        size = pictures[-1].size
        words, with_tokens = ground_prompt(question, self._coordinates, size), self._with_tokens
        try:
            more: Json = {"logprobs": True, "top_logprobs": 1} if with_tokens else {}
            text, _, raw = self._text(question, words, pictures, more)
        except Failure as failure:
            if failure.refused and with_tokens:
                self._with_tokens = False
                raise Fallback from None
            raise
        answer = ground_answer(question, text, self._coordinates, size, written_tokens(raw))
        return billed([answer], *usage(raw), self._settings)[0]

    def _plan(self, question: Question, pictures: tuple[Picture, ...]) -> Answer:
        way, form = self._ways.now, _response_format(question, self._ways.now)
        words = plan_prompt(question, with_schema=way in ("json_object", "text") or not form)
        if form and form["type"] == "json_object":
            words += f'\nPut the answer under the key "{WRAPPED}" of one object.'
        try:
            text, cut, raw = self._text(question, words, pictures, {"response_format": form} if form else {})
        except Failure as failure:
            if failure.refused and form and self._ways.leave(way):
                raise Fallback from None
            raise
        self._ways.prove(way)
        return billed([plan_answer(question, text, cut)], *usage(raw), self._settings)[0]

    def _text(
        self, question: Question, words: str, pictures: tuple[Picture, ...], more: Json
    ) -> tuple[str, bool, object]:
        said = messages(question, words, pictures, self._settings.detail)
        raw = self._chat({"messages": said, "temperature": 0, "tokens": self._settings.max_tokens, **more})
        text, cut = texts(raw, self._host)[0]
        return text, cut, raw


def _response_format(question: Question, way: str) -> Json | None:
    """Return the form of answer that is asked for; None: by words alone."""
    if way == "text":
        return None
    if way == "json_object":
        return {"type": "json_object"}
    schema = schema_of(question)
    if schema is None:
        return None
    if schema.get("type") != "object":  # the outermost value must be an object
        schema = {
            "type": "object",
            "properties": {WRAPPED: schema},
            "required": [WRAPPED],
            "additionalProperties": False,
        }
    strict = way == "strict" and strict_able(json.loads(json.dumps(schema)))
    return {"type": "json_schema", "json_schema": {"name": "plan", "schema": schema, "strict": strict}}
