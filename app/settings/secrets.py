"""Settings without what must not be written down: keys never reach a trace, a cassette or a report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "…"
_NAME: Final = re.compile(r"key|token|secret|passw|credential|auth|bearer|cookie|headers", re.IGNORECASE)
_PLACE: Final = re.compile(r"_(env|file|path)$")
_IN_URL: Final = re.compile(r"(\w+://)[^/@\s]+@")
_IN_QUERY: Final = re.compile(r"([?&][\w-]*(?:key|token|secret|sig|auth)[\w-]*=)[^&#\s]+", re.IGNORECASE)


def without_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which every text that may be a secret is ``…``.

    What the name calls a key, a token, a password or a header is one, unless it names a variable or a file that holds
    it; so are user and password in an address, and keys behind its question mark.

    >>> without_secrets({"api_key": "abc", "api_key_env": "KEY", "max_tokens": 9, "url": "http://me:pw@host/v1"})
    {'api_key': '…', 'api_key_env': 'KEY', 'max_tokens': 9, 'url': 'http://…@host/v1'}
    """
    return {name: _shown(str(name), value) for name, value in settings.items()}


def _shown(name: str, value: Any) -> Any:
    secret = bool(_NAME.search(name)) and not _PLACE.search(name)
    if isinstance(value, Mapping):
        return {key: HIDDEN if secret and each else _shown(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(name, each) for each in value]
    if not isinstance(value, str):
        return value
    if secret and value:
        return HIDDEN
    return _IN_QUERY.sub(rf"\g<1>{HIDDEN}", _IN_URL.sub(rf"\g<1>{HIDDEN}@", value))
