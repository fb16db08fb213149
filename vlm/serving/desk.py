"""Where requests meet the model: what is asked about one picture while the model is busy goes to it together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..contract import BackendError, Hearing
from ..questions import Answer, Frame, Question
from ..runner import Listening, Runner
from .refusals import RefusedError

_SLICE = 0.25
"""Longest time that closing waits for a look at the model, [s]."""


Heard = Callable[[str], None]
"""Gets the text of an answer so far, in the event loop."""


@dataclass
class _Job:
    frame: Frame | None
    questions: tuple[Question, ...]
    done: asyncio.Future[list[Answer]] = field(repr=False)
    heard: Heard | None = None


class Desk:
    """Pass questions of many clients to one backend, one request at a time.

    Args:
        runner: The opened backend.
        most: Requests that may wait; more are refused.
        patience: Longest time that a request waits for its answers, [s].
    """

    def __init__(self, runner: Runner, most: int = 256, patience: float = 120.0) -> None:
        self.runner, self.most, self.patience = runner, most, patience
        self.requests = self.model_calls = 0
        self._waiting: deque[_Job] = deque()
        self._news = asyncio.Event()
        self._fault = ""

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    @property
    def fault(self) -> str:
        """Why the backend is beyond repair; empty while it is not."""
        return self._fault

    def admit(self) -> None:
        """Refuse what cannot be asked now.

        Raises:
            RefusedError: The backend is broken, or too many wait.
        """
        if self._fault:
            raise RefusedError(503, f"the model is not there any more: {self._fault}", code="model_unavailable")
        if len(self._waiting) >= self.most:
            raise RefusedError(429, f"{self.most} requests wait already; ask again later", code="too_many_requests")

    async def ask(self, frame: Frame | None, questions: Sequence[Question], heard: Heard | None = None) -> list[Answer]:
        """Return the answers to questions about a frame, in their order; once cancelled they are not written on.

        Args:
            frame: What is asked about.
            questions: One alone where ``heard`` is given.
            heard: Hears of the answer while it is written, if the backend tells of it.

        Raises:
            RefusedError: The backend is broken, too many wait, or it took too long.
        """
        self.admit()
        job = _Job(frame, tuple(questions), asyncio.get_running_loop().create_future(), heard)
        self._waiting.append(job)
        self.requests += 1
        self._news.set()
        try:
            async with asyncio.timeout(self.patience):
                return await job.done
        except TimeoutError:
            raise RefusedError(504, f"the model gave no answer within {self.patience:g} s", code="timeout") from None
        finally:
            self._waiting = deque(one for one in self._waiting if one is not job)  # nobody waits for it any more

    async def serve(self) -> None:
        """Answer jobs until cancelled."""
        while True:
            await self._news.wait()
            jobs = self._next()
            if not jobs:
                self._news.clear()
                continue
            questions = tuple(dict.fromkeys(question for job in jobs for question in job.questions))
            try:
                answers = await self._answers(jobs[0], questions)
            except Exception as error:  # whatever it is, nobody may wait for answers that will not come
                self._break(str(error) if isinstance(error, BackendError) else f"{type(error).__name__}: {error}", jobs)
                return
            known = dict(zip(questions, answers, strict=True))
            for job in jobs:
                if not job.done.done():
                    job.done.set_result([known[question] for question in job.questions])

    def _next(self) -> list[_Job]:
        """Take the oldest job and all others about the same pictures, but none that nobody waits for.

        One that is heard while it is written goes alone: others would wait for its end.
        """
        alive = [job for job in self._waiting if not job.done.done()]
        if not alive:
            self._waiting.clear()
            return []
        first = alive[0]
        taken = [
            job
            for job in alive
            if job is first or (_key(job.frame) == _key(first.frame) and first.heard is None and job.heard is None)
        ]
        self._waiting = deque(job for job in alive if all(job is not one for one in taken))
        return taken

    async def _answers(self, job: _Job, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        self.model_calls += 1
        if job.heard is not None and isinstance(self.runner, Listening):
            hearing = _passing_on(job, asyncio.get_running_loop())
            number = await asyncio.to_thread(self.runner.submit_heard, job.frame, questions[0], hearing)
        else:
            number = await asyncio.to_thread(self.runner.submit, job.frame, questions)
        while True:
            for reply in await asyncio.to_thread(self.runner.poll, _SLICE):
                if reply.request == number:
                    return reply.answers

    def _break(self, why: str, jobs: Sequence[_Job]) -> None:
        self._fault = why
        for job in (*jobs, *self._waiting):
            if not job.done.done():
                job.done.set_exception(RefusedError(503, f"the model died: {why}", code="model_unavailable"))
        self._waiting.clear()


def _passing_on(job: _Job, loop: asyncio.AbstractEventLoop) -> Hearing:
    """Return what takes the text of an answer from another thread to the event loop, as long as somebody waits."""
    heard = job.heard
    assert heard is not None

    def hearing(text: str) -> bool:
        if not job.done.done():
            loop.call_soon_threadsafe(heard, text)
        return not job.done.done()

    return hearing


def _key(frame: Frame | None) -> str:
    return "" if frame is None else frame.id


def now() -> int:
    """Return the time of an answer, in seconds since 1970, as clients expect it."""
    return int(time.time())
