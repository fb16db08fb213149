"""What every backend offers, and the registry that finds one by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from .._base import KnotholeError, Registry
from .questions import Answer, Frame, Kind, Question


class BackendError(KnotholeError):
    """A backend cannot be opened or its worker died. A refused or unreadable answer is not an error but *unsure*."""


class Backend(Protocol):
    """Something that answers questions about a frame.

    Attributes:
        name: Registry name, such as ``"embedded"``.
        model: Name and version of the model, part of every answer.
        kinds: Kinds of question it can answer.
        remote: True when frames leave the machine.
    """

    name: str
    model: str
    kinds: frozenset[Kind]
    remote: bool

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions about one frame, in order. May take long; the broker never calls it inside a tick.

        A question it can't answer gets an ``Answer`` with a ``problem``.
        """
        ...

    def close(self) -> None:
        """Release the model. Idempotent."""
        ...


Hearing = Callable[[str], bool]
"""Gets the text of an answer so far; says False when nobody listens any more."""


@runtime_checkable
class Writer(Protocol):
    """A backend that hands over its answer while it writes it. No backend must."""

    def write(self, frame: Frame | None, question: Question, hearing: Hearing) -> Answer:
        """Answer one question, and tell the text so far after each token; the text only grows.

        An answer that is no text is told as an empty one. Once ``hearing`` says False what is returned does not matter.
        """
        ...


@runtime_checkable
class SideBySide(Protocol):
    """A backend that may be asked by several threads at once, such as one that waits for a server. No backend must.

    Attributes:
        side_by_side: Whether it may.
    """

    side_by_side: bool


@dataclass(frozen=True)
class BackendOptions:
    """What a backend factory receives. Plain data, so that it reaches a worker process.

    Attributes:
        argument: Text after the colon in ``--vlm qwen:/models/qwen3-vl-2b``, empty if none.
        settings: The backend's block of ``knothole.toml``.
    """

    argument: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class BackendEntry:
    """A registered backend.

    Attributes:
        open: Factory; heavy imports happen inside it.
        runs_in: Where the broker runs it: the tick loop itself (instant answers only) or a worker process.
        latency: Latency in simulated time unless configured otherwise, [s].
        check: Quick look at the options in the caller's process, before a worker starts, so that a misspelled path is
            an error of usage and not a fault while running. Raises ``BackendError``; imports nothing heavy.
        destination: For a backend that is remote: address that questions and frames are sent to with these options.
    """

    open: Callable[[BackendOptions], Backend]
    runs_in: Literal["loop", "process"] = "process"
    latency: float = 0.1
    check: Callable[[BackendOptions], None] | None = None
    destination: Callable[[BackendOptions], str] | None = None


BACKENDS: Registry[BackendEntry] = Registry(
    "backend", "vlm", "knothole.backends", "correct the name, or list backends with `knothole doctor`"
)


def backend(
    name: str,
    runs_in: Literal["loop", "process"] = "process",
    latency: float = 0.1,
    check: Callable[[BackendOptions], None] | None = None,
    destination: Callable[[BackendOptions], str] | None = None,
) -> Callable[[Callable[[BackendOptions], Backend]], Callable[[BackendOptions], Backend]]:
    """Register a backend factory under ``name``."""

    def keep(factory: Callable[[BackendOptions], Backend]) -> Callable[[BackendOptions], Backend]:
        BACKENDS.register(name)(BackendEntry(factory, runs_in, latency, check, destination))
        return factory

    return keep
