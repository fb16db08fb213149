"""Settings of the backend for OpenAI and compatible servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...contract import BackendOptions
from ..keys import Key
from ..service import Service
from ..settings import RemoteSettings, number, read_settings, word

WHO = "openai"
HOME = "https://api.openai.com/v1"
HOST = "api.openai.com"
_SERVICE = Service(WHO, "OPENAI_BASE_URL", ("OPENAI_API_KEY",), HOME)


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
    made = replace(made, base_url=_SERVICE.url(made) + "/")
    if made.official:
        made = replace(
            made,
            image_model=made.image_model or "gpt-image-2",
            transcribe_model=made.transcribe_model or "gpt-transcribe",
            token_limit=made.token_limit or "max_completion_tokens",
        )
    return made


def openai_key(settings: OpenAISettings, options: BackendOptions) -> Key | None:
    """Return the key, None for none; see ``Service.key``."""
    return _SERVICE.key(settings, options, settings.official)
