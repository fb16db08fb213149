"""What a broker does with its tickets: sends them, takes answers, passes on what failed, ends what is too late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..._base import headline
from ..contract import BackendError
from ..questions import Answer
from ..tickets import Ticket
from .accounts import Accounts
from .budget import Budget, BudgetSpentError
from .chain import Chain
from .lineup import Lineup
from .link import Link, Request

_TIE = 1e-9


class Dispatch:
    """Tickets between lineup and backends.

    Args:
        chain: The backends.
        accounts: The books.
        budget: What may be spent.
        stepped: Whether answers come after their latency on a stepped clock.
        patience: Longest wall time to wait for one answer on the stepped clock, [s].
        stopped: While it waits there, it returns early once this is true.
        notify: Called with sentences about backends that fail and rest.
        answered: Called for each ticket that has its answer, with the run clock, [s].

    Attributes:
        lineup: What no backend has yet.
        refused: What none will be asked, with the reason.
    """

    def __init__(
        self,
        chain: Chain,
        accounts: Accounts,
        budget: Budget,
        *,
        stepped: bool,
        patience: float,
        stopped: Callable[[], bool],
        notify: Callable[[str], None],
        answered: Callable[[Ticket, float], None],
    ) -> None:
        self.chain, self.lineup = chain, Lineup()
        self.refused: list[tuple[Ticket, str]] = []
        self._accounts, self._budget = accounts, budget
        self._stepped, self._patience = stepped, patience
        self._stopped, self._notify, self._answered = stopped, notify, answered

    def tickets(self) -> list[Ticket]:
        """Return all tickets that are not delivered, and those that were too late for their answer."""
        return [*self.lineup.tickets(), *self.chain.flying(), *(ticket for ticket, _ in self.refused)]

    def land(self, now: float, delivered: list[Ticket]) -> bool:
        """Take one request that came back, the earliest first; False when there is none."""
        if not self._stepped:
            for each in self.chain.links:
                self._fetch(each, now)
        link = self.chain.first_back(now)
        if link is None:
            return False
        try:
            if self._stepped and not link.await_first(self._patience, self._stopped):
                return False
        except BackendError as error:
            self._lost(link, now, error)
            return True
        request, reply = link.take(now)
        self._accounts.landed(link, request, reply)
        if all(ticket.late for ticket in request.tickets):
            link.breaker.undecided()  # its lateness was noted already
        elif link.heard(reply.answers, now):
            self._notify(link.told(now))
        onward: list[Ticket] = []
        for ticket, answer in zip(request.tickets, reply.answers, strict=True):
            if ticket.done:
                continue  # it was too late
            if answer.problem and ticket.waiting and self.chain.takes(ticket.question.kind, request.link + 1, now):
                ticket.problems.append(answer.problem)
                onward.append(ticket)
            else:
                self._answer(ticket, answer, now, delivered)
        self._pass_on(request, onward)
        return True

    def _fetch(self, link: Link, now: float) -> None:
        try:
            link.fetch()
            if link.hangs(now):
                why = f"{link.name} gave no answer within {link.patience:g} s"
                self._move_on(link, link.lose(now, why), now, why)
        except BackendError as error:
            self._lost(link, now, error)

    def _lost(self, link: Link, now: float, error: BackendError) -> None:
        """Deal with a backend that died; a run that has no other ends with that."""
        if self.chain.alone:
            raise error
        why = headline(error)
        self._move_on(link, link.lose(now, why), now, why)

    def _move_on(self, link: Link, requests: list[Request], now: float, why: str) -> None:
        """Send elsewhere what a backend will never answer, or say so."""
        self._notify(why)
        for request in requests:
            self._accounts.lost(link, request)
            tickets = [ticket for ticket in request.tickets if not ticket.done]
            if self.chain.next(request.link + 1, now) is None:
                self.refused += [(ticket, why) for ticket in tickets]
                continue
            for ticket in tickets:
                ticket.problems.append(why)
            self._pass_on(request, tickets)

    def _pass_on(self, request: Request, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            ticket.sent, ticket.due = False, None
        if tickets:
            self._accounts.failed_over(tickets)
            self.lineup.again(request, tickets, request.link + 1)

    def send(self, now: float) -> None:
        """Send what waits, in its order, to the backends that are free."""
        for request in self.lineup.in_order():
            index = self.chain.next(request.link, now)
            if index is None:
                self.lineup.take(request)
                self.refused += [(ticket, self.chain.why_not(request.link, now)) for ticket in request.tickets]
            elif self.chain.links[index].free:
                self.lineup.take(request)
                self.chain.send(request, index, now)

    def expire(self, now: float, delivered: list[Ticket]) -> None:
        """Answer what is too late to be answered."""
        for ticket in self.tickets():
            if not ticket.done and now >= ticket.deadline - _TIE:
                self.lineup.remove(ticket)
                self._accounts.late(ticket)
                said = f" ({'; '.join(ticket.problems)})" if ticket.problems else ""
                late = f"no answer within {ticket.deadline - ticket.since:.3g} s{said}"
                ticket.late = True
                self._answer(ticket, Answer(ticket.question.kind, problem=late), now, delivered)
        self._note_late(now)

    def _note_late(self, now: float) -> None:
        """Let an answer that nobody can use any more count against its backend, once."""
        for link in self.chain.links:
            for request in link.flying:
                if not request.late and all(ticket.late for ticket in request.tickets):
                    request.late = True
                    if link.breaker.failed(now, f"{link.name} is too slow"):
                        self._notify(link.told(now))

    def refuse(self, now: float, delivered: list[Ticket]) -> None:
        """Answer what no backend will be asked."""
        refused, self.refused = self.refused, []
        for number, (ticket, why) in enumerate(refused):
            if ticket.done:
                continue
            if self._budget.when_spent == "fail" and self._accounts.spent(self.chain.links[0].name):
                self.refused = refused[number:]
                raise BudgetSpentError(
                    f"{why}\n  fix:  raise the limit in [budget] of knothole.toml, or ask less often"
                )
            self._accounts.refused(ticket)
            self._answer(ticket, Answer(ticket.question.kind, problem=why), now, delivered)

    def _answer(self, ticket: Ticket, answer: Answer, now: float, delivered: list[Ticket]) -> None:
        if ticket.problems and answer.problem:
            answer = replace(answer, problem="; ".join(dict.fromkeys((*ticket.problems, answer.problem))))
        stamp = answer.frame_stamp if answer.frame_id else ticket.frame_stamp
        ticket.answer = replace(answer, frame_id=ticket.frame_id, frame_stamp=stamp)
        ticket.answered_at = now
        self._accounts.answered(ticket)
        delivered.append(ticket)
        self._answered(ticket, now)
