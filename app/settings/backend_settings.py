"""What a backend is opened with: its block of ``knothole.toml``, and for a remote one what holds for all of them."""

from __future__ import annotations

from pathlib import Path

from ...vlm.broking.opening import chain_of
from ...vlm.capabilities import FILE
from ...vlm.contract import BACKENDS
from .config import Config

_PATHS = ("api_key_file", "capabilities")
_MEASURED = ("transformers",)
"""Local backends that read what was measured of them; remote ones all do."""


def one_backend(config: Config, vlm: str = "") -> tuple[str, dict[str, object]]:
    """Return the backend that a command asks which asks only one, and its settings.

    Args:
        config: The project's configuration.
        vlm: Backend; empty takes the configured one. Of a chain it is the first.

    Raises:
        KnotholeError: No backend has the name, or the chain has a mistake.
    """
    spec = chain_of(vlm or config.vlm)[0]
    return spec, settings_of(config, spec.partition(":")[0])


def settings_of(config: Config, backend: str) -> dict[str, object]:
    """Return the settings of a backend, but for ``firewall``: that one says how it is asked.

    To a remote one pictures are sent as ``[privacy]`` says unless its block says otherwise. What it, or a checkpoint of
    any family, was measured to do stands in ``capabilities.json`` beside the configuration, and paths are relative to
    its folder.

    Args:
        config: The project's configuration.
        backend: Registry name.

    Raises:
        UnknownNameError: No backend has the name.
    """
    settings = {name: value for name, value in config.backends.get(backend, {}).items() if name != "firewall"}
    remote = BACKENDS.get(backend).destination is not None
    if not remote and backend not in _MEASURED:
        return settings
    folder = config.file.parent if config.file is not None else Path()
    if remote:
        settings.setdefault("frames", config.frames)
    if "capabilities" not in settings and (folder / FILE).is_file():
        settings["capabilities"] = FILE
    for name in _PATHS:
        path = settings.get(name)
        if isinstance(path, str) and path:
            settings[name] = str(folder / Path(path).expanduser())
    return settings
