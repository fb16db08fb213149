"""The backend ``replay``: answers as a recorded run was answered, from its cassette or its trace.

``--vlm replay:FILE`` answers each question about a picture as it was answered in the recording, at the same time after
it was asked, so a run that was recorded and is run again is the same run. A question that was asked several times about
equal pictures gets its answers in the order of the recording, the last one from then on. Of several runs in a cassette
the newest one that has an answer counts.

What is not recorded is *unsure* with a ``problem`` that says what is nearest; or it goes to another backend, which the
setting ``then`` names, and with ``record = true`` its answers are added to the cassette. Recorded answers with a
``problem`` do not count then, and none is added: what failed one day may well be answered the next.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .broking.opening import brokers_own, without_brokers_own
from .cassette import CassetteError
from .cassette_writer import CassetteWriter
from .contract import BACKENDS, BackendError, BackendOptions, backend
from .questions import KINDS, Answer, Frame, Kind, Question
from .recorded import question_data
from .recorded_answers import RecordedAnswers
from .recorded_trace import MAGIC, read_recorded
from .replay_settings import ReplaySettings
from .runner import Reply, Runner

PATIENCE = 600.0
"""Longest wait of ``Replay.ask`` for the other backend, loading the model included, [s]."""

Opener = Callable[[str, Mapping[str, object]], Runner]


def _is_trace(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class Replay:
    """Answer from a recording.

    Args:
        recording: What was recorded.
        runner: Where questions go that are not in it; None for a strict replay.
        writer: Where answers of that runner are kept; None for nowhere.

    Attributes:
        latency: Time an answer takes on a stepped clock, [s]: as in the recording.
        concurrency: How many requests it is sent at once, None for as many as usual.
        patience: How long an answer may take on a real clock before it counts as hung, [s]; None for as long as usual.
        reopen: Opens it again after ``abandon``: the other backend anew, and the same recording.
    """

    name = "replay"
    kinds: frozenset[Kind] = frozenset(KINDS)

    def __init__(
        self, recording: RecordedAnswers, runner: Runner | None = None, writer: CassetteWriter | None = None
    ) -> None:
        self._recording, self._runner, self._writer = recording, runner, writer
        self.model, self.latency = f"replay of {recording.model}", recording.latency
        self.remote = bool(getattr(runner, "remote", False))
        self.concurrency: int | None = getattr(runner, "concurrency", None)
        self.patience: float | None = getattr(runner, "patience", None)
        self.reopen: Callable[[], Replay] | None = None
        self._next = 0
        self._jobs: deque[_Job] = deque()
        self._asked: dict[int, _Job] = {}

    @property
    def ready(self) -> bool:
        """True once the model of the other backend is loaded; always where there is none."""
        return bool(getattr(self._runner, "ready", True))

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer questions; waits for the other backend where there is one."""
        number = self.submit(frame, questions)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for reply in self.poll(0.1):
                if reply.request == number:
                    return list(reply.answers)
        raise BackendError(f"the backend behind the replay of {self._recording.path} gave no answer")

    def submit(self, frame: Frame | None, questions: Sequence[Question]) -> int:
        """Answer what is recorded and hand over the rest. Never waits."""
        digest = frame.digest() if frame is not None else ""
        found = [self._recording.find(digest, question) for question in questions]
        job = _Job(self._next, digest, frame, tuple(questions), found)
        self._next += 1
        self._jobs.append(job)
        missing = [i for i, answer in enumerate(found) if answer is None]
        if missing and self._runner is not None:
            job.waits = True
            self._asked[self._runner.submit(frame, [questions[i] for i in missing])] = job
            return job.number
        for i in missing:
            why = self._recording.missing(digest, questions[i])
            found[i] = Answer(questions[i].kind, problem=why, model=self.model, supported=False)
        return job.number

    def poll(self, timeout: float) -> list[Reply]:
        """Return the replies that are there, in the order of the requests."""
        waits = bool(self._jobs) and self._jobs[0].waits
        if self._asked and self._runner is not None:
            for reply in self._runner.poll(timeout if waits else 0.0):
                self._take(reply)
        done: list[Reply] = []
        while self._jobs and not self._jobs[0].waits:
            done.append(self._jobs.popleft().reply())
        return done

    def fileno(self) -> int | None:
        """Return the descriptor of the other backend, where one is asked."""
        return self._runner.fileno() if self._runner is not None else None

    def abandon(self) -> None:
        """Close the other backend: it hangs or died. The cassette stays open for the one that is opened after it."""
        if self._runner is not None:
            self._runner.close()

    def close(self) -> None:
        """Close the other backend and the cassette. Idempotent."""
        self.abandon()
        if self._writer is not None:
            self._writer.close()

    def _take(self, reply: Reply) -> None:
        job = self._asked.pop(reply.request)
        job.waits, job.seconds = False, reply.seconds
        answers = iter(reply.answers)
        for i, found in enumerate(job.found):
            if found is None:
                answer = job.found[i] = next(answers)
                if self._writer is not None and not answer.problem:
                    self._writer.write(job.digest, question_data(job.questions[i]), answer, self.latency)


@dataclass
class _Job:
    """One request on its way."""

    number: int
    digest: str
    frame: Frame | None
    questions: tuple[Question, ...]
    found: list[Answer | None]
    waits: bool = False
    seconds: float = 0.0

    def reply(self) -> Reply:
        about = {"frame_id": self.frame.id, "frame_stamp": self.frame.stamp} if self.frame is not None else {}
        answers = tuple(replace(answer, **about) for answer in self.found if answer is not None)  # type: ignore[arg-type]
        return Reply(self.number, answers, self.seconds)


def make_replay(options: BackendOptions, opener: Opener) -> Replay:
    """Open a replay.

    Args:
        options: Argument and settings, see ``ReplaySettings``.
        opener: Opens the backend that is asked what is not recorded, by name and settings.

    Raises:
        BackendError: Argument, settings or recording are wrong, or the other backend cannot be opened.
    """
    concurrency, patience = brokers_own("replay", options)
    wanted = ReplaySettings.of(without_brokers_own(options))
    recording, latency = _read(wanted), options.settings.get("latency")

    def other() -> Runner | None:
        return opener(wanted.then, wanted.then_settings) if wanted.then else None

    def replay(runner: Runner | None) -> Replay:
        made = Replay(recording, runner, writer)
        made.concurrency, made.patience = concurrency or made.concurrency, patience or made.patience
        made.latency = float(latency) if isinstance(latency, int | float) else made.latency
        made.reopen = lambda: replay(other())
        return made

    runner, writer = other(), None
    if wanted.record:
        about: dict[str, Any] = {"vlm": wanted.then, "about": "what a replay found missing"}
        try:
            writer = CassetteWriter(wanted.path, wanted.then.partition(":")[0], about, "drop")
        except CassetteError as error:
            raise BackendError(str(error)) from error
    return replay(runner)


def _read(wanted: ReplaySettings) -> RecordedAnswers:
    try:
        cassette = read_recorded(wanted.path)
        if wanted.record and _is_trace(wanted.path):
            raise BackendError(
                f"answers cannot be added to the trace {wanted.path}\n"
                "  fix:  record a cassette with --cassette, or take out 'record'"
            )
    except CassetteError as error:
        raise BackendError(str(error)) from error
    return RecordedAnswers(cassette, problems=not wanted.then)


def _check(options: BackendOptions) -> None:
    wanted = ReplaySettings.of(without_brokers_own(options))
    _read(wanted)
    if wanted.then:
        BACKENDS.get(wanted.then.partition(":")[0])


@backend("replay", runs_in="loop", latency=0.0, check=_check)
def open_replay(options: BackendOptions) -> Replay:
    """Open ``replay:FILE`` or ``replay:FILE+strict``. Settings: ``strict``, ``then``, ``record``, ``latency``."""
    from .broker import open_backend

    return make_replay(options, open_backend)
