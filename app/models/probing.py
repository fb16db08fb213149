"""What ``knothole vlm probe`` does: open a backend as it is configured and measure what it can do."""

from __future__ import annotations

from pathlib import Path

from ..._base import KnotholeError
from ...vlm.broking.opening import without_brokers_own
from ...vlm.capabilities import FILE
from ...vlm.contract import BACKENDS, Backend, BackendError, BackendOptions
from ...vlm.probing import Probe, measure
from ..authoring.inspect import project
from ..settings.backend_settings import one_backend
from ..settings.names import register_all


def probe(vlm: str = "") -> Probe:
    """Measure a backend.

    Args:
        vlm: Backend; empty takes the configured one.

    Raises:
        KnotholeError: It cannot be opened, or is one that answers from what it is told.
    """
    config = project()
    register_all()
    spec, settings = one_backend(config, vlm)
    name, _, argument = spec.partition(":")
    entry = BACKENDS.get(name)
    if name == "oracle":
        raise BackendError("the oracle answers from the simulator's truth, and a probe has none\n  fix:  take a model")
    options = without_brokers_own(BackendOptions(argument, settings))
    if entry.check is not None:
        entry.check(options)
    backend = _opened(name, options)
    try:
        return measure(backend)
    finally:
        backend.close()


def _opened(name: str, options: BackendOptions) -> Backend:
    try:
        return BACKENDS.get(name).open(options)
    except KnotholeError:
        raise
    except Exception as error:
        raise BackendError(f"backend {name!r} cannot be opened: {type(error).__name__}: {error}") from error


def capability_file() -> Path:
    """Return where the measurements of a project are kept: beside its ``knothole.toml``, else in this folder."""
    file = project().file
    return (file.parent if file is not None else Path.cwd()) / FILE
