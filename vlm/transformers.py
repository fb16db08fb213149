"""The backend ``transformers``: any image-text-to-text checkpoint, in the form its family was trained on."""

from __future__ import annotations

from .contract import Backend, BackendOptions, backend
from .local.settings import LocalSettings


def _check(options: BackendOptions) -> None:
    from .checkpoint import check_source

    LocalSettings().updated(options.settings, "transformers").check_quantize()
    check_source(options.argument, "transformers")


@backend("transformers", latency=0.5, check=_check)
def open_transformers(options: BackendOptions) -> Backend:
    """Open ``transformers:DIRECTORY`` or ``transformers:ORGANISATION/NAME``. For the settings see ``LocalSettings``.

    Raises:
        BackendError: There is no complete checkpoint of a family that takes images, or its calibration is another's.
        MissingExtraError: ``quantize`` needs a package that is not installed.
    """
    _check(options)
    settings = LocalSettings().updated(options.settings, "transformers")
    from .local.assembling import open_local

    return open_local(options.argument, settings)
