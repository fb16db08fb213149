"""Why a request to a server has no usable answer, in words for the author of a tree."""

from __future__ import annotations

import math


class Failure(Exception):
    """A request has no usable answer; the questions of it get this as their problem.

    Attributes:
        reason: What happened. Secrets of this process are scrubbed before it reaches an answer.
        status: HTTP status, 0 where there was none.
        passing: Asking again may help: too many requests, a fault of the server, no connection.
        retry_after: How long the server asks to wait, [s]; None where it does not say.
        told: What the server said of it, in lower case, to find out which part of a request it refused.
    """

    def __init__(
        self, reason: str, status: int = 0, passing: bool = False, retry_after: float | None = None, told: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason, self.status, self.passing, self.retry_after = reason, status, passing, retry_after
        self.told = told.lower()

    @property
    def refused(self) -> bool:
        """True when the server takes no such request, whatever is asked: another form of it may do."""
        return self.status in (400, 404, 405, 415, 422, 501)


class Fallback(Exception):
    """The server cannot answer in this way; the backend has chosen another one and the questions are asked again."""


class Unreadable(Failure):
    """The answer came whole, and its form is not the promised one."""


class NoLogprobs(Unreadable):
    """The server took the request for probabilities of tokens and told none."""


def explained(error: BaseException, host: str) -> Failure:
    """Return the failure behind what a client library raised.

    Args:
        error: What was caught; a failure of the wire is found among its causes.
        host: Who was asked.
    """
    one: BaseException | None = error
    for _ in range(10):
        if one is None:
            break
        if isinstance(one, Failure):
            return one
        one = one.__cause__ or one.__context__
    return Failure(f"asking {host} failed: {type(error).__name__}")


def field(raw: object, *path: str | int) -> object:
    """Return a value inside JSON, None where the way to it does not exist.

    >>> field({"a": [{"b": 3}]}, "a", 0, "b"), field({"a": []}, "a", 0, "b")
    (3, None)
    """
    for step in path:
        if isinstance(step, str) and isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(step, int) and isinstance(raw, list) and -len(raw) <= step < len(raw):
            raw = raw[step]
        else:
            return None
    return raw


def number(raw: object, low: float, high: float, what: str) -> float:
    """Return a number of an answer.

    Raises:
        Unreadable: It is no number, not finite, or out of bounds.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw) or not low <= raw <= high:
        raise Unreadable(f"{what} is {str(raw)[:60]!r}, must be a number from {low:g} to {high:g}")
    return float(raw)
