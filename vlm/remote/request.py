"""One request to a server: what it answers, until when, and how often it is tried."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field, replace

from ..questions import Answer, Question
from .failures import Failure, Fallback, Unreadable, explained
from .wire import spending

_GRACE = 0.05
_PAUSE, _LONGEST_PAUSE = 0.25, 4.0


@dataclass(frozen=True)
class Call:
    """One request to the server that answers some questions.

    Attributes:
        asked: Numbers of its questions.
        run: Send it and return their answers, in that order. Raises ``Fallback`` to have them asked in another way.
    """

    asked: tuple[int, ...]
    run: Callable[[], list[Answer]]


def batches(asked: Sequence[tuple[int, Question]], size: int) -> list[Sequence[tuple[int, Question]]]:
    """Split numbered questions into requests of at most ``size``."""
    return [asked[start : start + size] for start in range(0, len(asked), size)]


@dataclass(frozen=True)
class Job:
    """A call with its deadline and its further tries."""

    call: Call
    until: float
    seconds: float
    retries: int
    host: str
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> list[Answer]:
        """Return the answers, with the time they took.

        Raises:
            Failure: There are none.
            Fallback: The questions are to be asked in another way.
        """
        tries = 0
        while True:
            began = time.perf_counter()
            with spending(self.until, self.seconds):
                try:
                    answers = self.call.run()
                    if len(answers) != len(self.call.asked):
                        raise Unreadable(f"{self.host} sent {len(answers)} answers to {len(self.call.asked)} questions")
                except Fallback:
                    raise
                except Exception as error:
                    failure = explained(error, self.host)
                else:
                    took = time.perf_counter() - began
                    return [replace(answer, latency=took) for answer in answers]
            if tries >= self.retries or not failure.passing or not self._waited(failure, tries):
                raise failure from None
            tries += 1

    def _waited(self, failure: Failure, tries: int) -> bool:
        """Wait before the next try; False where that would not be before the deadline."""
        pause = min(_LONGEST_PAUSE, _PAUSE * 2**tries) if failure.retry_after is None else failure.retry_after
        if time.monotonic() + pause >= self.until:
            return False
        return not self.stop.wait(pause)


def outcome_of(future: Future[list[Answer]], job: Job) -> list[Answer] | Failure | None:
    """Wait for a call, at most until its deadline. None: to be asked in another way."""
    late = Failure(f"no answer from {job.host} within {job.seconds:g} s")
    try:
        return future.result(max(0.0, job.until - time.monotonic()) + _GRACE)
    except Fallback:
        return None
    except Failure as failure:
        return failure
    except NotYet:
        job.stop.set()
        future.cancel()
        return late
