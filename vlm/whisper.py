"""The backend ``whisper``: hears free speech with a Whisper checkpoint through transformers."""

from __future__ import annotations

from .contract import Backend, BackendError, BackendOptions, backend


def _check(options: BackendOptions) -> None:
    from pathlib import Path

    folder = Path(options.argument)
    if not options.argument or not (folder / "config.json").is_file():
        raise BackendError(
            f"there is no Whisper checkpoint in {options.argument or 'no directory'!r}\n"
            "  fix:  write whisper:DIR, with a folder that has config.json and weights"
        )


@backend("whisper", latency=1.0, check=_check)
def open_whisper(options: BackendOptions) -> Backend:
    """Open ``whisper:DIR``; it answers ``transcribe`` alone.

    Raises:
        BackendError: There is no checkpoint of a model that turns speech into text.
    """
    _check(options)
    from .hearing.whisper import Whisper

    return Whisper(options.argument)
