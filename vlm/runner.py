"""Where a backend runs: the common face of *inside the tick loop* and *in a worker process*."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from .contract import Backend, BackendError, Hearing, Writer
from .questions import Answer, Frame, Question


@dataclass(frozen=True)
class Reply:
    """The answers to one request, in the order of its questions, and the wall time they took, [s]."""

    request: int
    answers: tuple[Answer, ...]
    seconds: float


class Runner(Protocol):
    """Takes requests in order and returns their replies, in that order where it works on one after the other.

    Attributes:
        name: Registry name of the backend.
        latency: Its latency in simulated time unless configured otherwise, [s].
    """

    name: str
    latency: float

    def submit(self, frame: Frame | None, questions: Sequence[Question]) -> int:
        """Hand over one request and return its number. Never waits for the model."""
        ...

    def poll(self, timeout: float) -> list[Reply]:
        """Return the replies that are there; with none there, wait at most ``timeout`` [s] of wall time for one.

        Raises:
            BackendError: The backend cannot be opened or died; the cause is chained.
        """
        ...

    def fileno(self) -> int | None:
        """Return a file descriptor with something to read whenever ``poll`` may have news; None if there is none."""
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A runner that also passes on what is said of an answer before it is there."""

    def submit_heard(self, frame: Frame | None, question: Question, hearing: Hearing) -> int:
        """Hand over one question as ``submit`` does; ``hearing`` hears of its answer during ``poll`` or at once."""
        ...


def answer_all(
    backend: Backend, frame: Frame | None, questions: Sequence[Question], hearing: Hearing | None = None
) -> tuple[Answer, ...]:
    """Ask a backend and make its answers complete.

    Where there is one question, and the backend tells of answers while it writes them, ``hearing`` hears of it.

    A kind that the backend does not know, an exception and a wrong number of answers become answers with a
    ``problem``; model, latency, frame id and stamp are filled in where the backend left them empty.

    Raises:
        BackendError: The backend itself says that it is broken.
    """
    wanted = [q for q in questions if q.kind in backend.kinds]
    began = time.perf_counter()
    try:
        if hearing is not None and len(wanted) == 1 and isinstance(backend, Writer):
            given = [backend.write(frame, wanted[0], hearing)]
        else:
            given = list(backend.ask(frame, wanted)) if wanted else []
        if len(given) != len(wanted):
            raise ValueError(f"{len(wanted)} questions, {len(given)} answers")
    except BackendError:
        raise
    except Exception as error:
        given = [Answer(q.kind, problem=f"{backend.name} failed: {type(error).__name__}: {error}") for q in wanted]
    took = time.perf_counter() - began
    rest = iter(given)
    answers = (
        next(rest)
        if q.kind in backend.kinds
        else Answer(q.kind, problem=f"{backend.name} does not answer questions of kind {q.kind}", supported=False)
        for q in questions
    )
    return tuple(
        replace(
            answer,
            model=answer.model or backend.model,
            latency=answer.latency or took,
            frame_id=frame.id if frame is not None else "",
            frame_stamp=frame.stamp if frame is not None else 0.0,
        )
        for answer in answers
    )


class InLoop:
    """Run a backend inside the tick loop. Only for those that answer at once (scripted, oracle).

    Args:
        backend: The opened backend.
        latency: Its latency in simulated time, [s].
    """

    def __init__(self, backend: Backend, latency: float = 0.0) -> None:
        self.backend = backend
        self.name, self.latency = backend.name, latency
        self._next, self._replies = 0, list[Reply]()

    def submit(self, frame: Frame | None, questions: Sequence[Question]) -> int:
        """Answer at once and keep the reply for ``poll``."""
        return self._submit(frame, questions, None)

    def submit_heard(self, frame: Frame | None, question: Question, hearing: Hearing) -> int:
        """Answer at once, and tell of it meanwhile."""
        return self._submit(frame, [question], hearing)

    def _submit(self, frame: Frame | None, questions: Sequence[Question], hearing: Hearing | None) -> int:
        began = time.perf_counter()
        answers = answer_all(self.backend, frame, questions, hearing)
        self._replies.append(Reply(self._next, answers, time.perf_counter() - began))
        self._next += 1
        return self._next - 1

    def poll(self, timeout: float) -> list[Reply]:
        """Return all replies since the last call."""
        replies, self._replies = self._replies, []
        return replies

    def fileno(self) -> None:
        """Return None: replies are there at once."""

    def close(self) -> None:
        """Close the backend."""
        self.backend.close()
