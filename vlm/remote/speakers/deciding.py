"""What servers with typed decisions have in common: one request for all questions of a frame, or one for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from ...capabilities import Capabilities
from ...questions import Answer, Question
from ..backend import TYPED
from ..ladder import Ladder, climbing
from ..pictures import Picture
from ..prompts import LETTERS
from ..request import Call, batches
from ..settings import RemoteSettings

Ask = Callable[[], list[Answer]]


class DecidingSpeaker(ABC):
    """Ask typed questions by decisions where the server has them, else in the first other way that it has.

    Args:
        ways: Those ways, the best one first.
    """

    most_decisions: ClassVar[int]
    """Questions that one request for decisions takes."""
    most_criteria: ClassVar[int] = 255
    """Choices that one question of it takes."""

    def __init__(self, ways: Ladder) -> None:
        self._ways = ways

    @property
    def most_choices(self) -> int:
        """Most choices of a typed question: as many as there are letters, where no decisions are offered."""
        return self.most_criteria if self._ways.now == "decisions" else len(LETTERS)

    def begin(self) -> None:
        """Try again what the server refused altogether."""
        self._ways.begin()

    def calls(self, pictures: tuple[Picture, ...], asked: Sequence[tuple[int, Question]]) -> list[Call]:
        """Return one request for all typed questions where there are decisions, else one for each."""
        typed = [(number, question) for number, question in asked if question.kind in TYPED]
        way = self._ways.now
        found = []
        for some in batches(typed, self.most_decisions if way == "decisions" else 1):
            numbers, questions = tuple(number for number, _ in some), [question for _, question in some]
            found.append(Call(numbers, climbing(self._ways, self._typed(way, questions, pictures))))
        for number, question in asked:
            if question.kind not in TYPED:
                found.append(Call((number,), self._other(question, pictures)))
        return found

    @abstractmethod
    def _typed(self, way: str, questions: list[Question], pictures: tuple[Picture, ...]) -> Ask:
        """Return what asks typed questions in one way; a single question where it is not by decisions."""

    @abstractmethod
    def _other(self, question: Question, pictures: tuple[Picture, ...]) -> Ask:
        """Return what asks a question of another kind."""


def first_way(settings: RemoteSettings, known: Capabilities | None, ways: Sequence[str]) -> Ladder:
    """Return the ways to ask typed questions, from the one that is set or that the server was measured to have."""
    if settings.method != "auto":
        return Ladder(tuple(way for way in ways if settings.method in way.split()))
    if known is None or known.decisions is not False:
        return Ladder(tuple(ways))
    return Ladder(tuple(ways), "sampling" if known.logprobs == 0 else "logprobs")
