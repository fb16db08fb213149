"""What the broker hands out and reports: tickets, events, counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .questions import Answer, Frame, Question


class Ticket:
    """A question on its way. Whoever holds it looks at ``answer``; None means not yet.

    All who ask the same question about the same frame hold the same ticket.

    Attributes:
        question: What was asked.
        frame_id: Frame it is about, empty if about none.
        frame_stamp: Time of that frame, [s].
        asked_at: Time of the first ask, run clock, [s].
        due: Time of delivery on a stepped clock, [s]; None where answers come when they are ready.
        answer: The answer, from the moment of its delivery on.
        answered_at: Time of delivery, run clock, [s].
        asker: Who asked first (the path of a node).
    """

    __slots__ = ("answer", "answered_at", "asked_at", "asker", "due", "frame_id", "frame_stamp", "question")

    def __init__(
        self, question: Question, frame: Frame | None, asked_at: float, due: float | None, asker: str = ""
    ) -> None:
        self.question, self.asker = question, asker
        self.frame_id = frame.id if frame is not None else ""
        self.frame_stamp = frame.stamp if frame is not None else asked_at
        self.asked_at = asked_at
        self.due = due
        self.answer: Answer | None = None
        self.answered_at: float | None = None

    @property
    def done(self) -> bool:
        """True once the answer is there."""
        return self.answer is not None

    def __repr__(self) -> str:
        state = "waiting" if self.answer is None else self.answer.problem or "answered"
        return f"<Ticket {self.question.kind} {self.question.text!r} on {self.frame_id or 'no frame'}: {state}>"


@dataclass(frozen=True)
class BrokerEvent:
    """One thing that happened at the broker, for the trace.

    Attributes:
        what: ``asked`` a new question, ``shared`` a ticket that somebody else had already, or ``answered``.
        now: Run clock, [s].
        ticket: The ticket concerned.
        frame: The frame itself, at ``asked`` and ``shared`` only.
        asker: Who asked (the path of a node), empty at ``answered``.
    """

    what: Literal["asked", "shared", "answered"]
    now: float
    ticket: Ticket
    frame: Frame | None = None
    asker: str = ""


Listener = Callable[[BrokerEvent], None]


@dataclass
class Counters:
    """What a run cost.

    Attributes:
        questions: Questions asked by leaves, shared ones included.
        shared: Of these, how many got a ticket that existed already.
        model_calls: Requests sent to the backend, each with one frame and its questions; one that turns out to have
            no question that the backend takes is not counted.
        problems: Answers that carry a problem.
        seconds: Wall time the backend worked, [s].
    """

    questions: int = 0
    shared: int = 0
    model_calls: int = 0
    problems: int = 0
    seconds: float = 0.0
