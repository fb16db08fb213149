"""A backend in its own process: the tick period stays steady whatever the model does.

The process is started by name, not forked and not by ``multiprocessing``: it never runs the user's script again, may be
started from a daemonic process, and has its own group, so that Ctrl-C in the terminal reaches the tick loop alone. It
ends by itself when the pipe to it closes, however the parent died.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection, Pipe, wait
from typing import IO, NoReturn

from .._base import KnotholeError
from .contract import BACKENDS, Backend, BackendEntry, BackendError, BackendOptions, Hearing, SideBySide
from .questions import Frame, Kind, Question
from .remote.crew import Crew
from .remote.notice import notice, tell
from .runner import Reply, answer_all
from .shared_frames import FrameReader, FrameRef, FrameRing

_START = (
    "import os, sys; sys.path[:] = sys.argv[3].split(os.pathsep); "
    f"from {__name__} import serve; serve(int(sys.argv[1]), int(sys.argv[2]))"
)
_INSIDE = "KNOTHOLE_WORKER"
_GRACE = 2.0


class WorkerTraceback(Exception):
    """The traceback inside the worker, as text: the cause of a ``BackendError``."""


class Worker:
    """Open a registered backend in a process of its own and pass requests to it.

    Returns at once; the model loads while the caller goes on, and requests wait their turn.

    Args:
        name: Registry name.
        options: Argument and settings; plain data. The setting ``threads`` limits the worker's threads; by default one
            less than there are cores.
        width: How many requests a backend that only waits for a server, ``SideBySide``, is asked at once.

    Raises:
        UnknownNameError: No backend has the name.
        BackendError: Called inside a worker: a script that defines a backend lacks its ``__main__`` guard.
    """

    def __init__(self, name: str, options: BackendOptions | None = None, width: int = 1) -> None:
        entry = BACKENDS.get(name)
        if os.environ.get(_INSIDE):
            raise BackendError(
                "a worker process tried to start another worker\n"
                "  why:  the script that defines the backend also runs it when it is imported\n"
                "  fix:  put the running part under  if __name__ == '__main__':"
            )
        options = options or BackendOptions()
        environment = _environment(options)
        self._notice = notice(name, entry.destination(options), options.settings) if entry.destination else ""
        self.name, self.latency = name, entry.latency
        self.model, self.kinds, self.remote = "", frozenset[Kind](), False
        self.ready = False
        self._failure: BackendError | None = None
        self._next, self._closed = 0, False
        self._ring = FrameRing()
        self._waiting: deque[tuple[int, Frame | None, tuple[Question, ...]]] = deque()
        self._hearing: dict[int, Hearing] = {}
        self._sent: dict[int, FrameRef | None] = {}
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="knothole-worker-")  # noqa: SIM115 - closed by _end
        self._pipe, theirs = Pipe()
        fds = (theirs.fileno(), self._ring.fd)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, fds), os.pathsep.join(p or os.getcwd() for p in sys.path)],
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=environment,
            process_group=0,
        )
        theirs.close()
        self._end = weakref.finalize(self, _end, self._process, self._pipe, self._ring, self._log, os.getpid())
        self._send(("open", name, options, _home_of(entry), width))

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    def submit(self, frame: Frame | None, questions: Sequence[Question]) -> int:
        """Queue one request. A dead worker is reported by ``poll``."""
        return self._submit(frame, questions, None)

    def submit_heard(self, frame: Frame | None, question: Question, hearing: Hearing) -> int:
        """Queue one question; ``hearing`` hears during ``poll`` what is written, and may end it."""
        return self._submit(frame, [question], hearing)

    def _submit(self, frame: Frame | None, questions: Sequence[Question], hearing: Hearing | None) -> int:
        if self._notice:
            tell(self._notice)
            self._notice = ""
        number, self._next = self._next, self._next + 1
        if hearing is not None:
            self._hearing[number] = hearing
        self._waiting.append((number, frame, tuple(questions)))
        self._pump()
        return number

    def poll(self, timeout: float) -> list[Reply]:
        """Return replies, waiting at most ``timeout`` [s] for the first.

        Raises:
            BackendError: The backend could not be opened, or its process died.
        """
        replies: list[Reply] = []
        until = time.monotonic() + timeout
        while self._receive(replies, 0.0 if replies else max(0.0, until - time.monotonic())):
            pass
        if self._failure is not None and not replies:
            raise self._failure
        return replies

    def fileno(self) -> int | None:
        """Return the descriptor of the pipe from the worker."""
        return None if self._closed else self._pipe.fileno()

    def wait_ready(self, timeout: float) -> None:
        """Wait until the model is loaded. For callers with nothing else to do; call it before the first ``submit``.

        Raises:
            BackendError: It could not be loaded, or not within ``timeout`` [s].
        """
        if not self.ready and not self._receive([], timeout):
            raise self._failure or BackendError(f"backend {self.name!r} was not ready within {timeout:g} s")

    def _receive(self, replies: list[Reply], timeout: float) -> bool:
        """Take one message; False when there is none in time or none will come."""
        if self._closed:
            raise BackendError(f"backend {self.name!r} is closed")
        if self._failure is not None or not wait([self._pipe], timeout):
            return False
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            self._failure = self._death()
            return False
        if message[0] == "ready":
            _, self.model, self.kinds, self.remote = message
            self.ready = True
        elif message[0] == "failed":
            self._failure = BackendError(message[1])
            self._failure.__cause__ = WorkerTraceback(message[2])
            return False
        elif message[0] == "part":
            _, number, text = message
            if number in self._hearing and not self._hearing[number](text):
                del self._hearing[number]
                self._send(("drop", number))
        else:
            replies.append(message[1])
            self._hearing.pop(message[1].request, None)
            ref = self._sent.pop(message[1].request)
            if ref is not None:
                self._ring.free(ref)
            self._pump()
        return True

    def close(self) -> None:
        """End the process and wait until it is gone. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self.ready and not self._sent and self._failure is None:
            self._send(("close",))
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
        self._end()

    def _pump(self) -> None:
        while self._waiting and not self._ring.full:
            number, frame, questions = self._waiting.popleft()
            ref = self._ring.put(frame) if frame is not None else None
            self._sent[number] = ref
            self._send(("ask", number, ref, questions, number in self._hearing))

    def _send(self, message: tuple[object, ...]) -> None:
        with contextlib.suppress(OSError):  # the worker is gone; poll reads why
            self._pipe.send(message)

    def _death(self) -> BackendError:
        try:
            code: int | str = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            code = "none yet"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 4000))
        said = self._log.read().decode(errors="replace").strip()
        error = BackendError(f"the worker process of backend {self.name!r} died (exit code {code})")
        error.__cause__ = WorkerTraceback(said or "it said nothing")
        return error


def _environment(options: BackendOptions) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = options.settings.get("threads", 0)
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0:
        raise BackendError(f"setting 'threads' is {wanted!r}, must be a whole number")
    threads = str(wanted or "") or os.environ.get("OMP_NUM_THREADS") or str(max(1, cores - 1))
    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **quiet, "OMP_NUM_THREADS": threads, _INSIDE: "1"}


def _home_of(entry: BackendEntry) -> tuple[str, str] | None:
    """Return module and file of a backend that the worker would not find by itself, else None."""
    module = entry.open.__module__
    if module.startswith(f"{__package__}."):
        return None
    return module, inspect.getsourcefile(entry.open) or ""


def _end(process: subprocess.Popen[bytes], line: Connection, ring: FrameRing, log: IO[bytes], owner: int) -> None:
    if os.getpid() != owner:  # a fork of the parent must not end the parent's worker
        return
    line.close()
    if process.poll() is None:
        process.kill()
    process.wait()
    ring.close()
    log.close()


def serve(pipe_fd: int, frames_fd: int) -> None:
    """Run the worker: open what the first message names, then answer requests until told to stop.

    They are answered in order; where the backend allows it, several at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line, frames = _Line(pipe_fd), FrameReader(frames_fd)
    inbox: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()
    dropped: set[int] = set()
    threading.Thread(target=_listen, args=(line, inbox, dropped, os.getppid()), daemon=True).start()
    _, name, options, home, width = inbox.get()
    assert isinstance(name, str)
    assert isinstance(options, BackendOptions)
    assert home is None or isinstance(home, tuple)
    assert isinstance(width, int)
    try:
        backend = _find(name, home).open(options)
    except BaseException as error:
        told = str(error) if isinstance(error, KnotholeError) else f"{type(error).__name__}: {error}"
        text = told if isinstance(error, BackendError) else f"backend {name!r} cannot be opened: {told}"
        line.send(("failed", text, traceback.format_exc()))
        _leave()
    line.send(("ready", backend.model, backend.kinds, backend.remote))
    crew = Crew(width, name) if width > 1 and isinstance(backend, SideBySide) and backend.side_by_side else None
    while (message := inbox.get())[0] == "ask":
        _, number, ref, questions, heard = message
        assert isinstance(number, int)
        hearing = _telling(line, number, dropped) if heard else None
        frame = frames.get(ref) if isinstance(ref, FrameRef) else None
        answer = partial(_answer, line, backend, number, frame, questions, hearing)  # type: ignore[arg-type]
        if crew is None:
            answer()
        else:
            crew.start(partial(_or_die, answer))
    backend.close()
    _leave()


class _Line(Connection):
    """The worker's end of the pipe; several threads may send."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Send one message as a whole."""
        with self._lock:
            super().send(message)


def _answer(
    line: _Line,
    backend: Backend,
    number: int,
    frame: Frame | None,
    questions: tuple[Question, ...],
    hearing: Hearing | None,
) -> None:
    """Answer one request; a backend that is broken ends the worker."""
    began = time.perf_counter()
    try:
        answers = answer_all(backend, frame, questions, hearing)
    except BackendError as error:
        line.send(("failed", str(error), traceback.format_exc()))
        _leave()
    line.send(("answers", Reply(number, answers, time.perf_counter() - began)))


def _or_die(act: Callable[[], None]) -> None:
    """Do something on a thread; what would end the worker on its first thread ends it there too."""
    try:
        act()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _telling(line: _Line, number: int, dropped: set[int]) -> Hearing:
    """Return what tells the other end of an answer that is being written, until that wants to hear no more."""

    def tell_part(text: str) -> bool:
        if number not in dropped:
            line.send(("part", number, text))
        return number not in dropped

    return tell_part


def _listen(line: Connection, inbox: queue.SimpleQueue[tuple[object, ...]], dropped: set[int], parent: int) -> None:
    """Pass messages on; leave at once, even in the middle of an answer, when the other end is gone."""
    try:
        while True:
            while not line.poll(1.0):
                if os.getppid() != parent:  # another child of the dead parent may hold the pipe open
                    os._exit(0)
            message = line.recv()
            if message[0] == "drop":
                dropped.add(message[1])
                continue
            inbox.put(message)
            if message[0] == "close":
                return
    except (EOFError, OSError):
        os._exit(0)


def _find(name: str, home: tuple[str, str] | None) -> BackendEntry:
    if home is not None and name not in BACKENDS and home[1]:
        module_name = "__mp_main__" if home[0] == "__main__" else home[0]
        spec = importlib.util.spec_from_file_location(module_name, home[1])
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    return BACKENDS.get(name)


def _leave() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
