"""The words of Gemini: decisions, content with probabilities of tokens, samples, boxes, plans, pictures, sound."""

from __future__ import annotations

from typing import Any, cast

from ...capabilities import Capabilities
from ...grounding_format import Coordinates
from ...questions import Answer, Kind, Question
from ..answers.prices import billed
from ..answers.sampling import Sampler
from ..answers.typed import decided, from_tokens, spellings
from ..answers.written import ground_answer, plan_answer, said_answer, schema_of, strict_json
from ..backend import TYPED
from ..failures import Failure, Fallback, Unreadable, field
from ..ladder import Ladder, climbing
from ..pictures import Picture, decoded
from ..prompts import SYSTEM, ground_prompt, plan_prompt, typed_prompt, with_context
from .deciding import Ask, DecidingSpeaker, first_way
from .gemini_content import (
    candidates,
    check_feedback,
    contents,
    decision_input,
    image_of,
    next_tokens,
    plain_schema,
    text_of,
    usage,
)
from .gemini_settings import GeminiSettings
from .noul import decision, decision_question

_MOST_CANDIDATES = 8
_WAYS = ("decisions", "logprobs", "sampling")
_PLANS = ("json_schema", "json_object", "text")
_TRANSCRIBE = "Write down word for word what is said. Answer with these words only."


class GeminiSpeaker(DecidingSpeaker):
    """Speak to Gemini through the ``google-genai`` package.

    Args:
        client: A ``google.genai.Client``, with retries off and our own transport.
        types: The module ``google.genai.types``.
        settings: How it is asked.
        host: Who is asked, for messages.
        known: What the model was measured to do, if it was.
    """

    most_decisions = 64

    def __init__(
        self, client: Any, types: Any, settings: GeminiSettings, host: str, known: Capabilities | None = None
    ) -> None:
        super().__init__(first_way(settings, known, _WAYS))
        self._client, self._types, self._settings, self._host = client, types, settings, host
        self._plans = Ladder(_PLANS, (known.plans if known else None) or "json_schema")
        self._coordinates = cast(
            Coordinates, settings.coordinates or (known.coordinates if known else None) or "gemini"
        )
        self._think = settings.thinking_budget >= -1
        self._spelled: dict[str, tuple[str, ...]] = {}
        self._sampler = Sampler(settings, _MOST_CANDIDATES)
        assert client.decisions.with_raw_response is not None  # loaded now, not within the first deadline
        kinds: set[Kind] = {*TYPED, "ground", "describe", "plan", "chat", "transcribe"}
        kinds |= {"imagine"} if settings.image_model else set()
        self.kinds = frozenset(kinds)

    def begin(self) -> None:
        """Try again what the model refused altogether."""
        super().begin()
        self._plans.begin()

    def facts(self) -> dict[str, object]:
        """Return what was found out of the model."""
        way, plans = self._ways.proven, self._plans.proven
        found: dict[str, object] = {**self._spelled, **({"plans": plans} if plans else {})}
        if way:
            found["decisions"] = way == "decisions"
        if way and way != "decisions":
            found["logprobs"] = self._settings.top_logprobs if way == "logprobs" else 0
        return found

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _typed(self, way: str, questions: list[Question], pictures: tuple[Picture, ...]) -> Ask:
        if way == "decisions":
            return lambda: self._decide(questions, pictures)
        (question,) = questions
        return lambda: (self._sample if way == "sampling" else self._read_tokens)(question, pictures)

    def _other(self, question: Question, pictures: tuple[Picture, ...]) -> Ask:
        if question.kind == "plan":
            return climbing(self._plans, lambda: self._plan(question, pictures, self._plans.now))
        if question.kind == "imagine":
            return lambda: self._imagine(question, pictures)
        return lambda: self._write(question, pictures)

    def _decide(self, questions: list[Question], pictures: tuple[Picture, ...]) -> list[Answer]:
        names = [f"q{number}" for number in range(len(questions))]
        asked = {name: decision_question(question) for name, question in zip(names, questions, strict=True)}
        create = self._client.decisions.with_raw_response.create
        response = create(model=f"models/{self._settings.model}", input=decision_input(pictures), questions=asked)
        raw = self._read(response.http_response.content)
        check_feedback(raw, self._host)
        rows = field(raw, "answers")
        answers = [decision(question, field(rows, name)) for question, name in zip(questions, names, strict=True)]
        return billed(answers, *usage(raw), self._settings)

    def _read_tokens(self, question: Question, pictures: tuple[Picture, ...]) -> list[Answer]:
        more: dict[str, Any] = {"response_logprobs": True, "logprobs": self._settings.top_logprobs, "temperature": 0.0}
        raw = self._generate(question, typed_prompt(question), pictures, max_output_tokens=3, **more)
        tokens = next_tokens(candidates(raw, self._host)[0])
        if question.kind == "yes_no":
            self._spelled = spellings(tokens)
        return billed([decided(question, from_tokens(question, tokens))], *usage(raw), self._settings)

    def _sample(self, question: Question, pictures: tuple[Picture, ...]) -> list[Answer]:
        def send(count: int) -> tuple[list[str], tuple[object, object]]:
            more: dict[str, Any] = {"candidate_count": count} if count > 1 else {}
            more |= {"temperature": 1.0, "max_output_tokens": self._settings.answer_tokens}
            raw = self._generate(question, typed_prompt(question), pictures, **more)
            return [text_of(each, self._host)[0] for each in candidates(raw, self._host)], usage(raw)

        return self._sampler.ask(question, send)

    def _write(self, question: Question, pictures: tuple[Picture, ...]) -> list[Answer]:
        words = with_context(question)
        more: dict[str, Any] = {"max_output_tokens": self._settings.max_tokens, "temperature": 0.0}
        if question.kind == "ground":
            words = ground_prompt(question, self._coordinates, pictures[-1].size)
            more |= {"response_mime_type": "application/json"}
        if question.kind == "transcribe":
            words, pictures = f"{_TRANSCRIBE} {words}".strip(), ()
        raw = self._generate(question, words, pictures, **more)
        text, _ = text_of(candidates(raw, self._host)[0], self._host)
        if question.kind == "ground":
            answer = ground_answer(question, text, self._coordinates, pictures[-1].size)
        else:
            answer = said_answer(question, text)
        return billed([answer], *usage(raw), self._settings)

    def _plan(self, question: Question, pictures: tuple[Picture, ...], way: str) -> list[Answer]:
        schema = schema_of(question) if way == "json_schema" else None
        more: dict[str, Any] = {"max_output_tokens": self._settings.max_tokens, "temperature": 0.0}
        more |= {} if way == "text" else {"response_mime_type": "application/json"}
        more |= {"response_json_schema": plain_schema(schema)} if schema is not None else {}
        raw = self._generate(question, plan_prompt(question, with_schema=schema is None), pictures, **more)
        text, cut = text_of(candidates(raw, self._host)[0], self._host)
        return billed([plan_answer(question, text, cut)], *usage(raw), self._settings)

    def _imagine(self, question: Question, pictures: tuple[Picture, ...]) -> list[Answer]:
        raw = self._generate(
            question, with_context(question), pictures, model=self._settings.image_model, response_modalities=["IMAGE"]
        )
        image = decoded(image_of(candidates(raw, self._host)[0], self._host))
        return billed(
            [Answer("imagine", image=image, model=self._settings.image_model)], *usage(raw), self._settings, images=1
        )

    def _generate(
        self, question: Question, words: str, pictures: tuple[Picture, ...], model: str = "", **config: Any
    ) -> object:
        """Send one request and return its answer.

        Raises:
            Failure: There is none.
            Fallback: The model thinks always; it is asked again without a word about that.
        """
        think = self._think and not model
        if think:
            config["thinking_config"] = self._types.ThinkingConfig(thinking_budget=self._settings.thinking_budget)
        if not model:
            config["system_instruction"] = SYSTEM
        if self._settings.detail:
            config["media_resolution"] = f"MEDIA_RESOLUTION_{self._settings.detail.upper()}"
        off = self._types.AutomaticFunctionCallingConfig(disable=True)
        made = self._types.GenerateContentConfig(
            **config, automatic_function_calling=off, should_return_http_response=True
        )
        given = contents(self._types, question, words, pictures)
        try:
            response = self._client.models.generate_content(
                model=model or self._settings.model, contents=given, config=made
            )
        except Exception as error:
            failure = _failure_of(error)
            if think and failure is not None and failure.status == 400 and "thinking" in failure.told:
                self._think = False
                raise Fallback from None
            raise
        body = response.sdk_http_response.body
        return self._read(body.encode() if isinstance(body, str) else body or b"")

    def _read(self, body: bytes) -> object:
        """Read an answer ourselves: what the package makes of one it does not expect is not for us to foresee."""
        try:
            return strict_json(body.decode("utf-8"))
        except ValueError as error:
            raise Unreadable(f"{self._host} sent no JSON: {str(error)[:100]}") from error


def _failure_of(error: BaseException) -> Failure | None:
    one: BaseException | None = error
    while one is not None and not isinstance(one, Failure):
        one = one.__cause__ or one.__context__
    return one
