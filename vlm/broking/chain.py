"""The backends of a broker, the preferred one first: who is asked next, who is well, who is on which request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..contract import BackendError
from ..hearing import EARS
from ..questions import Kind
from ..runner import Runner
from ..tickets import Ticket
from .accounts import Accounts
from .breaker import Rest
from .link import Link, Request

_TIE = 1e-9


class Chain:
    """Links in the order of preference.

    Args:
        runners: Where the backends run.
        stepped: Whether answers come after their latency on a stepped clock.
        latency: Latency on the stepped clock, [s]; None takes each backend's own.
        rest: When a backend is left alone for a while; None for never.
        accounts: Says which of them has spent its budget.
    """

    def __init__(
        self, runners: Sequence[Runner], stepped: bool, latency: float | None, rest: Rest | None, accounts: Accounts
    ) -> None:
        if not runners:
            raise ValueError("a broker needs at least one backend")
        self.links = [Link(r, stepped, r.latency if latency is None else latency, rest) for r in runners]
        self._stepped, self._accounts = stepped, accounts

    @property
    def alone(self) -> bool:
        """True when there is one backend only."""
        return len(self.links) == 1

    def flying(self) -> Iterator[Ticket]:
        """Yield the tickets that backends have."""
        return (ticket for link in self.links for request in link.flying for ticket in request.tickets)

    @property
    def descriptor(self) -> int | None:
        """The file descriptor of a backend that is busy; None where there is none."""
        busy = (link for link in self.links if link.flying and not link.gone)
        return next((fd for link in busy if (fd := link.runner.fileno()) is not None), None)

    def arrived(self) -> bool:
        """Tell whether something came back, or a backend died; for clocks that are not stepped."""
        try:
            for link in self.links:
                link.fetch()
        except BackendError:
            return True
        return any(link.landed() for link in self.links)

    def first_back(self, now: float) -> Link | None:
        """Return the link whose first request is due, or on a real clock back; of several the earliest."""
        back = [link for link in self.links if (_is_due(link, now) if self._stepped else link.landed())]
        return min(back, key=_order, default=None)

    def next(self, first: int, now: float) -> int | None:
        """Return the first backend from an index on that is well and has not spent its budget."""
        for index in range(first, len(self.links)):
            link = self.links[index]
            if link.allows(now) and not self._accounts.spent(link.name):
                return index
        return None

    def takes(self, kind: Kind, first: int, now: float) -> bool:
        """Tell whether a question of a kind can go on to a backend from an index on; ears only hear."""
        index = self.next(first, now)
        return index is not None and (kind == "transcribe" or self.links[index].name not in EARS)

    def why_not(self, first: int, now: float) -> str:
        """Say why no backend from an index on can be asked."""
        links = self.links[first:] or self.links[-1:]
        spent = [words for link in links if (words := self._accounts.spent(link.name))]
        return spent[-1] if spent else "; ".join(link.told(now) for link in links)

    def send(self, request: Request, index: int, now: float) -> None:
        """Hand a request to a backend."""
        request.link = index
        self.links[index].send(request, now)
        self._accounts.sent(self.links[index], request)

    def close(self) -> None:
        """Close all of them."""
        for link in self.links:
            link.close()


def _order(link: Link) -> tuple[float, int]:
    request = link.back() or link.flying[0]
    return request.due or 0.0, request.serial


def _is_due(link: Link, now: float) -> bool:
    due = link.flying[0].due if link.flying else None
    return due is not None and due <= now + _TIE
