"""The HTTP client that the packages of the services are given: on our own wire, and following nowhere."""

from __future__ import annotations

import httpx2

from ..contract import BackendError
from .settings import RemoteSettings
from .wire import Wire


def open_wire(settings: RemoteSettings, who: str) -> tuple[Wire, httpx2.Client]:
    """Return the wire to the server of the settings and a client on it.

    Raises:
        BackendError: The environment names a proxy or certificates that cannot be used.
    """
    try:
        wire = Wire(settings.base_url, settings.parallel, int(settings.max_answer_mb * 2**20), settings.media_timeout)
    except (ValueError, OSError, ImportError) as error:
        why = f"{type(error).__name__} in the proxy or certificates of the environment"
        raise BackendError(f"the {who} backend cannot be opened: {why}") from None
    return wire, httpx2.Client(transport=wire, follow_redirects=False, trust_env=False)
