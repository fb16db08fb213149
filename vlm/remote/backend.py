"""A backend behind a server: what all of them do alike, whatever words the server speaks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

from ..capabilities import plain_endpoint
from ..contract import BackendError
from ..questions import Answer, Frame, Kind, Question
from .crew import Crew
from .failures import Failure
from .keys import Key, scrubbed
from .notice import notice, tell
from .pictures import Picture, encoded
from .request import Call, Job, outcome_of
from .settings import RemoteSettings
from .wire import Wire

TYPED: tuple[Kind, ...] = ("yes_no", "choice", "score")
_ALONE: tuple[Kind, ...] = ("chat", "imagine", "transcribe")
"""Kinds that need no picture."""
_WAYS = 8
"""How often a question may be asked in yet another way."""


class Speaker(Protocol):
    """The words of one kind of server.

    Attributes:
        kinds: Kinds of question it takes.
        most_choices: Most choices of a typed question, as it is asked now.
    """

    kinds: frozenset[Kind]

    @property
    def most_choices(self) -> int:
        """Most choices of a typed question, as it is asked now."""
        ...

    def begin(self) -> None:
        """Hear that new questions come: what was refused altogether is tried again."""
        ...

    def calls(self, pictures: tuple[Picture, ...], asked: Sequence[tuple[int, Question]]) -> list[Call]:
        """Return the requests that answer these questions: as few as the server allows."""
        ...

    def facts(self) -> Mapping[str, object]:
        """Return what was found out of the server, as fields of ``Capabilities``."""
        ...

    def close(self) -> None:
        """Close the client."""
        ...


class RemoteBackend:
    """Ask a server, all questions of a frame within their deadlines, and never raise for what it does.

    Args:
        name: Registry name.
        settings: How it is asked.
        wire: What carries the requests.
        speaker: The words of the server.
        keys: Secrets that no text may hold.
    """

    remote = side_by_side = True

    def __init__(
        self, name: str, settings: RemoteSettings, wire: Wire, speaker: Speaker, keys: Sequence[Key | None] = ()
    ) -> None:
        self.name, self.model, self.kinds = name, settings.model, speaker.kinds
        self.settings, self.wire, self.speaker = settings, wire, speaker
        self._keys = tuple(keys)
        self._told = False
        self._crew: Crew | None = Crew(settings.parallel, name)

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions about one frame; what has no answer in time has a problem."""
        if self._crew is None:
            raise BackendError(f"backend {self.name!r} is closed")
        if not self._told:
            self._told = True
            tell(notice(self.name, self.settings.base_url, {"frames": self.settings.frames}))
        began = time.monotonic()
        answers: dict[int, Answer] = {}
        asked: dict[int, Question] = {}
        for number, question in enumerate(questions):
            if problem := self._unfit(question, frame):
                answers[number] = Answer(question.kind, problem=problem)
            else:
                asked[number] = question
        if asked:
            self.speaker.begin()
            pictures = encoded(frame, self.settings) if frame is not None else ()
            answers |= self._answered(self._crew, pictures, asked, began)
        return [self._finished(answers[number]) for number in range(len(questions))]

    def capability_facts(self) -> dict[str, object]:
        """Return what the questions so far have shown of the server, as fields of ``Capabilities``."""
        return {"model": self.model, "endpoint": plain_endpoint(self.settings.base_url), **self.speaker.facts()}

    def close(self) -> None:
        """Close the connections. Idempotent."""
        if self._crew is not None:
            self._crew.close()
            self._crew = None
            self.speaker.close()
            self.wire.close()

    def _answered(
        self, crew: Crew, pictures: tuple[Picture, ...], asked: dict[int, Question], began: float
    ) -> dict[int, Answer]:
        """Send all questions and wait for their answers, those with the nearest deadline first.

        What is to be asked in another way goes out again at once: it waits for nobody's longer deadline.
        """
        answers: dict[int, Answer] = {}
        left = dict.fromkeys(asked, _WAYS)
        waiting = deque(self._sent(crew, pictures, asked, began))
        while waiting:
            job, future = waiting.popleft()
            outcome = outcome_of(future, job)
            numbers = job.call.asked
            if outcome is None and left[numbers[0]] > 0:
                left |= {number: left[number] - 1 for number in numbers}
                again = {number: asked[number] for number in numbers}
                waiting.extendleft(reversed(self._sent(crew, pictures, again, began)))
                continue
            if outcome is None:
                outcome = Failure(f"{self.wire.host} answers in no way that is known here")
            if isinstance(outcome, Failure):
                problem = scrubbed(outcome.reason, self._keys)
                answers |= {number: Answer(asked[number].kind, problem=problem) for number in numbers}
            else:
                answers |= dict(zip(numbers, outcome, strict=True))
        return answers

    def _sent(
        self, crew: Crew, pictures: tuple[Picture, ...], asked: dict[int, Question], began: float
    ) -> list[tuple[Job, Future[list[Answer]]]]:
        """Hand requests to the crew, those with the nearest deadline first."""
        found = []
        for seconds in sorted({self.settings.seconds(question.kind) for question in asked.values()}):
            some = [(n, q) for n, q in asked.items() if self.settings.seconds(q.kind) == seconds]
            for call in self.speaker.calls(pictures, some):
                job = Job(call, began + seconds, seconds, self.settings.retries, self.wire.host)
                found.append((job, crew.start(job.run)))
        return found

    def _unfit(self, question: Question, frame: Frame | None) -> str:
        """Return why a question is not sent, empty when it is."""
        if question.kind == "transcribe" and not question.audio:
            return "there is no sound to transcribe"
        if frame is None:
            return "" if question.kind in _ALONE else f"a question of kind {question.kind} needs a frame"
        if self.settings.frames == "drop" and question.kind != "transcribe":
            return f'no picture is sent to {self.wire.host}: frames = "drop"'
        shown = 1 + len(frame.earlier)
        if shown > self.settings.max_pictures:
            return f"the question shows {shown} pictures, at most {self.settings.max_pictures} are sent (max_pictures)"
        if question.kind in ("choice", "score"):
            if not 2 <= len(question.choices) <= self.speaker.most_choices:
                most = self.speaker.most_choices
                return f"a question of kind {question.kind} needs 2 to {most} choices, not {len(question.choices)}"
            if len(set(question.choices)) < len(question.choices):
                return "two choices are the same"
        if question.kind in TYPED and not question.text.strip():
            return "the question has no words"
        return ""

    def _finished(self, answer: Answer) -> Answer:
        """Name the model, and leave no key in a text, should a server send one back."""
        text, problem = answer.text, answer.problem
        for key in self._keys:
            if key is not None and (key.reveal() in text or key.reveal() in problem):
                text, problem = scrubbed(text, [key]), scrubbed(problem, [key])
        return replace(answer, model=answer.model or self.model, text=text, problem=problem)
