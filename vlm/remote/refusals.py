"""What a server says when it refuses: its words, and how long to wait."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from .failures import field

_LONGEST = 300


def told_in(body: bytes) -> tuple[str, object]:
    """Return the message in the body of an error, short, and the body as JSON (None where it is none)."""
    text = body[:65536].decode("utf-8", "replace").strip()
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return (" ".join(text.split())[:_LONGEST] if text and not text.startswith("<") else ""), None
    if isinstance(raw, list) and raw:
        raw = raw[0]
    found = next(
        (each for path in (("error", "message"), ("detail", 0, "msg"), ("error",), ("detail",), ("message",))
         if isinstance(each := field(raw, *path), str)),
        "",
    )  # fmt: skip
    return " ".join(found.split())[:_LONGEST], raw


def retry_after(headers: Mapping[str, str], raw: object) -> float | None:
    """Return how long to wait, [s]: from the headers, as milliseconds, seconds or a date, or from Google's details."""
    found: float | None = None
    with contextlib.suppress(ValueError, OverflowError):
        said = headers.get("retry-after", "")
        if "retry-after-ms" in headers:
            found = float(headers["retry-after-ms"]) / 1000
        elif said.replace(".", "", 1).isdigit():
            found = float(said)
        elif said:
            found = parsedate_to_datetime(said).timestamp() - time.time()
        else:
            details = field(raw, "error", "details")
            delays = [field(each, "retryDelay") for each in (details if isinstance(details, list) else ())]
            found = next((float(each[:-1]) for each in delays if isinstance(each, str) and each.endswith("s")), None)
    return max(0.0, found) if found is not None and math.isfinite(found) else None
