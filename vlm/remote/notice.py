"""What leaves the machine is known: the first request to a server says so on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from .settings import is_local

_PICTURES = {"blur": "blurred pictures and questions", "drop": "questions, without pictures,"}


def notice(name: str, destination: str, settings: Mapping[str, object]) -> str:
    """Return what is said of a backend before its first request.

    >>> notice("openai", "https://api.openai.com/v1/", {})
    "knothole: the backend 'openai' sends pictures and questions to api.openai.com, which is another machine"

    Args:
        name: Registry name of the backend.
        destination: Address that requests go to.
        settings: The backend's settings.
    """
    parts = urlsplit(destination)
    what = _PICTURES.get(str(settings.get("frames", "keep")), "pictures and questions")
    where = "a server on this machine" if is_local(parts.hostname or "") else "another machine"
    return f"knothole: the backend {name!r} sends {what} to {parts.netloc.rpartition('@')[2]}, which is {where}"


def tell(text: str) -> None:
    """Say it on standard error, where no result of a program stands."""
    print(text, file=sys.stderr, flush=True)
