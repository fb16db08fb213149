"""The human beside the robot, as a tree asks one: a question, options, a default, a deadline, and an answer one day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from .stop_sign import means_stop

if TYPE_CHECKING:
    from .context import Context
    from .node import Leaf

_TIE = 1e-9
NONE_FITS = "none of the options"
NOBODY = "nobody is there any more to answer"
SAID = "the human said "


class Inquiry(Protocol):
    """A question that was put to a human. Poll it; it never waits."""

    @property
    def answer(self) -> str | None:
        """What the human said: one of the options where there are any; None while nothing was said."""
        ...

    @property
    def refused(self) -> int:
        """How many answers were given that are none of the options; each of them was asked again."""
        ...

    @property
    def gone(self) -> bool:
        """True once nobody can answer any more: the terminal was closed, the file is gone."""
        ...

    def withdraw(self) -> None:
        """Take the question back: nobody waits for it any more. Idempotent."""
        ...


class Human(Protocol):
    """Someone who can be asked; ``Context.human``. Questions are put one at a time, first come first served."""

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> Inquiry:
        """Put a question. Never waits.

        Args:
            prompt: The question.
            options: The answers to choose from; without any the answer is free text.
            default: What is taken when no answer comes in time, for the human to know; empty for none.
            deadline: How long there is to answer, [s], for the human to know; None for no limit. Who asks keeps it.
        """
        ...

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Give the human the time to answer what is open, where time stands still meanwhile (simulation).

        The loop calls it between two ticks of a stepped clock. Returns when everything open has its answer or its
        deadline is over on the wall clock, and early once ``stopped()`` is true.
        """
        ...


def overhear(context: Context) -> list[str]:
    """Bring what the human called out to the stop sign; return what means stop.

    A human of a run can have ``overheard()``, which returns what was said and answers no question, each once.
    """
    overheard: Callable[[], list[str]] | None = getattr(context.human, "overheard", None)
    words = overheard() if overheard is not None else []
    for each in words:
        context.stop_sign.hear(each, getattr(context.human, "where", ""))
    return [each for each in words if means_stop(each)]


class Asked:
    """A question to the human with its deadline on the run clock; what leaves hold.

    A stop that is no answer is for the guards. Where none hears it (``clear_of`` with ``stop_word``), it ends the
    question, and then the default does not count.

    Args:
        leaf: Who asks; question and answer go into the trace under its path.
        prompt: The question.
        options: The answers to choose from; without any the answer is free text.
        default: What counts when no answer comes in time; empty for none.
        deadline: How long there is to answer, run clock, [s]; None for no limit.
        tries: After so many answers that are none of the options the question is over; None asks on and on.

    Attributes:
        prompt: The question.
        options: The answers to choose from.
        late: True once the question is over without an answer; then the default counts, but after a stop.
        over: Why it is over, in words; empty before.
        absent: True when the run has no human to ask; then it is over at once.
    """

    def __init__(
        self,
        leaf: Leaf,
        prompt: str,
        options: Sequence[str] = (),
        default: str = "",
        deadline: float | None = None,
        tries: int | None = None,
    ) -> None:
        self._leaf, self.default, self.prompt, self.options = leaf, default, prompt, tuple(options)
        context = leaf.context
        self._limit, self._tries = deadline, tries
        self._until = float("inf") if deadline is None else context.now + deadline
        self.absent = context.human is None
        self.over = "there is no human to ask" if self.absent else ""
        self.late = self.absent
        self._said: str | None = default if self.absent and default else None
        self._inquiry = context.human.ask(prompt, options, default, deadline) if context.human is not None else None
        context.emit("human", {"path": leaf.path, "asked": prompt, "options": list(options), "default": default})
        if self._said is not None:
            self._tell()

    @property
    def answer(self) -> str | None:
        """What was said, or the default once it is too late; None while there is neither. Poll it in each step."""
        if self._said is None and self._inquiry is not None and not self.late:
            self._said = self._inquiry.answer
            self.over = self._why_over(self._inquiry)
            if self.over:
                self.late = True
                self._inquiry.withdraw()
                self._said = None if self.stopped else self.default or None
            if self._said is not None or self.late:
                self._tell()
        return self._said

    @property
    def stopped(self) -> bool:
        """True once a stop ended the question."""
        return self.over.startswith(SAID)

    def _why_over(self, inquiry: Inquiry) -> str:
        """Say why no answer counts any more; empty while one does."""
        if self._tries is not None and inquiry.refused >= self._tries:
            what = "one answer was" if self._tries == 1 else f"{self._tries} answers were"
            return f"{what} {NONE_FITS}"
        if self._said is not None:
            return ""
        stopped = self._stopped(inquiry)
        if stopped:
            return stopped
        if self._leaf.context.now >= self._until - _TIE:
            return f"no answer within {self._limit:g} s"
        return NOBODY if inquiry.gone else ""

    def _stopped(self, inquiry: Inquiry) -> str:
        """Say what stop ends the question, since no guard hears it; empty while none does."""
        context = self._leaf.context
        if context.tick - context.stop_sign.watched <= 1:
            return ""
        said: str = getattr(inquiry, "stopped", "")  # of a run that is played again
        return said or (f"{SAID}{context.stop_sign.said}" if overhear(context) else "")

    def hear(self, answer: str) -> None:
        """Take an answer that came in another way than through ``Context.human``."""
        self._said = answer
        self.withdraw()
        self._tell()

    def postpone(self, seconds: float) -> None:
        """Move the deadline, such as by the length of a pause, [s]."""
        self._until += seconds

    def withdraw(self) -> None:
        """Take the question back, as ``halt`` does. Idempotent."""
        if self._inquiry is not None:
            self._inquiry.withdraw()

    def _tell(self) -> None:
        told = {"path": self._leaf.path, "answer": self._said, "late": self.late, "over": self.over}
        heard = getattr(self._inquiry, "heard", ())  # word for word, where the human speaks
        self._leaf.context.emit("human", {**told, "heard": list(heard)} if heard else told)
