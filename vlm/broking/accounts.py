"""The accounts of a broker: who caused which call, what it cost, and whether there is anything left to spend."""

from __future__ import annotations

from collections.abc import Iterable

from ..runner import Reply
from ..tickets import Ticket
from .budget import Budget, Limits
from .link import Link, Request
from .statistics import Statistics, Tally


class Accounts:
    """Books of a run, kept against its budget.

    Args:
        budget: What may be spent.
        stepped: Whether a call takes its simulated latency instead of wall time.
    """

    def __init__(self, budget: Budget, stepped: bool) -> None:
        self.books = Statistics()
        self._budget, self._stepped = budget, stepped
        self._run = Tally()

    def asked(self, ticket: Ticket, limit: int | None) -> str:
        """Note a question; return why its node may not ask any more, empty while it may."""
        tally = self.books.nodes[ticket.asker]
        self.books.total.questions += 1
        tally.questions += 1
        limits = self._budget.node if limit is None else Limits(calls=limit)
        reached = limits.reached(tally)
        if reached:
            return f"this node has spent its budget of {reached}"
        self._charge(ticket)
        return ""

    def shared(self, asker: str) -> None:
        """Note a question that somebody else had asked already."""
        total, tally = self.books.total, self.books.nodes[asker]
        total.questions, total.shared = total.questions + 1, total.shared + 1
        tally.questions, tally.shared = tally.questions + 1, tally.shared + 1

    def spared(self, asker: str) -> None:
        """Note a question that was not asked since the picture shows nothing new."""
        self.books.total.spared += 1
        self.books.nodes[asker].spared += 1

    def sent(self, link: Link, request: Request) -> None:
        """Note a request that was sent."""
        tally = self.books.backends[link.name]
        self.books.total.model_calls += 1
        self._run.calls += 1
        tally.calls += 1
        tally.questions += len(request.tickets)
        tally.failed_over += len(request.tickets) if any(t.problems for t in request.tickets) else 0

    def landed(self, link: Link, request: Request, reply: Reply) -> None:
        """Note what a request cost."""
        total, tally = self.books.total, self.books.backends[link.name]
        total.seconds += reply.seconds
        worked = link.latency if self._stepped else reply.seconds
        asked = sum(answer.supported for answer in reply.answers)
        if not asked:  # no model ran for it
            total.model_calls -= 1
            self._run.calls -= 1
            tally.calls -= 1
            worked = 0.0
        self._run.seconds += worked
        tally.seconds += worked
        tally.problems += sum(bool(answer.problem) for answer in reply.answers)
        for ticket, answer in zip(request.tickets, reply.answers, strict=True):
            node = self.books.nodes[ticket.asker]
            if not answer.supported:
                self._refund(ticket)
                continue
            node.seconds += worked / asked
            for each in (total, self._run, tally, node):
                each.tokens += answer.tokens
                each.cost += answer.cost

    def lost(self, link: Link, request: Request) -> None:
        """Note a request that its backend will never answer."""
        self.books.backends[link.name].problems += len(request.tickets)

    def failed_over(self, tickets: Iterable[Ticket]) -> None:
        """Note questions that go on to another backend."""
        for ticket in tickets:
            self.books.total.failed_over += 1
            self.books.nodes[ticket.asker].failed_over += 1
            self._charge(ticket)

    def answered(self, ticket: Ticket) -> None:
        """Note an answer that is delivered."""
        if ticket.answer is not None and ticket.answer.problem:
            self.books.total.problems += 1
            self.books.nodes[ticket.asker].problems += 1

    def cancelled(self, ticket: Ticket) -> None:
        """Note a question that is not sent since nobody waits any more."""
        self.books.total.cancelled += 1
        self.books.nodes[ticket.asker].cancelled += 1
        self._refund(ticket)

    def late(self, ticket: Ticket) -> None:
        """Note a question whose deadline passed."""
        self.books.total.late += 1
        self.books.nodes[ticket.asker].late += 1
        if not ticket.sent:
            self._refund(ticket)

    def refused(self, ticket: Ticket) -> None:
        """Note a question that no backend was asked."""
        self.books.total.refused += 1
        self.books.nodes[ticket.asker].refused += 1
        self._refund(ticket)

    def _charge(self, ticket: Ticket) -> None:
        ticket.charged = True
        self.books.nodes[ticket.asker].calls += 1

    def _refund(self, ticket: Ticket) -> None:
        self.books.nodes[ticket.asker].calls -= ticket.charged
        ticket.charged = False

    def spent(self, backend: str) -> str:
        """Return the limit of the run that is reached, in words; with ``fallback`` that of one backend."""
        alone = self._budget.when_spent == "fallback"
        reached = self._budget.run.reached(self.books.backends[backend] if alone else self._run)
        of = f" of {backend}" if alone else ""
        return f"the budget of {reached}{of} is spent" if reached else ""
