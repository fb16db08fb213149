"""The broker: gathers the questions of a tick, asks once per frame, delivers answers at the start of a later tick."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from .._base import KnotholeError
from .contract import BACKENDS, Backend, BackendError, BackendOptions
from .questions import Answer, Frame, Question
from .runner import InLoop, Reply, Runner
from .tickets import BrokerEvent, Counters, Listener, Ticket
from .worker import Worker

_REMEMBERED = 512
_SLICE = 0.1
_TIE = 1e-9


@dataclass
class _Request:
    number: int
    tickets: list[Ticket]


class Broker:
    """Bring questions to a backend and answers back, without ever blocking a tick.

    The loop calls ``collect`` at the start of a tick and ``flush`` at its end; leaves call ``ask`` in between and look
    at their ticket in later ticks.

    Args:
        backend: What ``open_backend`` returned, or an opened backend that answers at once (scripted, oracle).
        stepped: On a stepped clock (simulation) an answer arrives exactly ``latency`` after it was asked for, in
            simulated time; ``collect`` waits in wall time only for answers due at that very tick. Otherwise answers
            arrive when they are ready and ``collect`` never waits.
        latency: Latency on the stepped clock, [s]; None takes the backend's own.
        patience: Longest wall time to wait for one answer on the stepped clock, loading the model included, [s].
        listener: Called for each question asked, shared and answered.
        interrupted: While ``collect`` waits it returns early once this is true (Ctrl-C was pressed).
    """

    def __init__(
        self,
        backend: Runner | Backend,
        *,
        stepped: bool,
        latency: float | None = None,
        patience: float = 600.0,
        listener: Listener | None = None,
        interrupted: Callable[[], bool] | None = None,
    ) -> None:
        self.runner: Runner = _runner(backend)
        self.stepped = stepped
        self.latency = self.runner.latency if latency is None else latency
        if self.latency < 0:
            raise ValueError(f"latency is {self.latency} s, must be >= 0")
        self.patience = patience
        self.listener = listener
        self.interrupted = interrupted
        self.counters = Counters()
        self._known: OrderedDict[tuple[str, Question], Ticket] = OrderedDict()
        self._gathered: dict[str, tuple[Frame | None, list[Ticket]]] = {}
        self._flying: deque[_Request] = deque()
        self._replies: dict[int, Reply] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """Registry name of the backend."""
        return self.runner.name

    @property
    def pending(self) -> int:
        """Number of tickets without an answer."""
        return sum(len(r.tickets) for r in self._flying) + sum(len(t) for _, t in self._gathered.values())

    @property
    def askers(self) -> tuple[str, ...]:
        """Who waits for an answer that was sent for, first come first."""
        return tuple(ticket.asker for request in self._flying for ticket in request.tickets)

    @property
    def descriptor(self) -> int | None:
        """A file descriptor with something to read once an answer is there; None where none is awaited or known."""
        return self.runner.fileno() if self._flying and not self.stepped else None

    def arrived(self) -> bool:
        """Tell whether ``collect`` has something to deliver, or to raise; for clocks that are not stepped."""
        try:
            self._fetch()
        except BackendError:
            return True
        return bool(self._flying) and self._flying[0].number in self._replies

    def ask(self, question: Question, frame: Frame | None, now: float, asker: str = "") -> Ticket:
        """Return the ticket of a question; the same one for the same question about the same frame.

        Args:
            question: What to ask.
            frame: What it is about, or None (chat).
            now: Run clock, [s].
            asker: Path of the asking node, for the trace.
        """
        self.counters.questions += 1
        key = (frame.id if frame is not None else "", question)
        ticket = self._known.get(key)
        if ticket is not None and (frame is not None or not ticket.done):
            self.counters.shared += 1
            self._tell(BrokerEvent("shared", now, ticket, frame, asker))
            return ticket
        ticket = Ticket(question, frame, now, now + self.latency if self.stepped else None, asker)
        self._known[key] = ticket
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        self._gathered.setdefault(key[0], (frame, []))[1].append(ticket)
        self._tell(BrokerEvent("asked", now, ticket, frame, asker))
        return ticket

    def flush(self, now: float) -> None:
        """Send what was gathered: one request per frame, in the order of the first question about each."""
        gathered, self._gathered = self._gathered, {}
        for frame, tickets in gathered.values():
            number = self.runner.submit(frame, [t.question for t in tickets])
            self.counters.model_calls += 1
            self._flying.append(_Request(number, tickets))

    def collect(self, now: float) -> list[Ticket]:
        """Deliver answers and return their tickets, in the order of asking.

        Raises:
            BackendError: The backend could not be opened, died, or took longer than ``patience``; the cause is chained.
        """
        delivered: list[Ticket] = []
        if self.stepped:
            while self._flying and _due(self._flying[0]) <= now + _TIE:
                if not self._await(self._flying[0].number):
                    break
                self._deliver(self._flying.popleft(), now, delivered)
        elif self._flying:
            self._fetch()
            while self._flying and self._flying[0].number in self._replies:
                self._deliver(self._flying.popleft(), now, delivered)
        return delivered

    def next_due(self) -> float | None:
        """Return when the next answer arrives on the stepped clock, [s]; None if nothing will or on a real clock."""
        waiting = [t.due for _, tickets in self._gathered.values() for t in tickets]
        waiting += [t.due for request in self._flying for t in request.tickets]
        return min((due for due in waiting if due is not None), default=None)

    def close(self) -> None:
        """Forget what is on its way and close the backend; no process is left. Idempotent."""
        if not self._closed:
            self._closed = True
            self._flying.clear()
            self._gathered.clear()
            self.runner.close()

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await(self, number: int) -> bool:
        """Wait for a reply; False when interrupted."""
        until = time.monotonic() + self.patience
        while number not in self._replies:
            self._fetch(_SLICE)
            if self.interrupted is not None and self.interrupted():
                return number in self._replies
            if number not in self._replies and time.monotonic() > until:
                raise BackendError(f"backend {self.name!r} gave no answer within {self.patience:g} s")
        return True

    def _fetch(self, timeout: float = 0.0) -> None:
        self._replies.update((reply.request, reply) for reply in self.runner.poll(timeout))

    def _deliver(self, request: _Request, now: float, delivered: list[Ticket]) -> None:
        reply = self._replies.pop(request.number)
        self.counters.seconds += reply.seconds
        if not any(answer.supported for answer in reply.answers):
            self.counters.model_calls -= 1  # no model ran for it
        for ticket, answer in zip(request.tickets, reply.answers, strict=True):
            ticket.answer = _about(ticket, answer)
            ticket.answered_at = now
            self.counters.problems += bool(answer.problem)
            delivered.append(ticket)
            self._tell(BrokerEvent("answered", now, ticket))

    def _tell(self, event: BrokerEvent) -> None:
        if self.listener is not None:
            self.listener(event)


def open_backend(spec: str, settings: Mapping[str, object] | None = None) -> Runner:
    """Open a backend by its text form, ready for a ``Broker``.

    A backend that needs a process of its own starts to load and this returns at once.

    Args:
        spec: ``name`` or ``name:argument``, as in ``qwen:/models/qwen3-vl-2b``.
        settings: The backend's block of ``knothole.toml``; ``latency`` [s] there replaces the backend's own.

    Raises:
        UnknownNameError: No backend has the name.
        BackendError: Its argument or settings are wrong (as far as can be told before the model loads).
    """
    name, _, argument = spec.strip().partition(":")
    entry = BACKENDS.get(name)
    options = BackendOptions(argument, dict(settings or {}))
    latency = options.settings.get("latency", entry.latency)
    if isinstance(latency, bool) or not isinstance(latency, int | float) or latency < 0:
        raise BackendError(f"setting 'latency' of backend {name!r} is {latency!r}, must be a number of seconds >= 0")
    if entry.check is not None:
        entry.check(options)
    if entry.runs_in == "process":
        runner: Runner = Worker(name, options)
    else:
        runner = InLoop(_opened(name, options))
    runner.latency = float(latency)
    return runner


def _opened(name: str, options: BackendOptions) -> Backend:
    try:
        return BACKENDS.get(name).open(options)
    except KnotholeError:
        raise
    except Exception as error:
        raise BackendError(f"backend {name!r} cannot be opened: {type(error).__name__}: {error}") from error


def _runner(backend: Runner | Backend) -> Runner:
    if hasattr(backend, "submit"):
        return cast(Runner, backend)
    entry = BACKENDS.get(backend.name) if backend.name in BACKENDS else None
    return InLoop(backend, float(getattr(backend, "latency", entry.latency if entry is not None else 0.0)))


def _due(request: _Request) -> float:
    due = request.tickets[0].due
    assert due is not None
    return due


def _about(ticket: Ticket, answer: Answer) -> Answer:
    return answer if ticket.frame_id else replace(answer, frame_stamp=ticket.frame_stamp)
