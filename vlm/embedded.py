"""The backend that comes with knothole: a tiny Qwen3-VL, trained from scratch on simulated tables."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from .checkpoint import check_source
from .contract import BackendError, BackendOptions, backend
from .questions import Kind
from .qwen import QwenBackend, open_checkpoint
from .qwen_settings import QwenSettings

KINDS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe"))
SETTINGS = QwenSettings(yes_no_suffix="", choices="words", square=True, box_tokens=240, max_tokens=64, batch=32)


def weights() -> Path:
    """Return the folder of the checkpoint that is part of the package."""
    return Path(str(files("knothole.vlm").joinpath("weights", "tiny")))


def _check(options: BackendOptions) -> None:
    SETTINGS.updated(options.settings, "embedded")
    if options.argument:
        check_source(options.argument, "embedded")
    elif not (weights() / "config.json").is_file():
        raise BackendError(
            f"the embedded checkpoint is not there: {weights()}\n"
            "  why:  this copy of knothole came without its weights\n"
            "  fix:  install a released package, train one with `knothole vlm train`, or take --vlm embedded:DIRECTORY"
        )


@backend("embedded", latency=0.1, check=_check)
def open_embedded(options: BackendOptions) -> QwenBackend:
    """Open ``embedded``, or ``embedded:DIRECTORY`` for another checkpoint of the same form."""
    _check(options)
    source = options.argument or str(weights())
    return open_checkpoint(source, SETTINGS.updated(options.settings, "embedded"), "embedded", KINDS)
