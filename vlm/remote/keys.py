"""Keys of remote services: where they come from, and how they stay out of every text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from ..contract import BackendError

HIDDEN = "•••"
_SHAPES = (
    re.compile(r"\b(?:sk|rk|pk|sess|hf|gsk|xai|nvapi)[-_][\w*.…-]{4,}"),
    re.compile(r"\bAIza[\w*.-]{4,}"),
    re.compile(r"\bya29\.[\w.-]+"),
    re.compile(r"\beyJ[\w-]{6,}\.[\w.-]+"),
    re.compile(r"(?<=bearer )[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
    re.compile(
        r"(?<![\w-])((?:x-)?(?:goog-)?(?:api[-_ ]?)?(?:key|token|secret|password|authorization)[\"']?\s*[=:]\s*[\"']?)"
        r"(?!bearer\b)[^\s&\"',;}]+",
        re.IGNORECASE,
    ),
)


class Key:
    """A secret that shows itself only when asked to: not in a repr, not in a text, not in a pickle."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value, self.source = value, source

    def reveal(self) -> str:
        """Return the secret itself, for the header of a request."""
        return self._value

    def __repr__(self) -> str:
        return f"Key({HIDDEN} from {self.source})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


def find_key(variables: Iterable[str], file: str, who: str) -> Key | None:
    """Return the key of a backend: from its file, else from the first environment variable that is set, else None.

    Args:
        variables: Names of environment variables, the first one that is set counts.
        file: Path of a file that holds nothing but the key; empty for none.
        who: Backend, for messages.

    Raises:
        BackendError: The file cannot be read, or what is there is no key. The message does not repeat it.
    """
    if file:
        try:
            value, source = Path(file).expanduser().read_text(encoding="utf-8"), file
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8 text"
            raise BackendError(f"the key of the {who} backend cannot be read from {file}: {why}") from None
    else:
        name = next((each for each in variables if os.environ.get(each)), None)
        if name is None:
            return None
        value, source = os.environ[name], name
    value = value.strip()
    if not value.isascii() or not value.isprintable() or " " in value or not value:
        raise BackendError(
            f"the key of the {who} backend in {source} is no key: it is empty, or has blanks or other characters\n"
            f"  fix:  put nothing but the key there"
        )
    return Key(value, source)


def scrubbed(text: str, keys: Iterable[Key | None] = ()) -> str:
    """Return a text without keys: neither the given ones nor anything that looks like one.

    >>> scrubbed("GET https://me:pw@example.org/v1?key=AIzaSyA-123456&alt=json: Bearer abc.def refused")
    'GET https://•••@example.org/v1?key=•••&alt=json: Bearer ••• refused'
    """
    for key in keys:
        if key is not None:
            for form in {key.reveal(), quote(key.reveal(), safe="")}:
                text = text.replace(form, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(lambda match: (match[1] if match.re.groups else "") + HIDDEN, text)
    return text
