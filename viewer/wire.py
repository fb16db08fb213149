"""Messages as JSON that every browser can read, in pieces that are not too large."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from ..trees.tracing.recording import Message
from .source import Source

PAGE: Final = 4 * 2**20
"""Characters after which a piece ends; one message may go beyond."""
MOST: Final = 20_000
"""Most messages in a piece."""


def dumps(value: Any) -> str:
    """Return JSON on one line; numbers that JSON does not know become text.

    >>> dumps({"p": float("nan"), "q": [1, 2.5]})
    '{"p":"nan","q":[1,2.5]}'
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def row(number: int, message: Message) -> str:
    """Return one message: position, channel, time [s], data."""
    return dumps([number, message.topic, round(message.time, 6), message.data])


def rows(source: Source, begin: int) -> tuple[str, int]:
    """Return the next messages from a position on as a JSON list, and the position after them."""
    texts: list[str] = []
    size = 0
    for message in source.messages(begin, MOST):
        texts.append(row(begin + len(texts), message))
        size += len(texts[-1])
        if size >= PAGE:
            break
    return f"[{','.join(texts)}]", begin + len(texts)
