"""The backend ``pocketsphinx``: hears instructions and options, held to their grammar, without a network or a GPU."""

from __future__ import annotations

from importlib.util import find_spec

from .._base import MissingExtraError
from .contract import Backend, BackendError, BackendOptions, backend


def _check(options: BackendOptions) -> None:
    if options.argument:
        raise BackendError(
            f"pocketsphinx takes no argument, not {options.argument!r}\n  fix:  write --ears pocketsphinx"
        )
    if find_spec("pocketsphinx") is None:
        raise MissingExtraError("hearing with pocketsphinx", "pocketsphinx", "speech")


@backend("pocketsphinx", latency=0.2, check=_check)
def open_pocketsphinx(options: BackendOptions) -> Backend:
    """Open ``pocketsphinx``; it answers ``transcribe`` alone."""
    _check(options)
    from .hearing.sphinx import Sphinx

    return Sphinx()
