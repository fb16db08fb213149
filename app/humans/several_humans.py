"""Several humans at once: each is asked, and who answers first counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ...behaviors.human import Human, Inquiry

_SLICE = 0.1
"""Longest wait for one of them before the others are looked at, wall clock, [s]."""


class SharedQuestion:
    """A question to several humans."""

    def __init__(self, humans: SeveralHumans, inquiries: Sequence[Inquiry]) -> None:
        self._humans, self._inquiries = humans, tuple(inquiries)
        self.said: str | None = None

    @property
    def answer(self) -> str | None:
        """What the first of them said."""
        for inquiry in self._inquiries:
            if self.said is None and (said := inquiry.answer) is not None:
                self.said = said
                for other in self._inquiries:
                    if other is not inquiry:
                        other.withdraw()
                self._humans.over(self)
        return self.said

    @property
    def refused(self) -> int:
        """How many answers of all of them were none of the options."""
        return sum(inquiry.refused for inquiry in self._inquiries)

    @property
    def heard(self) -> tuple[str, ...]:
        """What was made out of speech."""
        return tuple(words for inquiry in self._inquiries for words in getattr(inquiry, "heard", ()))

    @property
    def gone(self) -> bool:
        """True once none of them can answer any more."""
        return all(inquiry.gone for inquiry in self._inquiries)

    def withdraw(self) -> None:
        """Take the question back from all of them."""
        for inquiry in self._inquiries:
            inquiry.withdraw()
        self._humans.over(self)


class SeveralHumans:
    """Ask several humans, such as one who types and one who speaks.

    Args:
        humans: Whom to ask.

    Attributes:
        humans: The same.
    """

    def __init__(self, humans: Sequence[Human]) -> None:
        self.humans = tuple(humans)
        self._open: list[SharedQuestion] = []

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> SharedQuestion:
        """Put a question to each."""
        question = SharedQuestion(self, [human.ask(prompt, options, default, deadline) for human in self.humans])
        self._open.append(question)
        return question

    def over(self, question: SharedQuestion) -> None:
        """Forget a question."""
        if question in self._open:
            self._open.remove(question)

    def overheard(self) -> list[str]:
        """Return what any of them said without being asked; see ``clear_of``."""
        heard: list[str] = []
        for human in self.humans:
            listen: Callable[[], list[str]] | None = getattr(human, "overheard", None)
            heard += listen() if listen is not None else []
        return heard

    @property
    def called(self) -> bool:
        """True while there is something that ``overheard`` would return."""
        return any(getattr(human, "called", False) for human in self.humans)

    @property
    def lost(self) -> str:
        """Why one of them can be heard no more; empty while all can."""
        return "; ".join(why for human in self.humans if (why := getattr(human, "lost", "")))

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Give each of them time in turn, until all is answered or none would wait any longer; see ``Human.wait``."""
        waiting = True
        while waiting and self._open and not self.called and not stopped():
            waiting = False
            for human in self.humans:
                until = time.monotonic() + _SLICE
                human.wait(lambda until=until: stopped() or time.monotonic() >= until)  # type: ignore[misc]
                waiting = waiting or time.monotonic() >= until
                for question in tuple(self._open):
                    question.answer  # noqa: B018  what was said is taken in
