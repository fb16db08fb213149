"""The broker: gathers the questions of a tick, asks once per frame, delivers answers at the start of a later tick."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from .broking.accounts import Accounts
from .broking.breaker import Rest
from .broking.budget import Budget
from .broking.chain import Chain
from .broking.dispatch import Dispatch
from .broking.opening import chain_of as chain_of
from .broking.opening import open_backend as open_backend
from .contract import BACKENDS, Backend
from .questions import Frame, Question
from .runner import InLoop, Runner
from .tickets import USUAL, BrokerEvent, Counters, Listener, Ticket

_REMEMBERED = 512


class Broker:
    """Bring questions to a backend and answers back, without ever blocking a tick.

    The loop calls ``collect`` at the start of a tick and ``flush`` at its end; leaves call ``ask`` in between and look
    at their ticket in later ticks. Several backends make a chain: a question whose answer is a problem, one that a
    backend does not take, and whatever was on its way to a backend that died or hangs, goes on to the next one.

    Args:
        backend: What ``open_backend`` returned, or an opened backend that answers at once (scripted, oracle); or a
            chain of them, the preferred one first.
        stepped: On a stepped clock (simulation) an answer arrives exactly ``latency`` after it was sent for, in
            simulated time; ``collect`` waits in wall time only for answers due at that very tick. Otherwise answers
            arrive when they are ready and ``collect`` never waits.
        latency: Latency on the stepped clock, [s]; None takes each backend's own.
        patience: Longest wall time to wait for one answer on the stepped clock, loading the model included, [s].
        listener: Called for each question asked, shared, answered and cancelled.
        interrupted: While ``collect`` waits it returns early once this is true (Ctrl-C was pressed).
        budget: What the run and each node may spend; None for no limits.
        rest: When a backend is left alone for a while; None for never.
        notify: Called with sentences about backends that fail, rest and come back.
    """

    def __init__(
        self,
        backend: Runner | Backend | Sequence[Runner | Backend],
        *,
        stepped: bool,
        latency: float | None = None,
        patience: float = 600.0,
        listener: Listener | None = None,
        interrupted: Callable[[], bool] | None = None,
        budget: Budget | None = None,
        rest: Rest | None = None,
        notify: Callable[[str], None] = lambda text: None,
    ) -> None:
        if latency is not None and latency < 0:
            raise ValueError(f"latency is {latency} s, must be >= 0")
        runners = [_runner(one) for one in (backend if isinstance(backend, Sequence) else (backend,))]
        self.budget = budget or Budget()
        self._accounts = Accounts(self.budget, stepped)
        self._chain = Chain(runners, stepped, latency, rest, self._accounts)
        self.stepped = stepped
        self.latency = self._chain.links[0].latency
        self.patience = patience
        self.listener = listener
        self.interrupted = interrupted
        self.notify = notify
        self._dispatch = Dispatch(
            self._chain,
            self._accounts,
            self.budget,
            stepped=stepped,
            patience=patience,
            stopped=lambda: self.interrupted is not None and self.interrupted(),
            notify=lambda text: self.notify(text),
            answered=self._answered,
        )
        self._known: OrderedDict[tuple[str, Question], Ticket] = OrderedDict()
        self._closed = False

    @property
    def name(self) -> str:
        """Registry name of the preferred backend."""
        return self._chain.links[0].name

    @property
    def runner(self) -> Runner:
        """Where the preferred backend runs."""
        return self._chain.links[0].runner

    @property
    def counters(self) -> Counters:
        """What the run cost in all."""
        return self._accounts.books.total

    @property
    def statistics(self) -> Mapping[str, object]:
        """What the run asked and what that cost, as plain data: in all, of each node, of each backend."""
        return self._accounts.books.to_json()

    @property
    def pending(self) -> int:
        """Number of tickets without an answer."""
        return sum(not ticket.done for ticket in self._dispatch.tickets())

    @property
    def askers(self) -> tuple[str, ...]:
        """Who waits for an answer that was sent for, first come first."""
        refused = [ticket.asker for ticket, _ in self._dispatch.refused]
        return (*refused, *(ticket.asker for ticket in self._chain.flying()))

    @property
    def descriptor(self) -> int | None:
        """A file descriptor with something to read once an answer is there; None where none is awaited or known."""
        return None if self.stepped else self._chain.descriptor

    def arrived(self) -> bool:
        """Tell whether ``collect`` has something to deliver, or to raise; for clocks that are not stepped."""
        return bool(self._dispatch.refused) or self._chain.arrived()

    def ask(
        self,
        question: Question,
        frame: Frame | None,
        now: float,
        asker: str = "",
        *,
        priority: int = USUAL,
        deadline: float | None = None,
        budget: int | None = None,
    ) -> Ticket:
        """Return the ticket of a question; the same one for the same question about the same frame.

        Args:
            question: What to ask.
            frame: What it is about, or None (chat).
            now: Run clock, [s].
            asker: Path of the asking node, for the trace and its budget.
            priority: ``GUARD`` for what a guard rests on, else ``USUAL``.
            deadline: From when on an answer is of no use, run clock, [s]: then the answer is a problem that says so.
                Where several wait, the latest counts; None for no such time.
            budget: The most questions of this asker that may reach a model in this run; None for what the budget of
                the run says of each node.
        """
        key = (frame.id if frame is not None else "", question)
        ticket = self._known.get(key)
        if ticket is not None and (frame is not None or not ticket.done):
            self._accounts.shared(asker)
            ticket.waiting.append(asker)
            ticket.priority = max(ticket.priority, priority)
            ticket.deadline = max(ticket.deadline, float("inf") if deadline is None else deadline)
            self._tell(BrokerEvent("shared", now, ticket, frame, asker))
            return ticket
        ticket = Ticket(question, frame, now, now + self.latency if self.stepped else None, asker)
        ticket.priority, ticket.place = priority, self.counters.questions
        ticket.deadline = float("inf") if deadline is None else deadline
        self._known[key] = ticket
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        spent = self._accounts.asked(ticket, budget)
        if spent:
            self._dispatch.refused.append((ticket, spent))
        else:
            self._dispatch.lineup.gather(ticket, frame)
        self._tell(BrokerEvent("asked", now, ticket, frame, asker))
        return ticket

    def drop(self, ticket: Ticket, now: float, asker: str = "") -> None:
        """Stop waiting for a ticket, as a leaf that is halted does. When nobody waits any more, it is not sent."""
        if asker in ticket.waiting:
            ticket.waiting.remove(asker)
        if not ticket.waiting and not ticket.done and self._dispatch.lineup.remove(ticket):
            self._forget(ticket)
            self._accounts.cancelled(ticket)
            self._tell(BrokerEvent("cancelled", now, ticket, None, asker))

    def renew(self, ticket: Ticket, frame: Frame, now: float, asker: str = "", budget: int | None = None) -> Ticket:
        """Ask the question of a ticket that still waits for a busy backend about a newer frame, in its old place.

        A ticket that a backend has already, or that has its answer, is given back as it is. Others who wait for it keep
        it.
        """
        if ticket.sent or ticket.done:
            return ticket
        deadline = None if ticket.deadline == float("inf") else ticket.deadline
        self.drop(ticket, now, asker)
        new = self.ask(ticket.question, frame, now, asker, priority=ticket.priority, deadline=deadline, budget=budget)
        new.since, new.place = min(new.since, ticket.since), min(new.place, ticket.place)
        return new

    def spared(self, asker: str) -> None:
        """Note that a node did not ask about a picture, since that shows nothing new."""
        self._accounts.spared(asker)

    def flush(self, now: float) -> None:
        """Send what was gathered, as far as the backends are free: one request per frame, guards first."""
        self._dispatch.lineup.close_tick()
        self._dispatch.send(now)
        for ticket in self._dispatch.lineup.tickets():
            ticket.due = None

    def collect(self, now: float) -> list[Ticket]:
        """Deliver answers and return their tickets, in the order of asking.

        Raises:
            BackendError: The only backend could not be opened, died, or took longer than ``patience``; the cause is
                chained. ``BudgetSpentError``: the budget is spent and says that the run fails then.
        """
        delivered: list[Ticket] = []
        while self._dispatch.land(now, delivered):
            self._dispatch.send(now)
        self._dispatch.expire(now, delivered)
        self._dispatch.refuse(now, delivered)
        return delivered

    def next_due(self) -> float | None:
        """Return when the next answer arrives on the stepped clock, [s]; None if nothing will or on a real clock."""
        return min((t.due for t in self._dispatch.tickets() if t.due is not None and not t.done), default=None)

    def close(self) -> None:
        """Forget what is on its way and close the backends; no process is left. Idempotent."""
        if not self._closed:
            self._closed = True
            self._chain.close()

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answered(self, ticket: Ticket, now: float) -> None:
        if ticket.late or not ticket.sent:
            self._forget(ticket)  # no backend answered; the next one who asks may have more luck
        self._tell(BrokerEvent("answered", now, ticket))

    def _forget(self, ticket: Ticket) -> None:
        self._known.pop((ticket.frame_id, ticket.question), None)

    def _tell(self, event: BrokerEvent) -> None:
        if self.listener is not None:
            self.listener(event)


def _runner(backend: Runner | Backend) -> Runner:
    if hasattr(backend, "submit"):
        return cast(Runner, backend)
    entry = BACKENDS.get(backend.name) if backend.name in BACKENDS else None
    return InLoop(backend, float(getattr(backend, "latency", entry.latency if entry is not None else 0.0)))
