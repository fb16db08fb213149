"""What a backend was measured to do: ``knothole vlm probe`` writes it, backends read it instead of finding out again.

One file holds the entries of a project, one for each backend, endpoint and model:

```json
{"knothole_capabilities": 1,
 "entries": [{"backend": "openai", "endpoint": "http://127.0.0.1:8000/v1", "model": "qwen3-vl-4b",
              "decisions": false, "logprobs": 20, "plans": "json_schema", "coordinates": "thousandths"}]}
```

A field that is not there was not measured.
"""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit, urlunsplit

from .._base import KnotholeError, near_misses
from .grounding_format import Coordinates

FILE = "capabilities.json"
VERSION = 1
Plans = Literal["json_schema", "json_object", "text"]
TokenLimit = Literal["max_completion_tokens", "max_tokens"]
_FIX = "correct it, or delete it and measure anew with `knothole vlm probe`"
_CLOSING = re.compile(r"(?<![\s/])[\s/]+\Z")


class CapabilityError(KnotholeError):
    """A capability file cannot be read or written."""


@dataclass(frozen=True)
class Capabilities:
    """What one model behind one endpoint can do. None, and empty texts and tuples: not measured.

    Attributes:
        backend: Registry name, such as ``"openai"``.
        model: Model as it is asked for (the argument or setting), or the checkpoint's name.
        endpoint: Base URL of a remote model, without user, password, query and fragment; empty for a local one.
        decisions: It has the route for typed decisions (``/v1/decisions``, ``/v1/systemone``).
        logprobs: How many next-token probabilities it tells; 0: none.
        yes: Spellings of *yes* that came up among its next tokens, likeliest first.
        no: The same for *no*.
        plans: What it obeys when JSON is wanted: a schema, only that it be JSON, or words in the prompt.
        coordinates: Convention of its boxes, found with a square of known place.
        coordinates_error: How far they were from that square, worst corner, relative to the image's longer side.
        images: Most pictures it takes in one question.
        image_side: Longest side that it was shown without refusing, [px].
        token_limit: Which parameter limits the tokens it writes.
        kinds: Kinds of question it answered.
        latency: Median time of a yes/no question, [s].
        latency_p95: What 95 of 100 such questions stay below, [s].
        measured: Date of the measurement, such as ``"2026-11-30"``.
    """

    backend: str
    model: str
    endpoint: str = ""
    decisions: bool | None = None
    logprobs: int | None = None
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    plans: Plans | None = None
    coordinates: Coordinates | None = None
    coordinates_error: float | None = None
    images: int | None = None
    image_side: int | None = None
    token_limit: TokenLimit | None = None
    kinds: tuple[str, ...] = ()
    latency: float | None = None
    latency_p95: float | None = None
    measured: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What the entry is about: backend, endpoint, model."""
        return self.backend, plain_endpoint(self.endpoint), self.model

    def to_json(self) -> dict[str, object]:
        """Return plain data without what was not measured."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", ())}


def plain_endpoint(url: str) -> str:
    """Return a URL as it is kept in the file: no user, password, query, fragment, closing slash or space.

    >>> plain_endpoint("https://me:secret@Example.org:8443/v1/?key=secret")
    'https://example.org:8443/v1'
    >>> plain_endpoint("https://example.org/v1/ #two")
    'https://example.org/v1'
    """
    parts = urlsplit(url.strip())
    host = parts.netloc.rpartition("@")[2].lower().strip()
    return urlunsplit((parts.scheme.lower(), host, _CLOSING.sub("", parts.path), "", ""))


def read_capabilities(file: Path) -> tuple[Capabilities, ...]:
    """Return all entries of a file; none where there is no file.

    Raises:
        CapabilityError: It cannot be read, or something in it is wrong.
    """
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CapabilityError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CapabilityError(f"{file}: not JSON: {error}\n  fix:  {_FIX}") from error
    if not isinstance(raw, dict) or raw.get("knothole_capabilities") != VERSION:
        raise CapabilityError(f"{file}: no capability file of version {VERSION}\n  fix:  {_FIX}")
    entries = raw.get("entries")
    if not isinstance(entries, list):
        raise CapabilityError(f"{file}: 'entries' is no list\n  fix:  {_FIX}")
    return tuple(_entry(file, number, entry) for number, entry in enumerate(entries))


def find_capabilities(file: Path, backend: str, model: str, endpoint: str = "") -> Capabilities | None:
    """Return the entry of a model, or None where it was not measured.

    Raises:
        CapabilityError: The file is there and wrong.
    """
    key = (backend, plain_endpoint(endpoint), model)
    return next((each for each in read_capabilities(file) if each.key == key), None)


def write_capabilities(file: Path, found: Capabilities) -> None:
    """Put an entry into a file, in place of an older one of the same model; a reader sees the old file or the new one.

    Raises:
        CapabilityError: The file is there and wrong, or cannot be written.
    """
    kept = [each for each in read_capabilities(file) if each.key != found.key]
    entries = sorted([*kept, found], key=lambda each: each.key)
    rows = [{**each.to_json(), **_endpoint(each)} for each in entries]
    text = json.dumps({"knothole_capabilities": VERSION, "entries": rows}, indent=2) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(file)
    except OSError as error:
        raise CapabilityError(f"{file}: cannot be written: {error.strerror}") from error


def _endpoint(entry: Capabilities) -> dict[str, str]:
    return {"endpoint": plain_endpoint(entry.endpoint)} if entry.endpoint else {}


def _entry(file: Path, number: int, raw: object) -> Capabilities:
    where = f"{file}: entries[{number}]"
    if not isinstance(raw, dict):
        raise CapabilityError(f"{where}: no object\n  fix:  {_FIX}")
    known = [field.name for field in fields(Capabilities)]
    for name, value in raw.items():
        if name not in known:
            near = near_misses(str(name), known, 1)
            hint = f"\n  did you mean:  {near[0]}" if near else ""
            raise CapabilityError(f"{where}: unknown field {name!r}{hint}\n  fix:  {_FIX}")
        wanted, fits = _FITS[name]
        if not fits(value):
            raise CapabilityError(f"{where}: {name!r} is {value!r}, must be {wanted}\n  fix:  {_FIX}")
    for name in ("backend", "model"):
        if name not in raw:
            raise CapabilityError(f"{where}: {name!r} is missing\n  fix:  {_FIX}")
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in raw.items()}
    return Capabilities(**values)  # type: ignore[arg-type]


_Check = tuple[str, Callable[[object], bool]]


def _one_of(names: Sequence[str]) -> _Check:
    return " or ".join(names), lambda value: value in names


def _number(low: float, whole: bool = False) -> _Check:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)

    def fits(value: object) -> bool:
        return isinstance(value, kinds) and not isinstance(value, bool) and low <= value < math.inf  # type: ignore[operator]

    return f"a {'whole ' if whole else ''}number >= {low:g}", fits


_TEXT: _Check = ("text", lambda value: isinstance(value, str))
_TEXTS: _Check = (
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
)
_FITS: Mapping[str, _Check] = {
    "backend": _TEXT,
    "model": _TEXT,
    "endpoint": _TEXT,
    "decisions": ("true or false", lambda value: isinstance(value, bool)),
    "logprobs": _number(0, whole=True),
    "yes": _TEXTS,
    "no": _TEXTS,
    "plans": _one_of(get_args(Plans)),
    "coordinates": _one_of(get_args(Coordinates)),
    "coordinates_error": _number(0),
    "images": _number(0, whole=True),
    "image_side": _number(1, whole=True),
    "token_limit": _one_of(get_args(TokenLimit)),
    "kinds": _TEXTS,
    "latency": _number(0),
    "latency_p95": _number(0),
    "measured": _TEXT,
}
