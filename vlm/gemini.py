"""Gemini, through Google's package: decisions, content with a schema, boxes, pictures, sound.

What the service blocks or holds back is an answer with a problem, so *unsure*, and never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import import_needed
from .contract import BackendError, BackendOptions, backend
from .remote.settings import host_of, measured, need_package
from .remote.speakers.gemini_settings import WHO, gemini_key, gemini_settings

if TYPE_CHECKING:
    from .remote.backend import RemoteBackend


def _check(options: BackendOptions) -> None:
    settings = gemini_settings(options)
    gemini_key(settings, options)
    measured(settings, WHO)
    need_package("google.genai", WHO)


def _destination(options: BackendOptions) -> str:
    return gemini_settings(options).base_url


@backend(WHO, latency=1.0, check=_check, destination=_destination)
def open_gemini(options: BackendOptions) -> RemoteBackend:
    """Open ``gemini:MODEL``. For the settings see ``GeminiSettings`` and ``RemoteSettings``."""
    settings = gemini_settings(options)
    key = gemini_key(settings, options)
    known = measured(settings, WHO)
    sdk: Any = import_needed("google.genai", f"the {WHO} backend", WHO)
    types: Any = import_needed("google.genai.types", f"the {WHO} backend", WHO)
    from .remote.backend import RemoteBackend
    from .remote.client import open_wire
    from .remote.speakers.gemini_speaker import GeminiSpeaker

    wire, http = open_wire(settings, WHO)
    try:
        client = sdk.Client(
            api_key=key.reveal() if key is not None else "none",
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=settings.base_url,
                api_version=settings.api_version,
                httpx_client=http,
                timeout=int(settings.media_timeout * 1000),
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )
    except Exception as error:
        raise BackendError(f"the {WHO} backend cannot be opened: {type(error).__name__}") from None
    return RemoteBackend(WHO, settings, wire, GeminiSpeaker(client, types, settings, host_of(settings), known), [key])
