"""Settings that all backends of servers share, checked before anything is sent."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit

from ..._base import MissingExtraError, near_misses
from ..capabilities import Capabilities, CapabilityError, find_capabilities
from ..contract import BackendError, BackendOptions
from ..grounding_format import Coordinates

BROKER = ("latency", "threads")
"""Settings that others read."""
METHODS = ("auto", "decisions", "logprobs", "sampling")
S = TypeVar("S", bound="RemoteSettings")


def number(default: float, low: float, high: float = math.inf) -> Any:
    """Declare a setting with bounds; a whole number where the default is one."""
    return field(default=default, metadata={"low": low, "high": high})


def word(default: str, *words: str) -> Any:
    """Declare a setting that is one of some words."""
    return field(default=default, metadata={"words": words})


@dataclass(frozen=True)
class RemoteSettings:
    """How a server is asked.

    Attributes:
        model: Model to ask for, when the text after the colon does not name it.
        base_url: Where the server is; empty takes the service's own.
        api_key_env: Environment variable with the key; empty takes the usual one, for the service's own address only.
        api_key_file: File with nothing but the key, instead.
        plain_http: Send the key over unencrypted HTTP to another machine.
        timeout: Deadline of a request with all of its questions, [s].
        plan_timeout: The same for plans.
        media_timeout: The same for ``imagine`` and ``transcribe``.
        retries: Further tries after a failure that may pass (429, 5xx, no connection), within the deadline.
        parallel: Most requests at once.
        max_answer_mb: Largest answer that is read, [MB].
        frames: What is sent of pictures: ``keep`` all, ``blur`` so that only broad shapes are left, ``drop`` none.
        max_pictures: Most pictures in one question.
        image_side: Longest side of a picture that is sent, [px]; larger ones are made smaller. 0: as they are.
        image_format: ``png`` or ``jpeg``.
        jpeg_quality: 1 to 95.
        max_tokens: Most tokens of a description, a plan, boxes or a chat.
        answer_tokens: Most tokens of a typed answer that is sampled; models that think first need many.
        samples: How many answers are sampled where the server tells no probabilities.
        method: How typed questions are asked; ``auto`` finds out at the first one.
        coordinates: How the model writes boxes; empty takes the measured form, or the usual one.
        capabilities: File that ``knothole vlm probe`` wrote; empty for none.
        usd_per_million_in: Price of tokens read, [USD per million].
        usd_per_million_out: Price of tokens written, [USD per million].
        usd_per_image: Price of a picture made, [USD].
    """

    model: str = ""
    base_url: str = ""
    api_key_env: str = ""
    api_key_file: str = ""
    plain_http: bool = False
    timeout: float = number(5.0, 0.01, 3600.0)
    plan_timeout: float = number(30.0, 0.01, 3600.0)
    media_timeout: float = number(60.0, 0.01, 3600.0)
    retries: int = number(0, 0, 10)
    parallel: int = number(8, 1, 64)
    max_answer_mb: float = number(16.0, 0.001, 1024.0)
    frames: str = word("keep", "keep", "blur", "drop")
    max_pictures: int = number(16, 1, 1000)
    image_side: int = number(1024, 0, 16384)
    image_format: str = word("png", "png", "jpeg")
    jpeg_quality: int = number(90, 1, 95)
    max_tokens: int = number(512, 1, 1_000_000)
    answer_tokens: int = number(16, 1, 1_000_000)
    samples: int = number(3, 1, 64)
    method: str = word("auto", *METHODS)
    coordinates: str = word("", "", *get_args(Coordinates))
    capabilities: str = ""
    usd_per_million_in: float = number(0.0, 0.0)
    usd_per_million_out: float = number(0.0, 0.0)
    usd_per_image: float = number(0.0, 0.0)

    def seconds(self, kind: str) -> float:
        """Return the deadline of a kind of question, [s]."""
        longer = {"plan": self.plan_timeout, "imagine": self.media_timeout, "transcribe": self.media_timeout}
        return longer.get(kind, self.timeout)


def read_settings(made: S, options: BackendOptions, who: str) -> S:
    """Return ``made`` with the options of a run.

    Raises:
        BackendError: A setting is unknown or has a wrong value, or no model is named.
    """
    known = {each.name: each for each in fields(made)}
    given: dict[str, object] = {}
    for name, value in options.settings.items():
        if name in BROKER:
            continue
        if name not in known:
            raise BackendError(_unknown(name, known, who))
        wanted = _wrong(value, getattr(made, name), known[name].metadata)
        if wanted:
            raise BackendError(f"setting {name!r} of the {who} backend is {value!r}, must be {wanted}")
        given[name] = float(value) if isinstance(getattr(made, name), float) else value  # type: ignore[arg-type]
    made = replace(made, **given)  # type: ignore[arg-type]
    if options.argument.strip():
        made = replace(made, model=options.argument.strip())
    if not made.model:
        raise BackendError(
            f"the {who} backend is not told which model to ask\n"
            f'  fix:  --vlm {who}:MODEL, or model = "…" under [backends.{who}] in knothole.toml'
        )
    if made.base_url:
        check_url(made.base_url, who)
    return made


def _unknown(name: str, known: Mapping[str, object], who: str) -> str:
    if name in ("api_key", "key", "token"):
        return (
            f"the {who} backend takes no key from its settings, where it would be read by everyone who reads the file\n"
            f'  fix:  put it into an environment variable and name that: api_key_env = "…"; or api_key_file = "…"'
        )
    near = near_misses(name, known, 1)
    hint = f"\n  did you mean:  {near[0]}" if near else ""
    return f"the {who} backend has no setting {name!r}{hint}"


def _wrong(value: object, default: object, rules: Mapping[str, Any]) -> str:
    """Return what a setting must be, empty when it is."""
    words = rules.get("words")
    if words:
        return "" if value in words else " or ".join(each or '""' for each in words)
    if isinstance(default, bool | str):
        return "" if type(value) is type(default) else "true or false" if isinstance(default, bool) else "text"
    if isinstance(default, Mapping):
        return "" if isinstance(value, Mapping) else "a table"
    whole = isinstance(default, int)
    low, high = rules["low"], rules["high"]
    fits = isinstance(value, int) or (isinstance(value, float) and not whole)
    if fits and not isinstance(value, bool) and low <= value <= high and value != math.inf:
        return ""
    upper = f" and <= {high:g}" if high < math.inf else ""
    return f"a {'whole ' if whole else ''}number >= {low:g}{upper}"


def check_url(url: str, who: str) -> None:
    """Refuse an address that no request can be sent to, or that holds a secret.

    Raises:
        BackendError: It is such a one.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BackendError(f"setting 'base_url' of the {who} backend is no address: {error}") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BackendError(
            f"setting 'base_url' of the {who} backend has more than scheme, host, port and path\n"
            f"  why:  what stands there may be secret, and is read by everyone who reads the file\n"
            f'  fix:  put a key into an environment variable, api_key_env = "…"'
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isascii() or " " in url:
        raise BackendError(
            f"setting 'base_url' of the {who} backend is {url!r}, must be an address such as http://127.0.0.1:8000/v1"
        )


def check_secrecy(url: str, with_key: bool, settings: RemoteSettings, who: str) -> None:
    """Refuse to send a key in the clear.

    Raises:
        BackendError: The address is of another machine, without TLS, and there is a key.
    """
    parts = urlsplit(url)
    if with_key and parts.scheme == "http" and not is_local(parts.hostname or "") and not settings.plain_http:
        raise BackendError(
            f"the {who} backend would send its key unencrypted to {parts.netloc}\n"
            f"  fix:  use https, or say plain_http = true under [backends.{who}] where the network is trusted"
        )


_LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")


def is_local(host: str) -> bool:
    """Tell whether a host is this machine.

    >>> is_local("127.0.0.1"), is_local("api.openai.com")
    (True, False)
    """
    return host.lower() in _LOCAL or host.startswith("127.")


def need_package(module: str, who: str) -> None:
    """Look whether the package of a service is installed, without importing it.

    Raises:
        MissingExtraError: It is not.
    """
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        found = False
    if not found:
        raise MissingExtraError(f"the {who} backend", module, who)


def host_of(settings: RemoteSettings) -> str:
    """Return host and port of the server."""
    return urlsplit(settings.base_url).netloc


def measured(settings: RemoteSettings, who: str) -> Capabilities | None:
    """Return what the capability file of the settings says of this server and model, None where it says nothing.

    Raises:
        BackendError: The file is wrong.
    """
    if not settings.capabilities:
        return None
    try:
        return find_capabilities(Path(settings.capabilities), who, settings.model, settings.base_url)
    except CapabilityError as error:
        raise BackendError(str(error)) from error
