"""What the broker hands out and reports: tickets, events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .broking.statistics import Counters as Counters
from .questions import Answer, Frame, Question

GUARD, USUAL = 1, 0
"""Priorities of questions: what a guard rests on goes out before all others."""


class Ticket:
    """A question on its way. Whoever holds it looks at ``answer``; None means not yet.

    All who ask the same question about the same frame hold the same ticket.

    Attributes:
        question: What was asked.
        frame_id: Frame it is about, empty if about none.
        frame_stamp: Time of that frame, [s].
        asked_at: Time of the first ask, run clock, [s].
        since: Since when somebody has been waiting for an answer to this, [s]: earlier than ``asked_at`` where the
            question was renewed.
        place: Its place in the order of asking; a renewed question keeps that of the old one.
        due: Time of delivery on a stepped clock, [s]; None where answers come when they are ready, and while the
            question waits for a busy backend.
        deadline: From when on an answer is of no use any more, run clock, [s]; infinity for no such time.
        priority: ``GUARD`` or ``USUAL``, the highest of those who wait.
        answer: The answer, from the moment of its delivery on.
        answered_at: Time of delivery, run clock, [s].
        asker: Who asked first (the path of a node).
        waiting: Who waits for it, one entry for each ``ask``.
        sent: True once a backend has it.
        backend: Which backend was asked last, empty before.
        problems: What the backends before that one said instead of an answer.
        late: True when its deadline passed without an answer.
        charged: True while it counts among the calls of its asker.
    """

    __slots__ = (
        "answer",
        "answered_at",
        "asked_at",
        "asker",
        "backend",
        "charged",
        "deadline",
        "due",
        "frame_id",
        "frame_stamp",
        "late",
        "place",
        "priority",
        "problems",
        "question",
        "sent",
        "since",
        "waiting",
    )

    def __init__(
        self, question: Question, frame: Frame | None, asked_at: float, due: float | None, asker: str = ""
    ) -> None:
        self.question, self.asker = question, asker
        self.frame_id = frame.id if frame is not None else ""
        self.frame_stamp = frame.stamp if frame is not None else asked_at
        self.asked_at = self.since = asked_at
        self.place = 0
        self.due = due
        self.deadline = float("inf")
        self.priority = USUAL
        self.answer: Answer | None = None
        self.answered_at: float | None = None
        self.waiting: list[str] = [asker]
        self.sent = self.late = self.charged = False
        self.backend = ""
        self.problems: list[str] = []

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
        what: ``asked`` a new question, ``shared`` a ticket that somebody else had already, ``answered``, or
            ``cancelled`` because nobody waits for it any more.
        now: Run clock, [s].
        ticket: The ticket concerned.
        frame: The frame itself, at ``asked`` and ``shared`` only.
        asker: Who asked (the path of a node), or who was the last to go; empty at ``answered``.
    """

    what: Literal["asked", "shared", "answered", "cancelled"]
    now: float
    ticket: Ticket
    frame: Frame | None = None
    asker: str = ""


Listener = Callable[[BrokerEvent], None]
