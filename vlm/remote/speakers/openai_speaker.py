"""The words of OpenAI-compatible servers: decisions, chat with probabilities of tokens, samples, pictures, sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...capabilities import Capabilities
from ...questions import Answer, Kind, Question
from ..answers.prices import billed
from ..answers.sampling import Sampler
from ..answers.typed import decided, from_tokens, spellings, told
from ..answers.written import said_answer, strict_json
from ..backend import TYPED
from ..failures import Failure, Fallback, Unreadable, field
from ..pictures import Picture, decoded
from ..prompts import typed_prompt, with_context
from .deciding import Ask, DecidingSpeaker, first_way
from .noul import yes_or_no
from .openai_chat import (
    Json,
    choices_of,
    decision_chances,
    decision_input,
    decision_question,
    messages,
    named,
    next_tokens,
    texts,
    token_body,
    usage,
)
from .openai_settings import OpenAISettings
from .openai_written import Written

_WAYS = ("decisions", "logprobs", "few logprobs", "sampling")
_FEW = 5


class OpenAISpeaker(DecidingSpeaker):
    """Speak to one server through the ``openai`` package.

    Args:
        client: An ``openai.OpenAI``, with retries off and our own transport.
        settings: How it is asked.
        host: Who is asked, for messages.
        known: What the server was measured to do, if it was.
    """

    most_decisions = 400

    def __init__(self, client: Any, settings: OpenAISettings, host: str, known: Capabilities | None = None) -> None:
        super().__init__(first_way(settings, known, _WAYS))
        self._client, self._settings, self._host = client, settings, host
        self._limit = settings.token_limit or (known.token_limit if known else None) or "max_tokens"
        self._refused: set[str] = set()
        self._spelled: dict[str, tuple[str, ...]] = {}
        self._sampler = Sampler(settings, settings.samples)
        self._warm_up()
        self._written = Written(self.chat, settings, host, known)
        kinds: set[Kind] = {*TYPED, "ground", "describe", "plan", "chat"}
        kinds |= {"imagine"} if settings.image_model else set()
        kinds |= {"transcribe"} if settings.transcribe_model else set()
        self.kinds = frozenset(kinds)

    def begin(self) -> None:
        """Try again what the server refused altogether."""
        super().begin()
        self._written.begin()

    def facts(self) -> dict[str, object]:
        """Return what was found out of the server."""
        way = self._ways.proven
        found: dict[str, object] = {**self._spelled, "token_limit": self._limit, **self._written.facts()} if way else {}
        if way:
            found["decisions"] = way == "decisions"
        if way and way != "decisions":
            most = self._settings.top_logprobs
            found["logprobs"] = {"logprobs": most, "few logprobs": min(_FEW, most)}.get(way, 0)
        return found

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _warm_up(self) -> None:
        """Have the package load now what it loads at the first request, whose deadline would pay for it."""
        client = self._client
        for resource in (client.decisions, client.chat.completions, client.images, client.audio.transcriptions):
            assert resource.with_raw_response is not None

    def chat(self, body: Json) -> object:
        """Send a chat request and return its answer.

        The field ``tokens`` becomes the parameter that limits them, by the name this server knows.

        Raises:
            Failure: There is no answer.
            Fallback: The server refused a parameter that it can do without.
        """
        limit, refused = self._limit, frozenset(self._refused)
        sent = {name: value for name, value in body.items() if name not in {*refused, "tokens"}}
        sent[limit] = body["tokens"]
        create = self._client.chat.completions.with_raw_response.create
        extra = dict(self._settings.extra_body) or None
        try:
            return self._json(lambda: create(model=self._settings.model, extra_body=extra, **sent))
        except Failure as failure:
            self._adapt(failure, sent, limit)
            raise

    def _typed(self, way: str, questions: list[Question], pictures: tuple[Picture, ...]) -> Ask:
        if way == "decisions":
            return lambda: self._decide(questions, pictures)
        (question,) = questions
        if way == "sampling":
            return lambda: self._sample(question, pictures)
        most = min(_FEW, self._settings.top_logprobs) if way == "few logprobs" else self._settings.top_logprobs
        return lambda: self._read_tokens(question, pictures, most)

    def _decide(self, questions: list[Question], pictures: tuple[Picture, ...]) -> list[Answer]:
        asked = [decision_question(f"q{number}", question) for number, question in enumerate(questions)]
        given = decision_input(pictures, self._settings.detail)
        create = self._client.decisions.with_raw_response.create
        raw = self._json(lambda: create(model=self._settings.model, input=given, questions=asked))
        rows = field(raw, "answers")
        if not isinstance(rows, list) or len(rows) != len(questions):
            raise Unreadable(f"{self._host} sent answers of another form, or not as many as there are questions")
        answers = [_decision(question, row) for question, row in zip(questions, rows, strict=True)]
        return billed(answers, *usage(raw), self._settings)

    def _read_tokens(self, question: Question, pictures: tuple[Picture, ...], most: int) -> list[Answer]:
        raw = self.chat(token_body(question, pictures, self._settings.detail, most))
        choices_of(raw, self._host)
        tokens = next_tokens(raw)
        answer = decided(question, from_tokens(question, tokens))
        if question.kind == "yes_no":
            self._spelled = spellings(tokens)
        return billed([answer], *usage(raw), self._settings)

    def _sample(self, question: Question, pictures: tuple[Picture, ...]) -> list[Answer]:
        said = messages(question, typed_prompt(question), pictures, self._settings.detail)
        body: Json = {"messages": said, "temperature": 1.0, "tokens": self._settings.answer_tokens}

        def send(count: int) -> tuple[list[str], tuple[object, object]]:
            raw = self.chat({**body, **({"n": count} if count > 1 else {})})
            return [text for text, _ in texts(raw, self._host)], usage(raw)

        return self._sampler.ask(question, send)

    def _other(self, question: Question, pictures: tuple[Picture, ...]) -> Ask:
        if question.kind == "imagine":
            return lambda: self._imagine(question, pictures)
        if question.kind == "transcribe":
            return lambda: self._transcribe(question)
        return lambda: [self._written.ask(question, pictures)]

    def _imagine(self, question: Question, pictures: tuple[Picture, ...]) -> list[Answer]:
        images = self._client.images.with_raw_response
        body: dict[str, Any] = {"model": self._settings.image_model, "prompt": with_context(question)}
        if self._settings.image_size:
            body["size"] = self._settings.image_size
        if pictures:
            body["image"] = [(f"{i}.{p.mime[6:]}", p.data, p.mime) for i, p in enumerate(pictures)]
        raw = self._json(lambda: images.edit(**body) if pictures else images.generate(**body))
        data = field(raw, "data", 0, "b64_json")
        if not isinstance(data, str):
            raise Unreadable(f"{self._host} sent no picture")
        return billed(
            [Answer("imagine", image=decoded(data), model=self._settings.image_model)],
            *usage(raw),
            self._settings,
            images=1,
        )

    def _transcribe(self, question: Question) -> list[Answer]:
        create = self._client.audio.transcriptions.with_raw_response.create
        sound = ("sound.wav", question.audio, "audio/wav")
        raw = self._json(lambda: create(model=self._settings.transcribe_model, file=sound))
        text = field(raw, "text")
        if not isinstance(text, str):
            raise Unreadable(f"{self._host} sent no transcript")
        answer = replace(said_answer(question, text), model=self._settings.transcribe_model)
        return billed([answer], *usage(raw), self._settings)

    def _json(self, send: Callable[[], Any]) -> object:
        """Send a request and read its answer ourselves: the package takes any type for any other."""
        body = send().http_response.content
        try:
            return strict_json(body.decode("utf-8"))
        except ValueError as error:
            raise Unreadable(f"{self._host} sent no JSON: {str(error)[:100]}") from error

    def _adapt(self, failure: Failure, sent: Json, limit: str) -> None:
        """Do without what the server refused, and have the questions asked again; return where nothing can be done."""
        if failure.status not in (400, 422):
            return
        other = "max_tokens" if limit == "max_completion_tokens" else "max_completion_tokens"
        if named(failure.told, (limit,)):
            self._refused.add(limit)
            if other not in self._refused:
                self._limit = other
                raise Fallback
        elif "temperature" in sent and named(failure.told, ("temperature",)):
            self._refused.add("temperature")
            raise Fallback


def _decision(question: Question, row: object) -> Answer:
    try:
        chances = decision_chances(question, row)
        if question.kind == "yes_no":
            return yes_or_no(question, chances["yes"])
        return decided(question, told(question, chances))
    except Failure as failure:
        return Answer(question.kind, problem=failure.reason)
