"""A server of typed decisions: ``/v1/systemone``, as ``transformers serve``, vLLM, Ollama and our own server have it.

It answers yes/no, choice and score with a probability for each allowed answer, all questions in one request, and
writes no text.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from .contract import BackendError, BackendOptions, backend
from .remote.keys import Key, find_key
from .remote.settings import RemoteSettings, check_secrecy, check_url, host_of, read_settings

if TYPE_CHECKING:
    from .remote.backend import RemoteBackend

WHO = "systemone"


def _settings(options: BackendOptions) -> RemoteSettings:
    made = read_settings(RemoteSettings(), options, WHO)
    url = made.base_url or os.environ.get("SYSTEMONE_BASE_URL", "").strip()
    if not url:
        raise BackendError(
            f"the {WHO} backend is not told where the server is\n"
            f'  fix:  base_url = "http://127.0.0.1:8000/v1" under [backends.{WHO}], or export SYSTEMONE_BASE_URL=…'
        )
    check_url(url, WHO)
    return replace(made, base_url=url.rstrip("/").removesuffix("/systemone"))


def _key(settings: RemoteSettings, options: BackendOptions) -> Key | None:
    """Return the key, None for none; the usual variable counts for an address from the environment only."""
    usual = "" if options.settings.get("base_url") else "SYSTEMONE_API_KEY"
    names = [name for name in (settings.api_key_env or usual,) if name]
    key = find_key(names, settings.api_key_file, WHO)
    if key is None and settings.api_key_env:
        raise BackendError(f"the {WHO} backend has no key: the environment variable {names[0]} is not set")
    check_secrecy(settings.base_url, key is not None, settings, WHO)
    return key


def _check(options: BackendOptions) -> None:
    _key(_settings(options), options)


def _destination(options: BackendOptions) -> str:
    return _settings(options).base_url


@backend(WHO, latency=0.5, check=_check, destination=_destination)
def open_systemone(options: BackendOptions) -> RemoteBackend:
    """Open ``systemone:MODEL``. For the settings see ``RemoteSettings``; ``base_url`` ends before ``/systemone``."""
    settings = _settings(options)
    key = _key(settings, options)
    from .remote.backend import RemoteBackend
    from .remote.client import open_wire
    from .remote.speakers.systemone_speaker import SystemOneSpeaker

    wire, http = open_wire(settings, WHO)
    return RemoteBackend(WHO, settings, wire, SystemOneSpeaker(http, settings, host_of(settings), key), [key])
