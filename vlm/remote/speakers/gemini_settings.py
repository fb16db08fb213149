"""Settings of the backend for Gemini."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ...contract import BackendError, BackendOptions
from ..keys import Key, find_key
from ..settings import RemoteSettings, check_secrecy, check_url, number, read_settings, word

WHO = "gemini"
HOME = "https://generativelanguage.googleapis.com"
_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


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
    from_environment = os.environ.get("GOOGLE_GEMINI_BASE_URL", "").strip()
    if not made.base_url and from_environment:
        check_url(from_environment, WHO)
    if not made.api_version.isidentifier():
        raise BackendError(
            f"setting 'api_version' of the {WHO} backend is {made.api_version!r}, must be such as v1beta"
        )
    url = (made.base_url or from_environment or HOME).rstrip("/")
    return replace(made, base_url=url, model=made.model.removeprefix("models/"))


def gemini_key(settings: GeminiSettings, options: BackendOptions) -> Key | None:
    """Return the key; None for a server that needs none.

    The usual variables count for Google's own address and for one from the environment, never for one of the settings.

    Raises:
        BackendError: Google's own service is asked and there is none, or it would be sent in the clear.
    """
    usual = _KEYS if settings.official or not options.settings.get("base_url") else ()
    names: tuple[str, ...] = (settings.api_key_env,) if settings.api_key_env else usual
    key = find_key(names, settings.api_key_file, WHO)
    if key is None and (settings.official or settings.api_key_env):
        raise BackendError(
            f"the {WHO} backend has no key: the environment variable {names[0]} is not set\n"
            f'  fix:  export {names[0]}=…, or name a file: api_key_file = "…" under [backends.{WHO}]'
        )
    check_secrecy(settings.base_url, key is not None, settings, WHO)
    return key
