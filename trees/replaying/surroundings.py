"""What surrounds a tree that is ticked on a tape: its clock, the answers that came, the human who spoke."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ...behaviors.context import Context
from ...behaviors.human import NOBODY, NONE_FITS, SAID, Inquiry
from ...vlm.questions import Answer
from ...vlm.tickets import BrokerEvent, Counters, Listener, Ticket
from ..ticking.alarm import Alarm
from .player import Gives, UnrecordedError
from .tape import Tape, question_of, recorded_answer


class PlayedClock:
    """The times of a tape.

    Attributes:
        time: Run clock, [s].
        next: Time of the next tick, set before it.
        free: True once it goes on by itself, as at the end, when leaves come to rest.
    """

    stepped = True

    def __init__(self, time: float) -> None:
        self.time, self.free, self.next = time, False, time

    def now(self) -> float:
        """Return the time, [s]."""
        return self.time

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        """Go on to the time that the tape says, whatever the loop wants."""
        self.time = max(self.time, until) if self.free else self.next


@dataclass
class PlayedContext(Context):
    """The context of a tree on a tape."""

    player: Any = None

    @property
    def gives(self) -> Gives:
        """Who gives leaves what the tape holds."""
        return cast(Gives, self.player)


class PlayedBroker:
    """Hands out the recorded answers at the ticks in which they came, and tells of the recorded questions.

    It stands in the place of a ``Broker`` where the loop and what records a run look at one.

    Args:
        tape: The tape.

    Attributes:
        listener: As of ``Broker``.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.listener: Listener | None = None
        self.interrupted: Callable[[], bool] | None = None
        self.notify: Callable[[str], None] = lambda text: None
        self.context: Context | None = None
        self._tickets: dict[tuple[str, str], Ticket] = {}
        end = tape.recording.end
        self.counters = Counters()
        self.counters.questions, self.counters.model_calls = end.get("questions", 0), end.get("model_calls", 0)
        self.statistics: Mapping[str, object] = end.get("asking", {})
        self.askers: tuple[str, ...] = ()

    def happened(self, data: Mapping[str, Any], what: str) -> Ticket:
        """Tell that a question was asked, or cancelled, as a message of the trace says; return its ticket."""
        key = data["frame"], data["key"]
        now = self.context.now if self.context is not None else 0.0
        shared = bool(data.get("shared")) and what == "q"
        ticket = self._tickets.get(key) if shared or what == "c" else None
        if ticket is None:
            ticket = self._tickets[key] = Ticket(question_of(data), None, now, None, data["asker"])
            ticket.frame_id = data["frame"]
        if what == "c":
            self._tell(BrokerEvent("cancelled", now, ticket, None, data["asker"]))
        else:
            self._tell(BrokerEvent("shared" if shared else "asked", now, ticket, None, data["asker"]))
        return ticket

    def collect(self, now: float) -> list[Ticket]:
        """Deliver what came at this tick."""
        tick = self.context.tick if self.context is not None else 0
        return [self.deliver(data, now) for data in self._tape.answers.get(tick, ()) if self._ticket(data) is not None]

    def _ticket(self, data: Mapping[str, Any]) -> Ticket | None:
        return self._tickets.get((data["frame"], data["key"]))

    def deliver(self, data: Mapping[str, Any], now: float) -> Ticket:
        """Deliver one recorded answer."""
        ticket = self._ticket(data)
        assert ticket is not None
        ticket.frame_stamp, ticket.backend = float(data["frame_stamp"]), str(data.get("backend", ""))
        ticket.answer, ticket.answered_at = recorded_answer(data), now
        ticket.asked_at = float(data.get("asked_at", ticket.asked_at))
        self._tell(BrokerEvent("answered", now, ticket))
        return ticket

    def told(self, ticket: Ticket, answer: Answer, now: float) -> None:
        """Tell of an answer that was never given."""
        self._tell(BrokerEvent("answered", now, retold(ticket, answer)))

    def flush(self, now: float) -> None:
        """Do nothing: nobody is asked."""

    def spared(self, asker: str) -> None:
        """Do nothing: what was spared was counted then."""

    def close(self) -> None:
        """Do nothing."""

    def _tell(self, event: BrokerEvent) -> None:
        if self.listener is not None:
            self.listener(event)


def retold(ticket: Ticket, answer: Answer) -> Ticket:
    """Return a ticket as another one, with an answer that was never given to it."""
    other = Ticket(ticket.question, None, ticket.asked_at, None, ticket.asker)
    other.frame_id, other.frame_stamp, other.backend = ticket.frame_id, ticket.frame_stamp, answer.model
    other.answer = answer
    return other


_MANY = 1_000_000


class PlayedInquiry:
    """A question that was put to a human once."""

    def __init__(self, context: Context, tick: int | None, answer: str | None, over: str = "") -> None:
        self._context, self._tick, self._answer, self._over = context, tick, answer, over

    @property
    def answer(self) -> str | None:
        """What the human said, from the tick on in which it was heard."""
        return self._answer if self._heard and not self._over else None

    @property
    def refused(self) -> int:
        """From the tick on in which so many answers were wrong that the question was over: more than any limit."""
        return _MANY if self._heard and self._over.endswith(NONE_FITS) else 0

    @property
    def gone(self) -> bool:
        """True from the tick on in which nobody was there any more."""
        return self._heard and self._over == NOBODY

    @property
    def stopped(self) -> str:
        """From the tick on in which a stop ended the question: what was said."""
        return self._over if self._heard and self._over.startswith(SAID) else ""

    @property
    def _heard(self) -> bool:
        return self._tick is not None and self._context.tick >= self._tick

    def withdraw(self) -> None:
        """Do nothing: nobody is asked."""


def _ends(over: str) -> bool:
    """Tell whether a human ended a question, not its deadline."""
    return over.endswith((NONE_FITS, NOBODY)) or over.startswith(SAID)


class PlayedHuman:
    """Says what the human said in the recorded run.

    Args:
        tape: The tape.
        context: The context of the tree that asks.
    """

    def __init__(self, tape: Tape, context: Context) -> None:
        self._context = context
        self._asked: list[tuple[int, str, list[Any]]] = []
        for message in tape.recording.topic("/human"):
            data = message.data
            if "asked" in data:
                self._asked.append((int(data["tick"]), str(data["asked"]), [data["path"], None, None, ""]))
            elif not data.get("late") or _ends(str(data.get("over", ""))):
                open_ones = (e for e in self._asked if e[2][0] == data["path"] and e[2][1] is None)
                last = list(open_ones)[-1:]
                for _, _, answer in last:
                    answer[1:] = int(data["tick"]), str(data["answer"]), str(data.get("over", ""))

    def follow(self, context: Context) -> None:
        """Take the time from another context."""
        self._context = context

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> Inquiry:
        """Return the recorded question with these words that was put in this tick.

        Raises:
            UnrecordedError: There was none.
        """
        for number, (tick, asked, (_, heard, answer, over)) in enumerate(self._asked):
            if tick == self._context.tick and asked == prompt:
                del self._asked[number]
                return PlayedInquiry(self._context, heard, answer, over)
        raise UnrecordedError("", f"the human is asked {prompt!r}, and was not in the recorded run")

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Do nothing: the answers are there."""
