"""Work that is done once for each seed, here or in processes that each keep what they have opened."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import queue
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, TypeVar

from ..._base import KnotholeError

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

GRACE = 10.0
"""Time a process has to end its work when the whole ends early, [s]."""

T = TypeVar("T")
Worker = Callable[[int], T]
"""Does the work of one seed."""
Opening = Callable[[], AbstractContextManager[Worker[T]]]
"""Opens what the work needs; a function of a module or ``partial`` of one, so that it reaches a process."""


class EvaluationError(KnotholeError):
    """An evaluation cannot be started, or one of its processes died."""


def each_seed(opening: Opening[T], seeds: Sequence[int], workers: int = 1) -> Iterator[tuple[int, T]]:
    """Do the work of all seeds; yield each result as soon as it is there.

    Args:
        opening: Opens what the work needs, once in each process.
        seeds: The seeds.
        workers: Processes; one works here.

    Raises:
        KnotholeError: The work raised it.
        EvaluationError: A process died, or the work in one raised something.
    """
    if workers == 1 or len(seeds) < 2:
        with opening() as work:
            for seed in seeds:
                result = work(seed)
                _give_back()
                yield seed, result
        return
    context = multiprocessing.get_context("spawn")
    tasks: Queue[int | None] = context.Queue()
    done: Queue[tuple[int, T | KnotholeError | None]] = context.Queue()
    workers = min(workers, len(seeds))
    for item in (*seeds, *[None] * workers):
        tasks.put(item)
    crew: list[BaseProcess] = [
        context.Process(target=_work, args=(opening, tasks, done), daemon=True) for _ in range(workers)
    ]
    for process in crew:
        process.start()
    try:
        waiting = len(seeds)
        while waiting:
            seed, outcome = _next(done, crew)
            if isinstance(outcome, KnotholeError):
                raise outcome
            if outcome is not None:
                waiting -= 1
                yield seed, outcome
    finally:
        for process in crew:
            process.terminate()
        for process in crew:
            process.join(GRACE)
            process.kill()
            process.join()


def _work(opening: Opening[T], tasks: Queue[int | None], done: Queue[tuple[int, T | KnotholeError | None]]) -> None:
    """Run in a process: seeds until there are none; None in ``done`` says that it is ready to end."""
    try:
        with opening() as work:
            while (seed := tasks.get()) is not None:
                done.put((seed, work(seed)))
                _give_back()
    except KnotholeError as error:
        done.put((-1, EvaluationError(str(error))))
    except KeyboardInterrupt:
        pass
    done.put((-1, None))


def _give_back() -> None:
    """Give the memory that the work of a seed has freed back to the system; glibc would keep more with every seed."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # other libraries of C have no such function
            ctypes.CDLL(None).malloc_trim(0)


def _next(
    done: Queue[tuple[int, T | KnotholeError | None]], crew: Sequence[BaseProcess]
) -> tuple[int, T | KnotholeError | None]:
    while True:
        dead = [process.exitcode for process in crew if process.exitcode]
        try:
            return done.get(timeout=0.5)
        except queue.Empty:
            if dead:
                raise EvaluationError(f"a process of the evaluation died with exit code {dead[0]}") from None
