"""Open backends by their text form, one or a chain of them."""

from __future__ import annotations

from collections.abc import Mapping

from ..._base import KnotholeError
from ..contract import BACKENDS, Backend, BackendError, BackendOptions
from ..runner import InLoop, Runner
from ..worker import Worker

BROKERS_OWN = ("concurrency", "patience")
"""Settings of a backend's block that are the broker's alone."""


def chain_of(spec: str) -> tuple[str, ...]:
    """Return the backends of a chain, the preferred one first.

    >>> chain_of("openai:gpt-4o, embedded")
    ('openai:gpt-4o', 'embedded')

    Raises:
        BackendError: One of them is empty, or one comes twice.
    """
    parts = tuple(part.strip() for part in spec.split(","))
    if len(parts) > 1 and not all(parts):
        raise BackendError(f"{spec!r} names an empty backend\n  fix:  write a chain as openai:gpt-4o,embedded")
    twice = next((part for part in parts if parts.count(part) > 1), "")
    if twice:
        raise BackendError(f"{spec!r} names the backend {twice!r} twice\n  fix:  name each backend of a chain once")
    return parts


def open_backend(spec: str, settings: Mapping[str, object] | None = None) -> Runner:
    """Open a backend by its text form, ready for a ``Broker``.

    A backend that needs a process of its own starts to load and this returns at once.

    Args:
        spec: ``name`` or ``name:argument``, as in ``qwen:/models/qwen3-vl-2b``.
        settings: The backend's block of ``knothole.toml``; ``latency`` [s] there replaces the backend's own.
            ``concurrency`` is how many requests it is sent at once (on a real clock 1, on a stepped one any number
            unless given): a backend of a server works on them side by side, others on one after the other.
            ``patience`` is how long an answer may take on a real clock before it counts as hung, [s].

    Raises:
        UnknownNameError: No backend has the name.
        BackendError: Its argument or settings are wrong (as far as can be told before the model loads).
    """
    name, _, argument = spec.strip().partition(":")
    entry = BACKENDS.get(name)
    options = BackendOptions(argument, dict(settings or {}))
    latency = options.settings.get("latency", entry.latency)
    if isinstance(latency, bool) or not isinstance(latency, int | float) or latency < 0:
        raise BackendError(f"setting 'latency' of backend {name!r} is {latency!r}, must be a number of seconds >= 0")
    concurrency, patience = brokers_own(name, options)
    options = without_brokers_own(options)
    if entry.check is not None:
        entry.check(options)

    def opened() -> Runner:
        runner = (
            Worker(name, options, concurrency or 1) if entry.runs_in == "process" else InLoop(_opened(name, options))
        )
        more = {"latency": float(latency), "concurrency": concurrency, "patience": patience, "reopen": opened}
        for key, value in more.items():
            setattr(runner, key, value)
        return runner

    return opened()


def without_brokers_own(options: BackendOptions) -> BackendOptions:
    """Return the options of a backend as it is to see them: without what is the broker's alone."""
    return BackendOptions(options.argument, {k: v for k, v in options.settings.items() if k not in BROKERS_OWN})


def brokers_own(name: str, options: BackendOptions) -> tuple[int | None, float | None]:
    """Return ``concurrency`` and ``patience`` of a backend's block.

    Raises:
        BackendError: One of them is no such number.
    """
    concurrency, patience = options.settings.get("concurrency"), options.settings.get("patience")
    if concurrency is not None and (
        isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1
    ):
        raise BackendError(f"setting 'concurrency' of backend {name!r} is {concurrency!r}, must be a whole number >= 1")
    if patience is not None and (
        isinstance(patience, bool) or not isinstance(patience, int | float) or not patience > 0
    ):
        raise BackendError(f"setting 'patience' of backend {name!r} is {patience!r}, must be a number of seconds > 0")
    return concurrency, None if patience is None else float(patience)


def _opened(name: str, options: BackendOptions) -> Backend:
    try:
        return BACKENDS.get(name).open(options)
    except KnotholeError:
        raise
    except Exception as error:
        raise BackendError(f"backend {name!r} cannot be opened: {type(error).__name__}: {error}") from error
