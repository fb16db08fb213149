"""One backend of a chain: what it was sent, how much it takes at once, and whether it is well."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..._base import headline
from ..contract import BackendError
from ..questions import Answer, Frame
from ..runner import InLoop, Reply, Runner
from ..tickets import Ticket
from .breaker import Breaker, Rest

PATIENCE = 30.0
"""How long an answer may take on a real clock before the backend counts as hung, unless it says otherwise, [s]."""
_SLICE = 0.1


@dataclass
class Request:
    """One frame and its questions.

    Attributes:
        serial: Order of asking.
        frame: The frame, None for questions about none.
        tickets: One a question.
        link: Index of the backend that it is meant for.
        number: The backend's own number for it, -1 before it is sent.
        due: Time of delivery on a stepped clock, [s].
        turn: When its turn came as far as is known, run clock, [s]: it was sent, or one before it came back.
        late: True once it is known that nobody can use its answers any more.
    """

    serial: int
    frame: Frame | None
    tickets: list[Ticket]
    link: int = 0
    number: int = -1
    due: float | None = None
    turn: float = 0.0
    late: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """What is smaller goes first: guards, then who asked first."""
        return (-max(ticket.priority for ticket in self.tickets), min(ticket.place for ticket in self.tickets))


class Link:
    """A backend and what it is doing.

    Args:
        runner: Where it runs.
        stepped: Whether answers come after its latency on a stepped clock.
        latency: Latency on the stepped clock, [s].
        rest: When it is left alone; None for never.
    """

    def __init__(self, runner: Runner, stepped: bool, latency: float, rest: Rest | None) -> None:
        self.runner, self.stepped, self.latency = runner, stepped, latency
        self.breaker = Breaker(rest)
        configured: int | None = getattr(runner, "concurrency", None)
        self.most = configured or (None if stepped or isinstance(runner, InLoop) else 1)
        self._patience: float | None = getattr(runner, "patience", None)
        self.flying: deque[Request] = deque()
        self.replies: dict[int, Reply] = {}
        self.gone = False
        """True while it died or hung and is not opened again."""
        self._ready_since: float | None = None
        self._opening: threading.Thread | None = None
        self._opened: Runner | BaseException | None = None

    @property
    def name(self) -> str:
        """Registry name of the backend."""
        return self.runner.name

    @property
    def patience(self) -> float:
        """How long an answer may take on a real clock, [s]."""
        return self._patience or PATIENCE

    @property
    def free(self) -> bool:
        """True while it takes another request."""
        return self.most is None or len(self.flying) < self.most

    def allows(self, now: float) -> bool:
        """Tell whether it is well enough to be asked; one that was lost is opened again when its rest is over."""
        if not self.breaker.allows(now):
            return False
        return not self.gone or self._is_back(now)

    def send(self, request: Request, now: float) -> None:
        """Hand a request over."""
        request.number = self.runner.submit(request.frame, [t.question for t in request.tickets])
        request.turn = now
        request.due = now + self.latency if self.stepped else None
        self.flying.append(request)
        self.breaker.sent()
        for ticket in request.tickets:
            ticket.sent, ticket.backend, ticket.due = True, self.name, request.due

    def fetch(self, timeout: float = 0.0) -> None:
        """Take the replies that are there; with none there, wait at most ``timeout`` [s] of wall time for one.

        Raises:
            BackendError: It could not be opened, or died.
        """
        if not self.gone and self.flying:
            waiting = {request.number for request in self.flying}
            self.replies.update((r.request, r) for r in self.runner.poll(timeout) if r.request in waiting)

    def back(self) -> Request | None:
        """Return the request that is delivered next, if its reply is there: on a stepped clock only the first one."""
        first = list(self.flying)[: 1 if self.stepped else None]
        return next((request for request in first if request.number in self.replies), None)

    def landed(self) -> bool:
        """Tell whether the reply to a request is there."""
        return self.back() is not None

    def take(self, now: float) -> tuple[Request, Reply]:
        """Return the request that came back and its reply; those behind it had to wait for it."""
        request = self.back()
        assert request is not None
        flying = list(self.flying)
        at = next(i for i, one in enumerate(flying) if one is request)
        for behind in flying[at:]:
            behind.turn = now
        del self.flying[at]
        return request, self.replies.pop(request.number)

    def heard(self, answers: Sequence[Answer], now: float) -> bool:
        """Judge its health by the answers to one request; True when it rests from now on."""
        problems = [answer.problem for answer in answers if answer.supported]
        if not problems:
            self.breaker.undecided()
        elif not all(problems):
            self.breaker.succeeded()
        else:
            return self.breaker.failed(now, problems[-1])
        return False

    def told(self, now: float) -> str:
        """Say why it is not asked."""
        if self.gone and not self.breaker.open:
            return f"{self.name} is being opened again: {self.breaker.why}"
        return self.breaker.told(self.name, now)

    def hangs(self, now: float) -> bool:
        """Tell whether the first request has been worked on for too long, on a real clock.

        Loading does not count, nor waiting for requests before it.
        """
        if self.stepped or not self.flying or self.landed() or not getattr(self.runner, "ready", True):
            return False
        if self._ready_since is None:
            self._ready_since = now
        return now - max(self.flying[0].turn, self._ready_since) > self.patience

    def await_first(self, patience: float, stopped: Callable[[], bool] | None) -> bool:
        """Wait in wall time for the reply to the first request; False when ``stopped()`` came first.

        Raises:
            BackendError: It died, or took longer than ``patience`` [s], or than its own.
        """
        patience = self._patience or patience
        until = time.monotonic() + patience
        while not self.landed():
            self.fetch(_SLICE)
            if stopped is not None and stopped():
                return self.landed()
            if not self.landed() and time.monotonic() > until:
                raise BackendError(f"backend {self.name!r} gave no answer within {patience:g} s")
        return True

    def lose(self, now: float, why: str) -> list[Request]:
        """Give it up for now: end its process, and return what it was sent. It is opened again after its rest."""
        self.breaker.failed(now, why, at_once=True)
        lost, self.flying = list(self.flying), deque()
        self.replies.clear()
        self.gone, self._ready_since = True, None
        self._off_the_tick(getattr(self.runner, "abandon", self.runner.close))
        return lost

    def close(self) -> None:
        """Close it; no process is left. Idempotent."""
        if self._opening is not None:
            self._opening.join()
        self.flying.clear()
        if self._opened is not None and not isinstance(self._opened, BaseException):
            self._opened.close()
        self.runner.close()

    def _is_back(self, now: float) -> bool:
        """Open it again, off the tick; True once that is done."""
        again: Callable[[], Runner] | None = getattr(self.runner, "reopen", None)
        if self._opening is None and again is not None:
            self._off_the_tick(partial(self._reopen, again))
        if self._opening is None or (self._opening.is_alive() and not self.stepped):
            return False
        self._opening.join()
        self._opening = None
        opened, self._opened = self._opened, None
        if opened is None:  # what ended was the closing
            return self._is_back(now)
        if isinstance(opened, BaseException):
            self.breaker.failed(now, headline(opened), at_once=True)
            return False
        self.runner, self.gone = opened, False
        return True

    def _reopen(self, again: Callable[[], Runner]) -> None:
        try:
            self._opened = again()
        except Exception as error:  # told when it is looked at, on the thread that ticks
            self._opened = error

    def _off_the_tick(self, act: Callable[[], object]) -> None:
        """Do something that may take some milliseconds on a thread of its own, after what is being done there."""
        before = self._opening

        def work() -> None:
            if before is not None:
                before.join()
            act()

        self._opening = threading.Thread(target=work, name=f"reopening {self.name}", daemon=True)
        self._opening.start()
