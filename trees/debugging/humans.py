"""The human of a run that is debugged: whoever was there before, and whoever sends answers from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from ..._base import KnotholeError
from ...behaviors.context import Context
from ...behaviors.human import Human, Inquiry
from ...behaviors.means.calls import Calls
from ...behaviors.means.understanding import understand
from .pausing import Pausing
from .standstill import Standstill

_SLICE: Final = 0.1
"""Longest wait for one of the two before the other is looked at, wall clock, [s]."""
ALONE: Final = 30.0
"""How long a question without a deadline waits for somebody to look from outside, where nobody else is there, run
clock, [s]."""


class AnswerError(KnotholeError):
    """An answer fits no question."""


class SharedInquiry:
    """A question that two may answer; who is first counts.

    Attributes:
        id: Number.
        until: Until when there is time, run clock, [s]; None for no limit.
    """

    def __init__(
        self,
        humans: SharedHuman,
        id: int,
        prompt: str,
        options: tuple[str, ...],
        default: str,
        until: float | None,
        other: Inquiry | None,
    ) -> None:
        self._humans, self._other, self._first = humans, other, other
        self.id, self.prompt, self.options, self.default, self.until = id, prompt, options, default, until
        self.said: str | None = None
        self.wall = float("inf")
        self.wrong = 0
        self._seen = humans.now

    @property
    def answer(self) -> str | None:
        """What was said by whoever was first."""
        if self._other is not None:
            other, said = self._other, self.said
            if said is None:
                said = other.answer
                if said is not None:
                    self._other = None
                    self._humans.settle(self, said)
            else:
                self._other = None
                other.withdraw()
        return self.said

    @property
    def is_shared(self) -> bool:
        """Whether whoever was there before is still asked."""
        return self._other is not None

    @property
    def refused(self) -> int:
        """How many answers of both were none of the options."""
        return self.wrong + (self._other.refused if self._other is not None else 0)

    @property
    def heard(self) -> tuple[str, ...]:
        """What whoever was there before said, word for word, where that is known."""
        return tuple(getattr(self._first, "heard", ()))

    @property
    def gone(self) -> bool:
        """True when whoever was there before is gone, and nobody outside sees the questions.

        Where nobody else was there, the deadline ends a question, and without one the time that nobody looked.
        """
        if self._humans.attended:
            self._seen = self._humans.now
            return False
        if self._other is not None:
            return self._other.gone
        return self.until is None and self._humans.now - self._seen >= ALONE

    def withdraw(self) -> None:
        """Take the question back."""
        if self._other is not None:
            self._other.withdraw()
            self._other = None
        self._humans.settle(self, None)

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "id": self.id,
            "prompt": self.prompt,
            "options": list(self.options),
            "default": self.default,
            "until": self.until,
        }


class _Slice:
    """Ends a wait after a moment, or earlier, and knows afterwards whether it did, or the wait ended by itself."""

    def __init__(self, early: Callable[[], bool]) -> None:
        self._early, self._until = early, time.monotonic() + _SLICE
        self.used = False

    def over(self) -> bool:
        """Tell whether the wait is to end."""
        self.used = self.used or self._early() or time.monotonic() > self._until
        return self.used


class SharedHuman:
    """Ask the human who is there, if any, and whoever answers from outside, at once.

    Args:
        other: The human at the terminal, or of a script; None for nobody.
        context: Its clock says until when there is time.
        standstill: Its lock guards the questions.
        changed: Called when a question came or went.
        attended: Whether somebody outside sees the questions; only then is it waited for an answer from there.
        pausing: Whether the run is to stand, also while it waits for an answer; None for never.
    """

    def __init__(
        self,
        other: Human | None,
        context: Context,
        standstill: Standstill,
        changed: Callable[[], None],
        attended: Callable[[], bool],
        pausing: Pausing | None = None,
    ) -> None:
        self._other, self._context, self._standstill = other, context, standstill
        self._changed, self._attended = changed, attended
        self._pausing = pausing
        self._open: dict[int, SharedInquiry] = {}
        self._answered: list[SharedInquiry] = []
        self._calls = Calls()
        self._asked = 0

    @property
    def attended(self) -> bool:
        """Whether somebody outside sees the questions."""
        return self._attended()

    @property
    def now(self) -> float:
        """Run clock, [s]."""
        return self._context.now

    @property
    def questions(self) -> tuple[SharedInquiry, ...]:
        """The questions that are open, in the order of asking."""
        with self._standstill.changed:
            return tuple(self._open.values())

    def overheard(self) -> list[str]:
        """Return what both called out to the robot; see ``clear_of``."""
        heard: Callable[[], list[str]] | None = getattr(self._other, "overheard", None)
        with self._standstill.changed:
            own = self._calls.overheard()
        return own + (heard() if heard is not None else [])

    @property
    def called(self) -> bool:
        """True while there is something that ``overheard`` would return."""
        return self._calls.waiting or getattr(self._other, "called", False)

    @property
    def lost(self) -> str:
        """Why the human who was there can be heard no more; empty otherwise."""
        return getattr(self._other, "lost", "")

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> SharedInquiry:
        """Put a question to both."""
        for inquiry in self._fetch_answered():
            inquiry.answer  # noqa: B018  as in ``wait``
        other = self._other.ask(prompt, options, default, deadline) if self._other is not None else None
        self._asked += 1
        until = None if deadline is None else self._context.now + deadline
        inquiry = SharedInquiry(self, self._asked, prompt, tuple(options), default, until, other)
        inquiry.wall = float("inf") if deadline is None else time.monotonic() + deadline
        with self._standstill.changed:
            self._open[inquiry.id] = inquiry
        self._changed()
        return inquiry

    def answer(self, id: int, text: str) -> SharedInquiry:
        """Answer a question from outside, from any thread; a stop that is no answer to it is for the guards.

        Raises:
            AnswerError: There is no such question, it is answered already, or this is none of its options.
        """
        with self._standstill.changed:
            inquiry = self._open.get(id)
            if inquiry is None:
                open_ones = ", ".join(map(str, self._open))
                fix = f"answer one of {open_ones}" if open_ones else "wait for a question"
                raise AnswerError(f"question {id} is not open, or is answered already\n  fix:  {fix}")
            words = text.strip() or inquiry.default
            if self._calls.take(words, inquiry.options):
                self._standstill.changed.notify_all()
                self._context.wake()
                return inquiry
            if inquiry.options:
                meant = understand(words, inquiry.options)
                if meant is None:
                    inquiry.wrong += 1
                    fix = f"give one of {', '.join(inquiry.options)}"
                    raise AnswerError(f"{text!r} is no answer to {inquiry.prompt!r}\n  fix:  {fix}")
                words = meant
            if not words:
                raise AnswerError(f"the answer to {inquiry.prompt!r} is empty\n  fix:  write an answer")
            self._settle(inquiry, words)
        self._changed()
        self._context.wake()
        return inquiry

    def settle(self, inquiry: SharedInquiry, said: str | None) -> None:
        """Close a question; one that is closed stays as it is."""
        with self._standstill.changed:
            if inquiry.id not in self._open:
                return
            self._settle(inquiry, said)
        self._changed()

    def _settle(self, inquiry: SharedInquiry, said: str | None) -> None:
        del self._open[inquiry.id]
        inquiry.said = said
        if inquiry.is_shared:
            self._answered.append(inquiry)
        self._standstill.changed.notify_all()

    def put_off(self, seconds: float) -> None:
        """Give more time on the wall clock, [s]."""
        for inquiry in self.questions:
            inquiry.wall += seconds

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Give both the time to answer what is open; see ``Human.wait``.

        Somebody may begin or cease to look meanwhile. What waits to be done between two ticks is done here as well, and
        a run that is to stand does.
        """
        while self._open and not self.called and not stopped():
            attended = self._attended()
            if attended and not self._in_time():
                return
            goes_on = attended
            if self._other is not None:
                part = _Slice(lambda: stopped() or self._calls.waiting or bool(self._answered))
                self._other.wait(part.over)
                goes_on = attended or part.used
            for inquiry in (*self._fetch_answered(), *self.questions):
                inquiry.answer  # noqa: B018  the other need not answer any more, or what it said is taken in
            if not goes_on or not self._let_stand():
                return
            with self._standstill.changed:
                if attended and self._in_time() and not self.called and not stopped():
                    self._standstill.changed.wait(_SLICE)

    def _fetch_answered(self) -> list[SharedInquiry]:
        """Return what was answered from outside, on a thread where the other cannot be told."""
        with self._standstill.changed:
            answered, self._answered = self._answered, []
        return answered

    def _let_stand(self) -> bool:
        """Do what waits to be done, and stand if the run is to stand; False when it is to end."""
        return self._pausing is None or not self._pausing.attentive or self._pausing.before_tick()

    def _in_time(self) -> bool:
        """Tell whether a question is open whose time is not over."""
        now = time.monotonic()
        return any(inquiry.wall > now for inquiry in self.questions)
