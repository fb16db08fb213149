"""A server of typed decisions: ``/v1/systemone``, as ``transformers serve``, vLLM, Ollama and our own server have it.

It answers yes/no, choice and score with a probability for each allowed answer, all questions in one request, and
writes no text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .contract import BackendError, BackendOptions, backend
from .remote.service import Service
from .remote.settings import RemoteSettings, host_of, read_settings

if TYPE_CHECKING:
    from .remote.backend import RemoteBackend

WHO = "systemone"
_SERVICE = Service(WHO, "SYSTEMONE_BASE_URL", ("SYSTEMONE_API_KEY",))


def _settings(options: BackendOptions) -> RemoteSettings:
    made = read_settings(RemoteSettings(), options, WHO)
    url = _SERVICE.url(made)
    if not url:
        raise BackendError(
            f"the {WHO} backend is not told where the server is\n"
            f'  fix:  base_url = "http://127.0.0.1:8000/v1" under [backends.{WHO}], or export SYSTEMONE_BASE_URL=…'
        )
    return replace(made, base_url=url.removesuffix("/systemone"))


def _check(options: BackendOptions) -> None:
    _SERVICE.key(_settings(options), options)


def _destination(options: BackendOptions) -> str:
    return _settings(options).base_url


@backend(WHO, latency=0.5, check=_check, destination=_destination)
def open_systemone(options: BackendOptions) -> RemoteBackend:
    """Open ``systemone:MODEL``. For the settings see ``RemoteSettings``; ``base_url`` ends before ``/systemone``."""
    settings = _settings(options)
    key = _SERVICE.key(settings, options)
    from .remote.backend import RemoteBackend
    from .remote.client import open_wire
    from .remote.speakers.systemone_speaker import SystemOneSpeaker

    wire, http = open_wire(settings, WHO)
    return RemoteBackend(WHO, settings, wire, SystemOneSpeaker(http, settings, host_of(settings), key), [key])
