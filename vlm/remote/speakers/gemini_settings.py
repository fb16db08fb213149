"""Settings of the backend for Gemini."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...contract import BackendError, BackendOptions
from ..keys import Key
from ..service import Service
from ..settings import RemoteSettings, number, read_settings, word

WHO = "gemini"
HOME = "https://generativelanguage.googleapis.com"
_SERVICE = Service(WHO, "GOOGLE_GEMINI_BASE_URL", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), HOME)


@dataclass(frozen=True)
class GeminiSettings(RemoteSettings):
    """How Gemini is asked; see ``RemoteSettings`` for the rest.

    Attributes:
        api_version: Part of the path of each request.
        detail: Resolution at which the model reads pictures, ``low``, ``medium`` or ``high``; empty leaves it to it.
        thinking_budget: Tokens of thought before an answer, 0 for none; -2 leaves it to the model, and so does a model
            that refuses the number.
        top_logprobs: Next tokens whose probability is asked for.
        image_model: Model for ``imagine``; empty: none.
    """

    api_version: str = "v1beta"
    detail: str = word("", "", "low", "medium", "high")
    thinking_budget: int = number(0, -2, 1_000_000)
    top_logprobs: int = number(20, 1, 20)
    image_model: str = ""

    @property
    def official(self) -> bool:
        """True for Google's own service."""
        return self.base_url == HOME


def gemini_settings(options: BackendOptions) -> GeminiSettings:
    """Return checked settings, with the address filled in.

    The address is that of the settings, else of the environment variable ``GOOGLE_GEMINI_BASE_URL``, else Google's own.

    Raises:
        BackendError: One of them is wrong.
    """
    made = read_settings(GeminiSettings(), options, WHO)
    url = _SERVICE.url(made)
    if not made.api_version.isidentifier():
        raise BackendError(
            f"setting 'api_version' of the {WHO} backend is {made.api_version!r}, must be such as v1beta"
        )
    return replace(made, base_url=url, model=made.model.removeprefix("models/"))


def gemini_key(settings: GeminiSettings, options: BackendOptions) -> Key | None:
    """Return the key, None for none; see ``Service.key``."""
    return _SERVICE.key(settings, options, settings.official)
