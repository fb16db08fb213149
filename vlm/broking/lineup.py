"""Who waits to be sent: the questions of a tick gathered by frame, then requests in the order of their urgency."""

from __future__ import annotations

from ..questions import Frame, Kind
from ..tickets import Ticket
from .link import Request

WORDY: frozenset[Kind] = frozenset(("ground", "describe", "plan", "chat", "imagine", "transcribe"))
"""Kinds whose answers are written word by word: what a guard rests on does not wait for them."""


class Lineup:
    """Requests that no backend has yet."""

    def __init__(self) -> None:
        self._gathered: dict[str, Request] = {}
        self._waiting: list[Request] = []
        self._serial = 0

    def gather(self, ticket: Ticket, frame: Frame | None) -> None:
        """Add a question of this tick; one about a frame that waits already joins the others about it."""
        for request in self._waiting:
            same = frame is not None and request.frame is not None and request.frame.id == frame.id
            if same and request.link == 0 and _fits(request, ticket):
                request.tickets.append(ticket)
                return
        if ticket.frame_id in self._gathered:
            self._gathered[ticket.frame_id].tickets.append(ticket)
        else:
            self._gathered[ticket.frame_id] = self._request(frame, [ticket])

    def close_tick(self) -> None:
        """Let what was gathered wait for a backend; what a guard rests on does not wait for those that write."""
        for request in self._gathered.values():
            urgent = max(ticket.priority for ticket in request.tickets)
            slow = [t for t in request.tickets if t.priority < urgent and t.question.kind in WORDY]
            request.tickets = [ticket for ticket in request.tickets if ticket not in slow]
            self._waiting.append(request)
            if slow:
                self._waiting.append(self._request(request.frame, slow))
        self._gathered = {}

    def again(self, request: Request, tickets: list[Ticket], link: int) -> None:
        """Let tickets of a request wait for another backend."""
        self._waiting.append(Request(request.serial, request.frame, tickets, link))

    def in_order(self) -> list[Request]:
        """Return what waits, the most urgent first."""
        return sorted(self._waiting, key=lambda request: request.order)

    def take(self, request: Request) -> None:
        """Take a request out of the line."""
        self._waiting.remove(request)

    def remove(self, ticket: Ticket) -> bool:
        """Take one question out of the line; False when it does not wait here."""
        for request in (*self._waiting, *self._gathered.values()):
            if any(ticket is one for one in request.tickets):
                request.tickets = [one for one in request.tickets if one is not ticket]
                if not request.tickets:
                    self._waiting = [one for one in self._waiting if one is not request]
                    self._gathered = {key: one for key, one in self._gathered.items() if one is not request}
                return True
        return False

    def tickets(self) -> list[Ticket]:
        """Return all questions that wait."""
        return [ticket for request in (*self._waiting, *self._gathered.values()) for ticket in request.tickets]

    def _request(self, frame: Frame | None, tickets: list[Ticket]) -> Request:
        self._serial += 1
        return Request(self._serial, frame, tickets)


def _fits(request: Request, ticket: Ticket) -> bool:
    """Tell whether a question may join a request: those that write do not hold up what a guard rests on."""
    urgent = max(one.priority for one in request.tickets)
    if ticket.question.kind in WORDY and ticket.priority < urgent:
        return False
    return ticket.priority <= urgent or not any(one.question.kind in WORDY for one in request.tickets)
