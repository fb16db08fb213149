"""Settings of the backend for OpenAI and compatible servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...contract import BackendError, BackendOptions
from ..keys import Key, find_key
from ..settings import RemoteSettings, check_secrecy, check_url, number, read_settings, word

WHO = "openai"
HOME = "https://api.openai.com/v1"
HOST = "api.openai.com"


@dataclass(frozen=True)
class OpenAISettings(RemoteSettings):
    """How an OpenAI-compatible server is asked; see ``RemoteSettings`` for the rest.

    Attributes:
        detail: Detail level of pictures, ``low``, ``high``, ``auto`` or ``original``; empty leaves it to the server.
        top_logprobs: Next tokens whose probability is asked for; most servers tell at most 20.
        token_limit: Name of the parameter that limits the tokens written; empty: ``max_completion_tokens`` for OpenAI
            itself, ``max_tokens`` for others, and the other one where that is refused.
        plans: How JSON is asked for: ``json_schema``, ``json_object`` or ``text``; empty finds out.
        image_model: Model for ``imagine``; empty: none, but for OpenAI itself its current one.
        image_size: Such as ``1024x1024``; empty leaves it to the server.
        transcribe_model: Model for ``transcribe``; empty as above.
        extra_body: Further fields of each chat request, such as ``{chat_template_kwargs = {enable_thinking = false}}``.
    """

    detail: str = word("", "", "low", "high", "auto", "original")
    top_logprobs: int = number(20, 1, 1000)
    token_limit: str = word("", "", "max_completion_tokens", "max_tokens")
    plans: str = word("", "", "json_schema", "json_object", "text")
    image_model: str = ""
    image_size: str = ""
    transcribe_model: str = ""
    extra_body: Mapping[str, object] = field(default_factory=dict)

    @property
    def official(self) -> bool:
        """True for the service of OpenAI itself."""
        return self.base_url.startswith(f"https://{HOST}/")


def openai_settings(options: BackendOptions) -> OpenAISettings:
    """Return checked settings, with the address filled in.

    The address is that of the settings, else of the environment variable ``OPENAI_BASE_URL``, else OpenAI's own.

    Raises:
        BackendError: One of them is wrong.
    """
    made = read_settings(OpenAISettings(), options, WHO)
    from_environment = os.environ.get("OPENAI_BASE_URL", "").strip()
    if not made.base_url and from_environment:
        check_url(from_environment, WHO)
    url = (made.base_url or from_environment or HOME).rstrip("/") + "/"
    made = replace(made, base_url=url)
    if made.official:
        made = replace(
            made,
            image_model=made.image_model or "gpt-image-2",
            transcribe_model=made.transcribe_model or "gpt-transcribe",
            token_limit=made.token_limit or "max_completion_tokens",
        )
    return made


def openai_key(settings: OpenAISettings, options: BackendOptions) -> Key | None:
    """Return the key; None for a server that needs none.

    ``OPENAI_API_KEY`` counts for OpenAI itself and for an address from the environment, never for one of the settings:
    a key is not sent to whom it is not for.

    Raises:
        BackendError: OpenAI itself is asked and there is none, or it would be sent in the clear.
    """
    usual = "OPENAI_API_KEY" if settings.official or not options.settings.get("base_url") else ""
    names = [name for name in (settings.api_key_env or usual,) if name]
    key = find_key(names, settings.api_key_file, WHO)
    if key is None and (settings.official or settings.api_key_env):
        raise BackendError(
            f"the {WHO} backend has no key: the environment variable {names[0]} is not set\n"
            f'  fix:  export {names[0]}=…, or name a file: api_key_file = "…" under [backends.{WHO}]'
        )
    check_secrecy(settings.base_url, key is not None, settings, WHO)
    return key
