"""OpenAI, and every server that speaks its API: vLLM, SGLang, Ollama, llama.cpp, ``transformers serve``, our own.

A typed question is asked by the decisions API where the server has it, else by the probabilities of the next token,
else by a few samples of a written answer. Which of these shows at the first question, or stands in the capability file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import import_needed
from .contract import BackendError, BackendOptions, backend
from .remote.settings import host_of, measured, need_package
from .remote.speakers.openai_settings import WHO, openai_key, openai_settings

if TYPE_CHECKING:
    from .remote.backend import RemoteBackend


def _check(options: BackendOptions) -> None:
    settings = openai_settings(options)
    openai_key(settings, options)
    measured(settings, WHO)
    need_package("openai", WHO)


def _destination(options: BackendOptions) -> str:
    return openai_settings(options).base_url


@backend(WHO, latency=1.0, check=_check, destination=_destination)
def open_openai(options: BackendOptions) -> RemoteBackend:
    """Open ``openai:MODEL``. For the settings see ``OpenAISettings`` and ``RemoteSettings``."""
    settings = openai_settings(options)
    key = openai_key(settings, options)
    known = measured(settings, WHO)
    sdk: Any = import_needed("openai", f"the {WHO} backend", WHO)
    from .remote.backend import RemoteBackend
    from .remote.client import open_wire
    from .remote.speakers.openai_speaker import OpenAISpeaker

    wire, http = open_wire(settings, WHO)
    try:
        client = sdk.OpenAI(
            api_key=key.reveal() if key is not None else "none",
            base_url=settings.base_url,
            max_retries=0,
            timeout=settings.media_timeout,
            http_client=http,
        )
    except Exception as error:
        raise BackendError(f"the {WHO} backend cannot be opened: {type(error).__name__}") from None
    return RemoteBackend(WHO, settings, wire, OpenAISpeaker(client, settings, host_of(settings), known), [key])
